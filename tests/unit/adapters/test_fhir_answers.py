"""What each answer of an EHR means: every line of the table in docs/connectors-fhir.md, over the adapter."""

import json
import re
from pathlib import Path

import httpx
import pytest

from fhirserver.ports.ehr import (
    Change,
    Conflict,
    Gone,
    NeedsPerson,
    Operation,
    Permanent,
    Retryable,
    Throttled,
    Unauthorized,
    Unusable,
)
from tests.unit.adapters.in_process import adapter

DOCUMENT = Path(__file__).parents[3] / "docs" / "connectors-fhir.md"
MEANINGS = {
    "retryable": Retryable,
    "throttled": Throttled,
    "conflict": Conflict,
    "unauthorized": Unauthorized,
    "unusable": Unusable,
    "gone": Gone,
    "person": NeedsPerson,
    "permanent": Permanent,
}
ROW = re.compile(r"^\| (\d{3}) \| (.+?) \| (any|write|record|search) \| (\w+) \|$", re.MULTILINE)
LINES = ROW.findall(DOCUMENT.read_text())
XML = b'<?xml version="1.0"?><Patient xmlns="http://hl7.org/fhir"/>'
WRITE = Change(Operation.CREATE, "Flag", "k", {"resourceType": "Flag"})
ASKED = {
    "write": lambda ehr: ehr.push(WRITE),
    "record": lambda ehr: ehr.read("Flag", "1"),
    "search": lambda ehr: ehr.find("Flag", "s", "v"),
}


def body(text):
    if text == "html":
        return b"<!DOCTYPE html><html><body>Service unavailable</body></html>"
    if text in ("xml", "empty"):
        return XML if text == "xml" else b""
    issues = [{"severity": "error", "code": code} for code in re.findall(r"`([^`]+)`", text)]
    assert issues, f"what body is {text}?"
    return json.dumps({"resourceType": "OperationOutcome", "issue": issues}).encode()


def test_the_table_is_there():
    assert len(LINES) > 50 and {line[3] for line in LINES} == set(MEANINGS)


@pytest.mark.parametrize(("status", "text", "asked", "means"), LINES, ids=[" ".join(line) for line in LINES])
async def test_the_line(status, text, asked, means):
    def handle(request):
        if request.url.path.endswith("metadata"):
            resource = {"type": "Flag", "conditionalCreate": True}
            rest = [{"mode": "server", "resource": [resource]}]
            return httpx.Response(200, json={"resourceType": "CapabilityStatement", "rest": rest})
        if asked == "write" and request.method == "GET":
            return httpx.Response(200, json={"resourceType": "Bundle"})  # nothing was made before
        return httpx.Response(int(status), content=body(text))

    ehr = adapter(None, httpx.MockTransport(handle))
    for ask in ASKED.values() if asked == "any" else (ASKED[asked],):
        with pytest.raises(MEANINGS[means]) as raised:
            await ask(ehr)
        assert type(raised.value) is MEANINGS[means], raised.value
    await ehr.close()


async def test_403_with_a_time_to_wait_is_throttling():
    ehr = adapter(None, httpx.MockTransport(lambda _: httpx.Response(403, headers={"Retry-After": "9"})))
    with pytest.raises(Throttled) as raised:
        await ehr.read("Flag", "1")
    assert raised.value.after == 9.0
    await ehr.close()


async def test_a_success_with_a_warning_is_a_success():
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "warning", "code": "informational"}],
    }

    def handle(request):
        if request.url.path.endswith("metadata"):
            return httpx.Response(200, json={"resourceType": "CapabilityStatement"})
        if request.method == "POST":
            return httpx.Response(201, json=outcome, headers={"Location": "Flag/f1/_history/1"})
        if request.url.path.endswith("f1"):
            return httpx.Response(200, json={"resourceType": "Flag", "id": "f1"})
        return httpx.Response(200, json={"resourceType": "Bundle"})

    ehr = adapter(None, httpx.MockTransport(handle))
    assert (await ehr.push(WRITE)).record.id == "f1"
    await ehr.close()
