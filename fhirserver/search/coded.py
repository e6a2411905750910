"""Values of token parameters that ask the terminology: ``:in``, ``:not-in``, ``:above``, ``:below``.

https://hl7.org/fhir/R4/search.html#token The answer is a set of codes. A small one is listed when the search is parsed;
of a large one each code that resources have is asked about when it is searched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.kernel.references import parse_reference
from fhirserver.ports.terminology import Concept, Terminology
from fhirserver.search.escapes import split, unescape
from fhirserver.search.expression import Expression, Nothing, TokenAmong, TokenIn

Found = TypeVar("Found")

LISTED = 500
"""Sets of so many codes at most are listed: as many look-ups in an index cost less than asking what codes there are."""
LISTED_AT_MOST = 20_000
"""As many are listed where a condition is kept and judged without asking anybody."""
_TOO_MANY = "too-costly"


def in_value_set(
    code: str, text: str, base: str, terminology: Terminology | None, listed: int = LISTED
) -> Expression:
    """The codes of the value set that ``text`` names: its canonical url, or ``ValueSet/id`` of this server."""
    url = _local(unescape(text), base)
    if not url:
        raise ValueError("expected the canonical url of a value set, or ValueSet/[id]")
    return _of(code, url, _known(terminology), listed)


def related(
    direction: Literal["above", "below"],
    code: str,
    text: str,
    terminology: Terminology | None,
    listed: int = LISTED,
) -> Expression:
    """The concept ``text``, written ``[system]|[code]``, and those it is below or above."""
    sides = [unescape(side) for side in split(text, "|")]
    if len(sides) != 2 or not all(sides):
        raise ValueError("expected [system]|[code]")
    system, concept = sides
    asked = _known(terminology)
    if direction == "above":
        return _among(code, {system: list(_asked(lambda: asked.related(system, concept, direction)))})
    known = _asked(lambda: asked.lookup(system, concept))
    return _of(code, _is_a(system, known.code), asked, listed)


def _is_a(system: str, code: str) -> JsonObject:
    """The value set of a concept and all below it. https://hl7.org/fhir/R4/valueset-filter-operator.html"""
    condition = {"property": "concept", "op": "is-a", "value": code}
    compose = {"include": [{"system": system, "filter": [condition]}]}
    return {"resourceType": "ValueSet", "status": "active", "compose": compose}


def _of(param: str, value_set: str | JsonObject, terminology: Terminology, listed: int) -> Expression:
    concepts = _asked(lambda: _listed(value_set, terminology, listed))
    if concepts is None:
        return TokenAmong(param, Members(param, value_set, terminology))
    codes: dict[str, list[str]] = {}
    for concept in concepts:
        codes.setdefault(concept.system, []).append(concept.code)
    return _among(param, codes)


def _listed(value_set: str | JsonObject, terminology: Terminology, most: int) -> Sequence[Concept] | None:
    """All concepts; None where they are too many."""
    try:
        if terminology.expand(value_set, count=0).total > most:
            return None
        expansion = terminology.expand(value_set, count=most)
    except Refusal as refusal:
        if any(issue.code == _TOO_MANY for issue in refusal.issues):
            return None
        raise
    return expansion.concepts if expansion.total <= most else None


@dataclass(frozen=True, eq=False)
class Members:
    """The codes of a value set, each asked about. See :class:`fhirserver.search.expression.CodeSet`."""

    param: str
    value_set: str | JsonObject
    terminology: Terminology

    @cached_property
    def systems(self) -> tuple[str, ...]:
        return self._told(lambda: tuple(self.terminology.systems_of(self.value_set)))

    def members(self, system: str, codes: Iterable[str]) -> frozenset[str]:
        return self._told(lambda: self.terminology.members(self.value_set, system, codes))

    def _told(self, ask: Callable[[], Found]) -> Found:
        try:
            return _asked(ask)
        except ValueError as error:
            text = f"Malformed value of {self.param}: {error}"
            raise refuse(Category.INVALID, "invalid", text, f"http.{self.param}") from None


def _among(code: str, codes: dict[str, list[str]]) -> Expression:
    return TokenIn(code, tuple((s, frozenset(found)) for s, found in codes.items())) if codes else Nothing()


def _local(text: str, base: str) -> str:
    """A reference to a ValueSet of this server without the base; anything else as it stands."""
    literal = parse_reference(text)
    if literal is not None and literal.type == "ValueSet" and literal.base in ("", base):
        return f"ValueSet/{literal.id}"
    return text


def _known(terminology: Terminology | None) -> Terminology:
    if terminology is None:
        raise ValueError("this server has no terminology to ask")
    return terminology


def _asked(ask: Callable[[], Found]) -> Found:
    """What the terminology answers; its refusals are about the value of the parameter."""
    try:
        return ask()
    except Refusal as refusal:
        if refusal.category in (Category.BUSY, Category.TIMEOUT):  # another server does not answer now
            raise
        raise ValueError("; ".join(issue.diagnostics for issue in refusal.issues)) from None
