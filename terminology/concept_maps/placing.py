"""Where concepts stand in their code systems, and whether a code system is still as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.terminology import Terminology
from terminology.concept_maps.closure import Placed

_WITHOUT_HIERARCHY = frozenset({"too-costly", "not-supported"})


Marks = dict[str, tuple[str, str]]
"""By code system: what tells its state from another, and a code of it."""

MOST_RELATED = 1_000_000
"""Codes above and below the concepts of one request, which are in memory at once."""


class Placing:
    """Asks the terminology. ``state`` tells one state of a code system from another (besides its version), ``named``
    makes its url of any other name that it has."""

    def __init__(
        self,
        terminology: Terminology,
        state: Callable[[str], str] = lambda system: "",
        named: Callable[[str], str] = lambda name: name,
    ):
        self._terminology, self._state, self._named = terminology, state, named

    def marks(self, codings: Sequence[JsonObject]) -> Marks:
        """The states of the code systems of some concepts."""
        systems = {self._named(one["system"]): str(one["code"]) for one in codings}
        return {system: (self._mark(system, code), code) for system, code in systems.items()}

    def changed(self, marks: Marks) -> bool:
        """Whether a code system is no more as it was."""
        return any(self._mark(system, code) != mark for system, (mark, code) in marks.items())

    def _mark(self, system: str, code: str) -> str:
        try:
            version = self._terminology.lookup(system, code).version
        except Refusal:
            version = "?"
        return f"{self._state(system)}|{version}"

    def codings(self, codings: Sequence[JsonObject]) -> list[Placed]:
        """Refused (422), naming which, where a code system is not known or has no such code."""
        placed: dict[tuple[str, str], Placed] = {}
        related = 0
        for number, coding in enumerate(codings):
            system, code = self._named(coding["system"]), coding["code"]
            if (system, code) in placed:
                continue
            try:
                one = placed[system, code] = self._place(system, code, coding.get("version", ""))
                related += len(one.ancestors) + len(one.descendants)
                if related > MOST_RELATED:
                    text = "There is too much above and below these concepts: add fewer at once"
                    raise refuse(Category.UNPROCESSABLE, "too-costly", text)
            except Refusal as refusal:
                where = f"Parameters.parameter.where(name='concept')[{number}].value"
                issue = refusal.issues[0]
                raise refuse(Category.UNPROCESSABLE, issue.code, issue.diagnostics, where) from None
        return list(placed.values())

    def _place(self, system: str, code: str, version: str) -> Placed:
        concept = self._terminology.lookup(system, code)
        if version and concept.version not in ("", version):
            text = f"The code system {system} is here in another version than the concept's"
            raise refuse(Category.UNPROCESSABLE, "not-found", text)
        above, below = (self._related(system, concept.code, one) for one in ("above", "below"))
        return Placed(system, code, concept.code, above, below)

    def _related(self, system: str, code: str, direction: str) -> frozenset[str]:
        way: Literal["above", "below"] = "above" if direction == "above" else "below"
        try:
            return frozenset(self._terminology.related(system, code, way)) - {code}
        except Refusal as refusal:
            if refusal.issues[0].code in _WITHOUT_HIERARCHY:
                return frozenset()
            raise
