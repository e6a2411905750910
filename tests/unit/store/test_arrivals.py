"""Two records about one person that arrive at once: the second waits and finds the first."""

import asyncio

from fhirserver.store.arrivals import Arrivals

ADA = {
    "resourceType": "Patient",
    "identifier": [{"system": "http://hl7.org/fhir/sid/us-ssn", "value": "900-55-0142"}],
    "name": [{"family": "Okafor", "given": ["Ngozi"]}],
    "birthDate": "1984-02-29",
    "gender": "female",
}
BEA = {"resourceType": "Patient", "name": [{"family": "Lane", "given": ["Bea"]}], "birthDate": "1990-01-01"}


async def inside(
    arrivals: Arrivals, source: str, content: dict, seen: list[str], hold: asyncio.Event
) -> None:
    async with arrivals.of(source, content):
        seen.append(f"{source} in")
        await hold.wait()
        seen.append(f"{source} out")


async def together(*arriving: tuple[str, dict], arrivals: Arrivals | None = None) -> list[str]:
    seen: list[str] = []
    hold, arrivals = asyncio.Event(), arrivals or Arrivals()
    tasks = [
        asyncio.create_task(inside(arrivals, source, content, seen, hold)) for source, content in arriving
    ]
    for _ in range(5):
        await asyncio.sleep(0)
    hold.set()
    await asyncio.gather(*tasks)
    return seen


async def test_another_source_with_the_same_person_waits():
    assert await together(("north", ADA), ("south", ADA)) == [
        "north in",
        "north out",
        "south in",
        "south out",
    ]


async def test_other_people_and_other_records_of_one_source_do_not_wait():
    assert (await together(("north", ADA), ("south", BEA)))[:2] == ["north in", "south in"]
    assert (await together(("north", ADA), ("north", ADA)))[:2] == ["north in", "north in"]


async def test_a_failure_lets_the_next_one_in_and_waiting_has_an_end():
    arrivals = Arrivals(patience=0.01)
    try:
        async with arrivals.of("north", ADA):
            raise ValueError
    except ValueError:
        pass
    async with arrivals.of("south", ADA), asyncio.timeout(2), arrivals.of("north", ADA):
        pass
