"""Configuration as Library resources: there and back, and what is none."""

from __future__ import annotations

import pytest

from fhirserver.model.validation import validate
from fhirserver.world.configuration import KINDS, Configured, NoConfiguration, configured, kind_of, library


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(kind: str) -> None:
    stated = Configured(
        kind, "front-desk", "Front desk", {"a": [1, {"b": "ü"}]}, "active", "3", "Of the practice"
    )
    assert configured(library(stated)) == stated
    assert kind_of(library(stated)) == kind


def test_it_is_valid_fhir() -> None:
    assert not [
        one for one in validate(library(Configured("agent", "front-desk", "x"))) if one.severity == "error"
    ]


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Patient"},
        {"resourceType": "Library", "status": "active"},
        {**library(Configured("agent", "a", "A")), "content": [{"data": "!"}]},
        {**library(Configured("agent", "a", "A")), "content": [{"data": "WzFd"}]},
        {**library(Configured("agent", "a", "A")), "content": []},
    ],
)
def test_what_is_none_is_refused(resource: dict[str, object]) -> None:
    with pytest.raises(NoConfiguration):
        configured(resource)


def test_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(NoConfiguration, match="one of"):
        Configured("dog", "a", "A")
