"""Who is at work during the drill: the agent, the operator, and the clerks of the EHRs."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from fhirserver.kernel.json import dumps
from tests.faults.chaos.memory import Booking, Memory
from tests.faults.chaos.site import HOMES, Json, Opening, Site
from tests.faults.chaos.world import AGENT, OPERATOR, Refused, World

_STOLEN = 0.12
"""The share of bookings whose time a clerk has just taken."""
_WHISPERED = 0.1
"""The share of bookings that nobody confirms."""
_REVIEW = "https://credence.health/fhir/CodeSystem/task-code|review"


@dataclass(slots=True)
class Scene:
    """What those at work share. ``at_work`` is whether they go on."""

    world: World
    sites: Mapping[str, Site]
    memory: Memory
    draw: random.Random
    at_work: Callable[[], bool]
    openings: dict[str, list[Opening]] = field(default_factory=dict)
    counter: int = 0

    def number(self) -> int:
        self.counter += 1
        return self.counter

    async def free(self, site: str) -> Opening | None:
        """A time that the world shows as free and that nobody here has used; None where there is none."""
        left = self.openings.get(site) or []
        if not left:
            used = {(one.site, one.opening.key) for one in self.memory.bookings.values()}
            shown = await self.sites[site].openings(self.world)
            left = [one for one in shown if (site, one.key) not in used | set(self.memory.taken.items())]
            self.draw.shuffle(left)
            self.openings[site] = left
        return left.pop() if left else None

    def one_free(self, wanted: Callable[[Booking], bool]) -> Booking | None:
        """A booking nobody is at, taken for oneself."""
        free = [one for one in self.memory.bookings.values() if not one.busy and wanted(one)]
        if not free:
            return None
        chosen = self.draw.choice(free)
        chosen.busy = True
        return chosen


async def repeat(scene: Scene, pause: float, step: Callable[[], Awaitable[None]]) -> None:
    """Do a step again and again until the drill's work ends."""
    while scene.at_work():
        await step()
        await asyncio.sleep(pause * scene.draw.uniform(0.5, 1.5))


class Agent:
    """Books, reschedules, cancels, and states what callers say."""

    def __init__(self, scene: Scene):
        self._scene = scene

    async def step(self) -> None:
        kinds = (self._book, self._move, self._cancel, self._phone, self._cover)
        (kind,) = self._scene.draw.choices(kinds, (10, 5, 3, 2, 2))
        await kind()

    async def _book(self) -> None:
        scene = self._scene
        site = scene.sites[scene.draw.choice(sorted(scene.sites))]
        opening = await scene.free(site.name)
        if opening is None:
            return
        person = scene.draw.choice(HOMES[site.name])
        if scene.draw.random() < _STOLEN:
            other = scene.draw.choice([one for one in HOMES[site.name] if one != person])
            if await asyncio.to_thread(site.take, opening, other):
                scene.memory.taken[opening.key] = site.name
        booking = Booking(f"chaos-{scene.number()}", site.name, person, opening, busy=True)
        booking.whispered = scene.draw.random() < _WHISPERED
        scene.memory.bookings[booking.id] = booking
        content = _appointment(scene.memory.world[person], opening)
        path = f"Appointment/{booking.id}"
        await scene.world.ask(AGENT, "PUT", path, {**content, "id": booking.id})
        booking.busy = False

    async def _move(self) -> None:
        scene = self._scene
        booking = scene.one_free(lambda one: one.status == "booked" and not one.clerk)
        if booking is None:
            return
        opening = await scene.free(booking.site)
        if opening is not None:
            content = _appointment(scene.memory.world[booking.person], opening)
            steps = [
                {"op": "add", "path": f"/{name}", "value": content[name]}
                for name in ("start", "end", "participant", "slot")
                if name in content
            ]
            await scene.world.patch(AGENT, f"Appointment/{booking.id}", *steps)
            booking.opening, booking.moves = opening, booking.moves + 1
        booking.busy = False

    async def _cancel(self) -> None:
        booking = self._scene.one_free(lambda one: one.status == "booked" and not one.clerk)
        if booking is None:
            return
        step = {"op": "add", "path": "/status", "value": "cancelled"}
        await self._scene.world.patch(AGENT, f"Appointment/{booking.id}", step)
        booking.status, booking.busy = "cancelled", False

    async def _phone(self) -> None:
        """A work number, so that EHRs with one place for each use have room for it. One for each person at most."""
        memory = self._scene.memory
        left = [one for one in memory.world if one not in memory.phones.values()]
        if not left:
            return
        person = self._scene.draw.choice(left)
        number = f"202555{self._scene.number():04}"
        memory.phones[number] = person
        item = {"system": "phone", "use": "work", "value": f"+1{number}"}
        await self._scene.world.ask(
            AGENT,
            "PATCH",
            f"Patient/{memory.world[person]}",
            [{"op": "add", "path": "/telecom/-", "value": item}],
            "application/json-patch+json",
        )

    async def _cover(self) -> None:
        scene, number = self._scene, self._scene.number()
        person = scene.draw.choice(sorted(scene.memory.world))
        member = f"C{number:06}"
        scene.memory.members[member] = person
        package = {"system": "https://credence.health/fhir/athenahealth/insurance-package", "value": "1352"}
        content = {
            "resourceType": "Coverage",
            "id": f"chaos-cover-{number}",
            "status": "active",
            "subscriberId": member,
            "beneficiary": {"reference": f"Patient/{scene.memory.world[person]}"},
            "payor": [{"display": "Plan 1352", "identifier": package}],
        }
        await scene.world.ask(AGENT, "PUT", f"Coverage/{content['id']}", content)


