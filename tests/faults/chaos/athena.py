"""The EHR that speaks athenahealth's API."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.faults.chaos.site import HOMES, Held, Json, Opening, ten
from tests.faults.chaos.world import World
from tests.vendor_process import SECRET, VendorProcess

_KINDS = ("error_rate", "late_error_rate", "cut_rate", "drop_rate", "hang_rate", "throttle_rate", "partial_rate")
_EASTERN = ZoneInfo("America/New_York")
_NUMBER = "https://credence.health/fhir/athenahealth/appointment"
_SETTINGS = """
[[source]]
id = "athena"
kind = "ehr"
authoritative = true

[[connector]]
name = "athena"
source = "athena"
kind = "rest"
mapping = "athenahealth"
url = "{url}"
client_id = "credence"
client_secret_file = "{secret}"
options = ["practice=195900", "days={days}"]
visible_within_seconds = 1
pull_seconds = 1.0
reconcile_seconds = 20
retry_cap_seconds = 2.0
"""


class Athena:
    """See :class:`tests.faults.chaos.site.Site`."""

    name = "athena"

    def __init__(self, folder: Path, slots: int):
        self._days = 3 + slots // 16
        self._process = VendorProcess("athenahealth", "--days", str(self._days)).__enter__()
        self._secret = folder / "athena-secret"
        self._secret.write_text(SECRET)
        self.patients = {number: str(1001 + number) for number in HOMES["athena"]}

    def settings(self) -> str:
        return _SETTINGS.format(url=self._process.url, secret=self._secret, days=self._days)

    def afflict(self, rate: float) -> None:
        self._process.faults(**dict.fromkeys(_KINDS, rate), retry_after=0.2 if rate else 0, hang=1.0)
        self._process.faults(visible_after=0.5 if rate else 0.0)

    async def openings(self, world: World) -> list[Opening]:
        schedules = {one["id"]: one["actor"] for one in await world.search("Schedule?_count=500")}
        found = await world.search(f"Slot?status=free&identifier={_NUMBER}|&_count=1000")
        return [_opening(slot, schedules[slot["schedule"]["reference"].split("/")[1]]) for slot in found]

    def _patient(self, person: int) -> Json:
        return self._process.records("patients")[self.patients[person]]

    def phones(self, person: int) -> Counter[str]:
        row = self._patient(person)
        return Counter(ten(row[name]) for name in ("mobilephone", "homephone", "workphone") if row.get(name))

    def covers(self, person: int) -> Counter[str]:
        rows = self._process.records("insurances").values()
        return Counter(
            str(row["insuranceidnumber"]) for row in rows if str(row["patientid"]) == self.patients[person]
        )

    def appointments(self) -> list[Held]:
        rows = self._process.records("appointments")
        return [_held(id, row) for id, row in rows.items() if row.get("patientid")]

    def change_phone(self, person: int, number: str) -> None:
        self._process.alter("patients", self.patients[person], homephone=number)

    def change_birth(self, person: int, date: str) -> None:
        born = datetime.fromisoformat(date).strftime("%m/%d/%Y")
        self._process.alter("patients", self.patients[person], dob=born)

    def take(self, opening: Opening, person: int) -> bool:
        row = self._process.records("appointments")[opening.key]
        if row["appointmentstatus"] != "o":
            return False
        patient = self.patients[person]
        self._process.alter("appointments", opening.key, appointmentstatus="f", patientid=patient)
        return True

    def cancel(self, held: Held) -> None:
        self._process.alter("appointments", held.id, appointmentstatus="x", cancelreasonname="AT THE DESK")

    def said(self) -> str:
        tables = ("patients", "insurances", "appointments")
        return str([self._process.records(table) for table in tables] + self._process.writes())

    def waiting(self) -> int:
        return 0

    def close(self) -> None:
        self._process.__exit__(None, None, None)


def _opening(slot: Json, actors: list[Json]) -> Opening:
    key = next(one["value"] for one in slot["identifier"] if one["system"] == _NUMBER)
    content = {
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "serviceType": slot["serviceType"],
        "participant": [{"actor": {"reference": one["reference"]}, "status": "accepted"} for one in actors],
    }
    return Opening("athena", key, slot["start"], slot["end"], content)


def _held(id: str, row: Json) -> Held:
    at = datetime.strptime(f"{row['date']} {row['starttime']}", "%m/%d/%Y %H:%M").replace(tzinfo=_EASTERN)
    mark = re.search(r"Appointment/([A-Za-z0-9.-]+)", str(row.get("appointmentnotes", "")))
    stands = row["appointmentstatus"] == "f"
    return Held(
        id, mark[1] if mark else "", str(row["patientid"]), at.astimezone(UTC).isoformat(), stands
    )
