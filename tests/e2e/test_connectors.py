"""Connectors as a client sees them: Endpoints that start, pause and stop them, operations, the command line."""

from __future__ import annotations

import contextlib
import io
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhirserver.app.cli import main
from tests.server_process import ServerProcess, credence
from tests.unit.adapters.in_process import tiny_bundles
from tests.unit.adapters.simulated_ehr import TOKEN, SimulatedEhrThread

BASE = "https://credence.health/fhir"
pytestmark = pytest.mark.xdist_group("connectors-api")
SECONDS = 30.0
NAMES = ("east", "moved", "asked", "also", "keyless")
"""Of the further connector, in the tests that have one."""
_SETTINGS = """
[secrets]
folder = "secrets"

[[source]]
id = "east"
kind = "ehr"
authoritative = true
"""
_CLINIC = """
[[connector]]
name = "clinic"
source = "ehr"
url = "{url}"
token_file = "{token}"
pull_seconds = 0.5
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("connectors")


@pytest.fixture(scope="module")
def ehr(folder: Path) -> Iterator[SimulatedEhrThread]:
    bundles = tiny_bundles(folder / "bundles")
    with SimulatedEhrThread(folder / "ehr.db", "--bundles", str(bundles)) as ehr:
        yield ehr


@pytest.fixture(scope="module")
def other(folder: Path) -> Iterator[SimulatedEhrThread]:
    bundles = tiny_bundles(folder / "more-bundles")
    with SimulatedEhrThread(folder / "other.db", "--bundles", str(bundles)) as ehr:
        yield ehr


@pytest.fixture(scope="module")
def server(folder: Path, ehr: SimulatedEhrThread) -> Iterator[ServerProcess]:
    """One for all tests but one: each has a patient of its own name, and leaves no connector but ``clinic``."""
    with server_for(folder / "server", ehr) as server:
        yield server


def server_for(folder: Path, ehr: SimulatedEhrThread) -> ServerProcess:
    server = ServerProcess(folder)
    server._initialise()
    (server.directory / "secrets").mkdir()
    (server.directory / "secrets" / "east-token").write_text(f"{TOKEN}\n")
    with server.config.open("a") as config:
        config.write(_SETTINGS + _CLINIC.format(url=ehr.base, token=server.secret(TOKEN)))
    return server


@pytest.fixture
def http(server: ServerProcess) -> Iterator[httpx.Client]:
    with client_of(server) as client:
        yield client
        for id in NAMES:
            assert client.delete(f"Endpoint/{id}").status_code in (200, 204, 404, 410)


def client_of(server: ServerProcess) -> httpx.Client:
    headers = server.headers_of("admin")
    return httpx.Client(base_url=f"{server.base}/", headers=headers, timeout=30, trust_env=False)


def patient(family: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"family": family, "given": ["Ada"]}], "gender": "female"}


def until(holds: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def status(http: httpx.Client, id: str = "clinic") -> dict[str, Any]:
    answer = http.get(f"Endpoint/{id}/$connector-status")
    assert answer.status_code == 200, answer.text
    return {
        one["name"]: value
        for one in answer.json()["parameter"]
        for name, value in one.items()
        if name.startswith("value")
    }


def east(url: str, status: str = "active", id: str = "east", **settings: Any) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"url": "kind", "valueCode": "fhir"},
        {"url": "source", "valueString": "east"},
    ]
    for name, (type, value) in {"token_secret": ("String", "east-token"), **settings}.items():
        pair = [{"url": "name", "valueString": name}, {"url": "value", f"value{type}": value}]
        parts.append({"url": "setting", "extension": pair})
    return {
        "resourceType": "Endpoint",
        "id": id,
        "extension": [{"url": f"{BASE}/StructureDefinition/connector", "extension": parts}],
        "identifier": [{"system": f"{BASE}/identifier/connector", "value": id}],
        "status": status,
        "connectionType": {"code": "hl7-fhir-rest"},
        "payloadType": [{"text": "any"}],
        "address": url,
    }


def put(http: httpx.Client, endpoint: dict[str, Any]) -> httpx.Response:
    return http.put(f"Endpoint/{endpoint['id']}", json=endpoint)


def count(http: httpx.Client, query: str) -> int:
    return int(http.get(f"{query}&_summary=count").json()["total"])


def test_heartbeats_and_statuses_make_no_commits(server: ServerProcess, http: httpx.Client) -> None:
    until(lambda: status(http)["freshness"] == "fresh", "it has pulled")

    def last() -> int:
        with sqlite3.connect(server.data / "credence.db") as database:
            return int(database.execute("SELECT max(position) FROM log").fetchone()[0])

    time.sleep(1)
    before = last()
    time.sleep(4)
    assert last() == before


def test_an_endpoint_starts_a_connector_and_its_status_pauses_and_stops_it(
    http: httpx.Client, other: SimulatedEhrThread
) -> None:
    quick = {"pull_seconds": ("Decimal", 0.3)}
    began = time.monotonic()
    assert put(http, east(other.base, **quick)).status_code == 201
    until(lambda: status(http, "east")["state"] == "running", "it runs")
    assert time.monotonic() - began < 3
    until(lambda: count(http, "Practitioner?_source=urn:credence:source:east") or True, "it pulls")
    other.http.post(f"{other.base}/Patient", json=patient("Lane"))
    until(lambda: count(http, "Patient?family=Lane") == 1, "its records come in")

    assert put(http, east(other.base, "suspended", **quick)).status_code == 200
    until(lambda: status(http, "east")["state"] == "paused", "it pauses")
    time.sleep(1)
    other.http.post(f"{other.base}/Patient", json=patient("Later"))
    time.sleep(1.5)
    assert count(http, "Patient?family=Later") == 0
    assert put(http, east(other.base, **quick)).status_code == 200
    until(lambda: count(http, "Patient?family=Later") == 1, "it goes on")

    assert put(http, east(other.base, "off", **quick)).status_code == 200
    until(lambda: status(http, "east")["state"] == "off", "it stops")
    assert http.delete("Endpoint/east").status_code == 204
    assert http.get("Endpoint/east/$connector-status").status_code == 410


def test_a_connector_without_its_secret_says_so_and_begins_when_it_is_there(
    server: ServerProcess, http: httpx.Client, other: SimulatedEhrThread
) -> None:
    asked = east(other.base, id="keyless", token_secret=("String", "later-token"))
    assert put(http, asked).status_code == 201
    failed = until(
        lambda: (now := status(http, "keyless"))["state"] == "failed" and now, "it says that it failed"
    )
    assert "'later-token'" in failed["error"] and TOKEN not in str(failed)
    (server.directory / "secrets" / "later-token").write_text(TOKEN)
    until(lambda: status(http, "keyless")["state"] == "running", "it begins")


def test_changed_settings_hold_without_a_restart(http: httpx.Client, other: SimulatedEhrThread) -> None:
    put(http, east("http://127.0.0.1:9/fhir", id="moved", pull_seconds=("Decimal", 0.2)))
    until(lambda: status(http, "moved").get("error"), "nobody answers there")
    other.http.post(f"{other.base}/Patient", json=patient("Moore"))
    put(http, east(other.base, id="moved", pull_seconds=("Decimal", 0.2)))
    until(lambda: count(http, "Patient?family=Moore") == 1, "it pulls from the right place")
    until(lambda: status(http, "moved")["freshness"] == "fresh", "and it is told")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"kind": "fax"}, "Endpoint.extension[0].extension[0].value"),
        ({"source": "nobody"}, "Endpoint.extension[0].extension[1].value"),
        ({"source": "credence"}, "Endpoint.extension[0].extension[1].value"),
        ({"token": ("String", "in-clear")}, "Endpoint.extension[0].extension[3]"),
        ({"token_file": ("String", "/etc/passwd")}, "Endpoint.extension[0].extension[3]"),
        ({"token_secret": ("String", "../../x")}, "Endpoint.extension[0].extension[2]"),
        ({"pull_seconds": ("String", "often")}, "Endpoint.extension[0].extension[3]"),
        ({"pull_seconds": ("Decimal", -1)}, "Endpoint.extension[0].extension[3]"),
        ({"hours": ("String", "always")}, "Endpoint.extension[0].extension[3]"),
        ({"time_zone": ("String", "Mars/Olympus")}, "Endpoint.extension[0].extension[3]"),
        ({"push_types": ("String", "Fax")}, "Endpoint.extension[0].extension[3]"),
        ({"speed": ("Integer", 1)}, "Endpoint.extension[0].extension[3]"),
        ({"name": "clinic"}, "Endpoint.identifier"),
    ],
)
def test_a_wrong_connector_is_refused_with_the_element(
    shared: httpx.Client, change: dict[str, Any], place: str
) -> None:
    endpoint = east("http://127.0.0.1:9/fhir")
    parts = endpoint["extension"][0]["extension"]
    if "name" in change:
        endpoint["identifier"][0]["value"] = change["name"]
    elif "kind" in change:
        parts[0]["valueCode"] = change["kind"]
    elif "source" in change:
        parts[1]["valueString"] = change["source"]
    else:
        endpoint = east("http://127.0.0.1:9/fhir", **change)
    answer = put(shared, endpoint)
    assert answer.status_code == 422, answer.text
    assert answer.json()["issue"][0]["expression"] == [place], answer.text
    assert "in-clear" not in answer.text
    assert shared.get("Endpoint/east").status_code == 404


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server with a connector that nobody answers, for what needs no EHR."""
    server = ServerProcess(Path(tmp_path_factory.mktemp("shared")) / "server")
    server._initialise()
    with server.config.open("a") as config:
        config.write(_SETTINGS + _CLINIC.format(url="http://127.0.0.1:9/fhir", token=server.secret(TOKEN)))
    headers = server.headers_of("admin")
    with (
        server,
        httpx.Client(base_url=f"{server.base}/", headers=headers, timeout=30, trust_env=False) as client,
    ):
        client.writer = server.headers  # type: ignore[attr-defined]
        yield client


