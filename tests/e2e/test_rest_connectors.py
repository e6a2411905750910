"""A real Credence with a practice on athenahealth and one on Elation, both with faults: records come, bookings go."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.server_process import ServerProcess, credence, free_port
from tests.vendor_process import SECRET, VendorProcess

PATIENCE = 120.0
CONNECTORS = """
[[source]]
id = "athena"
kind = "ehr"
authoritative = true

[[source]]
id = "elation"
kind = "ehr"
authoritative = true

[[connector]]
name = "athena"
source = "athena"
kind = "rest"
mapping = "athenahealth"
url = "{athena}"
client_id = "credence"
client_secret_file = "{secret}"
options = ["practice=195900", "days=6"]
visible_within_seconds = 1
push_types = ["Appointment"]
pull_seconds = 0.5
retry_cap_seconds = 0.5

[[connector]]
name = "elation"
source = "elation"
kind = "rest"
mapping = "elation"
url = "{elation}"
client_id = "credence"
client_secret_file = "{secret}"
options = ["practice=64901", "physician=4001", "days=6"]
visible_within_seconds = 1
push_types = ["Appointment"]
pull_seconds = 0.5
retry_cap_seconds = 0.5
webhook_url = "{hook}"
"""


class World:
    """The server, the two vendors, and a client that may do what an operator may."""

    def __init__(self, server: ServerProcess, athena: VendorProcess, elation: VendorProcess):
        self.server, self.athena, self.elation = server, athena, elation
        self.http = httpx.Client(base_url=server.base, headers=server.headers_of("admin"), timeout=30)

    def search(self, type: str, **parameters: Any) -> list[dict[str, Any]]:
        answer = self.http.get(f"/{type}", params={"_count": 500, **parameters})
        assert answer.status_code == 200, answer.text
        return [entry["resource"] for entry in answer.json().get("entry", [])]

    def of(self, type: str, source: str, **parameters: Any) -> list[dict[str, Any]]:
        mark = f"https://credence.health/fhir/{source}/"
        return [
            one
            for one in self.search(type, **parameters)
            if any(item.get("system", "").startswith(mark) for item in one.get("identifier", []))
        ]

    def read(self, reference: str) -> dict[str, Any]:
        return dict(self.http.get(f"/{reference}").json())

    def book(self, slot: dict[str, Any], patient: dict[str, Any]) -> str:
        """Book as an operator does, and the appointment's id."""
        schedule = self.read(slot["schedule"]["reference"])
        actors = [f"Patient/{patient['id']}", *(actor["reference"] for actor in schedule["actor"])]
        appointment = {
            "resourceType": "Appointment",
            "status": "booked",
            "start": slot["start"],
            "end": slot["end"],
            "slot": [{"reference": f"Slot/{slot['id']}"}],
            "serviceType": slot["serviceType"],
            "participant": [{"actor": {"reference": one}, "status": "accepted"} for one in actors],
        }
        made = self.http.post("/Appointment", json=appointment)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def change(self, id: str, **members: Any) -> None:
        answer = self.http.put(f"/Appointment/{id}", json={**self.read(f"Appointment/{id}"), **members})
        assert answer.status_code == 200, answer.text


def eventually(check: Callable[[], Any], what: str, server: ServerProcess) -> Any:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if found := check():
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what}\n{server.log_tail()}\n{_open_tasks(server)}")


