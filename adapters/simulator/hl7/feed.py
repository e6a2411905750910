"""The EHR's feed: what it has to tell, in order, each message again and again until it is acknowledged by AA.

A message is in the database from the transaction of its effect on. One that is refused waits, longer each time, and
with it whatever is to be told of the same patients; the others go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import NamedTuple

from adapters.hl7v2.acknowledgement import Acknowledgement
from adapters.hl7v2.message import parse
from adapters.hl7v2.mllp.client import MllpClient, Peer
from adapters.simulator.hl7.books import Books, Row
from adapters.simulator.hl7.faults import FaultPlan
from fhirserver.ports.ehr import Unanswered

_CANDIDATES, _LOOKED_AT = 20, 200
_IDLE_SECONDS = 0.25
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 15.0


class _Repeat(NamedTuple):
    """An acknowledged message that goes once more, on the monotonic clock."""

    due: float
    content: str


class Feed:
    """Sends what waits to one listener, one message at a time over one connection. ``to`` None: it waits for ever."""

    def __init__(self, books: Books, plan: FaultPlan, to: tuple[str, int] | None, timeout: float = 10.0):
        self._books, self._plan = books, plan
        peer = Peer(*to, connect_seconds=timeout, answer_seconds=timeout) if to else None
        self._client = MllpClient(peer) if peer else None
        self._news = asyncio.Event()
        self._failures = 0
        self._repeats: list[_Repeat] = []
        self.repeated = 0

    @property
    def repeats(self) -> int:
        """How many duplicates are yet to be sent."""
        return len(self._repeats)

    def wake(self) -> None:
        """There may be something to send."""
        self._news.set()

    def forget(self) -> None:
        """No duplicate of what was told before is sent."""
        self._repeats.clear()

    async def run(self) -> None:
        """Until cancelled."""
        if self._client is None:
            return
        try:
            while True:
                await self._step(self._client)
        finally:
            await self._client.close()

    async def _step(self, client: MllpClient) -> None:
        """Send one message, or wait for one."""
        self._news.clear()
        if self._plan.is_down():
            await self._rest(_IDLE_SECONDS)
            return
        await self._repeat(client)
        row = self.next()
        if row is None:
            await self._rest(_IDLE_SECONDS)
            return
        await asyncio.sleep(self._plan.wait())
        if await self._send(client, row):
            self._failures = 0
        else:
            self._failures += 1
            await asyncio.sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self._failures - 1, 10)))

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    def next(self) -> Row | None:
        """The message whose turn it is, or by a fault another one: never before an older one of its patients."""
        now, seen, free = time.time(), set[str](), list[int]()
        waiting = self._books.each(
            "SELECT sequence, patients, due FROM feed WHERE sent = 0 ORDER BY sequence"
        )
        for looked_at, row in enumerate(waiting):
            patients = set(row["patients"].split())
            if not patients & seen and row["due"] <= now:
                free.append(row["sequence"])
            seen |= patients
            if len(free) == _CANDIDATES or (free and looked_at >= _LOOKED_AT):
                break
        if not free:
            return None
        which = free[self._plan.which(len(free))]
        return self._books.row("SELECT * FROM feed WHERE sequence = ?", which)

    async def _send(self, client: MllpClient, row: Row) -> bool:
        """Whether there was an answer. A message that was accepted is never again as if it had not been."""
        answer = await _answer(client, row["content"])
        accepted = answer is not None and answer.accepted
        self._note(row, answer)
        if accepted and (seconds := self._plan.repeat_after()) is not None:
            self._repeats.append(_Repeat(time.monotonic() + seconds, row["content"]))
        return answer is not None

    def _note(self, row: Row, answer: Acknowledgement | None) -> None:
        refused = answer is not None and not answer.accepted
        refusals = row["refusals"] + int(refused)
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(refusals - 1, 10)) if refused else 0.0
        self._books.do(
            "UPDATE feed SET attempts = attempts + 1, refusals = ?, answer = ?, due = ?, sent = max(sent, ?)"
            " WHERE sequence = ? AND control_id = ?",
            refusals,
            answer.code if answer else "no answer",
            time.time() + wait if wait else 0.0,
            int(answer is not None and answer.accepted),
            row["sequence"],
            row["control_id"],
        )

    async def _repeat(self, client: MllpClient) -> None:
        """Send the duplicates whose time has come. It is all the same what is answered."""
        now = time.monotonic()
        due = [one for one in self._repeats if one.due <= now]
        self._repeats = [one for one in self._repeats if one.due > now]
        for one in due:
            await _answer(client, one.content)
            self.repeated += 1


async def _answer(client: MllpClient, content: str) -> Acknowledgement | None:
    try:
        return await client.send(parse(content))
    except Unanswered:
        return None
