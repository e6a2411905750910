"""Extensions against their definitions. https://hl7.org/fhir/R4/extensibility.html"""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.model.validation.profiles import Rules
from tests.unit.model.profiles import OWN, extension, found, issues, places, profile, validator

Json = dict[str, Any]
TEXT = {"path": "value[x]", "min": 1, "type": [{"code": "string"}]}


def patient(*extensions: Json, **more: Any) -> Json:
    return {"resourceType": "Patient", "extension": list(extensions), **more}


def test_a_value_has_a_type_that_the_definition_allows() -> None:
    known = extension("e", TEXT)
    assert found(patient({"url": OWN + "e", "valueString": "x"}), known) == []
    assert places(patient({"url": OWN + "e", "valueInteger": 1}), known) == [
        "Patient.extension[0].value.ofType(integer)"
    ]


def test_parts_of_an_extension_are_those_of_its_definition() -> None:
    known = extension(
        "e",
        {"path": "extension", "sliceName": "part", "min": 1, "max": "1"},
        {"path": "extension.url", "fixedUri": "part"},
        {"path": "extension.value[x]", "type": [{"code": "boolean"}]},
        {"path": "value[x]", "max": "0"},
    )
    part = {"url": "part", "valueBoolean": True}
    assert found(patient({"url": OWN + "e", "extension": [part]}), known) == []
    assert places(patient({"url": OWN + "e", "extension": [part, part]}), known) == [
        "Patient.extension[0].extension"
    ]
    wrong = {"url": "part", "valueString": "x"}
    assert places(patient({"url": OWN + "e", "extension": [wrong]}), known) == [
        "Patient.extension[0].extension[0].value.ofType(string)"
    ]


@pytest.mark.parametrize(
    ("context", "kind", "fits"),
    [
        ("Patient", "element", True),
        ("DomainResource", "element", True),
        ("Resource", "element", True),
        ("Element", "element", True),
        ("Observation", "element", False),
        ("Patient.name", "element", False),
        ("Patient", "fhirpath", True),
        ("Patient.name", "fhirpath", False),
        (OWN + "other", "extension", False),
    ],
)
def test_an_extension_stands_where_its_context_is(context: str, kind: str, fits: bool) -> None:
    known = extension("e", TEXT, context=context, kind=kind)
    told = places(patient({"url": OWN + "e", "valueString": "x"}), known)
    assert told == ([] if fits else ["Patient.extension[0]"])


@pytest.mark.parametrize(
    ("context", "fits"),
    [("Patient.name", True), ("HumanName", True), ("Element", True), ("Patient.contact", False)],
)
def test_a_context_may_be_a_path_or_a_datatype(context: str, fits: bool) -> None:
    known = extension("e", TEXT, context=context)
    given = {
        "resourceType": "Patient",
        "name": [{"family": "x", "extension": [{"url": OWN + "e", "valueString": "x"}]}],
    }
    assert bool(places(given, known)) is not fits


def test_a_context_may_be_an_extension() -> None:
    inner = extension("inner", TEXT, context=OWN + "outer", kind="extension")
    outer = extension("outer", {"path": "value[x]", "max": "0"})
    held = {"url": OWN + "inner", "valueString": "x"}
    assert found(patient({"url": OWN + "outer", "extension": [held]}), inner, outer) == []


def test_an_unknown_extension_is_an_error_and_may_be_a_warning() -> None:
    given = patient({"url": "http://far.test/e", "valueString": "x"})
    assert places(given) == ["Patient.extension[0]"]
    loose = validator().validate(given, rules=Rules(unknown_extensions="warning"))
    assert [(i.severity, i.expression) for i in loose if i.code == "structure"] == [
        ("warning", ("Patient.extension[0]",))
    ]


def test_an_unknown_modifier_is_an_error_whatever_the_rules_are() -> None:
    modifier = {
        "resourceType": "Patient",
        "modifierExtension": [{"url": "http://far.test/e", "valueString": "x"}],
    }
    loose = Rules(unknown_extensions="information", extension_domains=("http://far.test/",))
    assert [p for p, _ in issues(validator(rules=loose).validate(modifier))] == [
        "Patient.modifierExtension[0]"
    ]


@pytest.mark.parametrize(
    "url",
    [
        "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
        "http://example.org/e",
        "http://hl7.org/fhir/StructureDefinition/targetPath",
        "http://hl7.org/fhir/5.0/StructureDefinition/extension-Patient.contact.purpose",
    ],
)
def test_what_may_stand_without_a_definition(url: str) -> None:
    given = patient({"url": url, "valueString": "x"})
    assert [
        i.severity
        for i in validator().validate(given)
        if "known" in i.diagnostics or "version" in i.diagnostics
    ] == ["information"]
    assert places(given) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://hl7.org/fhir/StructureDefinition/patient-birthPlaze",
        "http://hl7.org/fhir/2.7/StructureDefinition/extension-Patient.contact.purpose",
    ],
)
def test_a_misspelled_extension_of_hl7_is_an_error(url: str) -> None:
    assert places(patient({"url": url, "valueString": "x"}))[0].startswith("Patient.extension[0]")


def test_a_domain_may_be_allowed() -> None:
    given = patient({"url": "http://far.test/e", "valueString": "x"})
    allowed = Rules(extension_domains=("http://far.test/",))
    assert issues(validator(rules=allowed).validate(given)) == []


def test_a_modifier_stands_among_the_modifiers() -> None:
    known = extension("e", TEXT)
    known["differential"]["element"][0]["isModifier"] = True
    assert places(patient({"url": OWN + "e", "valueString": "x"}), known) == ["Patient.extension[0]"]


def test_a_profile_may_ask_for_an_extension() -> None:
    known = extension("e", TEXT)
    asks = profile(
        "Patient",
        {
            "path": "extension",
            "sliceName": "e",
            "min": 1,
            "type": [{"code": "Extension", "profile": [OWN + "e"]}],
        },
    )
    assert places({"resourceType": "Patient", "id": "1"}, known, asks) == ["Patient.extension"]
    assert found(patient({"url": OWN + "e", "valueString": "x"}), known, asks) == []


def test_an_extension_of_a_primitive_is_checked() -> None:
    known = extension("e", TEXT, context="Patient.birthDate")
    given = {"resourceType": "Patient", "_birthDate": {"extension": [{"url": OWN + "e", "valueInteger": 1}]}}
    assert places(given, known) == ["Patient.birthDate.extension[0].value.ofType(integer)"]


def test_a_relative_url_names_a_part_only() -> None:
    assert places(patient({"url": "e", "valueString": "x"})) == ["Patient.extension[0].url"]
