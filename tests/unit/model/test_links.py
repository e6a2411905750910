from __future__ import annotations

import copy
from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject
from fhirserver.model.links import relink
from tests.unit.model.corpus import resources

OLD, NEW = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "Patient/23"
FIND = {OLD: NEW}.get


def resource(type_name: str, **elements: Any) -> JsonObject:
    return {"resourceType": type_name, "id": "x", **elements}


@pytest.mark.parametrize(
    "content",
    [
        resource("Observation", subject={"reference": OLD}),
        resource("Observation", performer=[{"display": "nobody"}, {"reference": OLD}]),
        resource("Patient", photo=[{"url": OLD}]),
        resource("Patient", contact=[{"organization": {"reference": OLD}}]),
        resource("Patient", extension=[{"url": "http://x.org/e", "valueReference": {"reference": OLD}}]),
        resource("Patient", extension=[{"url": "http://x.org/e", "valueUri": OLD}]),
        resource("Patient", birthDate="1970", _birthDate={"extension": [{"url": "u", "valueUrl": OLD}]}),
        resource("Patient", name=[{"given": ["Eve"], "_given": [{"extension": [{"url": "u", "valueUuid": OLD}]}]}]),
        resource("Patient", identifier=[{"system": OLD, "value": "1"}]),
        resource("CarePlan", instantiatesUri=["http://x.org", OLD]),
        resource("List", contained=[resource("Observation", subject={"reference": OLD})]),
        resource("Parameters", parameter=[{"name": "a", "part": [{"name": "b", "valueOid": OLD}]}]),
        resource("Parameters", parameter=[{"name": "a", "resource": resource("Patient", implicitRules=OLD)}]),
        resource("Questionnaire", item=[{"linkId": "1", "item": [{"linkId": "2", "definition": OLD}]}]),
    ],
)  # fmt: skip
def test_a_link_is_replaced_wherever_its_type_says_it_is_one(content: JsonObject) -> None:
    before = copy.deepcopy(content)
    replaced = relink(content, FIND)
    assert repr(replaced) == repr(before).replace(OLD, NEW) != repr(before)
    assert content == before


@pytest.mark.parametrize(
    "content",
    [
        resource("DocumentReference", identifier=[{"system": "urn:ietf:rfc:3986", "value": OLD}]),
        resource("DocumentReference", masterIdentifier={"value": OLD}, description=OLD),
        resource("PlanDefinition", library=[OLD]),
        resource("Patient", extension=[{"url": "u", "valueString": OLD}, {"url": "u", "valueCanonical": OLD}]),
        resource("Patient", extension=[{"url": OLD, "valueBoolean": True}]),
        resource("Observation", subject={"display": OLD, "identifier": {"value": OLD}}),
        resource("Patient", text={"status": "generated", "div": f"<div>{OLD} <a name='{OLD}'>x</a></div>"}),
        resource("Bundle", type="document", entry=[{"fullUrl": OLD, "resource": resource("Patient")}]),
        resource("Nothing", subject={"reference": OLD}),
    ],
)  # fmt: skip
def test_what_only_reads_like_a_link_stays(content: JsonObject) -> None:
    assert relink(content, FIND) is content


@pytest.mark.parametrize(
    ("div", "expected"),
    [
        (f'<div><a href="{OLD}">x</a></div>', '<div><a href="Patient/23">x</a></div>'),
        (f"<div><img\n src = '{OLD}' alt='a'/></div>", "<div><img\n src = \"Patient/23\" alt='a'/></div>"),
        (f'<div><a title="{OLD}" href="#x">x</a></div>', None),
        ('<div><a href="http://x.org/?a=1&amp;b=2">x</a></div>', '<div><a href="a&amp;b&quot;">x</a></div>'),
    ],
)
def test_links_of_the_narrative(div: str, expected: str | None) -> None:
    find = {OLD: NEW, "http://x.org/?a=1&b=2": 'a&b"'}.get
    replaced = relink(resource("Patient", text={"status": "generated", "div": div}), find)
    assert replaced["text"]["div"] == (expected or div)


def test_a_relative_reference_counts_only_as_a_reference() -> None:
    content = resource("Patient", link=[{"other": {"reference": "Patient/1"}}], implicitRules="Patient/1")
    replaced = relink(content, FIND, {"Patient/1": NEW}.get)
    assert replaced["link"][0]["other"]["reference"] == NEW
    assert replaced["implicitRules"] == "Patient/1"


@pytest.mark.parametrize(
    "content",
    [None, 7, [], {}, {"resourceType": []}, resource("Patient", contact={"organization": [OLD]}),
     resource("Patient", photo=[{"url": [OLD]}, {"url": {"a": OLD}}, None], _birthDate=7, text={"div": 7})],
)  # fmt: skip
def test_malformed_content_is_left_to_the_validation(content: Any) -> None:
    assert relink(content, FIND) is content


def test_only_what_changes_is_copied() -> None:
    content = resource("Observation", subject={"reference": OLD}, code={"text": "x"})
    replaced = relink(content, FIND)
    assert replaced is not content and replaced["code"] is content["code"]


def test_nothing_changes_in_the_official_examples() -> None:
    for _, content in resources("fhir-r4/examples-half.tar.xz"):
        assert relink(content, FIND) is content
