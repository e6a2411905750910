"""A difference is a FHIRPath Patch: applied to the one it gives the other."""

from __future__ import annotations

import copy
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirserver.kernel.json import JsonObject, canonical, dumps
from fhirserver.model.differences import differences, operation
from fhirserver.model.patch import parse_fhirpath_patch
from fhirserver.model.validation import validate
from tests.unit.model.corpus import resources


def applied(before: JsonObject, after: JsonObject) -> JsonObject:
    """What the differences between two resources make of the first."""
    operations = [operation(one) for one in differences(before, after)]
    parameters: JsonObject = {"resourceType": "Parameters", "parameter": operations}
    return parse_fhirpath_patch(parameters)(copy.deepcopy(before))


PATIENT: JsonObject = {
    "resourceType": "Patient",
    "id": "p",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Clinic"}],
    "name": [{"family": "A", "given": ["B", "C"], "_given": [None, {"id": "x"}]}, {"text": "D"}],
    "deceasedBoolean": False,
    "birthDate": "1970-01-01",
    "_birthDate": {"extension": [{"url": "urn:t", "valueTime": "10:00:00"}]},
    "contact": [{"name": {"family": "E"}, "telecom": [{"value": "1"}]}],
    "extension": [{"url": "urn:n", "extension": [{"url": "i", "valueInteger": 1}]}],
    "managingOrganization": {"reference": "#o"},
}
CHANGES: list[dict[str, Any]] = [
    {"birthDate": "1970-01-02"},
    {"_birthDate": None},
    {"birthDate": None},
    {"deceasedBoolean": None, "deceasedDateTime": "2020-01-01"},
    {"text": {"status": "empty", "div": '<div xmlns="http://www.w3.org/1999/xhtml">y</div>'}},
    {"name": [{"text": "D"}, {"family": "A", "given": ["C"]}]},
    {"name": [{"text": "0"}, *PATIENT["name"], {"text": "9"}]},
    {"name": [{"family": "A", "given": ["B", "X", "C"], "_given": [None, None, {"id": "x"}]}, {"text": "D"}]},
    {"contact": [{"name": {"family": "F"}}, {"gender": "male", "_gender": {"id": "g"}}]},
    {"extension": [{"url": "urn:n", "extension": [{"url": "i", "valueString": "1"}]}, {"url": "urn:m"}]},
    {"contained": [{"resourceType": "Organization", "id": "o", "name": "Ward", "alias": ["W"]}]},
    {"contained": [{"resourceType": "Practitioner", "id": "o"}]},
    {
        "maritalStatus": {"text": "M"},
        "multipleBirthInteger": 2,
        "link": [{"other": {"display": "x"}, "type": "seealso"}],
    },
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: ",".join(change))
def test_each_kind_of_change(change: dict[str, Any]) -> None:
    after = {name: value for name, value in {**PATIENT, **change}.items() if value is not None}
    assert canonical(applied(PATIENT, after)) == canonical(after)
    assert canonical(applied(after, PATIENT)) == canonical(PATIENT)


def test_nothing_changed_is_no_operation() -> None:
    assert differences(PATIENT, copy.deepcopy(PATIENT)) == []


def test_a_small_change_is_a_small_patch() -> None:
    after = copy.deepcopy(PATIENT)
    after["name"][0]["family"] = "Z"
    (one,) = differences(PATIENT, after)
    assert operation(one) == {
        "name": "operation",
        "part": [
            {"name": "type", "valueCode": "replace"},
            {"name": "path", "valueString": "Patient.name[0].family"},
            {"name": "previousValue", "valueString": "A"},
            {"name": "value", "valueString": "Z"},
        ],
    }


@cache
def examples() -> list[JsonObject]:
    given = (resource for _, resource in resources("fhir-r4/examples-half.tar.xz"))
    return [resource for resource in given if len(dumps(resource)) < 20_000]


def mutated(value: Any, random: Random) -> Any:
    """A value with parts dropped, moved and repeated."""
    if isinstance(value, dict):
        kept = {
            name: mutated(inner, random)
            for name, inner in value.items()
            if name in ("resourceType", "id", "url", "div") or random.random() < 0.85
        }
        return kept or value
    if isinstance(value, list):
        items = [mutated(item, random) for item in value if random.random() < 0.85]
        if random.random() < 0.3:
            random.shuffle(items)
        if random.random() < 0.3:
            items.insert(random.randrange(len(items) + 1), copy.deepcopy(random.choice(value)))
        return items or value
    return value


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_applied_it_gives_the_other(seed: int) -> None:
    random = Random(seed)
    before = random.choice(examples())
    alike = [one for one in examples() if one["resourceType"] == before["resourceType"]]
    after = mutated(before, random) if random.random() < 0.7 else random.choice(alike)
    after = {**after, "id": before["id"]}
    if any(issue.severity in ("error", "fatal") for issue in validate(after, partial=True)):
        return
    assert canonical(applied(before, after)) == canonical(after)
