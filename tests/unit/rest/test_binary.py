"""Binary resources as the bytes they hold. https://hl7.org/fhir/R4/binary.html#rest"""

from __future__ import annotations

import base64

import pytest

from fhirserver.interactions.exchange import Result
from fhirserver.kernel.json import dumps, loads
from fhirserver.model.xml import read_xml, write_xml
from tests.facade import MEDIA, Facade

PNG = b"\x89PNG\r\n\x1a\n\x00\xff"


async def test_bytes_in_and_bytes_out(server: Facade) -> None:
    made = await server.ehr("POST", "Binary", PNG, media="image/png", accept=MEDIA)
    assert made.status_code == 201, made.text
    resource = made.json()
    assert (resource["contentType"], base64.b64decode(resource["data"])) == ("image/png", PNG)
    answer = await server.ehr.get(f"Binary/{resource['id']}", accept="*/*")
    assert (answer.content, answer.headers["content-type"]) == (PNG, "image/png")
    assert answer.headers["etag"] == 'W/"1"'
    version = await server.ehr.get(f"Binary/{resource['id']}/_history/1", accept="image/png")
    assert version.content == PNG
    head = await server.ehr("HEAD", f"Binary/{resource['id']}", accept="image/*")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(PNG)))


async def test_put_gives_the_id_and_the_security_context(server: Facade) -> None:
    header = "Patient/p"
    put = await server.ehr(
        "PUT", "Binary/b", b"hello", media="text/plain; charset=latin1", x_security_context=header
    )
    assert put.status_code == 201, put.text
    resource = (await server.ehr.get("Binary/b", accept=MEDIA)).json()
    assert resource["securityContext"] == {"reference": "Patient/p"}
    raw = await server.ehr.get("Binary/b", accept="text/plain")
    assert raw.headers["content-type"] == "text/plain; charset=latin1"
    assert (raw.content, raw.headers["x-security-context"]) == (b"hello", "Patient/p")


async def test_the_resource_is_what_fhir_media_types_ask_for(server: Facade) -> None:
    await server.ehr("PUT", "Binary/b", PNG, media="image/png")
    assert (await server.ehr.get("Binary/b", accept="application/fhir+json")).json()[
        "resourceType"
    ] == "Binary"
    as_xml = await server.ehr.get("Binary/b?_format=xml", accept="*/*")
    assert base64.b64decode(read_xml(as_xml.content)["data"]) == PNG
    generic = await server.ehr.get("Binary/b", accept="application/json")
    assert generic.json()["contentType"] == "image/png"
    assert (await server.ehr.get("Binary/b", accept="text/csv")).status_code == 406
    assert (
        await server.ehr.get("Binary/b", accept="application/fhir+json;fhirVersion=5.0")
    ).status_code == 406


async def test_a_resource_in_fhir_is_taken_as_one(server: Facade) -> None:
    resource = {"resourceType": "Binary", "id": "b", "contentType": "text/plain", "data": "aGk="}
    for media, body in (
        (MEDIA, dumps(resource)),
        ("application/json", dumps(resource)),
        ("application/fhir+xml", write_xml(resource)),
        ("application/xml", write_xml(resource)),
    ):
        assert (await server.ehr("PUT", "Binary/b", body, media=media)).status_code in (200, 201)
        assert (await server.ehr.get("Binary/b", accept="*/*")).content == b"hi"


@pytest.mark.parametrize(
    ("media", "body"), [("application/json", b'{"a":1}'), ("application/json", b"{"), ("text/xml", b"<a/>")]
)
async def test_json_and_xml_that_are_no_binary_are_content(server: Facade, media: str, body: bytes) -> None:
    assert (await server.ehr("PUT", "Binary/b", body, media=media)).status_code == 201
    answer = await server.ehr.get("Binary/b", accept=media)
    assert (answer.content, answer.headers["content-type"]) == (body, media)


async def test_nothing_in_it_runs(server: Facade) -> None:
    script = b"<script>alert(1)</script>"
    await server.ehr("PUT", "Binary/h", script, media="text/html")
    answer = await server.ehr.get("Binary/h", accept="text/html")
    assert answer.content == script
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["x-content-type-options"] == "nosniff"
    await server.ehr("PUT", "Binary/i", PNG, media="image/png")
    assert (
        (await server.ehr.get("Binary/i", accept="*/*")).headers["content-disposition"].startswith("inline")
    )


async def test_a_content_type_that_is_none_is_415_and_is_never_sent(server: Facade) -> None:
    assert (await server.ehr("PUT", "Binary/b", PNG, media="image")).status_code == 415
    resource = {"resourceType": "Binary", "id": "b", "contentType": "nonsense", "data": "aGk="}
    await server.ehr.put(resource)
    assert (await server.ehr.get("Binary/b", accept="*/*")).headers[
        "content-type"
    ] == "application/octet-stream"


async def test_conditional_reads_and_what_is_not_there(server: Facade) -> None:
    await server.ehr("PUT", "Binary/b", PNG, media="image/png")
    assert (await server.ehr.get("Binary/b", accept="*/*", if_none_match='W/"1"')).status_code == 304
    missing = await server.ehr.get("Binary/none", accept="image/png")
    assert (missing.status_code, missing.json()["resourceType"]) == (404, "OperationOutcome")


def test_what_is_no_fhir_stands_in_a_bundle_as_a_binary() -> None:
    assert Result(200, b'{"resourceType":"Patient"}').resource == b'{"resourceType":"Patient"}'
    binary = loads(Result(200, b'{"data":1}', content_type="application/json").resource)
    assert (binary["resourceType"], base64.b64decode(binary["data"])) == ("Binary", b'{"data":1}')
