"""The tools: which FHIR requests are made, and what becomes of refusals and cut lines."""

from __future__ import annotations

import json
from datetime import datetime

import httpx
import pytest
from fhir_stand_in import StandIn, reply
from practice import NOW, ZONE, at, practice

from agent.requests import (
    AddCoverage,
    Basis,
    Book,
    Cancel,
    ChangeAddress,
    ChangePhone,
    FindPatients,
    SearchSlots,
)
from agent.results import Failed, PatientsFound, SlotsFound, Taken, Written
from agent.tools.client import FhirClient
from agent.tools.provenance import Speaker, header, provenance
from agent.tools.reading import phone_spellings
from agent.tools.toolbox import Toolbox
from fhirserver.kernel.instants import FixedClock
from fhirserver.world.spoken.addresses import SpokenAddress

BASIS = Basis("0.5", "confirmed", (12, 14))


def toolbox(server: StandIn) -> Toolbox:
    client = FhirClient("http://test/fhir", "t", server.transport)
    return Toolbox(client, FixedClock(NOW), communication="Communication/c1")


async def searched(tools: Toolbox) -> SlotsFound:
    found = await tools.run(SearchSlots(at(1, 0, month=12), at(2, 0, month=12), "Practitioner/lane"))
    assert isinstance(found, SlotsFound)
    return found


@pytest.mark.parametrize("phone", ["+14125550142", "4125550142", "(412) 555-0142"])
async def test_patients_are_found_however_the_number_is_written(phone: str) -> None:
    found = await toolbox(practice()).run(FindPatients(phone))
    assert isinstance(found, PatientsFound)
    assert {p.id for p in found.patients} == {"eve", "sam"}


def test_spellings_hold_the_usual_ones() -> None:
    assert {"+14125550142", "412-555-0142", "(412) 555-0142", "4125550142"} <= set(
        phone_spellings("+14125550142")
    )


async def test_slots_carry_who_where_and_version() -> None:
    found = await searched(toolbox(practice()))
    assert [s.start for s in found.slots] == [
        at(1, 9, month=12),
        at(1, 10, month=12),
        at(1, 14, 30, month=12),
    ]
    assert {(s.practitioner, s.practitioner_name, s.version) for s in found.slots} == {
        ("Practitioner/lane", "Doctor Ada Lane", "1")
    }


async def test_a_move_is_one_transaction_guarded_by_versions() -> None:
    server = practice()
    tools = toolbox(server)
    found = await searched(tools)
    result = await tools.run(Book("Patient/eve", found.slots[0].id, BASIS, "thu"))
    assert isinstance(result, Written)
    (method, path, bundle, headers) = server.writes()[-1]
    assert (method, path, bundle["type"]) == ("POST", "", "transaction")
    requests = [
        (e["request"]["method"], e["request"]["url"], e["request"].get("ifMatch")) for e in bundle["entry"]
    ]
    assert requests == [
        ("PUT", f"Slot/{found.slots[0].id}", 'W/"1"'),
        ("PUT", "Appointment/thu", 'W/"1"'),
        ("PUT", "Slot/of-thu", 'W/"1"'),
        ("POST", "Appointment", None),
    ]
    assert [e["resource"]["status"] for e in bundle["entry"]] == ["busy", "cancelled", "free", "booked"]
    assert all("meta" not in e["resource"] for e in bundle["entry"])
    assert bundle["entry"][3]["fullUrl"].startswith("urn:uuid:")
    assert "x-provenance" in headers


async def test_a_taken_slot_is_said_to_be_taken_and_nothing_is_written() -> None:
    server = practice()
    tools = toolbox(server)
    found = await searched(tools)
    server.put(server.store[f"Slot/{found.slots[0].id}"] | {"status": "busy"})
    assert await tools.run(Book("Patient/eve", found.slots[0].id, BASIS)) == Taken()
    assert len(server.of("Appointment")) == 3


async def test_a_slot_that_was_never_searched_cannot_be_booked() -> None:
    assert isinstance(await toolbox(practice()).run(Book("Patient/eve", "made-up", BASIS)), Failed)


