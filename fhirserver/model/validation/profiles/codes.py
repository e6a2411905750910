"""Codes against value sets and code systems. https://hl7.org/fhir/R4/terminologies.html#strength"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from threading import Lock
from time import monotonic
from typing import NamedTuple, TypeVar

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.model.definitions import Binding
from fhirserver.model.fhirpath import Typed
from fhirserver.model.fhirpath.terminologies import ServedTerminologies
from fhirserver.model.validation.profiles.code_formats import GRAMMARS, UCUM, URI, is_malformed
from fhirserver.model.validation.report import Place, Report
from fhirserver.ports.concept_maps import ConceptMaps
from fhirserver.ports.conformance import Conformance
from fhirserver.ports.terminology import Concept, Terminology

T = TypeVar("T")
KEPT = 8192
_CODED = frozenset({"Coding", "CodeableConcept", "Quantity", "Age", "Count", "Distance", "Duration", "Money"})
_SEVERITY = {"required": "error", "extensible": "warning", "preferred": "information"}
_WORDS = {"required": "must", "extensible": "should", "preferred": "is recommended to"}
_DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


class Coded(NamedTuple):
    """One code with its system (empty for the codes of ``code`` elements) and its place below the element."""

    system: str
    code: str
    display: str
    place: Place


class _Passing(Exception):
    """It cannot be told now."""


def _raise_if_passing(refusal: Refusal) -> None:
    if refusal.category in (Category.BUSY, Category.TIMEOUT):
        raise _Passing from None


class Codes:
    """What the terminology says, remembered. Also what FHIRPath asks of a terminology.

    What cannot be told only now, since another server does not answer, is asked again the next time.
    """

    def __init__(
        self, conformance: Conformance, terminology: Terminology | None, seconds: float | None = None
    ):
        """``seconds``: how long an answer holds; None: until :meth:`forget`."""
        self._conformance = conformance
        self._terminology = terminology
        self._seconds = math.inf if seconds is None else seconds
        self.offered = ServedTerminologies(terminology) if terminology is not None else None
        """What expressions know as ``%terminologies``."""
        self._lock = Lock()
        self._known: OrderedDict[Hashable, tuple[float, object]] = OrderedDict()
        self._generation = 0

    def translate_by(self, concept_maps: ConceptMaps) -> None:
        """Have expressions translate codes."""
        if self._terminology is not None:
            self.offered = ServedTerminologies(self._terminology, concept_maps)

    def forget(self) -> None:
        """Ask everything anew, also what is just being asked."""
        with self._lock:
            self._known.clear()
            self._generation += 1

    # Questions

    def holds(self, value_set: str, system: str, code: str) -> bool | None:
        """Whether a value set has a code; None where that cannot be told."""
        return self._remembered(("in", value_set, system, code), lambda: self._holds(value_set, system, code))

    def _holds(self, value_set: str, system: str, code: str) -> bool | None:
        grammar = GRAMMARS.get(value_set.partition("|")[0])
        if grammar is not None:
            return system in ("", grammar[0]) and grammar[1].match(code) is not None
        if self._terminology is None:
            return None
        for url in dict.fromkeys((value_set, value_set.partition("|")[0])):
            try:
                return self._terminology.validate_code(url, system, code).result
            except Refusal as refusal:
                _raise_if_passing(refusal)
        return None

    def concept(self, system: str, code: str) -> Concept | None:
        """What a code system says of a code; None where it, or the code, is not known."""
        return self._remembered(("concept", system, code), lambda: self._concept(system, code))

    def _concept(self, system: str, code: str) -> Concept | None:
        if self._terminology is None:
            return None
        try:
            return self._terminology.lookup(system, code)
        except Refusal as refusal:
            _raise_if_passing(refusal)
            return None

    def is_unknown(self, system: str, code: str) -> bool:
        """Whether a code surely is not in its system: all codes of the system are known."""
        if is_malformed(system, code):
            return True
        return self._remembered(("system", system, code), lambda: self._is_in(system, code)) is False

    def _is_in(self, system: str, code: str) -> bool | None:
        if self._terminology is None:
            return None
        try:
            return self._terminology.validate_code("", system, code).result
        except Refusal as refusal:
            _raise_if_passing(refusal)
            return None

    def _remembered(self, key: Hashable, ask: Callable[[], T | None]) -> T | None:
        with self._lock:
            known = self._known.get(key)
            if known is not None and known[0] > monotonic():
                self._known.move_to_end(key)
                return known[1]  # type: ignore[return-value]
            generation = self._generation
        try:
            found = ask()
        except _Passing:
            return None
        with self._lock:
            if generation == self._generation:  # what was asked of the old is no answer for the new
                self._known[key] = (monotonic() + self._seconds, found)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return found

    # For expressions

    def member_of(self, item: Typed, value_set: str) -> bool | None:
        answers = [self.holds(value_set, c.system, c.code) for c in coded(item, (None, item.type, -1))]
        return True if True in answers else None if None in answers else False

    def subsumes(self, left: Typed, right: Typed) -> bool | None:
        ours, theirs = (list(coded(i, (None, i.type, -1))) for i in (left, right))
        answers = [self._below(a, b) for a in ours for b in theirs if a.system == b.system]
        return True if True in answers else None if None in answers else False

    def _below(self, left: Coded, right: Coded) -> bool | None:
        key = ("subsumes", left.system, left.code, right.code)
        return self._remembered(key, lambda: self._subsumes(left, right))

    def _subsumes(self, left: Coded, right: Coded) -> bool | None:
        if self._terminology is None:
            return None
        try:
            outcome = self._terminology.subsumes(left.system, left.code, right.code)
        except Refusal as refusal:
            _raise_if_passing(refusal)
            return None
        return outcome in ("equivalent", "subsumes")

    # Checks

    def check_binding(self, item: Typed, binding: Binding, place: Place, report: Report) -> None:
        """An element that is bound to a value set has one of its codes, or none of them at least is surely wrong."""
        severity = _SEVERITY.get(binding.strength)
        if severity is None or (binding.strength != "required" and _is_absent(item)):
            return
        codes = list(coded(item, place))
        if not codes:
            self._no_code(item, binding, severity, place, report)
            return
        answers = [self.holds(binding.value_set, c.system, c.code) for c in codes]
        must = _WORDS[binding.strength]
        if True in answers:
            return
        if None not in answers:
            words = f"the code {must} come from the value set {binding.value_set} ({binding.strength})"
            report.add("code-invalid", words, place, severity)
        elif binding.strength != "preferred":
            words = f"the value set {binding.value_set} or its codes are not known here, so the code was not checked"
            report.add("not-found", words, place, "warning")

    def _no_code(self, item: Typed, binding: Binding, severity: str, place: Place, report: Report) -> None:
        """Text alone is enough where the value set need not be used."""
        if item.type in ("Quantity", "Age", "Duration") and isinstance(item.value, dict):
            return
        if binding.strength in ("required", "extensible"):
            must = _WORDS[binding.strength]
            words = f"has no code, and {must} have one from the value set {binding.value_set} ({binding.strength})"
            report.add("code-invalid", words, place, severity)

    def check_codes(self, item: Typed, place: Place, report: Report, display: str) -> None:
        """Every code that names its system is one of that system, with a display that the system has for it.

        ``display`` is the severity of another display, and of what is no URI: official examples have names for one.
        """
        for one in coded(item, place):
            if one.system and self.is_unknown(one.system, one.code):
                severity = display if one.system == URI else "error"
                report.add(
                    "code-invalid", "the code system has no such code", (one.place, "code", -1), severity
                )
            elif one.display and one.system:
                self._check_display(one, report, display)

    def check_unit(self, item: Typed, place: Place, report: Report, severity: str) -> None:
        """The unit of a quantity is one of UCUM where it says so. Official examples have tablets (TAB) for one."""
        for one in coded(item, place):
            if one.system == UCUM and self.is_unknown(one.system, one.code):
                report.add("code-invalid", "is no unit of UCUM", (one.place, "code", -1), severity)

    def _check_display(self, one: Coded, report: Report, severity: str) -> None:
        concept = self.concept(one.system, one.code)
        if concept is None or not concept.display:
            return
        known = [concept.display, *(d.value for d in concept.designations)]
        if _folded(one.display) not in map(_folded, known):
            words = "the code system has another display for this code"
            report.add("invalid", words, (one.place, "display", -1), severity)


def coded(item: Typed, place: Place) -> Iterator[Coded]:
    """The codes in a code, Coding, CodeableConcept or Quantity."""
    if item.type not in _CODED:
        if isinstance(item.value, str):
            yield Coded("", item.value, "", place)
        return
    if not isinstance(item.value, dict):
        return
    if item.type != "CodeableConcept":
        yield from _coding(item.value, place)
        return
    codings = item.value.get("coding")
    for at, coding in enumerate(codings if isinstance(codings, list) else ()):
        if isinstance(coding, dict):
            yield from _coding(coding, (place, "coding", at))


def _coding(coding: JsonObject, place: Place) -> Iterator[Coded]:
    code = coding.get("code")
    if isinstance(code, str):
        yield Coded(_text(coding.get("system")), code, _text(coding.get("display")), place)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _is_absent(item: Typed) -> bool:
    """Whether extensions stand where there is no value."""
    node = item.value if isinstance(item.value, dict) else getattr(item, "sibling", None)
    extensions = node.get("extension") if isinstance(node, dict) else None
    if not isinstance(extensions, list):
        return False
    return any(isinstance(e, dict) and e.get("url") == _DATA_ABSENT for e in extensions)
