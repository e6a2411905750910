"""Which format is chosen, in and out. https://hl7.org/fhir/R4/http.html#mime-type"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from fhirserver.model.xml import read_xml, write_xml
from fhirserver.rest.negotiation import accepted
from tests.facade import Facade, expressions, issues, patient

JSON, XML = "application/fhir+json", "application/fhir+xml"


def media(answer: httpx.Response) -> str:
    return answer.headers["content-type"].partition(";")[0]


def outcome(answer: httpx.Response) -> dict[str, Any]:
    found = read_xml(answer.content)
    assert found["resourceType"] == "OperationOutcome"
    return found


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/fhir+xml", XML),
        ("application/json", "application/json"),
        ("application/xml", "application/xml"),
        ("text/xml", "text/xml"),
        ("application/fhir+json;q=0.5, application/fhir+xml;q=0.9", XML),
        ("application/fhir+xml;q=0.5, application/fhir+json", JSON),
        ("application/fhir+xml, application/fhir+json", XML),
        ("application/fhir+xml, */*", XML),
        ("*/*;q=0.1, application/fhir+xml", XML),
        ("application/fhir+json;q=0, */*", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/xml"),
        ("application/fhir+json; fhirVersion=4.0", JSON),
        ("application/fhir+json; fhirVersion=5.0, application/fhir+xml; fhirVersion=4.0.1", XML),
        ("APPLICATION/FHIR+XML", XML),
        ("application/xml+fhir", "application/xml+fhir"),
        ("application/fhir+xml;q=1.0, application/xml+fhir;q=0.9, application/json+fhir;q=0.9", XML),
    ],
)
def test_accept_chooses(accept: str, chosen: str) -> None:
    found = accepted(accept)
    assert found is not None
    assert found.content_type.decode().partition(";")[0] == chosen


@pytest.mark.parametrize(
    "accept",
    ["text/html", "application/fhir+json;q=0", "application/fhir+json;fhirVersion=3.0", "x", "*/*;q=0"],
)
async def test_what_is_not_served_is_406(server: Facade, accept: str) -> None:
    answer = await server.ehr.get("Patient", accept=accept)
    assert (answer.status_code, expressions(answer)) == (406, ["http.Accept"])


async def test_an_accept_header_that_is_too_long_is_400(server: Facade) -> None:
    answer = await server.ehr.get("Patient", accept="application/fhir+json, " * 200)
    assert (answer.status_code, expressions(answer)) == (400, ["http.Accept"])


async def test_a_fhirpath_patch_in_xml(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    parts = [
        {"name": "type", "valueCode": "add"},
        {"name": "path", "valueString": "Patient"},
        {"name": "name", "valueString": "gender"},
        {"name": "value", "valueCode": "female"},
    ]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    answer = await server.ehr("PATCH", "Patient/p", write_xml(patch), media=XML, accept=XML)
    assert answer.status_code == 200, answer.text
    assert read_xml(answer.content)["gender"] == "female"


@pytest.mark.parametrize(
    ("format", "chosen"),
    [
        ("json", JSON),
        ("xml", XML),
        ("application/fhir+xml", XML),
        ("application/fhir%2Bxml", XML),
        ("application/fhir%2Bjson", JSON),
        ("text/xml", XML),
        ("application/xml", XML),
        ("application/json", JSON),
        ("application/fhir%2Bxml;fhirVersion=4.0", XML),
    ],
)
async def test_format_is_before_accept(server: Facade, format: str, chosen: str) -> None:
    answer = await server.ehr.get(f"Patient?_format={format}", accept="text/html")
    assert (answer.status_code, media(answer)) == (200, chosen)


@pytest.mark.parametrize("query", ["_format=html", "_format=json&_format=xml", "_pretty=maybe", "_format="])
async def test_what_format_may_not_be(server: Facade, query: str) -> None:
    assert (await server.ehr.get(f"Patient?{query}")).status_code in (400, 406)


STRANGE = """<Patient xmlns="http://hl7.org/fhir" color="red"><id value="p"/><gendre value="male"/>
<name><given value="A" nope="1"/><famly value="x"/></name><birthDate value="yesterday"/></Patient>"""


async def test_what_r4_does_not_have_is_answered_as_in_json(server: Facade) -> None:
    name = {"given": ["A"], "_given": [{"nope": "1"}], "famly": "x"}
    as_json = {"color": "red", "id": "p", "gendre": "male", "name": [name], "birthDate": "yesterday"}
    for method, path in (("PUT", "Patient/p"), ("POST", "Patient"), ("POST", "Patient/$validate")):
        xml = await server.ehr(method, path, STRANGE.encode(), media=XML)
        json = await server.ehr(method, path, {"resourceType": "Patient", **as_json})
        assert xml.status_code == json.status_code
        assert len(issues(json)) >= 5

        def by_place(answer: httpx.Response) -> list[dict[str, Any]]:
            return sorted(issues(answer), key=lambda issue: str(issue.get("expression")))

        assert by_place(xml) == by_place(json)


async def test_what_cannot_be_read_is_said_at_each_place(server: Facade) -> None:
    body = b'<Patient xmlns="http://hl7.org/fhir">\n<birthDate/>text<gender value="male"/><gender value="x"/></Patient>'
    for method, path in (("POST", "Patient"), ("PATCH", "Patient/p")):
        answer = await server.ehr(method, path, body, media=XML)
        assert answer.status_code == 400
        assert expressions(answer) == ["Patient.birthDate", "Patient", "Patient.gender"]
    broken = await server.ehr("POST", "Patient", b"<Patient", media=XML)
    assert (broken.status_code, len(issues(broken))) == (400, 1)


async def test_in_and_out_are_independent(server: Facade) -> None:
    resource = patient("p")
    put = await server.ehr("PUT", "Patient/p", write_xml(resource), media=XML, accept=JSON)
    assert (put.status_code, put.json()["name"]) == (201, resource["name"])
    again = await server.ehr("PUT", "Patient/p", {**resource, "gender": "male"}, accept=XML)
    assert (again.status_code, read_xml(again.content)["gender"]) == (200, "male")
    for path in (
        "Patient/p",
        "Patient?gender=male",
        "Patient/p/_history",
        "Patient/p/_history/1",
        "metadata",
    ):
        answer = await server.ehr.get(path, accept=XML)
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"{XML}; charset=utf-8")
        ElementTree.fromstring(answer.content)
        as_json = (await server.ehr.get(path)).json()
        assert read_xml(answer.content)["resourceType"] == as_json["resourceType"]


async def test_errors_have_the_negotiated_format(server: Facade) -> None:
    for path, status in (("Patient/none", 404), ("Nope", 404), ("Patient?nope=1", 400), ("Patient/%00", 400)):
        answer = await server.ehr.get(path, accept=XML)
        assert answer.status_code == status
        assert outcome(answer)["issue"]
    anonymous = await server.anonymous.get("Patient?_format=xml")
    assert (anonymous.status_code, outcome(anonymous)["issue"][0]["code"]) == (401, "login")


async def test_an_error_that_names_what_xml_cannot_hold_is_told_without_it(server: Facade) -> None:
    answer = await server.ehr.get("Patient?%01=1", accept=XML)
    assert (answer.status_code, media(answer)) == (400, XML)
    assert outcome(answer)["issue"]


@pytest.mark.parametrize(
    ("body", "expression"),
    [
        (b'<Patient xmlns="http://hl7.org/fhir"><name/></Patient>', ["Patient.name[0]"]),
        (b"<Patient", []),
        (b'<!DOCTYPE a><Patient xmlns="http://hl7.org/fhir"/>', []),
        (b"{}", []),
        (b"", []),
    ],
)
async def test_bad_xml_is_400_and_says_where(server: Facade, body: bytes, expression: list[str]) -> None:
    answer = await server.ehr("POST", "Patient", body, media=XML)
    assert (answer.status_code, expressions(answer)) == (400, expression)
    assert "line" in issues(answer)[0]["diagnostics"]


async def test_a_transaction_in_xml(server: Facade) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": patient("p"), "request": {"method": "PUT", "url": "Patient/p"}}],
    }
    answer = await server.ehr("POST", "", write_xml(bundle), media=XML, accept=XML)
    assert answer.status_code == 200, answer.text
    assert read_xml(answer.content)["entry"][0]["response"]["status"] == "201"


async def test_parameters_in_xml(server: Facade) -> None:
    parameters = {
        "resourceType": "Parameters",
        "parameter": [{"name": "url", "valueUri": "http://hl7.org/fhir/ValueSet/administrative-gender"}],
    }
    answer = await server.ehr("POST", "ValueSet/$expand", write_xml(parameters), media="text/xml", accept=XML)
    assert answer.status_code == 200, answer.text
    assert read_xml(answer.content)["expansion"]["contains"]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/fhir+xml; charset=utf-8", 201),
        ('application/fhir+xml; charset="UTF-8"; fhirVersion=4.0', 201),
        ("application/fhir+xml; fhirVersion=5.0", 415),
        ("application/fhir+xml; charset=iso-8859-1", 415),
        ("application/xml-patch+xml", 415),
    ],
)
async def test_content_type_of_xml(server: Facade, content_type: str, status: int) -> None:
    answer = await server.ehr("POST", "Patient", write_xml(patient()), media=content_type)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("charset", "status"), [("utf-8", 200), ("*", 200), ("iso-8859-1, utf-8;q=0.7", 200), ("iso-8859-1", 406)]
)
async def test_accept_charset(server: Facade, charset: str, status: int) -> None:
    assert (await server.ehr.get("Patient", accept_charset=charset)).status_code == status


async def test_pretty_in_both_formats(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    answer = await server.ehr.get("Patient/p?_pretty=true&_format=xml")
    assert b"\n  <name>\n    <family" in answer.content
    plain = await server.ehr.get("Patient/p?_pretty=false")
    assert b"\n" not in plain.content


async def test_pages_keep_the_format(server: Facade) -> None:
    for id in ("a", "b"):
        await server.ehr.put(patient(id))
    first = read_xml((await server.ehr.get("Patient?_count=1&_format=xml")).content)
    (following,) = [link["url"] for link in first["link"] if link["relation"] == "next"]
    assert read_xml((await server.ehr.get(following)).content)["entry"]


async def test_a_format_is_no_criterion(server: Facade) -> None:
    answer = await server.ehr("PUT", "Patient?_format=json", patient())
    assert answer.status_code == 412


FORM = "application/x-www-form-urlencoded"


async def test_post_search_takes_url_and_form(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="male"))
    await server.ehr.put(patient("q", gender="female"))
    answer = await server.ehr("POST", "Patient/_search?family=okafor", b"gender=male&_format=xml", media=FORM)
    assert (answer.status_code, media(answer)) == (200, XML)
    assert [entry["resource"]["id"] for entry in read_xml(answer.content)["entry"]] == ["p"]
    empty = await server.ehr("POST", "Patient/_search?gender=female")
    assert [entry["resource"]["id"] for entry in empty.json()["entry"]] == ["q"]
    with_charset = await server.ehr("POST", "Patient/_search", b"gender=male", media=f"{FORM}; charset=UTF-8")
    assert with_charset.status_code == 200


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data; boundary=x", "application/fhir+json", "text/plain"]
)
async def test_post_search_takes_nothing_else(server: Facade, content_type: str) -> None:
    answer = await server.ehr("POST", "Patient/_search", b"gender=male", media=content_type)
    assert (answer.status_code, expressions(answer)) == (415, ["http.Content-Type"])


async def test_metadata_parameters(server: Facade) -> None:
    assert (await server.anonymous.get("metadata?mode=full")).status_code == 200
    summary = (await server.anonymous.get("metadata?_elements=software")).json()
    assert "software" in summary
    assert "implementation" not in summary
    for query in ("mode=nope", "mode=", "mode=full&mode=terminology", "nope=1"):
        assert (await server.anonymous.get(f"metadata?{query}")).status_code == 400
    normative = (await server.anonymous.get("metadata?mode=normative")).json()
    resource = normative["rest"][0]["resource"][0]
    assert resource.keys() == {"type", "interaction", "searchParam", "operation"}
    assert "security" not in normative["rest"][0]
    assert "software" in normative
    formats = (await server.anonymous.get("metadata")).json()["format"]
    assert XML in formats