async def test_a_line_cut_after_the_booking_is_looked_up_not_repeated() -> None:
    server = practice()
    tools = toolbox(server)
    found = await searched(tools)
    server.cut_after_writing = True
    result = await tools.run(Book("Patient/eve", found.slots[0].id, BASIS))
    assert isinstance(result, Written)
    assert [a["id"] for a in server.of("Appointment") if a["status"] == "booked"].count(
        result.reference[12:]
    ) == 1
    assert len([w for w in server.writes() if w[1] == ""]) == 1


async def test_a_cancellation_cut_after_writing_is_recognised() -> None:
    server = practice()
    server.cut_after_writing = True
    request = Cancel("Patient/eve", "thu", "no ride", "pat-lt", BASIS)
    assert await toolbox(server).run(request) == Written("Appointment/thu")


async def test_a_phone_number_already_there_is_not_written_again() -> None:
    server = practice()
    result = await toolbox(server).run(ChangePhone("Patient/eve", "+14125550142", "home", BASIS))
    assert result == Written("Patient/eve")
    assert server.writes() == []


async def test_a_phone_number_of_the_same_use_is_replaced() -> None:
    server = practice()
    await toolbox(server).run(ChangePhone("Patient/eve", "+14125550199", "home", BASIS))
    (_, _, patch, headers) = server.writes()[0]
    assert (patch[0]["op"], patch[0]["path"]) == ("replace", "/telecom/0")
    assert headers["if-match"] == 'W/"1"'
    assert [t["value"] for t in server.store["Patient/eve"]["telecom"]] == ["+14125550199"]


async def test_a_patch_that_lost_the_race_is_made_again() -> None:
    server = practice()
    raced = []

    def race(request: httpx.Request) -> None:
        if request.method == "PATCH" and not raced:
            raced.append(1)
            server.put(server.store["Patient/eve"] | {"gender": "female"})

    server.faults.append(race)  # type: ignore[arg-type]
    address = SpokenAddress("400 Main Street, Apartment 3", "Springfield", "MA", "01103")
    assert await toolbox(server).run(ChangeAddress("Patient/eve", address, BASIS)) == Written("Patient/eve")
    patient = server.store["Patient/eve"]
    assert patient["gender"] == "female"
    assert patient["address"][0]["line"] == ["400 Main Street", "Apartment 3"]


async def test_an_unknown_payer_is_named_not_invented() -> None:
    server = practice()
    await toolbox(server).run(AddCoverage("Patient/eve", "Wellness Mutual", "A12345", "", BASIS))
    assert server.of("Coverage")[0]["payor"] == [{"display": "Wellness Mutual"}]


async def test_a_busy_server_is_asked_again() -> None:
    server = practice()
    busy = [reply(503, {}), reply(429, {})]
    server.faults.append(lambda _: busy.pop() if busy else None)
    assert isinstance(await toolbox(server).run(FindPatients("+14125550142")), PatientsFound)


async def test_a_server_that_is_down_is_a_failure_not_an_exception() -> None:
    server = practice()
    server.faults.append(lambda _: reply(500, {}))
    assert isinstance(await toolbox(server).run(FindPatients("+14125550142")), Failed)


def test_provenance_as_the_architecture_says() -> None:
    said = provenance(
        Speaker(device="Device/agent"), BASIS, "Communication/c1", "Patient/eve", NOW, "partial"
    )
    values = {e["url"].rsplit("/", 1)[1]: e for e in said["extension"]}
    assert str(values["confidence"]["valueDecimal"]) == "0.5"
    assert values["assertion-method"]["valueCode"] == "confirmed"
    assert values["assertion-mode"]["valueCode"] == "partial"
    assert said["agent"][0]["who"]["reference"] == "Device/agent"
    assert said["agent"][0]["onBehalfOf"] == {"reference": "Patient/eve"}
    (entity,) = said["entity"]
    assert (entity["role"], entity["what"]["reference"]) == ("source", "Communication/c1")
    assert entity["extension"][0]["valueString"] == "12,14"


def test_the_header_is_ascii_and_json() -> None:
    basis = Basis("0.3", "mentioned", (), "my mother Zoë 😀")
    (text,) = header(provenance(Speaker(), basis, "", "", datetime(2026, 1, 1, tzinfo=ZONE))).values()
    assert text.isascii()
    assert "Zoë 😀" in json.loads(text)["agent"][1]["who"]["display"]
