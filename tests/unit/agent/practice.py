"""A practice with three patients, and a caller with a script."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from fhir_stand_in import Resource, StandIn

from agent.call import Call, CallRecord, Event
from agent.channels.script import Script, parse
from agent.channels.terminal import ScriptedLine
from agent.memory import Setting
from agent.tools.client import FhirClient
from fhirserver.kernel.instants import FixedClock

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 24, 14, 47, tzinfo=ZONE).astimezone(UTC)  # a Tuesday
EVE, SAM, ADA = "+14125550142", "+14125550142", "+14125550177"


def person(id: str, given: str, family: str, born: str, phone: str) -> Resource:
    return {
        "resourceType": "Patient",
        "id": id,
        "name": [{"use": "official", "family": family, "given": [given]}],
        "telecom": [{"system": "phone", "value": phone, "use": "home"}],
        "birthDate": born,
        "address": [
            {"use": "home", "line": ["1 Old Road"], "city": "Boston", "state": "MA", "postalCode": "02101"}
        ],
    }


def visit(
    id: str, patient: str, start: datetime, doctor: str = "Practitioner/lane", name: str = "Dr. Ada Lane"
) -> Resource:
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": "booked",
        "description": "Follow-up visit",
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=30)).isoformat(),
        "slot": [{"reference": f"Slot/of-{id}"}],
        "participant": [
            {"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"},
            {"actor": {"reference": doctor, "display": name}, "status": "accepted"},
        ],
    }


def slot(id: str, start: datetime, status: str = "free", schedule: str = "lane") -> Resource:
    return {
        "resourceType": "Slot",
        "id": id,
        "schedule": {"reference": f"Schedule/{schedule}"},
        "status": status,
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=30)).isoformat(),
    }


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ZONE)


def practice() -> StandIn:
    """Eve and Sam Bradtke share a phone.

    Ada Quinn has two appointments; free slots on 27 Nov, 1, 3 and 4 Dec.
    """
    resources: list[Resource] = [
        person("eve", "Eve832", "Bradtke547", "1982-03-03", "412-555-0142"),
        person("sam", "Sam12", "Bradtke547", "2015-07-09", "412-555-0142"),
        person("ada", "Ada", "Quinn", "1955-12-12", "(412) 555-0177"),
        visit("thu", "eve", at(26, 14, 30)),
        slot("of-thu", at(26, 14, 30), "busy"),
        visit("a1", "ada", at(25, 9)),
        slot("of-a1", at(25, 9), "busy"),
        visit("a2", "ada", at(2, 11, month=12), "Practitioner/moss", "Dr. Carl Moss"),
        slot("of-a2", at(2, 11, month=12), "busy", "moss"),
        {"resourceType": "Organization", "id": "aetna", "name": "Aetna"},
        {"resourceType": "Organization", "id": "humana", "name": "Humana"},
    ]
    for key, name in (("lane", "Dr. Ada Lane"), ("moss", "Dr. Carl Moss")):
        actor = {"reference": f"Practitioner/{key}", "display": name}
        resources.append({"resourceType": "Schedule", "id": key, "active": True, "actor": [actor]})
    for day, month in ((27, 11), (1, 12), (3, 12), (4, 12)):
        for hour, minute in ((9, 0), (10, 0), (14, 30)):
            for key in ("lane", "moss"):
                free = slot(f"{key}-{month}-{day}-{hour}", at(day, hour, minute, month), schedule=key)
                resources.append(free)
    return StandIn(resources)


@dataclass
class Played:
    """What a call did: the record, the server after it, and the events."""

    record: CallRecord
    server: StandIn
    events: list[Event]

    @property
    def said(self) -> str:
        """All the agent's words."""
        return "\n".join(t.text for t in self.record.turns if t.speaker == "agent")

    @property
    def before_identification(self) -> str:
        """What the agent said before anybody was identified."""
        out = []
        for event in self.events:
            if event.kind == "identified":
                break
            if event.kind in ("agent", "filler"):
                out.append(event.text)
        return "\n".join(out)

    def appointments(self, status: str, patient: str = "Patient/eve") -> list[Resource]:
        mine = [
            a for a in self.server.of("Appointment") if a["participant"][0]["actor"]["reference"] == patient
        ]
        return [a for a in mine if a["status"] == status]

    def provenance(self, path: str) -> list[dict[str, object]]:
        import json

        return [json.loads(h["x-provenance"]) for _, p, _, h in self.server.writes() if p == path]


async def play(
    script: str, caller: str = EVE, server: StandIn | None = None, setting: Setting | None = None
) -> Played:
    """Play a call. ``script`` is in the script language, one utterance per line."""
    server = server or practice()
    clock = FixedClock(NOW)
    line = ScriptedLine(Script(parse(script.splitlines())), clock)
    client = FhirClient("http://test/fhir", "t", server.transport)
    events: list[Event] = []
    call = Call(client, line, caller, setting or Setting(), clock, on_event=events.append)
    record = await call.run()
    await client.close()
    return Played(record, server, events)
