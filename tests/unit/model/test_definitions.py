"""The packed definitions say what the official ones say."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fhirserver.model.definitions import Definitions, definitions

D = definitions()


def test_every_concrete_resource_type_is_there() -> None:
    packed = {e.id for e in D.archive.entries("StructureDefinition")}
    official = D.conformance("http://hl7.org/fhir/CodeSystem/resource-types") or D.conformance(
        "http://hl7.org/fhir/resource-types"
    )
    assert official is not None
    named = {c["code"] for c in official["concept"]} - {"Resource", "DomainResource"}
    assert D.resource_types == named
    assert named <= packed


def test_every_element_has_a_type_that_is_defined() -> None:
    for name in D.type_names:
        definition = D.type(name)
        assert definition is not None
        for element in definition.elements.values():
            assert D.type(element.type) is not None, f"{name}.{element.json_name}: {element.type}"


def test_elements_agree_with_the_snapshots() -> None:
    for entry in D.archive.entries("StructureDefinition"):
        if entry.id not in D.resource_types:
            continue
        definition = D.archive.read(entry)
        for element in definition["snapshot"]["element"][1:]:
            check_element(element)


def check_element(element: dict) -> None:
    holder, _, name = element["path"].rpartition(".")
    packed = D.type(holder).by_name[name.removesuffix("[x]")]
    assert len(packed) == len(element.get("type", [None]))
    for one in packed:
        assert one.path == element["path"]
        assert one.min == element["min"]
        assert one.max == (None if element["max"] == "*" else int(element["max"]))
        assert one.is_summary == element.get("isSummary", False)
        assert one.is_modifier == element.get("isModifier", False)
        assert bool(one.choice) == name.endswith("[x]")


def test_choices_are_expanded() -> None:
    value = D.type("Observation").elements["valueQuantity"]
    assert (value.type, value.choice, value.name) == ("Quantity", "value[x]", "value")
    assert "value" not in D.type("Observation").elements
    assert "valueBase64Binary" in D.type("Extension").elements


def test_content_references_lead_to_the_backbone() -> None:
    assert D.type("Bundle.entry").elements["link"].type == "Bundle.link"
    assert D.type("Questionnaire.item").elements["item"].type == "Questionnaire.item"


def test_backbones_of_datatypes_are_types_too() -> None:
    repeat = D.type(D.type("Timing").elements["repeat"].type)
    assert repeat.kind == "backbone"
    assert repeat.base == "Element"
    assert repeat.elements["boundsPeriod"].choice == "bounds[x]"


def test_reference_targets_and_bindings() -> None:
    patient = D.type("Patient")
    assert set(patient.elements["generalPractitioner"].targets) == {
        "Organization",
        "Practitioner",
        "PractitionerRole",
    }
    gender = patient.elements["gender"].binding
    assert gender.strength == "required"
    codes = D.required_codes(gender.value_set)
    assert codes == {"http://hl7.org/fhir/administrative-gender": {"male", "female", "other", "unknown"}}


def test_ids_of_resources_are_ids_and_of_elements_strings() -> None:
    assert D.type("Patient").elements["id"].type == "id"
    assert D.type("Patient.contact").elements["id"].type == "string"
    assert D.type("Extension").elements["url"].xml_attribute


def test_unknown_names_give_nothing() -> None:
    assert D.type("Pet") is None
    assert D.search_parameters("Pet") == {}
    assert D.compartment("Pet") == {}
    assert D.conformance("http://example.org/none") is None


def test_derivation() -> None:
    assert D.is_a("Patient", "Resource")
    assert D.is_a("Age", "Quantity")
    assert not D.is_a("Quantity", "Age")
    assert not D.is_a("Bundle", "DomainResource")


def test_shared_parameters_are_cut_to_the_type() -> None:
    observation = D.search_parameters("Observation")
    assert observation["patient"].expression == "Observation.subject.where(resolve() is Patient)"
    assert observation["date"].expression == "Observation.effective"
    assert (
        D.search_parameters("RiskAssessment")["date"].expression == "(RiskAssessment.occurrence as dateTime)"
    )
    assert D.search_parameters("InsurancePlan")["name"].expression == "name | alias"
    assert (
        D.search_parameters("DocumentReference")["identifier"].expression
        == "DocumentReference.masterIdentifier | DocumentReference.identifier"
    )


def test_base_parameters_are_inherited() -> None:
    assert {
        "_id",
        "_lastUpdated",
        "_tag",
        "_profile",
        "_security",
        "_source",
        "_content",
        "_query",
        "_text",
    } <= (D.search_parameters("Patient").keys())
    assert "_text" not in D.search_parameters("Bundle")


def test_every_parameter_of_the_specification_is_found_under_its_bases() -> None:
    for entry in D.archive.entries("SearchParameter"):
        parameter = D.archive.read(entry)
        for base in parameter["base"]:
            packed = D.search_parameters(base)[parameter["code"]]
            assert (packed.url, packed.type) == (parameter["url"], parameter["type"])
            assert bool(packed.expression) == ("expression" in parameter)
            assert len(packed.components) == len(parameter.get("component", []))
            others = {t for t in D.resource_types if f"{t}." in packed.expression} - {base}
            assert not any(f" {other}." in f" {packed.expression}" for other in others)


def test_composites_name_their_parts() -> None:
    composite = D.search_parameters("Observation")["code-value-quantity"]
    assert [(c.code, c.type, c.expression) for c in composite.components] == [
        ("code", "token", "code"),
        ("value-quantity", "quantity", "value.as(Quantity)"),
    ]


def test_compartments() -> None:
    assert D.compartments == {"Patient", "Encounter", "RelatedPerson", "Practitioner", "Device"}
    assert D.compartment("Patient")["Observation"] == ("subject", "performer")
    for name in D.compartments:
        for resource_type, codes in D.compartment(name).items():
            known = D.search_parameters(resource_type)
            assert all(code in known for code in codes), (name, resource_type, codes)


def test_every_conformance_resource_reads_back() -> None:
    seen = set()
    for entry in D.archive.entries():
        if entry.block in seen:
            continue
        seen.add(entry.block)
        resource = D.archive.read(entry)
        assert (resource["resourceType"], resource["id"]) == (entry.type, entry.id)
        assert resource.get("url", "") == entry.url
        assert "text" not in resource


def test_conformance_by_version() -> None:
    url = "http://hl7.org/fhir/ValueSet/administrative-gender"
    assert D.conformance(url)["id"] == D.conformance(f"{url}|4.0.1")["id"] == "administrative-gender"
    assert D.conformance(f"{url}|9.9") is None


def test_what_is_handed_out_may_be_changed() -> None:
    url = "http://hl7.org/fhir/StructureDefinition/Patient"
    D.conformance(url).clear()
    assert D.conformance(url)["type"] == "Patient"


def test_importing_loads_nothing() -> None:
    code = (
        "import sys, fhirserver.model.definitions as d;"
        "assert d.definitions.cache_info().currsize == 0;"
        "assert 'fhirserver.model.definitions.index' not in sys.modules;"
        "assert 'lzma' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_damaged_index_is_refused(tmp_path) -> None:
    (tmp_path / "index.bin").write_bytes(b"not the index")
    with pytest.raises(Exception, match="incorrect header"):
        Definitions(tmp_path)
