"""Descriptions: what the language reference sets say of them, and which of them is a concept's display.

Kept in memory are numbers only: 8 bytes for a rated description, 16 for a name, which itself waits on disk.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from fhirserver.kernel.json import JsonObject
from terminology.ecl.dialects import DIALECTS, USE_CONTEXT
from terminology.imports.snomed.header import SNOMED
from terminology.imports.spool import MOST_RANKS, Spool
from terminology.imports.tables import Values

PREFERRED, ACCEPTABLE = "900000000000548007", "900000000000549004"
FSN, SYNONYM, DEFINITION = "900000000000003001", "900000000000013009", "900000000000550004"
USES: dict[str, JsonObject] = {
    FSN: {"system": SNOMED, "code": FSN, "display": "Fully specified name"},
    SYNONYM: {"system": SNOMED, "code": SYNONYM, "display": "Synonym"},
    DEFINITION: {"system": SNOMED, "code": DEFINITION, "display": "Definition"},
}
PREFERRED_FOR_LANGUAGE: JsonObject = {
    "system": "http://terminology.hl7.org/CodeSystem/hl7TermMaintInfra",
    "code": "preferredForLanguage",
}
_ROLES = {PREFERRED: "Preferred", ACCEPTABLE: "Acceptable"}
_US, _GB = "900000000000509007", "900000000000508004"
_FIRST = {"GB": ("999001261000000100", "999001251000000103", _GB, _US)}
"""Whose preferred terms are the displays, by the country that the files are of."""


class SortedIds:
    """A set of numbers, 8 bytes each."""

    def __init__(self) -> None:
        self._ids = array("q")

    def add(self, id: int) -> None:
        self._ids.append(id)

    def sort(self) -> None:
        self._ids = array("q", sorted(self._ids))

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, id: int) -> bool:
        at = bisect_left(self._ids, id)
        return at < len(self._ids) and self._ids[at] == id


class Ratings:
    """How each language reference set rates each description."""

    def __init__(self, country: str):
        self._sets: dict[tuple[str, str], SortedIds] = {}
        self._first = _FIRST.get(country, (_US, _GB))
        self._last: tuple[int, tuple[tuple[str, str], ...]] = (-1, ())
        self._extensions: dict[tuple[tuple[str, str], ...], tuple[JsonObject, ...]] = {}

    def add(self, description: int, refset: str, rating: str) -> None:
        self._sets.setdefault((refset, rating), SortedIds()).add(description)

    def sort(self) -> None:
        """When all are added."""
        for ids in self._sets.values():
            ids.sort()
        sets = {refset: 0 for refset, _ in self._sets}
        for (refset, _), ids in self._sets.items():
            sets[refset] += len(ids)
        rest = sorted((one for one in sets if one not in self._first), key=lambda one: (-sets[one], one))
        self._order = [one for one in self._first if one in sets] + rest
        self._sets = {
            key: self._sets[key] for key in sorted(self._sets, key=lambda k: (self._order.index(k[0]), k[1]))
        }

    def of(self, description: int) -> tuple[tuple[str, str], ...]:
        """``(language reference set, rating)``. The last answer is kept: each description is asked for twice."""
        if description != self._last[0]:
            self._last = (description, tuple(key for key, ids in self._sets.items() if description in ids))
        return self._last[1]

    def rank(self, ratings: Sequence[tuple[str, str]]) -> int | None:
        """0 for a term that is preferred where the displays come from; more for others; None if preferred nowhere."""
        return min(
            (self._order.index(refset) for refset, rating in ratings if rating == PREFERRED), default=None
        )

    def dialects(self, ratings: Sequence[tuple[str, str]]) -> Iterator[str]:
        """The dialects in which a term is preferred that is not the display, as languages."""
        if (self._order[0], PREFERRED) not in ratings:
            yield from (
                _TAGS[refset] for refset, rating in ratings if rating == PREFERRED and refset in _TAGS
            )

    def extensions(self, ratings: tuple[tuple[str, str], ...], type: str) -> tuple[JsonObject, ...]:
        """As SNOMED's FHIR guidance has them: one ``designation-use-context`` for each language reference set."""
        key = (*ratings, ("", type))
        if key not in self._extensions:
            self._extensions[key] = tuple(_use_context(refset, rating, type) for refset, rating in ratings)
        return self._extensions[key]


def _use_context(refset: str, rating: str, type: str) -> JsonObject:
    role = {"system": SNOMED, "code": rating, "display": _ROLES.get(rating, "")}
    parts: list[tuple[str, JsonObject]] = [
        ("context", {"system": SNOMED, "code": refset}),
        ("role", {name: value for name, value in role.items() if value}),
        ("type", USES.get(type, {"system": SNOMED, "code": type})),
    ]
    return {"url": USE_CONTEXT, "extension": [{"url": name, "valueCoding": coding} for name, coding in parts]}


def _tag(dialect: str) -> str:
    language, _, region = dialect.partition("-")
    return f"{language}-{region.upper()}" if len(region) == 2 else dialect


_TAGS = {refset: _tag(dialect) for dialect, refset in reversed(DIALECTS.items()) if "-nhs" not in dialect[:6]}


class Names:
    """The fully specified name and the best preferred term of each concept."""

    _FSN_RANK = MOST_RANKS - 1

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.sort = spool.sort

    def add(self, concept: int, term: str, rank: int | None) -> None:
        """``rank``: None for a fully specified name."""
        self._spool.add(concept, self._FSN_RANK if rank is None else min(rank, self._FSN_RANK - 1), term)

    def of(self, concept: int) -> tuple[str, str]:
        """``(preferred term, fully specified name)``; empty where there is none."""
        preferred = fsn = ""
        for rank, term in self._spool.of(concept):
            if rank == self._FSN_RANK:
                fsn = fsn or term
            else:
                preferred = preferred or term
        return preferred, fsn


def definitions(rows: Iterator[Values]) -> dict[int, str]:
    """Texts by concept, English before others. There are some thousand. Rows: … conceptId, languageCode, term."""
    found: dict[int, str] = {}
    for _, _, active, concept, language, term in rows:
        if active == "1" and concept.isdigit() and (int(concept) not in found or language == "en"):
            found[int(concept)] = term
    return found
