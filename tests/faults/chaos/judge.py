"""After the drill: do the EHRs and the world agree on everything that was confirmed?"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC

from fhirserver.kernel.instants import parse_instant
from tests.faults.chaos.memory import Booking, Memory, WalkIn
from tests.faults.chaos.site import HOMES, Held, Json, Site, ten
from tests.faults.chaos.world import Refused, World

_FLAG = "https://credence.health/fhir/StructureDefinition/refused-by-ehr"
_CLOSED = ("cancelled", "noshow", "entered-in-error")
_OPEN_CALL = "requested,accepted,in-progress,on-hold"


@dataclass(slots=True)
class Figures:
    """Of one EHR."""

    confirmed: int = 0
    agreed: int = 0
    refused: int = 0
    duplicates: int = 0
    lost: int = 0
    learned: int = 0
    """Approved phones and covers, and clerks' phones of other EHRs, that arrived."""


@dataclass(slots=True)
class Verdict:
    """``problems`` name ids, and must be empty. ``below`` counts values below their gate that an EHR got."""

    figures: dict[str, Figures] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    below: int = 0
    calls: int = 0
    settled: int = 0
    disagreements: int = 0

    @property
    def duplicates(self) -> int:
        return sum(one.duplicates for one in self.figures.values())

    @property
    def lost(self) -> int:
        return sum(one.lost for one in self.figures.values())


