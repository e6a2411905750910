"""What comes late is told from what comes in order, also where the source only repeated itself in between."""

from __future__ import annotations

from pathlib import Path

from tests.unit.adapters.hl7_feed import Bench, adt, bench, pid

VISIT = "PV1|1|I|||||||||||||||||V7^^^HOSP^VN"


async def _facts(feed: Bench) -> list[str]:
    """The kinds of the facts that the last message left."""
    (commit,) = await feed.store.read_log(feed.store.head - 1, 1)
    return sorted(event["kind"] for event in commit.events if event["e"] == "noted")


async def test_a_message_that_says_nothing_new_leaves_few_facts(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        lists = ("AL1|1||PEN", "DG1|1||I10", "NK1|1|MOON^SUN|SPO")
        await feed.send(adt("A01", pid(), VISIT, *lists))
        await feed.send(adt("A08", pid(), VISIT, *lists, id="2", at="20261128100100"))
        assert await _facts(feed) == ["hl7-control", "hl7-received", "hl7-spoken", "hl7-spoken"]


async def test_an_older_list_takes_nothing_away_after_the_newer_one_was_only_repeated(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        both = ("AL1|1||PEN", "AL1|2||NUT")
        await feed.send(adt("A08", pid(), *both, at="20261128090000"))
        await feed.send(adt("A08", pid(), *both, id="2", at="20261128100000"))
        await feed.send(adt("A08", pid(), id="3", at="20261128110000"))
        await feed.send(adt("A08", pid(), "AL1|1||PEN", id="4", at="20261128093000"))
        assert len(await feed.all("AllergyIntolerance")) == 2
        await feed.send(adt("A08", pid(), "AL1|1||PEN", id="5", at="20261128103000"))
        assert len(await feed.all("AllergyIntolerance")) == 1, "nothing was said of them since"


async def test_what_came_late_is_itself_not_undone_by_what_is_older_still(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid(rest="19800203|F"), at="20261128090000"))
        await feed.send(adt("A08", pid(rest="|F"), id="2", at="20261128120000"))
        await feed.send(adt("A08", pid(rest="19800204|F"), id="3", at="20261128110000"))
        assert (await feed.one("Patient"))["birthDate"] == "1980-02-04"
        await feed.send(adt("A08", pid(rest="19800205|M"), id="4", at="20261128100000"))
        patient = await feed.one("Patient")
        assert (patient["birthDate"], patient["gender"]) == ("1980-02-04", "female")


async def test_a_visit_is_told_late_also_where_its_patient_changed(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A01", pid("100^^^HOSP^MR"), VISIT, at="20261128090000"))
        await feed.send(adt("A01", pid("200^^^HOSP^MR"), VISIT, id="2", at="20261128100000"))
        await feed.send(adt("A03", pid("100^^^HOSP^MR"), VISIT, id="3", at="20261128093000"))
        visit, patient = await feed.one("Encounter"), await feed.patient("200")
        assert (visit["status"], visit["subject"]) == (
            "in-progress",
            {"reference": f"Patient/{patient['id']}"},
        )


async def test_what_comes_late_after_a_restart_is_told_so(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid(rest="19800203|F"), at="20261128090000"))
        await feed.send(adt("A08", pid(rest="19800203|F"), id="2", at="20261128100000"))
    async with bench(tmp_path) as feed:
        await feed.send(adt("A08", pid(rest="19800203|M"), id="3", at="20261128093000"))
        assert (await feed.one("Patient"))["gender"] == "female"


async def test_of_two_messages_of_one_time_the_later_one_counts_also_when_both_are_sent_again(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path) as feed:
        texts = [adt("A08", pid(rest="19800203|F"), id="1"), adt("A08", pid(rest="19800203|M"), id="2")]
        for text in texts:
            await feed.send(text)
        for text in (*texts, *reversed(texts)):
            await feed.send(text)
            assert (await feed.one("Patient"))["gender"] == "male"
