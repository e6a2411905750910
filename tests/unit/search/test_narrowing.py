"""A query for somebody who may not see everything, wherever in the tree it asks something of other resources."""

from __future__ import annotations

import pytest

from fhirserver.search.expression import (
    And,
    Chain,
    Everything,
    Expression,
    Has,
    IdIs,
    Not,
    Nothing,
    Or,
    Query,
    ReferenceIs,
    SortKey,
    StringIs,
    TokenIs,
    Within,
)
from fhirserver.search.narrowing import narrowed

NAME = StringIs("name", "x")
MINE = IdIs("mine")


def condition(type: str) -> Expression:
    return {"Patient": MINE, "Condition": Nothing()}.get(type, Everything())


def asked(where: Expression) -> Expression:
    return narrowed(Query("Observation", where), condition, lambda _, __: None).where


CHAIN, NARROW = Chain("subject", "Patient", NAME), Chain("subject", "Patient", And((MINE, NAME)))
SHUT = Has("Condition", "asserter", NAME)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (CHAIN, NARROW),
        (Not(CHAIN), Not(NARROW)),
        (And((NAME, CHAIN)), And((NAME, NARROW))),
        (Or((NAME, Not(CHAIN))), Or((NAME, Not(NARROW)))),
        (SHUT, Nothing()),
        (Not(SHUT), Not(Nothing())),
        (Chain("performer", "Practitioner", SHUT), Chain("performer", "Practitioner", Nothing())),
        (Chain("performer", "Practitioner", Not(SHUT)), Chain("performer", "Practitioner", Not(Nothing()))),
        (Has("Encounter", "x", CHAIN), Has("Encounter", "x", NARROW)),
        (Within("subject", "Patient", "p", "link", "below"), ReferenceIs("subject", "Patient", "p")),
        (NAME, NAME),
    ],
)
def test_all_that_is_asked_of_others_is_asked_of_those_that_may_be_known(
    where: Expression, expected: Expression
) -> None:
    assert asked(where) == expected


def test_everything_that_is_asked_is_looked_at() -> None:
    seen: list[tuple[str, object]] = []
    where = Or((TokenIs("code", None, "a"), Not(Chain("subject", "Patient", Has("Condition", "p", NAME)))))
    sort = SortKey("date", "date")
    narrowed(Query("Observation", where, (sort,)), lambda _: Everything(), lambda *one: seen.append(one))
    assert ("Observation", sort) in seen and ("Observation", where.of[0]) in seen
    assert [type for type, _ in seen].count("Condition") == 2, "the join's own parameter, and what it asks"
