"""What must not be forgotten is tried until it is done, whoever still waits for it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from agent import insisting
from agent.insisting import Insisting
from agent.tools.client import Unreachable


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insisting, "_PAUSE", 0.01)


class Work:
    """Fails so often, then is done."""

    def __init__(self, failures: int):
        self.left, self.done = failures, 0

    async def __call__(self) -> None:
        if self.left:
            self.left -= 1
            raise Unreachable("away")
        self.done += 1


async def test_it_is_tried_until_it_is_done() -> None:
    work = Work(3)
    assert await Insisting().done("a", work)
    assert work.done == 1


async def test_it_goes_on_when_nobody_waits_any_more_and_is_the_same_for_who_asks_again() -> None:
    keeps, work = Insisting(), Work(5)
    assert not await keeps.done("a", work, within=0.0)
    assert await keeps.done("a", Work(0))
    assert work.done == 1
    await keeps.close()


async def test_at_the_end_it_is_waited_for_and_then_said_to_be_lost(caplog: pytest.LogCaptureFixture) -> None:
    keeps, done, never = Insisting(), Work(2), Work(10**9)
    assert not await keeps.done("a", done, within=0.0)
    assert not await keeps.done("b", never, within=0.0)
    await keeps.close(patience=0.5)
    assert done.done == 1 and never.done == 0
    assert [r.levelname for r in caplog.records if "the process ends" in r.message] == ["ERROR"]


async def test_what_can_never_be_done_is_told_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    keeps = Insisting()

    async def wrong() -> None:
        await asyncio.sleep(0.02)
        raise KeyError("Evelyn Bradtke")

    assert not await keeps.done("a", wrong, within=0.0)
    await asyncio.sleep(0.1)
    with pytest.raises(KeyError):
        await keeps.done("b", wrong)
    told = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert len(told) == 2 and not any("Evelyn" in r.getMessage() for r in told)
