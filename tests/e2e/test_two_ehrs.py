"""Two EHRs, one world: a patient of both is one; a change in one reaches the other once; what clashes is reviewed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.unit.adapters.in_process import tiny_bundles
from tests.unit.adapters.simulated_ehr import TOKEN, SimulatedEhrThread

SSN = {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "900-55-0142"}
PATIENT = {
    "resourceType": "Patient",
    "identifier": [SSN],
    "name": [{"use": "official", "family": "Okafor", "given": ["Ngozi"]}],
    "gender": "female",
    "birthDate": "1984-02-29",
    "telecom": [{"system": "phone", "use": "home", "value": "+15550100001"}],
}
_CONNECTOR = """
[[source]]
id = "{name}"
kind = "ehr"
authoritative = true

[[connector]]
name = "{name}"
source = "{name}"
url = "{url}"
token_file = "{token}"
pull_seconds = 0.3
"""


class Town:
    """A server and two EHRs."""

    def __init__(self, server: ServerProcess, ehrs: list[SimulatedEhrThread]):
        self.server, self.ehrs = server, ehrs
        self.http = httpx.Client(
            base_url=f"{server.base}/", headers=server.headers_of("admin"), trust_env=False, timeout=30
        )
        self.ids: list[str] = []

    def search(self, query: str) -> list[dict[str, Any]]:
        answer = self.http.get(query)
        assert answer.status_code == 200, answer.text
        return [entry["resource"] for entry in answer.json().get("entry", ())]

    def patients(self) -> list[dict[str, Any]]:
        return self.search(f"Patient?identifier={SSN['system']}|{SSN['value']}")

    def world(self) -> dict[str, Any]:
        (patient,) = self.patients()
        return patient

    def held(self, number: int) -> dict[str, Any]:
        return dict(self.ehrs[number].get(f"Patient/{self.ids[number]}").json())

    def create(self, number: int, **changes: Any) -> None:
        ehr = self.ehrs[number]
        answer = ehr.http.post(f"{ehr.base}/Patient", json={**PATIENT, **changes})
        assert answer.status_code == 201, answer.text
        self.ids.append(answer.json()["id"])

    def post(self, number: int, type: str, **content: Any) -> str:
        ehr = self.ehrs[number]
        answer = ehr.http.post(f"{ehr.base}/{type}", json={"resourceType": type, **content})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def change(self, number: int, **changes: Any) -> None:
        """A clerk changes the record at an EHR itself."""
        ehr, before = self.ehrs[number], self.held(number)
        before.pop("meta")  # a clerk's screen does not keep our mark
        url = f"{ehr.base}/Patient/{self.ids[number]}"
        assert ehr.http.put(url, json={**before, **changes}).status_code == 200

    def ours(self, number: int) -> list[dict[str, Any]]:
        writes = self.ehrs[number].writes()
        return [w for w in writes if any("identifier/writeback" in mark for mark in w["identifiers"])]


@pytest.fixture
def town(tmp_path) -> Iterator[Town]:
    bundles = tiny_bundles(tmp_path / "bundles")
    with contextlib.ExitStack() as stack:
        ehrs = [
            stack.enter_context(SimulatedEhrThread(tmp_path / f"{name}.db", "--bundles", str(bundles)))
            for name in ("north", "south")
        ]
        server = ServerProcess(tmp_path / "server")
        server._initialise()
        with server.config.open("a") as config:
            for name, ehr in zip(("north", "south"), ehrs, strict=True):
                config.write(_CONNECTOR.format(name=name, url=ehr.base, token=server.secret(TOKEN)))
        stack.enter_context(server)
        town = Town(server, ehrs)
        stack.callback(town.http.close)
        yield town


def eventually(what: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)


def phones(patient: dict[str, Any]) -> set[str]:
    return {item["value"] for item in patient.get("telecom", ())}


def both(town: Town) -> None:
    town.create(0)
    town.create(1)
    eventually(lambda: len(town.patients()) == 1 and len(sources(town)) == 2)


def sources(town: Town) -> set[str]:
    """The connectors whose statements are in the lineage of the patient."""
    answer = town.http.get(f"Patient/{town.world()['id']}/$lineage")
    return {name for name in ("north", "south") if f'"{name}"' in answer.text or f":{name}" in answer.text}


def test_a_patient_of_both_is_one_and_nothing_is_written_back(town):
    both(town)
    time.sleep(1.0)
    assert len(town.patients()) == 1
    assert town.ours(0) == [] and town.ours(1) == []


def test_a_change_in_one_reaches_the_other_once(town):
    both(town)
    town.change(0, telecom=[{"system": "phone", "use": "home", "value": "+15550199999"}])
    eventually(lambda: phones(town.held(1)) == {"+15550199999"})
    assert phones(town.world()) == {"+15550199999"}
    time.sleep(2.0)
    assert len(town.ours(1)) == 1 and town.ours(0) == [], "once, and no echo"
    town.change(1, telecom=[{"system": "phone", "use": "home", "value": "+15550188888"}])
    eventually(lambda: phones(town.held(0)) == {"+15550188888"})
    time.sleep(2.0)
    assert len(town.ours(0)) == 1 and len(town.ours(1)) == 1
    assert phones(town.world()) == {"+15550188888"}


def test_what_clashes_is_a_review_item(town):
    both(town)
    query = f"Task?code=https://credence.health/fhir/CodeSystem/task-code|review&focus=Patient/{town.world()['id']}"
    town.server.stop()
    town.change(0, birthDate="1984-03-01")
    town.change(1, birthDate="1985-02-28")
    town.server.start()
    eventually(lambda: len(town.search(query)) == 1)
    (item,) = town.search(query)
    assert "disagreement" in str(item["meta"]["tag"])


def test_a_patient_of_one_ehr_is_not_made_in_the_other_and_is_linked_when_it_has_one(town):
    town.create(0)
    eventually(lambda: len(town.patients()) == 1)
    time.sleep(1.5)
    assert town.ours(1) == [], "nobody's patients are spread"
    town.create(1)
    eventually(lambda: len(sources(town)) == 2)
    town.change(0, telecom=[{"system": "phone", "use": "home", "value": "+15550199999"}])
    eventually(lambda: phones(town.held(1)) == {"+15550199999"})


def test_an_appointment_goes_to_the_ehr_whose_slot_it_is_in(town):
    both(town)
    doctor = town.post(1, "Practitioner", name=[{"family": "Rey"}])
    schedule = town.post(1, "Schedule", actor=[{"reference": f"Practitioner/{doctor}"}])
    start, end = "2031-03-04T09:00:00Z", "2031-03-04T09:30:00Z"
    whose = {"reference": f"Schedule/{schedule}"}
    town.post(1, "Slot", schedule=whose, status="free", start=start, end=end)
    eventually(lambda: bool(town.search(f"Slot?start={start}")))
    (slot,) = town.search(f"Slot?start={start}")
    world = town.world()["id"]
    booking = {
        "resourceType": "Appointment",
        "status": "booked",
        "start": start,
        "end": end,
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "participant": [{"actor": {"reference": f"Patient/{world}"}, "status": "accepted"}],
    }
    assert town.http.post("Appointment", json=booking).status_code == 201
    eventually(lambda: any(w["type"] == "Appointment" for w in town.ours(1)))
    time.sleep(1.0)
    assert [w for w in town.ours(0) if w["type"] == "Appointment"] == []
    (task,) = town.search("Task?code=https://credence.health/fhir/CodeSystem/task-code|writeback")
    assert task["status"] == "completed"


def test_what_names_a_record_of_one_ehr_keeps_nothing_from_the_other(town):
    both(town)
    doctor = town.post(0, "Practitioner", name=[{"family": "Rey"}])
    town.change(0, generalPractitioner=[{"reference": f"Practitioner/{doctor}"}])
    eventually(lambda: "generalPractitioner" in town.world())
    town.change(0, telecom=[{"system": "phone", "use": "home", "value": "+15550199999"}])
    eventually(lambda: phones(town.held(1)) == {"+15550199999"})
    assert "generalPractitioner" not in town.held(1), "nor is it told of a physician whom it does not have"
    query = (
        "Task?code=https://credence.health/fhir/CodeSystem/task-code|writeback&status=requested,in-progress"
    )
    eventually(lambda: town.search(query) == [])


def test_a_second_ehr_takes_nothing_away_that_it_never_had(town):
    """Another number, a second phone and a nickname of the first EHR stay, there and in the world."""
    mobile = {"system": "phone", "use": "mobile", "value": "+15550100077"}
    old = {"use": "old", "family": "Eze", "given": ["Ngozi"]}
    number = {"system": "urn:example:card", "value": "C-77"}
    town.create(
        0,
        telecom=[*PATIENT["telecom"], mobile],
        name=[*PATIENT["name"], old],
        identifier=[SSN, number],
    )
    eventually(lambda: len(town.patients()) == 1)
    town.create(1)
    eventually(lambda: len(sources(town)) == 2)
    eventually(lambda: "+15550100077" in phones(town.held(1)))  # or the clerk would write over it
    town.change(1, maritalStatus={"text": "married"})
    eventually(lambda: "maritalStatus" in town.held(0))
    time.sleep(1.5)
    for patient in (town.world(), town.held(0)):
        assert "+15550100077" in phones(patient)
        assert "Eze" in str(patient["name"]) and "C-77" in str(patient["identifier"])
