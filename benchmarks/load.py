"""Put the data set onto a server: every resource by a create of its own, which every server can do."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from urllib.parse import urlencode

from benchmarks.dataset import IDENTIFIER, Json, Person
from benchmarks.wire import Address, Request, drive
from fhirserver.kernel.json import dumps, loads

LANES = 8


class LoadFailed(RuntimeError):
    """The server did not take the data; the message holds its first refusal."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The people with the ids that this server gave them."""

    people: tuple[Person, ...]
    patients: tuple[str, ...]
    observations: tuple[tuple[str, ...], ...]


async def load(address: Address, people: list[Person]) -> Loaded:
    """Create all patients, then all their observations. The server must not hold them yet."""
    await _must_be_without(address, people[0])
    patients = await _create_all(address, [person.patient for person in people])
    about = [
        (index, {**seen, "subject": {"reference": f"Patient/{patients[index]}"}})
        for index, person in enumerate(people)
        for seen in person.observations
    ]
    ids = await _create_all(address, [resource for _, resource in about])
    grouped: list[list[str]] = [[] for _ in people]
    for (index, _), given in zip(about, ids, strict=True):
        grouped[index].append(given)
    return Loaded(tuple(people), tuple(patients), tuple(map(tuple, grouped)))


async def _must_be_without(address: Address, person: Person) -> None:
    """With the data twice on a server no search would have the expected answer any more."""
    where = "Patient?" + urlencode({"identifier": f"{IDENTIFIER}|{person.number}"})
    asked = iter([Request(address.request("GET", where), 0, 200)])
    tally = await drive(address, 1, lambda: next(asked, None))
    if not tally.bodies:
        raise LoadFailed(f"{where} failed: {tally.wrong} {tally.sample.decode(errors='replace')}")
    if loads(tally.bodies[0]).get("entry"):
        raise LoadFailed("the server holds this data set already; measure one that is empty")


async def _create_all(address: Address, resources: list[Json]) -> list[str]:
    """Create ``resources``; their ids in the same order."""
    waiting = deque(
        Request(address.request("POST", one["resourceType"], dumps(one)), number, 201)
        for number, one in enumerate(resources)
    )
    tally = await drive(address, LANES, lambda: waiting.popleft() if waiting else None)
    if tally.wrong or tally.broken or len(tally.bodies) != len(resources):
        raise LoadFailed(
            f"{len(tally.bodies)} of {len(resources)} resources created, other statuses: {tally.wrong}, "
            f"broken connections: {tally.broken}; first: {tally.sample.decode(errors='replace')}"
        )
    return [str(loads(tally.bodies[number])["id"]) for number in range(len(resources))]