class Operator:
    """Approves some of what the agent stated, corrects some, and leaves the rest."""

    def __init__(self, scene: Scene):
        self._scene = scene
        self._left: set[str] = set()

    async def step(self) -> None:
        items = await self._scene.world.search(f"Task?code={_REVIEW}&status=requested&_count=200")
        await self.confirm(items)
        for item in items:
            numbers = stated(item) & (self._scene.memory.phones.keys() | self._scene.memory.members.keys())
            if item["id"] in self._left or not numbers:
                continue
            self._left.add(item["id"])
            if self._scene.draw.random() < 0.5:
                await self._decide(item, numbers)
                return

    async def confirm(self, items: list[Json]) -> int:
        """Confirm the bookings among the items, each by itself: one that has changed meanwhile comes again."""
        wanted = []
        for item in items:
            booking = self._scene.memory.bookings.get(str(item["focus"]["reference"]).partition("/")[2])
            if booking is not None and not booking.whispered and "refused-by-sink" not in str(item["meta"]):
                wanted.append({"name": "item", "valueString": item["id"]})
        if wanted:
            body = {"resourceType": "Parameters", "parameter": wanted}
            await self._scene.world.ask(OPERATOR, "POST", "Task/$approve", body)
        return len(wanted)

    async def _decide(self, item: Json, numbers: set[str]) -> None:
        memory = self._scene.memory
        body: Json = {"resourceType": "Parameters"}
        units = [
            unit
            for unit in units_of(item)
            if not unit.startswith("telecom") or any(n in unit for n in numbers)
        ]
        body["parameter"] = [{"name": "unit", "valueString": unit} for unit in units]
        if not units:
            return
        memory.approved |= numbers
        try:
            await self._scene.world.ask(OPERATOR, "POST", f"Task/{item['id']}/$approve", body)
        except Refused as refused:
            if refused.status == 409:  # it was done, and its answer was lost: that is settled by reading
                task = await self._scene.world.read(f"Task/{item['id']}")
                if task["status"] == "completed":
                    return
            if refused.status not in (404, 409, 412, 422):
                raise
            memory.approved -= numbers


def stated(item: Json) -> set[str]:
    """Telephone and member numbers in the open claims of a review item."""
    text = dumps(item.get("contained", [])).decode()
    return set(re.findall(r"C\d{6}", text)) | {one[2:] for one in re.findall(r"\+1202555\d{4}", text)}


def units_of(item: Json) -> list[str]:
    """The units of the claims that are not decided."""
    parameters: Json = next((one for one in item.get("contained", ()) if one.get("id") == "claims"), {})
    found = []
    for claim in parameters.get("parameter", ()):
        parts = {part["name"]: part for part in claim.get("part", ())}
        if "unit" in parts and "decision" not in parts:
            found.append(str(parts["unit"].get("valueString")))
    return found


class Clerk:
    """At one EHR: writes down phones, cancels appointments."""

    def __init__(self, scene: Scene, site: Site):
        self._scene, self._site = scene, site

    async def step(self) -> None:
        if self._scene.draw.random() < 0.6:
            await self._phone()
        else:
            await self._cancel()

    async def _phone(self) -> None:
        scene, memory = self._scene, self._scene.memory
        owned = [one for one in HOMES[self._site.name] if owner(one) == self._site.name]
        person = scene.draw.choice(owned)
        number = f"303555{scene.number():04}"
        if person in memory.desk:
            memory.former[memory.desk[person][0]] = person
        memory.desk[person] = number, self._site.name
        await asyncio.to_thread(self._site.change_phone, person, number)

    async def _cancel(self) -> None:
        held = await asyncio.to_thread(self._site.appointments)
        standing = {one.mark: one for one in held if one.stands and one.mark}
        booking = self._scene.one_free(
            lambda one: one.id in standing and one.status == "booked" and not one.clerk
        )
        if booking is None:
            return
        booking.clerk, booking.status = True, "cancelled"
        await asyncio.to_thread(self._site.cancel, standing[booking.id])
        booking.busy = False


def owner(person: int) -> str:
    """The EHR whose clerks look after a person's home number; the others learn it from there."""
    homes = sorted(name for name, persons in HOMES.items() if person in persons)
    return homes[person % len(homes)]


def _appointment(patient: str, opening: Opening) -> Json:
    who = {"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "start": opening.start,
        "end": opening.end,
        **opening.content,
        "participant": [who, *opening.content["participant"]],
    }
