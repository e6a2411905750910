"""A resource is judged alike by all of its values, and by those of the parameters that are asked about."""

from __future__ import annotations

import pytest

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.search.asked import asked_of
from fhirserver.search.expression import (
    And,
    Chain,
    CompositeIs,
    Differs,
    Everything,
    Has,
    IdIs,
    Not,
    Or,
    Query,
    ReferenceIs,
    StringIs,
    TokenIs,
    Within,
    WordIs,
    asks_of,
)
from fhirserver.search.index import extract
from tests.fuzz.seeds import seeds

_OF_ADA = ReferenceIs("patient", "Patient", "ada")
_CODE = TokenIs("code", None, "8867-4")


def test_the_parameters_of_every_part_are_named() -> None:
    both = And((Or((_OF_ADA, StringIs("name:exact", "x", "exact"))), Not(_CODE), Differs(_CODE), IdIs("x")))
    assert asked_of(both) == {"patient", "name", "code"}
    assert asked_of(CompositeIs("code-value-quantity", (_CODE,))) == {"code-value-quantity"}
    assert asked_of(Chain("subject", "Patient", _OF_ADA)) == {"subject"}
    assert asked_of(Everything()) == frozenset()


@pytest.mark.parametrize("beyond", [WordIs("_content", "ada"), Has("Observation", "patient", _CODE)])
def test_what_asks_for_more_than_values_is_said_to(beyond: WordIs | Has) -> None:
    assert asked_of(And((_OF_ADA, beyond))) is None
    assert asked_of(Or((_OF_ADA, Not(beyond)))) is None


def test_values_by_some_parameters_are_those_among_all() -> None:
    compared = 0
    for resource in _some_of_each_type():
        values = extract(resource)
        for code in definitions().search_parameters(resource["resourceType"]):
            own = [value for value in values if value.param.partition(":")[0] == code]
            assert extract(resource, codes=frozenset({code})) == own, (resource["resourceType"], code)
            compared += bool(own)
    assert compared > 20


def _some_of_each_type() -> list[JsonObject]:
    found: dict[str, list[JsonObject]] = {}
    for seed in seeds().resources:
        kept = found.setdefault(seed["resourceType"], [])
        if len(kept) < 3:
            kept.append(seed)
    return [one for kept in found.values() for one in kept]


@pytest.mark.parametrize(
    ("query", "asks"),
    [
        (Query("Observation", _CODE), False),
        (Query("Task", _CODE), True),
        (Query("", types=("Patient", "Task")), True),
        (Query("Observation", And((_CODE, Or((_CODE, Not(Chain("focus", "Task", _CODE))))))), True),
        (Query("Observation", Has("Task", "focus", _CODE)), True),
        (Query("Observation", Chain("subject", "Patient", Has("Task", "focus", _CODE))), True),
        (Query("Observation", Within("focus", "Task", "t", "part-of", "below")), True),
        (Query("", types=("Patient",), wheres=(Has("Task", "focus", _CODE),)), True),
        (Query("", types=("Patient",), wheres=(_OF_ADA,)), False),
    ],
)
def test_a_query_asks_of_a_type_wherever_it_names_it(query: Query, asks: bool) -> None:
    assert asks_of(query, "Task") is asks
