"""Who is at work during the drill: the agent, and the clerks of the EHRs. The operator: :mod:`.operator`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from tests.faults.chaos.memory import Booking, Memory, WalkIn
from tests.faults.chaos.site import HOMES, Json, Opening, Site
from tests.faults.chaos.world import AGENT, World

_STOLEN = 0.12
"""The share of bookings whose time a clerk has just taken."""
_WHISPERED = 0.1
"""The share of bookings that nobody confirms."""


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
            used |= {(one.site, one.opening.key) for one in self.memory.walk_ins}
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
                scene.memory.walk_ins.append(WalkIn(site.name, other, opening))
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


class Clerk:
    """At one EHR: writes down phones, cancels appointments, books for who stands at the desk."""

    def __init__(self, scene: Scene, site: Site):
        self._scene, self._site = scene, site

    async def step(self) -> None:
        (kind,) = self._scene.draw.choices((self._phone, self._cancel, self._book), (5, 3, 3))
        await kind()

    async def _book(self) -> None:
        scene, site = self._scene, self._site
        opening = await scene.free(site.name)
        if opening is not None:
            person = scene.draw.choice(HOMES[site.name])
            if await asyncio.to_thread(site.take, opening, person):
                scene.memory.walk_ins.append(WalkIn(site.name, person, opening))

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
