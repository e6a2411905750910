"""The EHR that speaks FHIR. Its clerks write through a door of their own that knows no faults."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fhirserver.kernel.instants import parse_instant
from tests.faults.chaos.site import HOMES, PERSONS, Held, Json, Opening, ten
from tests.faults.chaos.world import World
from tests.unit.adapters.in_process import tiny_bundles
from tests.unit.adapters.simulated_ehr import TOKEN, SimulatedEhrProcess

_KINDS = ("error_rate", "cut_rate", "conflict_rate", "precondition_rate", "throttle_rate")
_SLOT = "https://north.example/slot"
_KEY = "https://credence.health/fhir/identifier/writeback"
_SETTINGS = """
[[source]]
id = "north"
kind = "ehr"
authoritative = true

[[connector]]
name = "north"
source = "north"
url = "{url}"
token_file = "{token}"
pull_seconds = 1.0
reconcile_seconds = 20
retry_cap_seconds = 2.0
"""
_DEAD = ("cancelled", "noshow", "entered-in-error")


class North:
    """See :class:`tests.faults.chaos.site.Site`."""

    name = "north"

    def __init__(self, folder: Path, slots: int):
        self._process = SimulatedEhrProcess(
            folder / "north.db", "--bundles", str(tiny_bundles(folder / "bundles"))
        )
        self._token = folder / "north-token"
        self._token.write_text(TOKEN)
        self._desk = f"{self._process.root}/desk"
        self.patients = {number: self._post("Patient", **_patient(number)) for number in HOMES["north"]}
        self._calendar(slots)

    def _calendar(self, slots: int) -> None:
        begin = datetime.now(UTC).replace(hour=14, minute=0, second=0, microsecond=0) + timedelta(days=3)
        for family in ("Abbott", "Zimmer"):
            doctor = self._post("Practitioner", name=[{"family": family, "given": ["Pat"]}])
            schedule = self._post("Schedule", actor=[{"reference": f"Practitioner/{doctor}"}])
            for number in range(slots // 2):
                start = begin + timedelta(days=number // 16, minutes=30 * (number % 16))
                self._post(
                    "Slot",
                    identifier=[{"system": _SLOT, "value": f"{family}-{number}"}],
                    schedule={"reference": f"Schedule/{schedule}"},
                    status="free",
                    start=start.isoformat(),
                    end=(start + timedelta(minutes=30)).isoformat(),
                )

    def _post(self, type: str, **content: Any) -> str:
        answer = self._process.http.post(f"{self._desk}/{type}", json={"resourceType": type, **content})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def _all(self, type: str) -> list[Json]:
        """Every record, by pages."""
        found: list[Json] = []
        url = f"{self._desk}/{type}?_count=500"
        while url:
            bundle = self._process.http.get(url).json()
            found += [entry["resource"] for entry in bundle.get("entry", ())]
            links = {link["relation"]: link["url"] for link in bundle.get("link", ())}
            url = links.get("next", "").replace("/fhir/", "/desk/").replace("/fhir?", "/desk?")
        return found

    def _change(self, type: str, id: str, **members: Any) -> None:
        url = f"{self._desk}/{type}/{id}"
        record = {**self._process.http.get(url).json(), **members}
        record.pop("meta", None)
        answer = self._process.http.put(url, json=record)
        assert answer.status_code == 200, answer.text

    def settings(self) -> str:
        return _SETTINGS.format(url=self._process.base, token=self._token)

    def afflict(self, rate: float) -> None:
        self._process.faults(**dict.fromkeys(_KINDS, rate), retry_after=0.2)

    async def openings(self, world: World) -> list[Opening]:
        schedules = {one["id"]: one["actor"] for one in await world.search("Schedule?_count=500")}
        found = await world.search(f"Slot?status=free&identifier={_SLOT}|&_count=1000")
        return [_opening(slot, schedules[slot["schedule"]["reference"].split("/")[1]]) for slot in found]

    def phones(self, person: int) -> Counter[str]:
        record = self._process.http.get(f"{self._desk}/Patient/{self.patients[person]}").json()
        return Counter(ten(one["value"]) for one in record.get("telecom", ()) if one.get("system") == "phone")

    def covers(self, person: int) -> Counter[str]:
        whose = f"Patient/{self.patients[person]}"
        held = (one for one in self._all("Coverage") if one["beneficiary"].get("reference") == whose)
        return Counter(str(one.get("subscriberId")) for one in held)

    def appointments(self) -> list[Held]:
        return [_held(one) for one in self._all("Appointment")]

    def change_phone(self, person: int, number: str) -> None:
        record = self._process.http.get(f"{self._desk}/Patient/{self.patients[person]}").json()
        others = [one for one in record.get("telecom", ()) if one.get("use") != "home"]
        home = {"system": "phone", "use": "home", "value": f"+1{number}"}
        self._change("Patient", self.patients[person], telecom=[home, *others])

    def change_birth(self, person: int, date: str) -> None:
        self._change("Patient", self.patients[person], birthDate=date)

    def take(self, opening: Opening, person: int) -> bool:
        own = next(one for one in self._all("Slot") if one["identifier"][0]["value"] == opening.key)
        patient = {"reference": f"Patient/{self.patients[person]}"}
        content = {
            "status": "booked",
            "start": own["start"],
            "end": own["end"],
            "slot": [{"reference": f"Slot/{own['id']}"}],
            "participant": [{"actor": patient, "status": "accepted"}],
        }
        answer = self._process.http.post(
            f"{self._desk}/Appointment", json={"resourceType": "Appointment", **content}
        )
        return answer.status_code == 201

    def cancel(self, held: Held) -> None:
        self._change("Appointment", held.id, status="cancelled")

    def said(self) -> str:
        return str(self._process.writes())

    def waiting(self) -> int:
        return 0

    def close(self) -> None:
        self._process.kill()


def _patient(number: int) -> Json:
    person = PERSONS[number]
    return {
        "name": [{"use": "official", "family": person.family, "given": [person.given]}],
        "gender": "female" if person.sex == "F" else "male",
        "birthDate": person.born.isoformat(),
        "telecom": [
            {"system": "phone", "use": "mobile", "value": f"+1{person.phone}"},
            {"system": "email", "value": person.email},
        ],
        "address": [
            {"use": "home", "line": [person.street], "city": "BOSTON", "state": "MA", "postalCode": "02210"}
        ],
    }


def _opening(slot: Json, actors: list[Json]) -> Opening:
    content = {
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "participant": [{"actor": {"reference": one["reference"]}, "status": "accepted"} for one in actors],
    }
    return Opening("north", slot["identifier"][0]["value"], slot["start"], slot["end"], content)


def _held(record: Json) -> Held:
    marks = [one["value"] for one in record.get("identifier", ()) if one.get("system") == _KEY]
    marks += [
        one["code"].partition("@")[0] for one in record["meta"].get("tag", ()) if one.get("system") == _KEY
    ]
    patients = [one["actor"]["reference"] for one in record["participant"] if "actor" in one]
    whose = next((one.split("/")[-1] for one in patients if one.startswith("Patient/")), "")
    start = parse_instant(record["start"]).astimezone(UTC).isoformat()
    mark = marks[0].rpartition("/")[2] if marks else ""
    return Held(record["id"], mark, whose, start, record["status"] not in _DEAD)
