"""A glance at a resource sees what the whole look sees, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.access.permissions import of_patient
from fhirserver.kernel.json import dumps
from fhirserver.search.compartments import making_a_patients
from fhirserver.search.elements import elements_of, glance
from fhirserver.search.expression import And, Expression, Nothing, Or, ReferenceIs, TokenIs
from fhirserver.search.index import extract
from fhirserver.search.match import Entry, matches
from tests.fuzz.seeds import seeds

_ADA = ReferenceIs("subject", "Patient", "ada")


def sees(type: str, where: Expression, **members: Any) -> bool | None:
    seen = glance(type, where)
    return None if seen is None else seen.sees(dumps({"resourceType": type, "id": "x", **members}))


def test_parameters_look_at_elements() -> None:
    assert elements_of("Observation", "patient", "Patient") == {"Observation.subject"}
    assert elements_of("Observation", "patient", "Group") == {
        "Observation.subject.where(resolve() is Patient)"
    }
    assert elements_of("Observation", "nothing", "Patient") == {"Observation?nothing"}


@pytest.mark.parametrize(
    ("members", "seen"),
    [
        ({"subject": {"reference": "Patient/ada"}}, True),
        ({"subject": {"reference": "Patient/ada", "display": "Ada"}, "valueQuantity": {"value": 1.50}}, True),
        ({"performer": [{"reference": "Practitioner/x"}, {"reference": "Patient/ada"}]}, True),
        ({"subject": {"reference": "Patient/adam"}}, False),
        ({"subject": {"reference": "https://elsewhere/Patient/ada"}}, False),
        ({"subject": {"display": "Patient/ada"}, "focus": [{"reference": "Patient/ada"}]}, False),
        ({"contained": [{"subject": {"reference": "Patient/ada"}}]}, False),
        ({"subject": "Patient/ada"}, False),
        ({"subject": {"reference": 1}}, False),
        ({"subject": None}, False),
        ({}, False),
    ],
)
def test_what_is_plainly_there_is_seen(members: dict[str, Any], seen: bool) -> None:
    assert sees("Observation", of_patient("Observation", "ada"), **members) is seen


def test_an_element_may_be_called_as_a_word_of_python() -> None:
    assert sees("Task", of_patient("Task", "ada"), **{"for": {"reference": "Patient/ada"}}) is True


@pytest.mark.parametrize(
    "more",
    [
        Nothing(),
        And((_ADA, _ADA)),
        Or((_ADA, TokenIs("code", None, "x"))),
        ReferenceIs("subject", None, "ada"),
    ],
)
def test_what_asks_for_more_has_no_glance(more: Expression) -> None:
    assert glance("Observation", more) is None


def test_deeper_elements_are_left_to_the_whole_look() -> None:
    assert sees("Appointment", of_patient("Appointment", "ada")) is None


class _Nobody:
    def entry(self, type: str, id: str) -> None:
        return None

    def entries(self, type: str) -> tuple[()]:
        return ()


def test_what_a_glance_sees_of_examples_is_so() -> None:
    seen = 0
    for resource in seeds().resources:
        type = resource["resourceType"]
        for param in making_a_patients(type):
            for value in extract(resource, codes=frozenset({param})):
                if getattr(value, "type", "") != "Patient":
                    continue
                where = ReferenceIs(param, "Patient", value.target)
                entry = Entry(type, str(resource.get("id", "")), 0, extract(resource))
                quick = glance(type, where)
                if quick is not None and quick.sees(dumps(resource)):
                    seen += 1
                    assert matches(where, entry, _Nobody())
    assert seen
