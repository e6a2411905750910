"""Messages made of resources: what stands where, that others can read them, and that one change is one message."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hl7
import pytest
from hl7apy.parser import parse_message

from adapters.hl7v2.acknowledgement import read_acknowledgement
from adapters.hl7v2.message import Message, parse
from adapters.hl7v2.outbound.answers import had_it_before, refusal
from adapters.hl7v2.outbound.messages import Composer
from adapters.hl7v2.outbound.profile import Profile, ProfileError, load_profile, read_profile
from adapters.hl7v2.outbound.reader import Carried
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.ehr import Change, EhrError, NeedsPerson, Operation, Permanent, Retryable

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
MRN = {"system": "https://hospital.example/mrn", "value": "100", "type": {"coding": [{"code": "MR"}]}}
EVE: JsonObject = {
    "resourceType": "Patient",
    "identifier": [MRN, {"system": "urn:other", "value": "X|1"}],
    "name": [{"use": "official", "family": "An&der^s", "given": ["Eve", "M"]}],
    "birthDate": "1980-02-03",
    "gender": "female",
    "telecom": [
        {"system": "phone", "value": "+15550001111", "use": "home"},
        {"system": "email", "value": "eve@example.org"},
        {"system": "phone", "value": "+15550002222", "use": "work"},
    ],
    "address": [{"use": "home", "line": ["1 Main St"], "city": "Ann Arbor", "postalCode": "48104"}],
}
DOCTOR: JsonObject = {
    "resourceType": "Practitioner",
    "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}],
    "name": [{"family": "House", "given": ["Greg"]}],
}
ROOM: JsonObject = {"resourceType": "Location", "name": "Room 3"}
PAYER: JsonObject = {"resourceType": "Organization", "name": "Blue Shield", "identifier": [{"value": "BS1"}]}
COVER: JsonObject = {
    "resourceType": "Coverage",
    "status": "active",
    "beneficiary": {"reference": "Patient/eve"},
    "payor": [{"reference": "Organization/blue"}],
    "subscriberId": "M-77",
}
VISIT: JsonObject = {
    "resourceType": "Appointment",
    "status": "booked",
    "start": "2026-12-01T09:00:00Z",
    "end": "2026-12-01T09:30:00Z",
    "minutesDuration": 30,
    "serviceType": [{"coding": [{"system": "urn:local", "code": "CHK", "display": "Check-up"}]}],
    "participant": [
        {"actor": {"reference": "Patient/eve"}, "status": "accepted"},
        {"actor": {"reference": "Practitioner/house"}, "status": "accepted"},
        {"actor": {"reference": "Location/room"}, "status": "accepted"},
    ],
}
WORLD = {
    "Patient/eve": Carried("eve", "urn|100", EVE),
    "Practitioner/house": Carried("house", "", DOCTOR),
    "Location/room": Carried("room", "", ROOM),
    "Organization/blue": Carried("blue", "", PAYER),
}


class World:
    """Resources by reference."""

    def __init__(self, covers: list[Carried] | None = None) -> None:
        self.covers = covers or []

    async def carried(self, reference: str) -> Carried | None:
        return WORLD.get(reference)

    async def of_patient(self, type: str, element: str, patient: str) -> list[Carried]:
        return self.covers if type == "Coverage" else []

    async def learned(self, type: str, key: str, world: str) -> None:
        raise AssertionError


def profile(**more: Any) -> Profile:
    made = {"authorities": {MRN["system"]: "HOSP"}, "receiving": ["EHR", "HOSPITAL"], **more}
    return read_profile(made)


async def made(change: Change, covers: list[Carried] | None = None, **more: Any) -> Message:
    return await Composer(profile(**more), World(covers)).message(change, AT)


def booking(operation: Operation = Operation.CREATE, **more: Any) -> Change:
    content = {**VISIT, **more.pop("content", {})}
    return Change(operation, "Appointment", "Appointment/a1", content, **more)


async def test_a_booking() -> None:
    message = await made(booking())
    assert (message.type, message.event, message.structure) == ("SIU", "S12", "SIU_S12")
    assert [segment.name for segment in message.segments] == ["MSH", "SCH", "PID", "RGS", "AIS", "AIL", "AIP"]
    sch, pid, aip = (message.first(name) for name in ("SCH", "PID", "AIP"))
    assert sch and pid and aip
    assert (sch.value(1), sch.value(1, component=2)) == ("a1", "CREDENCE")
    assert (sch.value(9), sch.value(11, component=4), sch.value(25)) == (
        "30",
        "20261201090000+0000",
        "Booked",
    )
    assert pid.value(5) == "An&der^s", "what stands in a value divides nothing"
    assert [(one.value(), one.value(4)) for one in pid.repetitions(3)] == [
        ("100", "HOSP"),
        ("X|1", "other"),
        ("eve", "CREDENCE"),
    ]
    assert (aip.value(3), aip.value(3, component=2), aip.value(3, component=13)) == (
        "1234567893",
        "House",
        "NPI",
    )


@pytest.mark.parametrize(
    ("event", "change"),
    [
        ("S13", booking(Operation.UPDATE, content={"start": "2026-12-02T09:00:00Z"}, before=VISIT)),
        ("S14", booking(Operation.UPDATE, content={"minutesDuration": 45}, before=VISIT)),
        ("S15", booking(Operation.UPDATE, content={"status": "cancelled"}, before=VISIT)),
        ("S26", booking(Operation.UPDATE, content={"status": "noshow"}, before=VISIT)),
        ("S13", booking(only_found=True)),
        ("S15", booking(content={"status": "cancelled"}, only_found=True)),
        (
            "S17",
            Change(Operation.DELETE, "Appointment", "Appointment/a1", before=VISIT, id="PLAC:CREDENCE|a1"),
        ),
    ],
)
async def test_what_becomes_of_a_booking(event: str, change: Change) -> None:
    assert (await made(change)).event == event


async def test_the_fillers_number_is_told_back() -> None:
    message = await made(booking(Operation.UPDATE, id="FILL:HOSP|F9", before=VISIT))
    assert (message.value("SCH", 2), message.value("SCH", 2, component=2)) == ("F9", "HOSP")
    assert message.value("SCH", 1) is None, "another placed it"


@pytest.mark.parametrize(("events", "event"), [(["A28", "A31"], "A28"), (["A04", "A08"], "A04")])
async def test_a_new_patient_with_cover(events: list[str], event: str) -> None:
    cover = [Carried("c1", "derived:c1", COVER)]
    message = await made(Change(Operation.CREATE, "Patient", "Patient/eve", EVE), cover, events=events)
    assert message.event == event
    assert [s.name for s in message.segments] == ["MSH", "EVN", "PID", "PV1", "IN1"]
    in1 = message.first("IN1")
    assert in1 and (in1.value(3), in1.value(4), in1.value(36)) == ("BS1", "Blue Shield", "M-77")


async def test_a_new_cover_is_told_with_all_others() -> None:
    change = Change(Operation.CREATE, "Coverage", "Coverage/c2", {**COVER, "subscriberId": "M-88"})
    message = await made(change, [Carried("c1", "derived:c1", COVER)])
    assert message.event == "A31"
    assert [in1.value(36) for in1 in message.all("IN1")] == ["M-88", "M-77"]


async def test_what_the_profile_does_not_have_is_never_sent() -> None:
    with pytest.raises(Permanent, match="S12"):
        await made(booking(), events=["S15"])
    with pytest.raises(Permanent, match="patient"):
        await made(booking(content={"participant": []}))


async def test_a_profile_translates_adds_and_names() -> None:
    message = await made(
        Change(Operation.UPDATE, "Patient", "Patient/eve@1", EVE, id="x"),
        version="2.3.1",
        charset="8859/1",
        separators="#*~\\$",
        time_zone="Europe/Vienna",
        identifiers=[MRN["system"]],
        codes={"PID-8": {"F": "W"}},
        fields={"PV1-2": "O", "ZPI-1": {"path": "Patient.address.city"}, "ZPI-3": "web"},
    )
    assert message.text.startswith("MSH#*~\\$#CREDENCE#") and message.version == "2.3.1"
    assert message.header.value(7) == "20261128130000+0100" and message.header.value(18) == "8859/1"
    assert message.structure == "ADT_A01", "there is no ADT_A05 in 2.3.1"
    assert (message.value("PID", 8), message.value("PV1", 2)) == ("W", "O")
    assert (message.value("ZPI", 1), message.value("ZPI", 3)) == ("Ann Arbor", "web")
    pid = message.first("PID")
    assert pid and [one.value() for one in pid.repetitions(3)] == ["100", "eve"]


@pytest.mark.parametrize("version", ["2.3.1", "2.5.1", "2.8"])
@pytest.mark.parametrize(
    "change",
    [
        booking(),
        booking(Operation.UPDATE, content={"status": "cancelled"}, before=VISIT),
        Change(Operation.CREATE, "Patient", "Patient/eve", EVE),
        Change(Operation.UPDATE, "Patient", "Patient/eve@1", EVE, id="x"),
        Change(Operation.CREATE, "Coverage", "Coverage/c1", COVER),
    ],
)
async def test_others_read_what_we_send(version: str, change: Change) -> None:
    message = await made(change, version=version)
    theirs = parse_message(message.text, find_groups=True)
    if version != "2.8":  # of which hl7apy writes withdrawn fields in another place than it read them
        assert theirs.to_er7().rstrip("\r") == message.text.rstrip("\r")
    assert theirs.msh.msh_10.value == message.control_id
    assert {child.name for child in theirs.children} >= {"MSH"}
    assert "Unknown" not in {child.classname for child in theirs.children}
    assert str(hl7.parse(message.text).segment("MSH")[10]) == message.control_id
    assert parse(message.text).text == message.text


async def test_one_change_is_one_control_id() -> None:
    first, again = await made(booking()), await made(booking(attempt=2))
    other = await made(booking(content={"minutesDuration": 45}))
    assert first.control_id == again.control_id != other.control_id
    assert len(first.control_id) == 20


def answer(msa: str, err: str = "") -> Any:
    return read_acknowledgement(
        parse(
            f"MSH|^~\\&|||||||ACK|1|P|2.5.1\r{msa}\r{err}\r"
            if err
            else f"MSH|^~\\&|||||||ACK|1|P|2.5.1\r{msa}\r"
        )
    )


@pytest.mark.parametrize(
    ("msa", "err", "kind"),
    [
        ("MSA|AE|1", "ERR||PID^1^3|101^Required field missing|E", Permanent),
        ("MSA|AE|1", "ERR||PID^1^3|204^Unknown key identifier|E", NeedsPerson),
        ("MSA|AE|1", "ERR|||207|E|SLOT_TAKEN|||taken", NeedsPerson),
        ("MSA|AE|1", "ERR|||207|E|LATER", Retryable),
        ("MSA|AE|1", "ERR|||206|E", Retryable),
        ("MSA|AR|1", "", Retryable),
        ("MSA|AR|1", "ERR|||201|E", Permanent),
        ("MSA|CE|1", "", NeedsPerson),
        ("MSA|AE|1|words", "ERR|PID^1^3^101", Permanent),
    ],
)
def test_what_an_answer_means(msa: str, err: str, kind: type[EhrError]) -> None:
    made_of = profile(refusals={"LATER": "retry"})
    error = refusal(answer(msa, err), made_of)
    assert type(error) is kind
    assert "words" not in str(error) and "taken" not in str(error)


def test_a_repeat_that_the_receiver_knows_is_no_refusal() -> None:
    assert had_it_before(answer("MSA|AE|1", "ERR||MSH^1^10|205|E"))
    assert not had_it_before(answer("MSA|AE|1", "ERR||PID^1^3|205|E"))


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ({"versoin": "2.5"}, "versoin"),
        ({"version": "9"}, "version"),
        ({"events": ["S99"]}, "S99"),
        ({"separators": "|||||"}, "separators"),
        ({"time_zone": "Nowhere"}, "time_zone"),
        ({"charset": "x"}, "charset"),
        ({"fields": {"PID": "1"}}, "PID"),
        ({"fields": {"PID-1": {"path": "Patient.nam("}}}, "PID-1"),
        ({"refusals": {"X": "perhaps"}}, "X"),
    ],
)
def test_a_wrong_profile_is_told(content: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ProfileError, match=wrong):
        read_profile(content)


def test_a_profile_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ehr.toml"
    file.write_text("version = ")
    with pytest.raises(ProfileError, match=r"ehr\.toml"):
        load_profile(file)