def test_only_administrators_change_connectors_by_whatever_interaction(shared: httpx.Client) -> None:
    writer: dict[str, str] = shared.writer  # type: ignore[attr-defined]
    endpoint = east("http://127.0.0.1:9/fhir", "off")
    assert shared.put("Endpoint/east", json=endpoint, headers=writer).status_code == 403
    plain = {name: value for name, value in endpoint.items() if name != "extension"}
    assert shared.put("Endpoint/plain", json={**plain, "id": "plain"}, headers=writer).status_code == 201
    patch = [{"op": "add", "path": "/extension", "value": endpoint["extension"]}]
    kind = {**writer, "Content-Type": "application/json-patch+json"}
    assert shared.patch("Endpoint/plain", json=patch, headers=kind).status_code == 403
    entry = {"resource": endpoint, "request": {"method": "PUT", "url": "Endpoint/east"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert shared.post("", json=bundle, headers=writer).status_code == 403
    assert shared.put("Endpoint/east", json=endpoint).status_code == 201
    assert shared.put("Endpoint/east", json={**plain}, headers=writer).status_code in (200, 403)
    assert "extension" in shared.get("Endpoint/east").json(), "it is still one"
    assert shared.delete("Endpoint/east", headers=writer).status_code in (200, 403)
    assert shared.get("Endpoint/east").status_code == 200
    assert shared.delete("Endpoint/clinic").status_code == 405, "that one stands in the settings"
    assert shared.delete("Endpoint/east").status_code == 204


def test_the_form_of_a_connector_is_defined(shared: httpx.Client) -> None:
    assert shared.get("StructureDefinition/connector").json()["type"] == "Extension"
    issues = shared.get("Endpoint/clinic/$validate").json()["issue"]
    assert [one for one in issues if one["severity"] in ("error", "fatal")] == []
    without = east("http://127.0.0.1:9/fhir")
    del without["extension"][0]["extension"][0]
    issues = shared.post("Endpoint/$validate", json=without).json()["issue"]
    assert any(
        "Endpoint.extension" in str(one.get("expression")) for one in issues if one["severity"] == "error"
    )


def test_secrets_are_in_no_resource(shared: httpx.Client) -> None:
    assert TOKEN not in shared.get("Endpoint/clinic/_history").text
    assert TOKEN not in shared.get("Endpoint/clinic/$connector-status").text


def test_pause_and_resume_survive_a_restart(server: ServerProcess, http: httpx.Client) -> None:
    until(lambda: status(http)["state"] == "running", "it runs")
    assert http.post("Endpoint/clinic/$pause").json()["status"] == "suspended"
    until(lambda: status(http)["state"] == "paused", "it pauses")
    server.stop()
    server.start()
    until(lambda: status(http)["state"] == "paused", "it is still paused")
    assert http.post("Endpoint/clinic/$sync").status_code == 503
    assert http.post("Endpoint/clinic/$resume").json()["status"] == "active"
    until(lambda: status(http)["state"] == "running", "it runs again")
    assert status(http)["freshness"] == "fresh"


def test_a_sync_is_asked_for_once_at_a_time_and_not_of_an_ehr_that_is_down(
    http: httpx.Client, ehr: SimulatedEhrThread, other: SimulatedEhrThread
) -> None:
    put(http, east(other.base, id="asked", pull_seconds=("Integer", 3600)))
    until(lambda: "lastPull" in status(http, "asked"), "the first pull has ended")
    other.http.post(f"{other.base}/Patient", json=patient("Nash"))
    other.faults(latency=0.4)
    assert http.post("Endpoint/asked/$sync").status_code == 202
    assert http.post("Endpoint/asked/$sync").status_code == 409
    until(lambda: status(http, "asked")["syncing"], "it runs")
    assert http.post("Endpoint/asked/$sync").status_code == 409
    until(lambda: count(http, "Patient?family=Nash") == 1, "it pulls")
    other.faults(reset=True)
    until(lambda: http.post("Endpoint/asked/$sync").status_code == 202, "another may be asked for")
    assert http.get("Endpoint/clinic/$sync").status_code == 405
    assert http.post("Endpoint/nowhere/$sync").status_code == 404


def failed_writeback(http: httpx.Client, ehr: SimulatedEhrThread) -> dict[str, Any]:
    """A patient's change that the EHR refuses for good; its Task."""
    made = ehr.http.post(f"{ehr.base}/Patient", json=patient("Odell")).json()
    found = until(lambda: http.get("Patient?family=Odell").json().get("entry"), "the patient is known")
    ehr.http.delete(f"{ehr.base}/Patient/{made['id']}")
    kind = {"Content-Type": "application/json-patch+json"}
    patch = [{"op": "add", "path": "/birthDate", "value": "1980-02-03"}]
    assert http.patch(f"Patient/{found[0]['resource']['id']}", json=patch, headers=kind).status_code == 200
    letters = until(lambda: http.get("Endpoint/clinic/$dead-letters").json().get("entry"), "a dead letter")
    return dict(letters[0]["resource"])


def test_dead_letters_are_listed_retried_and_discarded(tmp_path: Path) -> None:
    """With an EHR and a server of its own: what is left to write depends on what else the EHR has said."""
    bundles = tiny_bundles(tmp_path / "bundles")
    with (
        SimulatedEhrThread(tmp_path / "ehr.db", "--bundles", str(bundles)) as ehr,
        server_for(tmp_path / "server", ehr) as server,
        client_of(server) as http,
    ):
        list_retry_and_discard(server, http, ehr)


def list_retry_and_discard(server: ServerProcess, http: httpx.Client, ehr: SimulatedEhrThread) -> None:
    until(lambda: status(http)["freshness"] == "fresh", "it has pulled")
    task = failed_writeback(http, ehr)
    assert (task["status"], status(http)["deadLetters"]) == ("failed", 1)

    def cli(*arguments: str) -> str:
        where = ["--config", str(server.config), "--server", server.base]
        where.append(f"--token={server.tokens['admin']}")
        told = io.StringIO()
        with contextlib.redirect_stdout(told):  # in this process: one of its own takes seconds to begin
            assert main(["connectors", *where, *arguments]) == 0, told.getvalue()
        return told.getvalue()

    assert task["id"] in cli("dead-letters", "clinic")
    assert "clinic  running  fresh" in cli("list")
    before = http.get(f"Task/{task['id']}").json()["meta"]["versionId"]
    assert "1 are tried again" in cli("retry", "clinic", task["id"])

    def refused_again() -> bool:
        now = http.get(f"Task/{task['id']}").json()
        return now["status"] == "failed" and int(now["meta"]["versionId"]) > int(before) + 1

    until(refused_again, "it was tried, and refused again")
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "task", "valueReference": {"reference": f"Task/{task['id']}"}},
            {"name": "reason", "valueString": "The patient was deleted there"},
        ],
    }
    answer = http.post("Endpoint/clinic/$discard", json=parameters).json()
    assert answer["parameter"][0]["part"][1]["valueInteger"] == 200
    gone = http.get(f"Task/{task['id']}").json()
    assert gone["statusReason"]["text"] == "Discarded: The patient was deleted there"
    assert http.post("Endpoint/clinic/$discard", json=parameters).json()["parameter"][0]["part"][1] == {
        "name": "status",
        "valueInteger": 409,
    }
    assert http.get("Endpoint/clinic/$dead-letters").json()["total"] == 0
    assert "no dead letters" in cli("dead-letters", "clinic")
    assert "suspended" in cli("pause", "clinic")
    refused = credence(
        "connectors", "--config", str(server.config), "--server", server.base, "sync", "clinic"
    )
    assert refused.returncode == 1 and "401" in refused.stdout, "without a token"
    assert "active" in cli("resume", "clinic")


