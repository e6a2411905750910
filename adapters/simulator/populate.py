"""Filling an empty simulated EHR: Synthea's records, then a calendar around today."""

from __future__ import annotations

import lzma
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from importlib import resources

from adapters.simulator import schedule
from adapters.simulator.clinic import Clinic
from adapters.simulator.options import Options
from adapters.simulator.records import Records, Stored
from adapters.simulator.schedule import Actor, Place
from adapters.simulator.synthea import Loader, read_bundles, with_coverage
from fhirserver.kernel.json import JsonObject, loads


def populate(records: Records, clinic: Clinic, options: Options) -> None:
    """Fill the database, in one transaction, unless it holds something already."""
    if records.counts():
        return
    records.stop_clock(datetime.now(UTC) - timedelta(days=1))
    with records.transaction():
        _load(records, clinic, options)
        _share_a_phone(records)
        _Calendar(records, clinic, options).fill()
    records.stop_clock(None)


def demo_bundles() -> list[JsonObject]:
    """The patients that come with the package."""
    packed = resources.files("adapters.simulator").joinpath("data/patients.json.xz").read_bytes()
    bundles: list[JsonObject] = loads(lzma.decompress(packed))
    return bundles


def _load(records: Records, clinic: Clinic, options: Options) -> None:
    bundles = read_bundles(options.bundles) if options.bundles else demo_bundles()
    loader = Loader(clinic.new_id, clinic.admit)
    for bundle in bundles:
        loader.load(with_coverage(bundle))


def _share_a_phone(records: Records) -> None:
    """See to it that two living patients have one phone number in common, as families have."""
    living = [record for record in _all(records, "Patient") if "deceasedDateTime" not in record]
    phones = [record["telecom"] for record in living if record.get("telecom")]
    values = Counter(item["value"] for telecom in phones for item in telecom)
    if len(living) > 1 and all(count == 1 for count in values.values()):
        records.put({**living[1], "telecom": living[0]["telecom"]}, living[1]["id"])


def _all(records: Records, type: str) -> list[JsonObject]:
    where = "type = ? AND deleted = 0 ORDER BY updated"
    return [stored.json() for stored in records.matching(where, (type,))]


class _Calendar:
    """Makes the calendar of some practitioners; everything is decided by the seed and the day."""

    def __init__(self, records: Records, clinic: Clinic, options: Options):
        self.records, self.clinic, self.options = records, clinic, options
        self.chance = random.Random(options.seed)  # noqa: S311
        self.today = options.today or _today(options.utc_offset)
        self.slots: list[tuple[Place, Stored]] = []

    def fill(self) -> None:
        places = self._places()
        for place in places:
            self._open(place)
        patients = [record for record in _all(self.records, "Patient") if "deceasedDateTime" not in record]
        for number, patient in enumerate(patients if places else ()):
            actor = _actor(patient)
            self._recent_encounter(actor, places[number % len(places)], number)
            self._book(actor, None if number else schedule.coming_thursday(self.today))

    def _places(self) -> list[Place]:
        """The practitioners whom the patients have seen most, with where they saw them."""
        seen: Counter[str] = Counter()
        where: dict[str, str] = {}
        for encounter in _all(self.records, "Encounter"):
            location = next(
                (item["location"].get("reference", "") for item in encounter.get("location", ())), ""
            )
            for participant in encounter.get("participant", ()):
                reference = participant.get("individual", {}).get("reference", "")
                seen[reference] += 1
                where[reference] = location or where.get(reference, "")
        known = [(reference, self._get(reference)) for reference, _ in seen.most_common()]
        doctors = [(reference, record) for reference, record in known if record is not None]
        return [
            self._place(record, where[reference])
            for reference, record in doctors[: self.options.practitioners]
        ]

    def _place(self, practitioner: JsonObject, location: str) -> Place:
        place = self._get(location)
        return Place(_actor(practitioner), _actor(place) if place else None, self.options.utc_offset)

    def _get(self, reference: str) -> JsonObject | None:
        type, _, id = reference.partition("/")
        stored = self.records.current(type, id)
        return stored.json() if stored else None

    def _open(self, place: Place) -> None:
        days = list(schedule.workdays(self.today, self.options.weeks))
        made = self.clinic.admit(schedule.schedule(place, self.today, self.options.weeks))
        for slot in schedule.slots(f"Schedule/{made.id}", place, days, self.chance):
            self.slots.append((place, self.clinic.admit(slot)))

    def _recent_encounter(self, patient: Actor, place: Place, number: int) -> None:
        day = schedule.recent_weekday(self.today, 7 + 9 * number)
        self.clinic.admit(schedule.encounter(patient, place, day, self._reason(patient)))

    def _reason(self, patient: Actor) -> JsonObject | None:
        """The newest condition of the patient that is still active, as the reason of the visit."""
        codes = [
            condition["code"]
            for condition in _all(self.records, "Condition")
            if condition["subject"].get("reference") == patient.reference
            and condition.get("clinicalStatus", {}).get("coding", [{}])[0].get("code") == "active"
        ]
        return codes[-1] if codes else None

    def _book(self, patient: Actor, day: date | None) -> None:
        """An appointment on ``day`` at the fixed hour, or some time within two weeks."""
        open_slots = list(self._candidates(day))
        if not open_slots:
            return
        place, slot = open_slots[0] if day else self.chance.choice(open_slots)
        record = schedule.appointment(slot.json(), f"Slot/{slot.id}", patient, place)
        self.clinic.admit(record)

    def _candidates(self, day: date | None) -> Iterator[tuple[Place, Stored]]:
        soon = self.today + timedelta(days=1), self.today + timedelta(days=14)
        for place, stored in self.slots:
            current = self.records.current("Slot", stored.id)
            slot = (current or stored).json()
            start = datetime.fromisoformat(slot["start"])
            fits = start.date() == day and start.time() == schedule.FIRST_APPOINTMENT
            if slot["status"] == "free" and (fits if day else soon[0] <= start.date() <= soon[1]):
                yield place, stored


def _today(utc_offset: str) -> date:
    return datetime.now(timezone(_offset(utc_offset))).date()


def _offset(text: str) -> timedelta:
    found = datetime.fromisoformat(f"2000-01-01T00:00:00{text}").utcoffset()
    if found is None:
        raise ValueError("utc_offset must be like -05:00")
    return found


def _actor(record: JsonObject) -> Actor:
    name = record.get("name", "")
    if isinstance(name, list):
        first = name[0] if name else {}
        parts = [*first.get("prefix", ()), *first.get("given", ())[:1], first.get("family", "")]
        name = " ".join(part for part in parts if part)
    return Actor(f"{record['resourceType']}/{record['id']}", name)
