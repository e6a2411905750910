"""A search by what was merged finds what is at the survivor: references are shown to lead there.

What names a version, such as the target of a Provenance, still leads to what was merged: that is found as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fhirserver.search.expression import (
    And,
    Chain,
    Expression,
    Has,
    Not,
    Or,
    Query,
    ReferenceIs,
    Within,
    disjunction,
)

_STAYS = frozenset({"link"})
"""By which a Patient says what replaces what."""


def following(query: Query, merged: Mapping[str, str]) -> Query:
    """The query with every reference also as it leads now. ``merged``: ``Type/id`` → ``Type/id``."""
    where, wheres = _following(query.where, merged), tuple(_following(one, merged) for one in query.wheres)
    same = where is query.where and all(map(lambda one, old: one is old, wheres, query.wheres))
    return query if same else replace(query, where=where, wheres=wheres)


def _following(expression: Expression, merged: Mapping[str, str]) -> Expression:
    match expression:
        case And(of) | Or(of):
            found = tuple(_following(one, merged) for one in of)
            changed = any(one is not old for one, old in zip(found, of, strict=True))
            return replace(expression, of=found) if changed else expression
        case Not(of):
            inner = _following(of, merged)
            return expression if inner is of else Not(inner)
        case Chain(where=where) | Has(where=where):
            inner = _following(where, merged)
            return expression if inner is where else replace(expression, where=inner)
        case ReferenceIs(param, type, target) | Within(param, type, target) if param not in _STAYS:
            onward = [place for place in _onward(type, target, merged) if place != f"{type}/{target}"]
            also: list[Expression] = [_at(expression, place) for place in onward]
            return disjunction([expression, *also]) if also else expression
    return expression


def _onward(type: str | None, target: str, merged: Mapping[str, str]) -> list[str]:
    """Where a reference leads; one without a type wherever resources with that id were merged into."""
    places = [f"{type}/{target}"] if type else [key for key in merged if key.endswith(f"/{target}")]
    found = []
    for place in places:
        while place in merged:
            place = merged[place]
        found.append(place)
    return found


def _at(expression: ReferenceIs | Within, place: str) -> Expression:
    type, _, target = place.partition("/")
    return replace(expression, type=type, target=target)
