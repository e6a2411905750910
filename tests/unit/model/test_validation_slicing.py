"""Slicing by every kind of discriminator. https://hl7.org/fhir/R4/profiling.html#slicing"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.model.profiles import BASE, OWN, extension, found, places, profile

Json = dict[str, Any]


def by(kind: str, path: str, rules: str = "open", **more: Any) -> Json:
    return {"slicing": {"discriminator": [{"type": kind, "path": path}], "rules": rules, **more}}


def telecom(*systems: str) -> Json:
    return {"resourceType": "Patient", "telecom": [{"system": s, "value": "1"} for s in systems]}


def phone_first(**slicing: Any) -> Json:
    """Sliced by system: one phone, at most one email."""
    return profile(
        "Patient",
        {"path": "telecom", **by("value", "system", **slicing)},
        {"path": "telecom", "sliceName": "phone", "min": 1, "max": "1"},
        {"path": "telecom.system", "fixedCode": "phone"},
        {"path": "telecom", "sliceName": "email", "max": "1"},
        {"path": "telecom.system", "patternCode": "email"},
    )


@pytest.mark.parametrize(
    ("slicing", "systems", "expected"),
    [
        ({}, ["phone"], []),
        ({}, ["email"], ["Patient.telecom"]),
        ({}, ["phone", "phone"], ["Patient.telecom"]),
        ({}, ["phone", "email", "email"], ["Patient.telecom"]),
        ({}, ["fax", "phone"], []),
        ({"rules": "closed"}, ["phone", "fax"], ["Patient.telecom[1]"]),
        ({"rules": "closed"}, ["phone", "email"], []),
        ({"rules": "openAtEnd"}, ["fax", "phone"], ["Patient.telecom[0]"]),
        ({"rules": "openAtEnd"}, ["phone", "fax"], []),
        ({"ordered": True}, ["email", "phone"], ["Patient.telecom[1]"]),
        ({"ordered": True}, ["phone", "fax", "email"], []),
    ],
)
def test_slices_by_value(slicing: Json, systems: list[str], expected: list[str]) -> None:
    assert places(telecom(*systems), phone_first(**slicing)) == expected


def test_what_a_slice_asks_is_asked_of_its_items_alone() -> None:
    asks = phone_first()
    asks["differential"]["element"].insert(3, {"path": "Patient.telecom.use", "min": 1})
    assert places(telecom("email", "phone"), asks) == ["Patient.telecom[1].use"]


def identifiers(*codes: str) -> Json:
    typed = [{"type": {"coding": [{"system": "http://x.test", "code": c}]}, "value": "1"} for c in codes]
    return {"resourceType": "Patient", "identifier": typed}


@pytest.mark.parametrize("path", ["type", "type.coding", "type.coding.code"])
def test_a_pattern_may_stand_above_or_at_the_discriminator(path: str) -> None:
    patterns: dict[str, Json] = {
        "type": {"patternCodeableConcept": {"coding": [{"code": "MR"}]}},
        "type.coding": {"patternCoding": {"code": "MR"}},
        "type.coding.code": {"fixedCode": "MR"},
    }
    asks = profile(
        "Patient",
        {"path": "identifier", **by("pattern" if path == "type" else "value", path)},
        {"path": "identifier", "sliceName": "mr", "min": 1},
        {"path": f"identifier.{path}", **patterns[path]},
    )
    assert places(identifiers("XX"), asks) == ["Patient.identifier"]
    assert places(identifiers("XX", "MR"), asks) == []


def test_slices_by_existence() -> None:
    asks = profile(
        "Patient",
        {"path": "name", **by("exists", "period")},
        {"path": "name", "sliceName": "former", "max": "1"},
        {"path": "name.period", "min": 1},
        {"path": "name", "sliceName": "current", "min": 1},
        {"path": "name.period", "max": "0"},
    )
    then = {"family": "A", "period": {"end": "2000"}}
    assert places({"resourceType": "Patient", "name": [then, then]}, asks) == ["Patient.name", "Patient.name"]
    assert places({"resourceType": "Patient", "name": [then, {"family": "B"}]}, asks) == []


def observation(**value: Any) -> Json:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **value}


def test_slices_of_a_choice_by_type() -> None:
    asks = profile(
        "Observation",
        {"path": "value[x]", **by("type", "$this")},
        {"path": "value[x]", "sliceName": "valueQuantity", "type": [{"code": "Quantity"}]},
        {"path": "value[x].unit", "min": 1},
    )
    assert places(observation(valueQuantity={"value": 1}), asks) == [
        "Observation.value.ofType(Quantity).unit"
    ]
    assert places(observation(valueString="x"), asks) == []


def test_the_name_of_a_type_stands_for_the_slice() -> None:
    asks = profile("Observation", {"path": "valueQuantity.unit", "min": 1})
    assert places(observation(valueQuantity={"value": 1}), asks) == [
        "Observation.value.ofType(Quantity).unit"
    ]
    assert places(observation(valueString="x"), asks) == []
    only = profile("Observation", {"path": "valueQuantity", "type": [{"code": "Quantity"}], "min": 1})
    assert places(observation(valueString="x"), only) != []
    assert places(observation(), only) != []


def test_slices_by_the_type_of_what_is_pointed_at() -> None:
    asks = profile(
        "Observation",
        {"path": "performer", **by("type", "$this.resolve()")},
        {"path": "performer", "sliceName": "who", "min": 1,
         "type": [{"code": "Reference", "targetProfile": [BASE + "Practitioner"]}]},
    )  # fmt: skip
    assert places(observation(performer=[{"reference": "Organization/1"}]), asks) == ["Observation.performer"]
    assert places(observation(performer=[{"reference": "Practitioner/1"}]), asks) == []


def test_slices_of_entries_by_resource_type_and_profile() -> None:
    born = profile("Patient", {"path": "birthDate", "min": 1}, name="born")
    for kind, path in (("type", "resource"), ("profile", "resource")):
        asks = profile(
            "Bundle",
            {"path": "entry", **by(kind, path)},
            {"path": "entry", "sliceName": "patient", "min": 1},
            {"path": "entry.resource", "type": [{"code": "Patient", "profile": [OWN + "born"]}]},
        )
        entry: Json = {
            "fullUrl": "http://x.test/Patient/1",
            "resource": {"resourceType": "Patient", "id": "1"},
        }
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": [entry]}
        expected = {"type": "Bundle.entry[0].resource.birthDate", "profile": "Bundle.entry"}
        assert places(bundle, born, asks) == [expected[kind]], kind
        entry["resource"]["birthDate"] = "2000"
        assert places(bundle, born, asks) == [], kind


def test_slices_by_the_profile_of_what_is_pointed_at() -> None:
    named = profile("Organization", {"path": "name", "min": 1}, name="named")
    asks = profile(
        "Observation",
        {"path": "performer", **by("profile", "resolve()")},
        {"path": "performer", "sliceName": "who", "min": 1,
         "type": [{"code": "Reference", "targetProfile": [OWN + "named"]}]},
    )  # fmt: skip
    held: Json = {"resourceType": "Organization", "id": "o", "identifier": [{"value": "1"}]}
    given = observation(contained=[held], performer=[{"reference": "#o"}])
    assert places(given, named, asks) == ["Observation.performer"]
    held["name"] = "x"
    assert places(given, named, asks) == []


def test_slices_by_an_extension() -> None:
    known = extension("kind", {"path": "value[x]", "type": [{"code": "code"}]}, context="ContactPoint")
    asks = profile(
        "Patient",
        {"path": "telecom", **by("value", f"extension('{OWN}kind').value")},
        {"path": "telecom", "sliceName": "work", "min": 1},
        {"path": "telecom.extension", "sliceName": "kind",
         "type": [{"code": "Extension", "profile": [OWN + "kind"]}]},
        {"path": "telecom.extension.value[x]", "fixedCode": "work"},
    )  # fmt: skip
    given = telecom("phone")
    assert places(given, known, asks) == ["Patient.telecom"]
    given["telecom"][0]["extension"] = [{"url": OWN + "kind", "valueCode": "work"}]
    assert found(given, known, asks) == []


def test_a_path_may_name_a_type_of_a_choice() -> None:
    asks = profile(
        "Observation",
        {"path": "component", **by("value", "value.ofType(CodeableConcept).text")},
        {"path": "component", "sliceName": "a", "min": 1},
        {"path": "component.value[x]", "type": [{"code": "CodeableConcept"}]},
        {"path": "component.value[x].text", "fixedString": "a"},
    )
    component = {"code": {"text": "c"}, "valueCodeableConcept": {"text": "a"}}
    assert places(observation(component=[component]), asks) == []
    component["valueCodeableConcept"] = {"text": "b"}
    assert places(observation(component=[component]), asks) == ["Observation.component"]


def test_a_slice_may_be_sliced_again() -> None:
    asks = phone_first()
    asks["differential"]["element"][1:2] = [
        {"path": "Patient.telecom", "sliceName": "phone", "min": 1, **by("value", "use")},
    ]
    asks["differential"]["element"][3:3] = [
        {"path": "Patient.telecom", "sliceName": "phone/home", "min": 1},
        {"path": "Patient.telecom.use", "fixedCode": "home"},
    ]
    assert places(telecom("phone"), asks) == ["Patient.telecom"]
    given = telecom("phone", "email")
    given["telecom"][0]["use"] = "home"
    assert places(given, asks) == []


def test_a_required_binding_may_tell_slices_apart() -> None:
    warm = {
        "resourceType": "ValueSet", "url": "http://x.test/warm", "status": "active",
        "compose": {"include": [{"system": "http://x.test", "concept": [{"code": "red"}]}]},
    }  # fmt: skip
    asks = profile(
        "Observation",
        {"path": "category", **by("value", "$this")},
        {"path": "category", "sliceName": "warm", "min": 1, "max": "1",
         "binding": {"strength": "required", "valueSet": "http://x.test/warm"}},
    )  # fmt: skip
    blue, red = ({"coding": [{"system": "http://x.test", "code": c}]} for c in ("blue", "red"))
    assert places(observation(category=[blue]), asks, warm) == ["Observation.category"]
    assert places(observation(category=[blue, red]), asks, warm) == []


def test_several_discriminators_must_all_hold() -> None:
    told = [{"type": "value", "path": "system"}, {"type": "value", "path": "use"}]
    asks = profile(
        "Patient",
        {"path": "telecom", "slicing": {"discriminator": told, "rules": "open"}},
        {"path": "telecom", "sliceName": "home", "min": 1},
        {"path": "telecom.system", "fixedCode": "phone"},
        {"path": "telecom.use", "fixedCode": "home"},
    )
    given = telecom("phone")
    assert places(given, asks) == ["Patient.telecom"]
    given["telecom"][0]["use"] = "home"
    assert places(given, asks) == []


def test_the_profiles_of_a_document_reach_through_its_references() -> None:
    """As documents such as the International Patient Summary are profiled."""
    told = {"key": "x-1", "severity": "error", "human": "x", "expression": "%resource.birthDate.exists()"}
    born = profile("Patient", {"path": "name", "constraint": [told]}, name="born")
    allergic = profile("AllergyIntolerance", {"path": "code", "min": 1}, name="allergic")
    summary = profile(
        "Composition",
        {"path": "subject", "min": 1, "type": [{"code": "Reference", "targetProfile": [OWN + "born"]}]},
        {"path": "section", **by("pattern", "code")},
        {"path": "section", "sliceName": "allergies", "min": 1},
        {"path": "section.code", "min": 1, "patternCodeableConcept": {"coding": [{"code": "48765-2"}]}},
        {"path": "section.entry", **by("profile", "resolve()", "closed")},
        {"path": "section.entry", "sliceName": "allergy", "min": 1,
         "type": [{"code": "Reference", "targetProfile": [OWN + "allergic"]}]},
        name="summary",
    )  # fmt: skip
    document = profile(
        "Bundle",
        {"path": "entry", **by("type", "resource")},
        {"path": "entry", "sliceName": "composition", "min": 1, "max": "1"},
        {"path": "entry.resource", "min": 1, "type": [{"code": "Composition", "profile": [OWN + "summary"]}]},
        {"path": "entry", "sliceName": "patient", "min": 1, "max": "1"},
        {"path": "entry.resource", "min": 1, "type": [{"code": "Patient", "profile": [OWN + "born"]}]},
    )
    patient: Json = {"resourceType": "Patient", "id": "1", "name": [{"family": "x"}], "birthDate": "2000"}
    allergy: Json = {"resourceType": "AllergyIntolerance", "id": "1", "patient": {"reference": "Patient/1"},
                     "code": {"text": "x"}, "clinicalStatus": {"coding": [{"code": "active",
                     "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"}]}}  # fmt: skip
    section = {"title": "x", "entry": [{"reference": "AllergyIntolerance/1"}], "code": {"coding": [
        {"system": "http://loinc.org", "code": "48765-2"}]}}  # fmt: skip
    composition = {
        "resourceType": "Composition", "id": "1", "status": "final", "type": {"text": "x"}, "date": "2026",
        "title": "x", "subject": {"reference": "Patient/1"}, "author": [{"reference": "Patient/1"}],
        "section": [section],
    }  # fmt: skip
    held = [composition, patient, allergy]
    bundle = {
        "resourceType": "Bundle", "type": "document", "timestamp": "2026-01-01T00:00:00Z",
        "identifier": {"system": "http://x.test", "value": "1"},
        "entry": [{"fullUrl": f"http://x.test/{r['resourceType']}/1", "resource": r} for r in held],
    }  # fmt: skip
    known = (born, allergic, summary, document)
    assert found(bundle, *known) == []
    del allergy["code"]
    assert set(places(bundle, *known)) == {
        "Bundle.entry[0].resource.section[0].entry", "Bundle.entry[0].resource.section[0].entry[0]"
    }  # fmt: skip
    allergy["code"] = {"text": "x"}
    del patient["birthDate"]
    assert set(places(bundle, *known)) == {
        "Bundle.entry[0].resource.subject",
        "Bundle.entry[1].resource.name[0]",
    }
