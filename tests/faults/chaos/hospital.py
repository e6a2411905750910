"""The EHR that speaks HL7v2. It tells of no slots: its times are a grid of a physician whom it has told of."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from tests.faults.chaos.site import HOMES, PERSONS, Held, Json, Opening, ten
from tests.faults.chaos.world import World
from tests.server_process import free_port

_KINDS = ("lost", "no_ack", "drop", "ae", "ar", "late", "duplicate", "disorder")
_STAMP = "%Y%m%d%H%M%S"
_DOCTOR = "7001^Grey^Mer^^^^^^SIMHOSP"
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
        self._listen, self._slots = free_port(), slots
        self._profile = folder / "hospital.toml"
        self._profile.write_text(_PROFILE)
        where = ["--port", "0", "--control-port", "0", "--tell", f"127.0.0.1:{self._listen}"]
        command = [sys.executable, "-m", "adapters.simulator.hl7", *where, "--data", str(folder / "hospital.json")]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._ports: dict[str, int] = json.loads(self._process.stdout.readline())
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{self._ports['control']}", trust_env=False, timeout=30)
        self.patients = {number: self._new(number) for number in HOMES["hospital"]}
        self._begin = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=3)
        self._book(self._begin - timedelta(days=1), HOMES["hospital"][0])

    def _new(self, number: int) -> str:
        made = self._http.post("/patients", json=_pid(number))
        return str(made.raise_for_status().json()["mrn"])

    def _book(self, start: datetime, person: int) -> httpx.Response:
        end = start + timedelta(minutes=30)
        content = {
            "mrn": self.patients[person],
            "start": f"{start.strftime(_STAMP)}+0000",
            "end": f"{end.strftime(_STAMP)}+0000",
            "who": ["AIP:7001"],
            "resources": ["RGS|1|A", f"AIP|1|A|{_DOCTOR}"],
        }
        return self._http.post("/appointments", json=content)

    def settings(self) -> str:
        return _SETTINGS.format(listen=self._listen, send=self._ports["mllp"], profile=self._profile)

    def afflict(self, rate: float) -> None:
        self._http.put("/faults", json={**dict.fromkeys(_KINDS, rate), "late_seconds": 0.5}).raise_for_status()

    async def openings(self, world: World) -> list[Opening]:
        doctors = await world.search("Practitioner?family=Grey")
        if not doctors:
            return []
        starts = (self._begin + timedelta(days=n // 16, minutes=30 * (n % 16)) for n in range(self._slots))
        return [_opening(start, doctors[0]["id"]) for start in starts]

    def _records(self) -> Json:
        return dict(self._http.get("/records").json())

    def _patient(self, person: int) -> Json:
        mrn = self.patients[person]
        return next(dict(one) for one in self._records()["patients"] if one["mrn"] == mrn)

    def phones(self, person: int) -> Counter[str]:
        fields = self._patient(person)["fields"]
        numbers = [part for name in ("13", "14") for part in fields.get(name, "").split("~")]
        return Counter(found for one in numbers if len(found := ten(_phone_of(one))) == 10)

    def covers(self, person: int) -> Counter[str]:
        lines = [one for one in self._patient(person)["more"] if one.startswith("IN1")]
        return Counter(found[0] for line in lines if (found := re.search(r"[MC]\d{6}", line)))

    def appointments(self) -> list[Held]:
        return [_held(one) for one in self._records()["appointments"]]

    def change_phone(self, person: int, number: str) -> None:
        fields = self._patient(person)["fields"]
        kept = [one for one in fields.get("13", "").split("~") if one and not _is_home(one)]
        home = f"^PRN^PH^^^{number[:3]}^{number[3:]}"
        self._patch(f"/patients/{self.patients[person]}", {"13": "~".join((home, *kept))})

    def _patch(self, path: str, content: Json) -> None:
        self._http.patch(path, json=content).raise_for_status()

    def change_birth(self, person: int, date: str) -> None:
        self._patch(f"/patients/{self.patients[person]}", {"7": date.replace("-", "")})

    def take(self, opening: Opening, person: int) -> bool:
        return self._book(datetime.fromisoformat(opening.start), person).status_code == 201

    def cancel(self, held: Held) -> None:
        self._patch(f"/appointments/{held.id}", {"status": "Cancelled"})

    def said(self) -> str:
        return str(self._records())

    def waiting(self) -> int:
        return int(self._http.get("/health").json()["waiting"])

    def close(self) -> None:
        self._http.close()
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


def _pid(number: int) -> Json:
    person = PERSONS[number]
    return {
        "5": f"{person.family}^{person.given}",
        "7": person.born.strftime("%Y%m%d"),
        "8": person.sex,
        "11": f"{person.street}^^BOSTON^MA^02210^^H",
        "13": f"^PRN^CP^^^{person.phone[:3]}^{person.phone[3:]}~^NET^Internet^{person.email}",
    }


def _opening(start: datetime, doctor: str) -> Opening:
    end = start + timedelta(minutes=30)
    who = [{"actor": {"reference": f"Practitioner/{doctor}"}, "status": "accepted"}]
    return Opening("hospital", start.isoformat(), start.isoformat(), end.isoformat(), {"participant": who})


def _phone_of(text: str) -> str:
    """The number of an XTN: component 1, else area code and local number."""
    parts = [*text.split("^"), *[""] * 12]
    return parts[0] or parts[11] or parts[5] + parts[6]


def _is_home(text: str) -> bool:
    parts = [*text.split("^"), "", "", ""]
    return parts[1] == "PRN" and parts[2] == "PH"


def _held(record: Json) -> Held:
    start = datetime.strptime(record["start"][:14], _STAMP).replace(tzinfo=UTC).isoformat()
    stands = record["status"].lower() in ("booked", "pending", "")
    placer = record["placer"].split("^")[0] if "CREDENCE" in record["placer"] else ""
    return Held(record["filler"], placer, record["mrn"], start, stands)
