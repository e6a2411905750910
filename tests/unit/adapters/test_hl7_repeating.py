"""A feed that repeats itself states nothing again, unless what it said does not stand any more."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from adapters.hl7v2.convert.engine import convert
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.ingest.identity import others, patients
from adapters.hl7v2.ingest.patients import Naming
from adapters.hl7v2.ingest.statements import Statements
from adapters.hl7v2.message import parse
from benchmarks.adt_feed import message
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Withdraw
from tests.unit.adapters.hl7_feed import Bench, adt, bench, pid


async def _stated(feed: Bench, content: str) -> list[str]:
    """The types of what a message states as news or not, its evidence left out."""
    made: list[str] = []
    stated = Statements._stated

    async def seen(self: Statements, *arguments: object) -> object:
        made.append(arguments[0].type)  # type: ignore[attr-defined]
        return await stated(self, *arguments)  # type: ignore[arg-type]

    with mock.patch.object(Statements, "_stated", seen):
        await feed.send(content)
    return made


async def test_what_stands_as_it_was_said_is_not_stated_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        visit = "PV1|1|I|||||||||||||||||V7^^^HOSP^VN"
        assert await _stated(feed, adt("A01", pid(), visit)) == ["Patient", "Encounter"]
        assert await _stated(feed, adt("A08", pid(), visit, id="2", at="20261128100100")) == []
        changed = adt("A08", pid(name="ANDERS^EVE"), visit, id="3", at="20261128100200")
        assert await _stated(feed, changed) == ["Patient"]
        assert (await feed.one("Patient"))["name"][0]["family"] == "ANDERS"


async def test_what_was_said_before_a_change_comes_late_though_it_was_not_stated_again(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid(name="ANDERS^EVE")))
        await feed.send(adt("A08", pid(name="ANDERS^EVE"), id="2", at="20261128100500"))
        await feed.send(adt("A08", pid(name="OLDER^EVE"), id="3", at="20261128100300"))
        assert (await feed.one("Patient"))["name"][0]["family"] == "ANDERS"


async def test_what_was_taken_back_meanwhile_is_stated_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid()))
        await feed.send(adt("A08", pid(), id="2", at="20261128100100"))
        id = (await feed.one("Patient"))["id"]
        await feed.put("ehr", "Patient", id, {"gender": "female"}, mode="partial")
        says = Statement("operator", principal="op")
        await feed.store.submit(Command(says, (Withdraw("Patient", id, source="adt", units=("birthDate",)),)))
        assert "birthDate" not in await feed.one("Patient")
        assert await _stated(feed, adt("A08", pid(), id="3", at="20261128100200")) == ["Patient"]
        assert (await feed.one("Patient"))["birthDate"] == "1980-02-03"


def test_beds_of_one_number_in_two_rooms_are_two_beds() -> None:
    found: set[str] = set()
    for patient in (1, 3):
        read = parse(message(patient, 2, "X").decode())
        assert str(read.value("PV1", 3)).startswith(("3W", "4E", "ICU"))
        conversion = convert(read, Site())
        world = {one.locals[0]: "Patient/1" for one in patients(conversion, read, Naming(), "d")}
        subjects = others(conversion, read, Naming(), "d", world)
        found |= {
            key
            for one in subjects
            if one.type == "Location" and "'bd'" in str(one.content)
            for key in one.keys
        }
    assert len(found) == 2
