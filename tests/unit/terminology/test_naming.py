"""The names of code systems and identifier systems."""

from __future__ import annotations

import pytest

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal
from terminology.naming import SystemNames
from tests.unit.terminology.concept_maps.shelves import Shelf


def naming_system(*names: tuple[str, str], **more: object) -> JsonObject:
    ids = [{"type": type, "value": value} for type, value in names]
    return {"resourceType": "NamingSystem", "status": "active", "uniqueId": ids, **more}


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("urn:oid:2.16.840.1.113883.6.1", "http://loinc.org"),
        ("URN:OID:2.16.840.1.113883.6.1", "http://loinc.org"),
        ("2.16.840.1.113883.6.96", "http://snomed.info/sct"),
        ("ln", "http://loinc.org"),
        ("HL70001", "http://terminology.hl7.org/CodeSystem/v2-0001"),
        ("http://loinc.org", "http://loinc.org"),
        ("urn:oid:1.2.3.4", "urn:oid:1.2.3.4"),
        ("urn:ietf:bcp:47", "urn:ietf:bcp:47"),
        ("", ""),
    ],
)
def test_the_url_of_what_is_named_otherwise(name: str, url: str) -> None:
    assert SystemNames().url(name) == url


def test_what_is_stored_is_known_and_comes_first() -> None:
    shelf = Shelf()
    names = SystemNames(shelf)
    assert names.url("urn:oid:1.2.3") == "urn:oid:1.2.3"
    shelf.put(
        naming_system(
            ("uri", "http://a.example"), ("oid", "1.2.3"), ("uuid", "C757873D-EC9A-4326-A141-556F43239520")
        )
    )
    identifier = [
        {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.4"},
        {"system": "urn:x", "value": "1.2.5"},
    ]
    shelf.put({"resourceType": "CodeSystem", "url": "http://b.example", "identifier": identifier})
    shelf.put(naming_system(("uri", "http://own.example/loinc"), ("oid", "2.16.840.1.113883.6.1")))
    names.forget()
    assert names.url("urn:oid:1.2.3") == "http://a.example"
    assert names.url("urn:uuid:c757873d-ec9a-4326-a141-556f43239520") == "http://a.example"
    assert names.url("1.2.4") == "http://b.example" and names.url("1.2.5") == "1.2.5"
    assert names.url("urn:oid:2.16.840.1.113883.6.1") == "http://own.example/loinc"


def test_a_name_of_two_systems_is_no_name() -> None:
    shelf = Shelf()
    shelf.put(naming_system(("uri", "http://a.example"), ("oid", "1.2.3")))
    shelf.put(naming_system(("uri", "http://b.example"), ("oid", "1.2.3")))
    names = SystemNames(shelf)
    assert names.url("urn:oid:1.2.3") == "urn:oid:1.2.3"
    with pytest.raises(Refusal) as refused:
        names.preferred_id("1.2.3", "uri")
    assert refused.value.category is Category.UNPROCESSABLE


def test_a_retired_naming_system_names_nothing() -> None:
    shelf = Shelf()
    shelf.put(naming_system(("uri", "http://a.example"), ("oid", "1.2.3"), status="retired"))
    assert SystemNames(shelf).url("1.2.3") == "1.2.3"