def units(result: dict[str, Any]) -> dict[str, str]:
    parts = [one["part"] for one in result["part"] if one["name"] == "unit"]
    return {part[0]["valueString"]: part[2]["valueString"] for part in parts}


def test_a_dry_run_says_what_would_be_written_and_why_not(
    http: httpx.Client, ehr: SimulatedEhrThread, server: ServerProcess
) -> None:
    ehr.http.post(f"{ehr.base}/Patient", json=patient("Price"))
    found = until(lambda: http.get("Patient?family=Price").json().get("entry"), "the patient is known")
    id = found[0]["resource"]["id"]
    http.post("Endpoint/clinic/$pause")
    until(lambda: status(http)["state"] == "paused", "it pauses")
    kind = {"Content-Type": "application/json-patch+json"}
    born = [{"op": "add", "path": "/birthDate", "value": "1980-02-03"}]
    http.patch(f"Patient/{id}", json=born, headers=kind)
    heard = {"resourceType": "Coverage", "id": "heard", "status": "active", "subscriberId": "W1"}
    heard |= {"beneficiary": {"reference": f"Patient/{id}"}, "payor": [{"display": "Aetna"}]}
    agent = server.headers_of("voice-agent")
    assert http.put("Coverage/heard", json=heard, headers=agent).status_code == 201
    until(lambda: status(http)["queue"] == 1, "the change waits")
    writes = len(ehr.writes())
    for path in ("Endpoint/clinic/$dry-run", f"Endpoint/clinic/$dry-run?resource=Patient/{id}"):
        (result,) = http.get(path).json()["parameter"]
        parts = [(one["name"], one) for one in result["part"]]
        assert dict(parts)["operation"]["valueCode"] == "update"
        assert dict(parts)["content"]["resource"]["birthDate"] == "1980-02-03"
        assert units(result)["birthDate"] == "would be written"
        assert units(result)["gender"] == "the EHR says so itself"
    (result,) = http.get("Endpoint/clinic/$dry-run?resource=Coverage/heard").json()["parameter"]
    assert result["part"][1]["valueCode"] == "none" and set(units(result).values()) == {"below its gate"}
    assert len(ehr.writes()) == writes
    assert http.get("Endpoint/clinic/$dry-run?resource=Patient/none").status_code == 404
    assert http.get("Endpoint/clinic/$dry-run?resource=none").status_code == 400
    http.post("Endpoint/clinic/$resume")
    until(lambda: status(http)["queue"] == 0, "what waited is written")


def test_one_change_goes_to_several_ehrs_each_with_its_own_state(
    http: httpx.Client, ehr: SimulatedEhrThread, other: SimulatedEhrThread
) -> None:
    put(http, east(other.base, id="also"))
    until(lambda: status(http, "also")["freshness"] == "fresh", "both run")
    before, there = (sum(w["type"] == "Patient" for w in one.writes()) for one in (ehr, other))
    other.faults(down=3)
    http.put("Patient/new", json={**patient("Quinn"), "id": "new"})
    until(lambda: [w["type"] for w in ehr.writes()].count("Patient") == before + 1, "one has it")

    def statuses() -> dict[str, str]:
        found = http.get("Task?focus=Patient/new&code=writeback").json()
        tasks = [one["resource"] for one in found.get("entry", ())]
        return {task["owner"]["identifier"]["value"]: task["status"] for task in tasks}

    until(lambda: statuses().get("clinic") == "completed", "its own writeback is done")
    assert statuses()["also"] != "completed"
    until(
        lambda: [w["type"] for w in other.writes()].count("Patient") == there + 1, "the other has it, later"
    )
