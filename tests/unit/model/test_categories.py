"""The categories of the resource list."""

from __future__ import annotations

from collections import Counter

from fhirserver.model.categories import _LISTED, category
from fhirserver.model.definitions import definitions


def test_every_type_that_is_listed_is_one_of_r4_and_stands_in_one_category() -> None:
    listed = Counter(type for types in _LISTED.values() for type in types.split())
    assert set(listed) <= definitions().resource_types
    assert set(listed.values()) == {1}


def test_what_is_not_listed_is_specialized_and_what_r4_does_not_have_is_nothing() -> None:
    assert category("Patient") == "base"
    assert category("MedicinalProduct") == "specialized"
    assert category("Mrs_Smith") == category("") == ""