def _open_tasks(server: ServerProcess) -> str:
    """The writebacks that are not settled, for whoever reads a failure."""
    found = httpx.get(
        f"{server.base}/Task",
        params={"status": "requested,in-progress,failed"},
        headers=server.headers_of("admin"),
    )
    tasks = [entry["resource"] for entry in found.json().get("entry", [])]
    return "\n".join(
        f"{task['status']} {task.get('statusReason')} {task.get('focus')} {task.get('owner')} {task.get('note')}"
        for task in tasks
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rest")
    with VendorProcess("athenahealth") as athena, VendorProcess("elation") as elation:
        secret = folder / "secret"
        secret.write_text(SECRET)
        server = ServerProcess(folder, port=free_port())
        made = credence("init", "--config", str(server.config), "--token-file", str(folder / "tokens"))
        assert made.returncode == 0, made.stdout
        server.tokens = dict(line.split("=", 1) for line in (folder / "tokens").read_text().splitlines())
        hook = f"http://127.0.0.1:{server.port}/webhooks/elation"
        with server.config.open("a") as config:
            config.write(CONNECTORS.format(athena=athena.url, elation=elation.url, secret=secret, hook=hook))
        with server:
            world = World(server, athena, elation)
            for source in ("athenahealth", "elation"):
                arrived = lambda source=source: len(world.of("Patient", source)) == 12  # noqa: E731
                eventually(arrived, f"12 patients of {source}", server)
                free = lambda source=source: len(world.of("Slot", source, status="free")) > 20  # noqa: E731
                eventually(free, f"the slots of {source}", server)
            yield world
            world.http.close()


@pytest.fixture(params=["athena", "elation"])
def vendor(request, world):
    process: VendorProcess = getattr(world, request.param)
    yield process
    process.faults(reset=True)


def standing(process: VendorProcess) -> list[str]:
    """The vendor's ids of the patients of all appointments that stand."""
    rows = process.records("appointments").values()
    if process.name == "athenahealth":
        return [row["patientid"] for row in rows if row["appointmentstatus"] == "f"]
    booked = [row for row in rows if row["time_slot_type"] == "appointment"]
    return [str(row["patient"]) for row in booked if row["status"]["status"] != "Cancelled"]


def own_id(resource: dict[str, Any], process: VendorProcess) -> str:
    mark = f"https://credence.health/fhir/{process.name}/patient"
    return next(one["value"] for one in resource["identifier"] if one["system"] == mark)


def test_booked_moved_and_cancelled_once_each_under_faults(world, vendor):
    patients = world.of("Patient", vendor.name)
    slots = sorted(world.of("Slot", vendor.name, status="free"), key=lambda slot: slot["id"])
    vendor.faults(error_rate=0.1, late_error_rate=0.05, cut_rate=0.15, drop_rate=0.05)
    vendor.faults(retry_after=0, visible_after=0.3)
    chosen = list(zip(slots[:9:3], patients[:3], strict=True))
    ids = [world.book(slot, patient) for slot, patient in chosen]
    wanted = sorted(own_id(patient, vendor) for _, patient in chosen)
    eventually(lambda: sorted(standing(vendor)) == wanted, "three appointments at the vendor", world.server)

    later = slots[20]
    moved = {"slot": [{"reference": f"Slot/{later['id']}"}], "start": later["start"], "end": later["end"]}
    eventually(lambda: settled(world, ids[0], vendor), "the booking is settled", world.server)
    world.change(ids[0], **moved)
    eventually(lambda: times(vendor, wanted_time(later)) == 1, "the appointment has moved", world.server)
    eventually(lambda: settled(world, ids[1], vendor), "the booking is settled", world.server)
    world.change(ids[1], status="cancelled", cancelationReason={"text": "Feels better"})
    left = sorted(own_id(patient, vendor) for _, patient in (chosen[0], chosen[2]))
    eventually(lambda: sorted(standing(vendor)) == left, "one is cancelled, two stand", world.server)
    vendor.faults(reset=True)
    eventually(lambda: all(settled(world, id, vendor) for id in ids), "all is settled", world.server)
    time.sleep(2)  # and the next pulls change nothing of it
    assert sorted(standing(vendor)) == left
    assert [world.read(f"Appointment/{id}")["status"] for id in ids] == ["booked", "cancelled", "booked"]
    assert instant(world.read(f"Appointment/{ids[0]}")["start"]) == instant(later["start"])
    appointments = [one for one in world.of("Appointment", vendor.name) if one["id"] not in ids]
    assert appointments == [], "no other appointment came of it"


def test_a_slot_that_is_taken_at_the_vendor_is_refused_visibly(world, vendor):
    patient, other = world.of("Patient", vendor.name)[5:7]
    slot = sorted(world.of("Slot", vendor.name, status="free"), key=lambda slot: slot["id"])[-1]
    before = len(standing(vendor))
    take(world, vendor, slot, own_id(other, vendor))
    id = world.book(slot, patient)
    failed = lambda: [t for t in writebacks(world, id, vendor) if t["status"] == "failed"]  # noqa: E731
    eventually(failed, "the writeback fails, for an operator to see", world.server)
    assert own_id(patient, vendor) not in standing(vendor) or vendor.name == "elation"
    assert len(standing(vendor)) == before + 1


def test_a_webhook_brings_a_change_at_once(world):
    patient = world.of("Patient", "elation")[8]
    id = own_id(patient, world.elation)
    phones = [{"phone": "6175550888", "phone_type": "Mobile", "deleted_date": None}]
    world.elation.alter("patients", id, phones=phones)
    arrived = lambda: "+16175550888" in str(world.read(f"Patient/{patient['id']}")["telecom"])  # noqa: E731
    eventually(arrived, "the new number", world.server)
    assert sorted(row["resource"] for row in world.elation.records("subscriptions").values()) == [
        *("appointments", "patients", "physicians", "service_locations"),
    ]


def test_a_webhook_that_the_vendor_did_not_sign_is_refused(world):
    url = f"http://127.0.0.1:{world.server.port}/webhooks/elation"
    event = {"event_id": 1, "resource": "patients", "action": "saved", "data": {"id": 1}}
    assert httpx.post(url, json=event).status_code == 401
    assert httpx.post(url, json=event, headers={"El8-Ed25519-Signature": "AAAA"}).status_code == 401
    assert httpx.post(url.replace("elation", "nobody"), json=event).status_code == 404


def writebacks(world: World, id: str, process: VendorProcess) -> list[dict[str, Any]]:
    """The writebacks of an appointment to that vendor."""
    code = "https://credence.health/fhir/CodeSystem/task-code|writeback"
    sink = "elation" if process.name == "elation" else "athena"
    return [
        task
        for task in world.search("Task", code=code)
        if task["focus"]["reference"].startswith(f"Appointment/{id}/")
        and task["owner"]["identifier"]["value"] == sink
    ]


def settled(world: World, id: str, process: VendorProcess) -> bool:
    tasks = writebacks(world, id, process)
    return bool(tasks) and all(task["status"] in ("completed", "cancelled") for task in tasks)


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def wanted_time(slot: dict[str, Any]) -> float:
    return instant(slot["start"])


def times(process: VendorProcess, at: float) -> int:
    """How many standing appointments of the vendor begin then."""
    rows = process.records("appointments").values()
    if process.name == "elation":
        booked = [row for row in rows if row["time_slot_type"] == "appointment"]
        return sum(
            instant(row["scheduled_date"]) == at for row in booked if row["status"]["status"] != "Cancelled"
        )
    zone, form = ZoneInfo("America/New_York"), "%m/%d/%Y %H:%M"
    begun = [f"{row['date']} {row['starttime']}" for row in rows if row["appointmentstatus"] == "f"]
    return sum(datetime.strptime(text, form).replace(tzinfo=zone).timestamp() == at for text in begun)


def take(world: World, process: VendorProcess, slot: dict[str, Any], patient: str) -> None:
    """Somebody at the vendor's gives the slot to a patient."""
    mark = f"https://credence.health/fhir/{process.name}/appointment"
    id = next(one["value"] for one in slot["identifier"] if one["system"] == mark)
    if process.name == "athenahealth":
        process.alter("appointments", id, appointmentstatus="f", patientid=patient)
        return
    row = process.records("appointments")[id]
    made = {**row, "id": 990000, "patient": int(patient), "time_slot_type": "appointment"}
    process.alter("appointments", "990000", **{**made, "status": {"status": "Scheduled"}})
