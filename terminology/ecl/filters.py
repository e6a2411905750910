"""Filters of concepts and of their descriptions. https://docs.snomed.org (ECL 2.2, 6.8 and 6.9)

Of a description are kept: term, language, type, and how it is rated in language reference sets. Its own id, module and
time are not, nor inactive descriptions, and asking for them is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.terminology import Concept, Designation
from terminology.ecl.budget import Budget
from terminology.ecl.comparing import COMPARE, fits, words
from terminology.ecl.dialects import DIALECTS, USE_CONTEXT
from terminology.ecl.filters_parsing import DEFINITION_STATUS, DESCRIPTION_TYPES
from terminology.ecl.model import Accepted, Constraint, Filter, Filtered, SearchTerm, unsupported
from terminology.ecl.substrate import Substrate
from terminology.positions import Positions

_TYPES = frozenset(DESCRIPTION_TYPES.values())
_SYNONYM, _DEFINITION = DESCRIPTION_TYPES["syn"], DESCRIPTION_TYPES["def"]


@dataclass(frozen=True, slots=True)
class Description:
    term: str
    language: str
    type: str
    ratings: tuple[tuple[str, str], ...]
    """``(language reference set, acceptability)``"""


Holds: TypeAlias = Callable[[Description], bool]


class FilterReader:
    def __init__(self, on: Substrate, select: Callable[[Constraint], Positions], budget: Budget):
        self._on, self._select, self._budget = on, select, budget

    def select(self, constraint: Filtered, among: Positions) -> Positions:
        if constraint.kind == "d":
            return self._described(constraint.filters, among)
        for one in constraint.filters:
            among &= self._of_concepts(one)
        return among

    def _of(self, numbers: Iterable[int]) -> Positions:
        return Positions.of(self._budget.watch(numbers), self._on.size)

    # Concepts

    def _of_concepts(self, one: Filter) -> Positions:
        if one.name == "effectivetime":
            return self._effective(one)
        found = _CONCEPT_FILTERS[one.name](self, one)
        return found if one.operator == "=" else Positions.all(self._on.size) - found

    def _active(self, one: Filter) -> Positions:
        inactive, everything = self._on.inactive(), Positions.all(self._on.size)
        asked = one.value if isinstance(one.value, tuple) else ()
        if len(asked) > 1:
            return everything
        return everything - inactive if asked == ("true",) else inactive

    def _module(self, one: Filter) -> Positions:
        return self._of(self._on.having("moduleId", self._codes(one)))

    def _definition_status(self, one: Filter) -> Positions:
        words = {DEFINITION_STATUS["defined"]: "true", DEFINITION_STATUS["primitive"]: "false"}
        wanted = [words[code] for code in self._codes(one) if code in words]
        return self._of(self._on.having("sufficientlyDefined", wanted))

    def _codes(self, one: Filter) -> Iterable[str]:
        """The concepts that are named: by their codes, also where they are none of the system."""
        if isinstance(one.value, tuple):
            return [str(code) for code in one.value]
        code = getattr(one.value, "code", None)
        return [code] if code else self._on.codes(self._select(one.value))  # type: ignore[arg-type]

    def _effective(self, one: Filter) -> Positions:
        holds = _dates(one)
        return self._of(
            n for n, _, value in self._on.rows("effectiveTime") if holds(value.replace("-", "")[:8])
        )

    # Descriptions

    def _described(self, filters: tuple[Filter, ...], among: Positions) -> Positions:
        """Those with a description that passes all filters."""
        tests = [_DESCRIPTION_FILTERS[one.name](self, one) for one in filters if not _says_nothing(one)]
        defined = any(one.name in ("type", "typeid") for one in filters)
        found = among if defined else self._likely(filters, among)
        concepts = zip(found, self._on.concepts(found), strict=True)
        return self._of(n for n, concept in concepts if _has(concept, tests, defined))

    def _likely(self, filters: tuple[Filter, ...], among: Positions) -> Positions:
        """Fewer than ``among``, where the index of words can tell that others have no such description."""
        for one in filters:
            terms = _terms(one) if one.operator == "=" else []
            if terms and all(term.how == "match" for term in terms):
                among &= self._of(
                    n for term in self._budget.watch(terms) for n in self._on.search(words(term))
                )
        return among

    def _term(self, one: Filter) -> Holds:
        terms = (
            [term for term in one.value if isinstance(term, SearchTerm)]
            if isinstance(one.value, tuple)
            else []
        )
        equal = one.operator == "="
        return lambda description: any(fits(description.term, term) for term in terms) == equal

    def _language_is(self, one: Filter) -> Holds:
        wanted, equal = one.value, one.operator == "="
        return lambda description: (description.language in wanted) == equal  # type: ignore[operator]

    def _type(self, one: Filter) -> Holds:
        wanted, equal = frozenset(self._codes(one)), one.operator == "="
        return lambda description: (description.type in wanted) == equal

    def _dialect(self, one: Filter) -> Holds:
        assert isinstance(one.value, tuple)
        asked = [
            pair for accepted in one.value if isinstance(accepted, Accepted) for pair in self._rated(accepted)
        ]
        equal = one.operator == "="
        return lambda description: _is_rated(description, asked) == equal

    def _rated(self, accepted: Accepted) -> Iterator[tuple[str, tuple[str, ...]]]:
        if not isinstance(accepted.sets, str):
            code = getattr(accepted.sets, "code", None)
            for one in [code] if code else self._on.codes(self._select(accepted.sets)):
                yield one, accepted.ratings
        elif accepted.sets in DIALECTS:
            yield DIALECTS[accepted.sets], accepted.ratings
        else:
            raise unsupported("the language reference set of a dialect is not known: name it by dialectId")

    def _refused(self, one: Filter) -> Holds:
        raise unsupported(f"the {one.name} of descriptions is not kept here")


def _has(concept: Concept, tests: list[Holds], definitions: bool) -> bool:
    return any(all(test(one) for test in tests) for one in descriptions(concept, definitions))


def _terms(one: Filter) -> list[SearchTerm]:
    return (
        [term for term in one.value if isinstance(term, SearchTerm)] if isinstance(one.value, tuple) else []
    )


def _is_rated(description: Description, asked: list[tuple[str, tuple[str, ...]]]) -> bool:
    return any(
        named == wanted and (not ratings or rating in ratings)
        for named, rating in description.ratings
        for wanted, ratings in asked
    )


def _says_nothing(one: Filter) -> bool:
    """``active = true``: all descriptions kept are active."""
    if one.name != "active":
        return False
    if (one.value == ("true",)) == (one.operator == "="):
        return True
    raise unsupported("inactive descriptions are not kept here")


def _dates(one: Filter) -> Callable[[str], bool]:
    """Several dates are alternatives; an empty one is that of what was not published yet."""
    assert isinstance(one.value, tuple)
    dates, compare = [str(date) for date in one.value], COMPARE[one.operator]
    if one.operator in ("=", "!="):
        return lambda text: (text in dates) == (one.operator == "=")
    return lambda text: bool(text) and any(date and compare(text, date) for date in dates)


def descriptions(concept: Concept, definitions: bool = True) -> Iterator[Description]:
    """The descriptions of a concept: its designations that say which type they are; else all texts it has. Its
    definition is one only where types are asked for."""
    typed = [one for one in concept.designations if one.use and one.use.get("code") in _TYPES]
    for one in typed or (Designation(concept.display, concept.language), *concept.designations):
        kind = (one.use or {}).get("code", _SYNONYM) if typed else _SYNONYM
        yield Description(one.value, (one.language or "en")[:2].lower(), kind, tuple(_ratings(one)))
    if concept.definition and definitions:
        yield Description(concept.definition, concept.language[:2] or "en", _DEFINITION, ())


def _ratings(designation: Designation) -> Iterator[tuple[str, str]]:
    for extension in designation.extensions:
        if extension.get("url") == USE_CONTEXT:
            parts = {part.get("url"): part.get("valueCoding", {}) for part in extension.get("extension", ())}
            yield _code(parts, "context"), _code(parts, "role")


def _code(parts: dict[str, JsonObject], name: str) -> str:
    return str(parts.get(name, {}).get("code", ""))


_CONCEPT_FILTERS: dict[str, Callable[[FilterReader, Filter], Positions]] = {
    "active": FilterReader._active,
    "moduleid": FilterReader._module,
    "definitionstatus": FilterReader._definition_status,
    "definitionstatusid": FilterReader._definition_status,
}
_DESCRIPTION_FILTERS: dict[str, Callable[[FilterReader, Filter], Holds]] = {
    "term": FilterReader._term,
    "language": FilterReader._language_is,
    "type": FilterReader._type,
    "typeid": FilterReader._type,
    "dialect": FilterReader._dialect,
    "dialectid": FilterReader._dialect,
    "moduleid": FilterReader._refused,
    "effectivetime": FilterReader._refused,
    "id": FilterReader._refused,
}
