"""Failures as Tasks: each once, in the commit that records it, settled when its message is taken in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.hl7v2.ingest.again import Again
from adapters.hl7v2.ingest.dead_letters import DeadLetters, entry_of
from adapters.hl7v2.intake.archive import Archive
from adapters.hl7v2.intake.reception import Reading, Reception
from adapters.hl7v2.malformed import MalformedMessage
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.messages import ReceivedMessage
from tests.unit.adapters.hl7_feed import Bench, adt, bench, pid

GOOD = adt("A28", pid()).encode()
BROKEN = GOOD + b"no segment\r"
WRONG = adt("A28", pid(rest="19801399|F")).encode()
BATCH = b"BHS|^~\\&|LAB\r" + GOOD + b"BTS|7\r"


class Queue:
    """A listener's intake with its Tasks."""

    def __init__(self, feed: Bench):
        self.feed, self.letters = feed, DeadLetters(feed.store, "hospital")
        self.reception = Reception(Reading("hospital", "adt"), feed.store, feed.feed, letters=self.letters)
        self.archive = Archive(feed.store)

    async def task(self) -> JsonObject:
        (task,) = await self.feed.all("Task")
        return task

    async def failure(self) -> ReceivedMessage:
        (one,) = await self.archive.failures("hospital")
        return one

    async def ask_again(self) -> None:
        """As an operator does by ``$retry``; and the connector's loop turns once."""
        task = await self.task()
        await self.feed.put("credence", "Task", task["id"], {**task, "status": "requested"})
        assert await Again(self.feed.store, "hospital", self.reception).step() == 1


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[Queue]:
    async with bench(tmp_path) as feed:
        yield Queue(feed)


@pytest.mark.parametrize(
    ("raw", "place"), [(BROKEN, "line 3"), (WRONG, "PID-7"), (b"nonsense", "line 1"), (BATCH, "BTS-1")]
)
async def test_every_failure_is_one_task_in_the_commit_of_its_record(
    queue: Queue, raw: bytes, place: str
) -> None:
    for _ in range(3):
        await queue.reception.receive(raw)
    task, one = await queue.task(), await queue.failure()
    assert (task["status"], entry_of(task), one.place) == ("failed", one.key, place)
    assert task["contained"][0]["issue"][0]["expression"] == [place]
    assert "19801399" not in str(task)
    (fact,) = await queue.feed.store.facts("hl7-failed")
    (commit,) = await queue.feed.store.read_log(fact.position - 1, 1)
    assert {event["e"] for event in commit.events} == {"asserted", "noted"}


@pytest.mark.parametrize("raw", [BROKEN, WRONG, BATCH])
async def test_one_that_is_tried_again_as_it_was_has_failed_again(queue: Queue, raw: bytes) -> None:
    await queue.reception.receive(raw)
    await queue.ask_again()
    task = await queue.task()
    assert task["status"] == "failed" and task["meta"]["versionId"] != "1"
    assert (await queue.failure()).open


async def test_a_task_is_settled_when_the_sender_sends_the_message_right(queue: Queue) -> None:
    await queue.reception.receive(WRONG)
    (answer,) = await queue.reception.receive(GOOD)
    assert b"|AA|" in answer
    assert (await queue.task())["status"] == "completed"
    assert not await queue.archive.failures("hospital")


@pytest.mark.parametrize(
    ("raw", "mended"),
    [(BROKEN, GOOD), (WRONG, GOOD), (b"MSH|^~\\&|only\r", GOOD), (BATCH, BATCH.replace(b"7\r", b"1\r"))],
)
async def test_what_is_put_right_is_taken_in_and_settles_its_failure(
    queue: Queue, raw: bytes, mended: bytes
) -> None:
    await queue.reception.receive(raw)
    one = await queue.failure()
    assert (await queue.reception.again(mended, one.key)).code == "AA"
    assert (await queue.task())["status"] == "completed"
    assert not await queue.archive.failures("hospital")
    assert len(await queue.feed.all("Patient")) == 1


async def test_what_is_not_put_right_changes_nothing_or_says_why_now(queue: Queue) -> None:
    await queue.reception.receive(BROKEN)
    one = await queue.failure()
    with pytest.raises(MalformedMessage):
        await queue.reception.again(BROKEN + b"nor is this\r", one.key)
    assert await queue.failure() == one
    verdict = await queue.reception.again(WRONG, one.key)
    assert (verdict.code, verdict.place) == ("AE", "PID-7")
    now = await queue.failure()
    assert (now.key, now.place, await queue.archive.raw(now)) == (one.key, "PID-7", WRONG)
    assert (await queue.task())["contained"][0]["issue"][0]["expression"] == ["PID-7"]


async def test_a_failure_of_what_was_taken_in_meanwhile_is_closed(queue: Queue) -> None:
    await queue.reception.receive(BROKEN)
    one = await queue.failure()
    await queue.reception.receive(GOOD)
    assert (await queue.reception.again(GOOD, one.key)).code == "AA"
    assert (await queue.task())["status"] == "completed"
    assert not await queue.archive.failures("hospital")


async def test_a_failure_that_is_closed_has_its_task_closed(queue: Queue) -> None:
    await queue.reception.receive(BROKEN)
    await queue.letters.close(await queue.failure(), "a test of the sender", "ops")
    task = await queue.task()
    assert (task["status"], task["statusReason"]["text"]) == ("cancelled", "Closed: a test of the sender")
    assert not await queue.archive.failures("hospital")
    await queue.reception.receive(BROKEN)
    assert (await queue.task())["status"] == "cancelled"
