"""What a patient writes on a form reaches an EHR only through its gate."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.form_world import ADA, Person, Practice
from tests.server_process import ServerProcess
from tests.unit.adapters.simulated_ehr import TOKEN, SimulatedEhrProcess

_CONNECTOR = """
[[source]]
id = "clinic"
kind = "ehr"
authoritative = true

[[connector]]
name = "clinic"
source = "clinic"
url = "{url}"
token_file = "{token}"
pull_seconds = 0.3
"""
TASKS = "https://credence.health/fhir/CodeSystem/task-code"


def _until(found: Callable[[], Any], what: str) -> Any:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if value := found():
            return value
        time.sleep(0.1)
    raise AssertionError(what)


def test_a_form_reaches_the_ehr_by_an_operator_alone(tmp_path: Path) -> None:
    with SimulatedEhrProcess(tmp_path / "ehr.db") as ehr:
        (tmp_path / "server").mkdir()
        token = tmp_path / "server/ehr-token"
        token.touch(0o600)
        token.write_text(TOKEN)
        settings = _CONNECTOR.format(url=ehr.base, token=token)
        with ServerProcess(tmp_path / "server", settings=settings) as server:
            practice = Practice(server)
            record = ehr.http.post(
                f"{ehr.base}/Patient", json={k: v for k, v in ADA.items() if k != "id"}
            ).json()
            (patient,) = _until(lambda: practice.found("Patient?family=Okafor"), "the EHR's patient is here")
            form = practice.form(patient["id"], subjects=["phone", "email"])
            person = Person(form["url"])
            person.identify()
            person.save(phone="412-555-0142", email="ada@example.org")
            assert person.post("/send").status_code == 200
            query = f"Task?focus=Patient/{patient['id']}&code={TASKS}|review&status=requested"
            (item,) = _until(lambda: practice.found(query), "an operator is asked")
            assert "telecom" not in ehr.get(f"Patient/{record['id']}").json()
            _approve(practice, item["id"], "phone")
            held = _until(
                lambda: ehr.get(f"Patient/{record['id']}").json().get("telecom"),
                "what was approved is written",
            )
            assert [one["system"] for one in held] == ["phone"] and "0142" in held[0]["value"]
            assert "ada@example.org" not in str(ehr.writes()), "what nobody approved never left"
            writes = [one for one in ehr.writes() if "0142" in str(one["body"])]
            assert len(writes) == 1


def _approve(practice: Practice, id: str, system: str) -> None:
    item = practice.get(f"Task/{id}", "admin")
    units = [
        part["valueString"]
        for claim in item["contained"][0]["parameter"]
        for part in claim["part"]
        if part["name"] == "unit" and system in part["valueString"]
    ]
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "unit", "valueString": unit} for unit in units],
    }
    headers = practice.server.headers_of("admin")
    answer = httpx.post(f"{practice.server.base}/Task/{id}/$approve", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
