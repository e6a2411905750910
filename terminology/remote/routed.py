"""What is here and the other server as one terminology: who is asked, in which order, and what stands in.

An answer is never made of a failure: where the one that could tell does not answer and nobody else can, it is refused
(503, ``transient`` or ``timeout``), and never said that a code is not in a value set.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, Literal, NoReturn, TypeVar

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.code_validation import CodeAnswer, Coded, CodeQuestion
from fhirserver.ports.terminology import (
    Concept,
    Expansion,
    KnownSystem,
    Question,
    Terminology,
    Validation,
)
from fhirserver.ports.terminology_asked import PLAIN, Asked
from terminology.remote.faults import NoAnswer, NotAsked, Unavailable
from terminology.remote.server import RemoteServer

Answer = TypeVar("Answer")
Resolve = Callable[[str, str], JsonObject | None]
_RETRY_SECONDS: Final = "5"
_ELSEWHERE: Final = frozenset({"not-found", "not-supported", "too-costly", "incomplete", "code-invalid"})
"""Issues of a refusal here that somebody else may not have."""


class RoutedTerminology:
    """A :class:`fhirserver.ports.terminology.Terminology`. ``resolve`` finds the value sets that are stored here: the
    other server is sent their definition.

    On the thread of an event loop only what is here, and what was kept of the other's answers, is looked at.
    """

    def __init__(self, here: Terminology, there: RemoteServer, resolve: Resolve):
        self.here, self.there, self._resolve = here, there, resolve
        self._may_ask = there.settings.may_ask
        self._turns = threading.local()

    waits = True

    # Operations

    def answer(self, operation: str, question: Question, asked: Asked = PLAIN) -> JsonObject:
        """From here; what is not known here is asked of the other server as it was asked of us."""
        try:
            return self.here.answer(operation, question, asked)
        except Refusal as refusal:
            if not _may_be_known_elsewhere(refusal) or not self._may_forward(question, asked):
                raise
            return self._instead(
                refusal, lambda: self.there.forward(operation, question.given, question.language)
            )

    def _may_forward(self, question: Question, asked: Asked) -> bool:
        """What is at a place of this server, or was brought along, is known here alone; a system that stays here is
        not told."""
        if question.instance or not asked.is_plain:
            return False
        codings = [one for one in question.given.get("coding", ()) if isinstance(one, dict)]
        systems = [*question.given.get("system", ()), *(one.get("system", "") for one in codings)]
        return all(self._may_ask(str(one)) for one in systems)

    def validate(self, question: CodeQuestion, asked: Asked = PLAIN) -> CodeAnswer:
        """From here; where that hangs on a code system or value set that is not known here, the other is asked about
        one coding after the other, until one is right."""
        try:
            found = self.here.validate(question, asked)
        except Refusal as refusal:
            if not asked.is_plain or not _may_be_known_elsewhere(refusal):
                raise
            return self._one_right(question) or _raised(refusal)
        if not asked.is_plain or not found.caused_by_unknown:
            return found
        return self._one_right(question) or found

    def _one_right(self, question: CodeQuestion) -> CodeAnswer | None:
        """None where the other cannot tell either."""
        told: CodeAnswer | None = None
        system = question.code_system if isinstance(question.code_system, str) else ""
        for one in question.codings:
            try:
                said = self.validate_code(
                    question.value_set or "",
                    one.system or system.partition("|")[0],
                    one.code,
                    version=one.version,
                    display="" if question.lenient_display or question.membership_only else one.display,
                )
            except Refusal as refusal:
                if refusal.category is Category.BUSY:
                    raise
                continue
            told = _answer(said, one, question)
            if told.result:
                break
        return told

    def kept(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """Only what was answered without the other is kept here: its answers have their own time."""

        def only_here() -> bytes:
            before = self._asked_there()
            made = make()
            if self._asked_there() != before:
                raise _Elsewhere(made)
            return made

        try:
            return self.here.kept(key, only_here)
        except _Elsewhere as found:
            return found.body

    def answered(self, key: Hashable) -> bytes | None:
        return self.here.answered(key)

    def _asked_there(self) -> int:
        """How often this thread has turned to the other server."""
        return getattr(self._turns, "count", 0)

    # What others ask

    def validate_code(
        self, value_set: str | JsonObject, system: str, code: str, *, version: str = "", display: str = ""
    ) -> Validation:
        return self._answered(
            system,
            lambda: self.here.validate_code(value_set, system, code, version=version, display=display),
            lambda: self._validated_there(value_set, system, code, version, display),
        )

    def _validated_there(
        self, value_set: str | JsonObject, system: str, code: str, version: str, display: str
    ) -> Validation:
        found = self.there.validate_code(self._definition(value_set), system, code, version)
        if not found.result or found.concept is None or not display:
            return found
        if _is_same(display, found.concept.display):
            return found
        concept = self.there.lookup(found.concept.system, found.concept.code)
        names = [concept.display, *(one.value for one in concept.designations)]
        if any(_is_same(display, name) for name in names):
            return replace(found, concept=concept)
        text = f"The display is none that the code has in {concept.system}"
        return Validation(False, concept, text, "invalid-display")

    def lookup(self, system: str, code: str) -> Concept:
        return self._answered(
            system,
            lambda: self.here.lookup(system, code),
            lambda: self.there.lookup(system, code),
            lambda: self._is_here(system, code),
        )

    def subsumes(self, system: str, code: str, other: str, *, version: str = "", asked: Asked = PLAIN) -> str:
        def here() -> str:
            return self.here.subsumes(system, code, other, version=version, asked=asked)

        if version or not asked.is_plain:
            return here()
        return self._answered(
            system,
            here,
            lambda: self.there.subsumes(system, code, other),
            lambda: self._is_here(system, code),
        )

    def related(self, system: str, code: str, direction: Literal["above", "below"]) -> Sequence[str]:
        return self._answered(
            system,
            lambda: self.here.related(system, code, direction),
            lambda: self.there.related(system, code, direction),
            lambda: self._is_here(system, code),
        )

    def expand(
        self, value_set: str | JsonObject, text: str = "", offset: int = 0, count: int | None = None
    ) -> Expansion:
        return self._answered(
            self._only_system(value_set),
            lambda: self.here.expand(value_set, text, offset, count),
            lambda: self.there.expand(self._definition(value_set), text, offset, count),
        )

    def systems_of(self, value_set: str | JsonObject) -> Sequence[str]:
        try:
            return self.here.systems_of(value_set)
        except Refusal as refusal:
            return self._instead(refusal, lambda: self.there.systems_of(self._definition(value_set)))

    def members(self, value_set: str | JsonObject, system: str, codes: Iterable[str]) -> frozenset[str]:
        asked = list(codes)
        return self._answered(
            system,
            lambda: self.here.members(value_set, system, asked),
            lambda: self.there.members(self._definition(value_set), system, asked),
        )

    def systems(self) -> Sequence[KnownSystem]:
        """What is here, and what the other says that it has (nothing where it does not answer)."""
        known = {one.url: one for one in self.here.systems()}
        with suppress(NoAnswer):
            for url in self.there.systems():
                if self._may_ask(url):
                    known.setdefault(url, KnownSystem(url))
        return [known[url] for url in sorted(known)]

    # Who answers

    def _answered(
        self,
        system: str,
        here: Callable[[], Answer],
        there: Callable[[], Answer],
        is_here: Callable[[], bool] = lambda: False,
    ) -> Answer:
        """``is_here``: whether a refusal here is the last word, since all codes of the system are here."""
        if not self._may_ask(system):
            return here()
        if self.there.settings.is_first:
            return self._first_there(here, there)
        try:
            return here()
        except Refusal as refusal:
            if not _may_be_known_elsewhere(refusal) or is_here():
                raise
            return self._instead(refusal, there)

    def _first_there(self, here: Callable[[], Answer], there: Callable[[], Answer]) -> Answer:
        self._turns.count = self._asked_there() + 1
        try:
            return there()
        except NoAnswer as fault:
            try:
                return here()
            except Refusal as refusal:
                raise _explained(refusal, fault) from None

    def _instead(self, refusal: Refusal, there: Callable[[], Answer]) -> Answer:
        self._turns.count = self._asked_there() + 1
        try:
            return there()
        except NoAnswer as fault:
            raise _explained(refusal, fault) from None

    def _is_here(self, system: str, code: str) -> bool:
        """Whether all codes of a system are known here, so that one which is not among them is none."""
        with suppress(Refusal):
            self.here.validate_code("", system, code)
            return True
        return False

    def _definition(self, value_set: str | JsonObject) -> str | JsonObject:
        """A value set as it is told to the other server: by its definition where it is stored here, for it may be
        another than theirs of that name; else by its url."""
        if not isinstance(value_set, str) or not value_set:
            return value_set
        return self._resolve(value_set, "ValueSet") or value_set

    def _only_system(self, value_set: str | JsonObject) -> str:
        """The system of a value set; empty where it may have several, or is not known here."""
        with suppress(Refusal):
            systems = list(self.here.systems_of(value_set))
            if len(systems) == 1:
                return systems[0]
        return ""


class _Elsewhere(Exception):
    """An answer that is not to be kept here."""

    def __init__(self, body: bytes):
        self.body = body
        super().__init__("answered elsewhere")


def _raised(refusal: Refusal) -> NoReturn:
    raise Refusal(refusal.category, refusal.issues)


def _answer(said: Validation, one: Coded, question: CodeQuestion) -> CodeAnswer:
    """What ``$validate-code`` answers of one coding."""
    found = said.concept
    return CodeAnswer(
        said.result,
        said.message,
        found.code if found else one.code,
        (found.system if found else "") or one.system,
        found.version if found else "",
        found.display if found else "",
        concept=question.concept,
        inactive=found.inactive if found else False,
    )


def _may_be_known_elsewhere(refusal: Refusal) -> bool:
    return any(issue.code in _ELSEWHERE for issue in refusal.issues)


def _explained(refusal: Refusal, fault: NoAnswer) -> Refusal:
    """The refusal from here where the other knows no better; else that the other does not answer now."""
    if not isinstance(fault, Unavailable):
        return Refusal(refusal.category, refusal.issues)
    own = "; ".join(issue.diagnostics for issue in refusal.issues)
    text = f"{own}, and the terminology server that may know it was not asked: {fault}"
    if not isinstance(fault, NotAsked):
        text = f"{own}, and the terminology server that may know it does not answer: {fault}"
    made = refuse(Category.BUSY, fault.code, text)
    made.headers["Retry-After"] = _RETRY_SECONDS
    return made


def _is_same(display: str, other: str) -> bool:
    return " ".join(display.split()).casefold() == " ".join(other.split()).casefold()
