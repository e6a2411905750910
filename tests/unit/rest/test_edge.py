"""The HTTP edge: negotiation, bodies, methods, who may, and errors that are always OperationOutcomes."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from fhirserver.kernel.json import dumps
from fhirserver.store.store import Store
from tests.facade import Facade, entry, expressions, issues, patient, said

PATCH = "application/json-patch+json"


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("", 200),
        ("*/*", 200),
        ("application/fhir+json", 200),
        ("application/json", 200),
        ("application/fhir+json; fhirVersion=4.0", 200),
        ("application/fhir+json; fhirVersion=5.0", 406),
        ("application/fhir+xml, application/fhir+json;q=0.1", 200),
        ("application/fhir+xml", 200),
        ("text/html", 406),
        ("application/fhir+json;q=0", 406),
    ],
)
async def test_accept(server: Facade, accept: str, status: int) -> None:
    assert (await server.ehr.get("Patient", accept=accept)).status_code == status


@pytest.mark.parametrize(
    ("format", "status"), [("json", 200), ("application/json", 200), ("xml", 200), ("html", 406)]
)
async def test_format(server: Facade, format: str, status: int) -> None:
    assert (await server.ehr.get(f"Patient?_format={format}")).status_code == status


@pytest.mark.parametrize(
    ("media", "status"),
    [
        ("application/fhir+json", 201),
        ("application/json; charset=UTF-8", 201),
        ("application/fhir+json; charset=utf-16", 415),
        ("application/fhir+ndjson", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
    ],
)
async def test_content_type(server: Facade, media: str, status: int) -> None:
    assert (await server.ehr("PUT", "Patient/p", patient("p"), media=media)).status_code == status


async def test_another_compression_than_gzip_is_415(server: Facade) -> None:
    answer = await server.ehr.put(patient("p"), content_encoding="br")
    assert (answer.status_code, expressions(answer)) == (415, ["http.Content-Encoding"])


async def test_malformed_json_says_where(server: Facade) -> None:
    answer = await server.ehr("POST", "Patient", b'{"resourceType":"Patient",}')
    assert answer.status_code == 400
    assert "line 1, column 27" in issues(answer)[0]["diagnostics"]


async def test_a_body_over_the_limit_is_413(tmp_path: Path, server: Facade) -> None:
    answer = await server.ehr("POST", "Patient", b" " * (64 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    lying = await server.ehr("POST", "Patient", b"{}", **{"content-length": str(10**12)})
    assert lying.status_code == 413


async def test_who_may(server: Facade) -> None:
    for header in (
        {},
        {"authorization": "Basic x"},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer "},
    ):
        answer = await server.anonymous.get("Patient", **header)
        assert (answer.status_code, issues(answer)[0]["code"]) == (401, "login")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for answer in (
        await server.reader.put(patient("p")),
        await server.reader.post(patient()),
        await server.reader("DELETE", "Patient/p"),
        await server.reader("PATCH", "Patient/p", [], media=PATCH),
    ):
        assert (answer.status_code, issues(answer)[0]["code"]) == (403, "forbidden")
    assert (await server.reader.get("Patient")).status_code == 200
    assert (await server.ehr("POST", "Task/x/$approve")).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "Patient/p", "DELETE, GET, HEAD, PATCH, PUT"),
        ("DELETE", "Patient/p/_history", "GET, HEAD"),
        ("PUT", "", "GET, HEAD, POST"),
        ("PUT", "Patient/p/_history/1", "GET, HEAD"),
        ("TRACE", "Patient/p", "DELETE, GET, HEAD, PATCH, PUT"),
        ("GET", "Task/t/$approve", "POST"),
        ("PUT", "Patient/_search", "POST"),
    ],
)
async def test_wrong_method_is_405_with_allow(server: Facade, method: str, path: str, allow: str) -> None:
    answer = await server.admin(method, path, {} if method == "PUT" else None)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert issues(answer)


@pytest.mark.parametrize(
    "path",
    [
        "Patent",
        "Patent/p",
        "patient",
        "Patient/p/x/y/z",
        "Patient/p/_history/1/2",
        "Patient/a_b",
        "Patient/" + "a" * 65,
        "Patient/%2e%2e%2f",
        "Patient/p/$nothing",
        "$nothing",
        "Patient/$lineage",
        "_nothing",
        "Patient/p/metadata",
        "metadata/p",
    ],
)
async def test_what_is_not_there_is_404(server: Facade, path: str) -> None:
    answer = await server.ehr.get(path)
    assert answer.status_code == 404, answer.text
    assert issues(answer)


async def test_pretty(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    answer = await server.ehr.get("Patient/p?_pretty=true")
    assert answer.content.startswith(b'{\n  "resourceType"')


async def test_a_fault_is_500_and_names_no_content(
    server: Facade, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def failing(self: Store, type: str, id: str) -> None:
        raise ZeroDivisionError("Ada Okafor, +15550100")

    monkeypatch.setattr(Store, "read", failing)
    answer = await server.ehr.get("Patient/p")
    (issue,) = issues(answer)
    assert (answer.status_code, issue["code"]) == (500, "exception")
    number = issue["diagnostics"].rpartition(" ")[2]
    assert number in caplog.text
    assert "Okafor" not in caplog.text + answer.text


async def test_logs_hold_nothing_of_a_patient(server: Facade, caplog: pytest.LogCaptureFixture) -> None:
    """Right and wrong requests, all full of values that must not be written down anywhere."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the client's own log is not the server's
    secret = ["Xanthippe", "1971-03-19", "+15550199", "4-711-SECRET"]
    body = patient(
        "p",
        name=[{"family": secret[0]}],
        birthDate=secret[1],
        telecom=[{"system": "phone", "value": secret[2]}],
        identifier=[{"system": "urn:mrn", "value": secret[3]}],
    )
    answers = [
        await server.ehr.put(body),
        await server.agent.put({**body, "gender": "male"}, x_provenance=said("0.5")),
        await server.agent.put(body, x_provenance=said("0.9")),
        await server.ehr.put({**body, "birthDate": secret[0]}),
        await server.ehr.put({**body, secret[0]: 1, "telecom": secret[2]}),
        await server.ehr("POST", "Patient", dumps(body)[:-1]),
        await server.ehr.transaction(entry("POST", "Patient", {**body, "gender": secret[0]})),
        await server.ehr.get(f"Patient?birthdate={secret[0]}&identifier=a|b|{secret[3]}"),
        await server.ehr(
            "PATCH", "Patient/p", [{"op": "test", "path": "/birthDate", "value": secret[0]}], media=PATCH
        ),
        await server.ehr.put(body, if_match=secret[0]),
        await server.ehr.post(body, if_none_exist=f"identifier={secret[3]}&birthdate={secret[0]}"),
        await server.ehr("DELETE", "Patient/p"),
    ]
    await asyncio.sleep(0)
    ours = [one for one in caplog.records if not one.name.startswith("tests.")]
    log = "\n".join(map(logging.Formatter().format, ours))
    assert [value for value in secret if value in log] == []
    for answer in answers:
        if answer.status_code >= 400:
            named = [value for value in secret if value in answer.text]
            assert named in ([], [secret[0]]), answer.text  # a name of a member is a place, not a value


async def test_a_byte_order_mark_is_passed_over(server: Facade) -> None:
    body = b"\xef\xbb\xbf" + dumps(patient("p"))
    assert (await server.ehr("PUT", "Patient/p", body)).status_code == 201


async def test_a_body_without_a_type(server: Facade) -> None:
    answer = await server.ehr("POST", "Patient", {"gender": "male"})
    assert (answer.status_code, expressions(answer)) == (400, ["resourceType"])
    assert issues(answer)[0]["code"] == "required"


@pytest.mark.parametrize(("hosts", "version", "status"), [(0, "1.1", 400), (0, "1.0", 200), (2, "1.1", 400)])
async def test_http_1_1_asks_for_one_host(server: Facade, hosts: int, version: str, status: int) -> None:
    said: list[int] = []

    async def send(message: Any) -> None:
        said.append(message.get("status", 0))

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/fhir/metadata",
        "raw_path": b"/fhir/metadata",
        "query_string": b"",
        "http_version": version,
        "headers": [(b"host", b"host-%d" % n) for n in range(hosts)],
    }
    await server.application(scope, None, send)
    assert said[0] == status
