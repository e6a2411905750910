"""The EHR that speaks HL7v2. It tells of no slots: the times are those of a physician whom it has told of."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC
from pathlib import Path

import httpx

from fhirserver.kernel.instants import parse_instant
from tests.faults.chaos.site import HOMES, PERSONS, Held, Json, Opening, ten
from tests.faults.chaos.world import World
from tests.server_process import free_port

_TOKEN = "the hospital's token"
_SETTINGS = """
[[source]]
id = "hospital"
kind = "ehr"
authoritative = true

[[connector]]
name = "hospital"
source = "hospital"
kind = "hl7v2"
listen = "127.0.0.1:{listen}"
send = "127.0.0.1:{send}"
profile = "{profile}"
retry_cap_seconds = 2.0
"""
_PROFILE = """
receiving = ["SIMEHR", "SIMHOSP"]
identifiers = ["urn:credence:hl7v2:default:SIMHOSP"]

[refusals]
SLOT_TAKEN = "person"
"""


class Hospital:
    """See :class:`tests.faults.chaos.site.Site`."""

    name = "hospital"

    def __init__(self, folder: Path, slots: int):
        self._listen = free_port()
        self._profile = folder / "hospital.toml"
        self._profile.write_text(_PROFILE)
        where = ["--port", "0", "--control-port", "0", "--tell", f"127.0.0.1:{self._listen}"]
        what = ["--patients", "0", "--practitioners", "1", "--days", str(slots // 16 + 1)]
        command = [sys.executable, "-m", "adapters.simulator.hl7", "--token", _TOKEN, *where, *what]
        command += ["--data", str(folder / "hospital.db")]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._ports: dict[str, int] = json.loads(self._process.stdout.readline())
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{self._ports['control']}/admin",
            headers={"Authorization": f"Bearer {_TOKEN}"},
            trust_env=False,
            timeout=30,
        )
        self.patients = {number: self._new(number) for number in HOMES["hospital"]}
        self._doctor = str(self._list("practitioners")[0]["npi"])
        self._free = self._list("slots", free="1")
        self._book(self._free.pop(0)["start"], HOMES["hospital"][0])

    def _list(self, table: str, **query: str) -> list[Json]:
        return list(self._http.get(f"/{table}", params=query).raise_for_status().json())

    def _new(self, number: int) -> str:
        made = self._http.post("/patients", json=_pid(number))
        return str(made.raise_for_status().json()["mrn"])

    def _book(self, start: str, person: int) -> httpx.Response:
        content = {"patient": self.patients[person], "practitioner": self._doctor, "start": start}
        return self._http.post("/appointments", json=content)

    def settings(self) -> str:
        return _SETTINGS.format(listen=self._listen, send=self._ports["mllp"], profile=self._profile)

    def afflict(self, rate: float) -> None:
        wanted = {"rate": rate, "late_seconds": 0.5} if rate else {"reset": True}
        self._http.post("/faults", json=wanted).raise_for_status()

    async def openings(self, world: World) -> list[Opening]:
        found = await world.search(f"Practitioner?identifier=|{self._doctor}")
        found = found or await world.search(f"Practitioner?identifier={self._doctor}")
        return [_opening(slot, found[0]["id"]) for slot in self._free] if found else []

    def _patient(self, person: int) -> Json:
        return next(one for one in self._list("patients") if one["mrn"] == self.patients[person])

    def phones(self, person: int) -> Counter[str]:
        fields = self._patient(person)["fields"]
        numbers = [part for name in ("PID-13", "PID-14") for part in fields.get(name, "").split("~")]
        return Counter(found for one in numbers if len(found := ten(_phone_of(one))) == 10)

    def covers(self, person: int) -> Counter[str]:
        return Counter(re.findall(r"\b[MC]\d{6}\b", str(self._patient(person)["lists"])))

    def appointments(self) -> list[Held]:
        return [_held(one) for one in self._list("appointments")]

    def change_phone(self, person: int, number: str) -> None:
        fields = self._patient(person)["fields"]
        kept = [one for one in fields.get("PID-13", "").split("~") if one and not _is_home(one)]
        home = f"^PRN^PH^^^{number[:3]}^{number[3:]}"
        self._patch(f"/patients/{self.patients[person]}", {"phone": "~".join((home, *kept))})

    def _patch(self, path: str, content: Json) -> None:
        self._http.patch(path, json=content).raise_for_status()

    def change_birth(self, person: int, date: str) -> None:
        self._patch(f"/patients/{self.patients[person]}", {"birth_date": date.replace("-", "")})

    def take(self, opening: Opening, person: int) -> bool:
        return self._book(opening.start, person).status_code == 201

    def cancel(self, held: Held) -> None:
        self._http.delete(f"/appointments/{held.id}", params={"event": "S15"}).raise_for_status()

    def said(self) -> str:
        return str([self._list(table) for table in ("patients", "appointments", "writes")])

    def waiting(self) -> int:
        return int(self._http.get("/state").json()["feed_waiting"])

    def close(self) -> None:
        self._http.close()
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


def _pid(number: int) -> Json:
    person = PERSONS[number]
    return {
        "name": f"{person.family}^{person.given}",
        "birth_date": person.born.strftime("%Y%m%d"),
        "sex": person.sex,
        "address": f"{person.street}^^BOSTON^MA^02210^^H",
        "phone": f"^PRN^CP^^^{person.phone[:3]}^{person.phone[3:]}~^NET^Internet^{person.email}",
    }


def _opening(slot: Json, doctor: str) -> Opening:
    who = [{"actor": {"reference": f"Practitioner/{doctor}"}, "status": "accepted"}]
    return Opening("hospital", slot["start"], slot["start"], slot["ends"], {"participant": who})


def _phone_of(text: str) -> str:
    """The number of an XTN: component 1, else area code and local number."""
    parts = [*text.split("^"), *[""] * 12]
    return parts[0] or parts[11] or parts[5] + parts[6]


def _is_home(text: str) -> bool:
    parts = [*text.split("^"), "", "", ""]
    return parts[1] == "PRN" and parts[2] == "PH"


def _held(record: Json) -> Held:
    start = parse_instant(record["start"]).astimezone(UTC).isoformat()
    stands = record["status"].lower() in ("booked", "pending", "")
    return Held(record["filler"], record["placer_written"].split("^")[0], record["mrn"], start, stands)