class Judge:
    """Looks at everything as it is now."""

    def __init__(self, world: World, sites: Mapping[str, Site], memory: Memory):
        self._world, self._sites, self._memory = world, sites, memory

    async def verdict(self) -> Verdict:
        made = Verdict({name: Figures() for name in self._sites})
        open_calls = await self._world.tasks("call-back", _OPEN_CALL)
        calls = {one["focus"]["reference"].partition("/")[2]: one for one in open_calls}
        made.calls = len(calls)
        found = await self._world.search("Appointment?_count=500")
        known = {one["id"]: one for one in found}
        for site in self._sites.values():
            held = await asyncio.to_thread(site.appointments)
            self._bookings(made, site, held, known, calls)
            self._strangers(made, site, held)
            self._walk_ins(made, site, found)
            await asyncio.to_thread(self._numbers, made, site)
        await self._persons(made)
        await self._differences(made)
        await self._queues(made)
        return made

    # appointments

    def _bookings(
        self,
        made: Verdict,
        site: Site,
        held: Sequence[Held],
        known: Mapping[str, Json],
        calls: Mapping[str, Json],
    ) -> None:
        figures = made.figures[site.name]
        for booking in self._memory.bookings.values():
            if booking.site != site.name:
                continue
            ours = [one for one in held if one.mark == booking.id]
            if booking.whispered:
                made.below += bool(ours)
                made.problems += [
                    f"{site.name}: {one.id}: Appointment/{booking.id} was never confirmed" for one in ours
                ]
                continue
            figures.confirmed += 1
            standing = [one for one in ours if one.stands]
            figures.duplicates += max(0, len(standing) - 1)
            wrong = list(self._wrong(booking, standing, known.get(booking.id), calls, figures))
            figures.agreed += not wrong
            made.problems += [f"{site.name}: Appointment/{booking.id}: {text}" for text in wrong]

    def _wrong(
        self,
        booking: Booking,
        standing: Sequence[Held],
        world: Json | None,
        calls: Mapping[str, Json],
        figures: Figures,
    ) -> Iterator[str]:
        """What is not as it should be about one confirmed booking."""
        if world is None:
            figures.lost += 1
            yield "confirmed, and not in the world"
            return
        flagged = any(one["url"] == _FLAG for one in world.get("extension", ()))
        stands = world["status"] not in _CLOSED
        if len(standing) > 1:
            yield f"stands {len(standing)} times in the EHR ({', '.join(one.id for one in standing)})"
        if stands != (booking.status == "booked"):
            yield f"{booking.status} was the last word, the world says {world['status']}"
        if flagged:
            figures.refused += 1
            if booking.id not in calls:
                yield "flagged as refused, and nobody is asked to call"
            elif booking.site != "hospital" and not calls[booking.id].get("input"):  # it tells of no slots
                yield "flagged as refused, and no other time is offered"
            return
        if stands and _utc(world["start"]) != _utc(booking.opening.start):
            yield f"confirmed for {_utc(booking.opening.start)}, the world says {_utc(world['start'])}"
        if stands and not standing:
            figures.lost += 1
            yield "booked in the world, and not in the EHR"
        for one in standing:
            yield from self._differs(booking, one, world, stands)

    def _differs(self, booking: Booking, held: Held, world: Json, stands: bool) -> Iterator[str]:
        if not stands:
            yield f"{world['status']} in the world, and stands in the EHR ({held.id})"
        elif held.start != _utc(world["start"]):
            yield f"at {_utc(world['start'])} in the world, at {held.start} in the EHR ({held.id})"
        if held.patient != self._sites[booking.site].patients[booking.person]:
            yield f"for another patient in the EHR ({held.id})"

    def _walk_ins(self, made: Verdict, site: Site, known: Sequence[Json]) -> None:
        """What clerks booked is in the world, once."""
        for one in self._memory.walk_ins:
            if one.site != site.name:
                continue
            whose, at = self._memory.world[one.person], _utc(one.opening.start)
            what = f"the appointment of {whose} at {at}, booked at the desk,"
            there = [each for each in known if self._is_of(each, one)]
            # A clerk may have booked two doctors for somebody at one time.
            booked = [each for each in self._memory.walk_ins if self._is_alike(each, one)]
            made.figures[site.name].learned += bool(there)
            if len(there) < len(booked):
                made.figures[site.name].lost += 1
                made.problems.append(f"{site.name}: {what} is not in the world")
            elif len(there) > len(booked):
                made.figures[site.name].duplicates += len(there) - len(booked)
                made.problems.append(f"{site.name}: {what} is in the world {len(there)} times")

    @staticmethod
    def _is_alike(one: WalkIn, other: WalkIn) -> bool:
        return one.person == other.person and _utc(one.opening.start) == _utc(other.opening.start)

    def _is_of(self, appointment: Json, walk_in: WalkIn) -> bool:
        """Whether an appointment of the world that stands is this one: of the patient, at the time, none of ours."""
        actors = {str(one.get("actor", {}).get("reference")) for one in appointment.get("participant", ())}
        whose = f"Patient/{self._memory.world[walk_in.person]}"
        stands = appointment["status"] not in _CLOSED and appointment["id"] not in self._memory.bookings
        return stands and whose in actors and _utc(appointment["start"]) == _utc(walk_in.opening.start)

    def _strangers(self, made: Verdict, site: Site, held: Sequence[Held]) -> None:
        """Appointments that bear our mark and that nobody confirmed; and times that two have."""
        bookings = self._memory.bookings
        for one in held:
            if one.mark and (one.mark not in bookings or bookings[one.mark].site != site.name):
                made.problems.append(f"{site.name}: {one.id}: bears the mark of Appointment/{one.mark}")

    # what is said of persons

    def _numbers(self, made: Verdict, site: Site) -> None:
        """Approved values are there, once; those below their gate nowhere."""
        memory, said = self._memory, site.said()
        for kind, numbers in (("phone", memory.phones), ("member", memory.members)):
            for number, person in numbers.items():
                if number not in memory.approved:
                    if number in said:
                        made.below += 1
                        made.problems.append(f"{site.name}: {kind} {number} was never approved, and is there")
                elif person in HOMES[site.name]:
                    held = site.phones(person) if kind == "phone" else site.covers(person)
                    self._once(made, site, f"{kind} {number}", held[number])
                elif number in said:
                    made.problems.append(f"{site.name}: {kind} {number} of a patient whom it does not have")
        for person, (number, _) in memory.desk.items():
            if person in HOMES[site.name]:
                self._once(made, site, f"home number {number}", site.phones(person)[number])
        for number, person in memory.former.items():
            if person in HOMES[site.name] and site.phones(person)[number]:
                made.problems.append(f"{site.name}: home number {number} was replaced, and is there")

    @staticmethod
    def _once(made: Verdict, site: Site, what: str, times: int) -> None:
        figures = made.figures[site.name]
        figures.learned += times > 0
        if times == 0:
            figures.lost += 1
            made.problems.append(f"{site.name}: {what} did not arrive")
        elif times > 1:
            figures.duplicates += times - 1
            made.problems.append(f"{site.name}: {what} is there {times} times")

    async def _persons(self, made: Verdict) -> None:
        """Nobody is doubled, and what clerks wrote down is in the world."""
        patients = {one["id"]: one for one in await self._world.search("Patient?_count=500")}
        named = Counter(_name(one) for one in patients.values())
        made.problems += [f"Patient/{id} has no name" for id, one in patients.items() if not _name(one)]
        made.problems += [
            f"the world has {who} {times} times" for who, times in named.items() if who and times > 1
        ]
        for person, id in self._memory.world.items():
            record = patients.get(id)
            if record is None:
                made.problems.append(f"Patient/{id} is gone")
                continue
            phones = {ten(one.get("value", "")) for one in record.get("telecom", ())}
            if person in self._memory.desk and self._memory.desk[person][0] not in phones:
                made.problems.append(
                    f"Patient/{id}: {self._memory.desk[person][0]} of a clerk is not in the world"
                )

    async def _differences(self, made: Verdict) -> None:
        """Where two EHRs contradict each other an operator is asked."""
        for person in self._memory.births:
            id = self._memory.world[person]
            items = await self._world.search(
                f"Task?code=https://credence.health/fhir/CodeSystem/task-code|review&focus=Patient/{id}"
            )
            if any("disagreement" in str(one.get("meta", {}).get("tag")) for one in items):
                made.disagreements += 1
            else:
                made.problems.append(f"Patient/{id}: two EHRs differ on the birth date, and nobody is asked")

    # what is left to do

    async def _queues(self, made: Verdict) -> None:
        for task in await self._world.tasks("writeback", "requested,in-progress"):
            made.problems.append(f"open writeback {_task(task)}")
        reviewed = {one["focus"]["reference"] for one in await self._refused()}
        for task in await self._world.tasks("writeback", "failed"):
            if _focus(task) in reviewed or await self._is_settled(task):
                made.settled += 1
            else:
                made.problems.append(f"nobody sees the failed writeback {_task(task)}")
        for task in await self._world.tasks("intake", "failed"):
            made.problems.append(f"dead letter {_task(task)}")
        for site in self._sites.values():
            if waiting := await asyncio.to_thread(site.waiting):
                made.problems.append(f"{site.name}: {waiting} messages wait to be told")

    async def _refused(self) -> list[Json]:
        """The review items about what an EHR refused, that a person sees."""
        items = await self._world.tasks("review", "requested")
        return [one for one in items if "refused-by-sink" in str(one.get("meta", {}).get("tag"))]

    async def _is_settled(self, task: Json) -> bool:
        """Whether nothing of it is left: a later writeback brought the resource there, or it was called off since.

        Both are found in the EHR by what is said of each booking and number above.
        """
        later = [one for one in await self._world.tasks("writeback", "completed") if _is_after(one, task)]
        if later:
            return True
        type, _, _ = _focus(task).partition("/")
        try:
            resource = await self._world.read(_focus(task))
        except Refused:
            return False
        return type == "Appointment" and resource["status"] in _CLOSED


def _focus(task: Json) -> str:
    return str(task["focus"]["reference"]).partition("/_history")[0]


def _is_after(one: Json, other: Json) -> bool:
    """Whether a writeback is a later one of the same resource to the same EHR."""
    same = _focus(one) == _focus(other) and one.get("owner") == other.get("owner")
    return same and one["meta"]["lastUpdated"] > other["meta"]["lastUpdated"]


def _name(patient: Json) -> str:
    first = patient.get("name", [{}])[0]
    return " ".join((*first.get("given", ())[:1], first.get("family", ""))).strip()


def _task(task: Json) -> str:
    why = task.get("statusReason", {}).get("text", "")
    return f"Task/{task['id']} of {task.get('focus', {}).get('reference', '?')}: {why}"


def _utc(instant: str) -> str:
    return parse_instant(instant).astimezone(UTC).isoformat()
