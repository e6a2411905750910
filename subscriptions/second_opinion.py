"""The second judge: asked beside the follower, so that a slow language model keeps no claim from the queue.

The follower notes what is to be asked (:mod:`subscriptions.opinions`). Here it is asked, a few conversations at
once; the verdicts and the end of the question are one commit. Who asks has the question to themselves for a
while, and where two processes ask all the same, one commit is refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from fhirserver.kernel.instants import Clock, SystemClock, instant, parse_instant
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.judge import Evidence, Judge, JudgeUnavailable, Verdict
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Key
from fhirserver.store.commands import Command, Decide, Write
from fhirserver.store.review_items import reviewed
from fhirserver.store.store import Store
from fhirserver.store.transcripts import transcript_of
from fhirserver.world.entity import Entity
from fhirserver.world.judge.agreement import DOUBTFUL, agreed, alone, wants_second
from fhirserver.world.policy import Policy
from subscriptions.assessment import NO_DECISION, Findings, Pending, find, pending, verdicts_on
from subscriptions.opinions import ASKING, GIVEN, OPINION, WANTED, Opinion, open_opinions, opinion

log = logging.getLogger("credence.second_opinion")

AT_ONCE = 4
LEASE = timedelta(seconds=300)
PATIENCE_SECONDS = 900.0
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 120.0


class SecondOpinions:
    """Asks the second judge. ``patience``: seconds after which an operator gets what it could not be asked."""

    def __init__(
        self,
        store: Store,
        policy: Policy,
        first: Judge,
        second: Judge,
        mode: str,
        source: str,
        patience: float = PATIENCE_SECONDS,
        clock: Clock | None = None,
    ):
        self._store, self._policy, self._mode = store, policy, mode
        self._first, self._second = first, second
        self._statement = Statement(source, principal="second-opinion", method="derivation")
        self._patience, self._clock = timedelta(seconds=patience), clock or SystemClock()
        self._open: dict[str, int] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._seen = -1

    async def run(self) -> None:
        """Ask for ever."""
        try:
            while True:
                await self._look()
                for talk in [t for t in self._open if t not in self._tasks][: AT_ONCE - len(self._tasks)]:
                    self._tasks[talk] = asyncio.create_task(self._answer(talk))
                await self._store.wait_beyond(self._seen, 1.0)
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def _look(self) -> None:
        """Find out what is to be asked: all that is open at first, then what the log brings."""
        if self._seen < 0:
            self._seen = self._store.head
            self._open = dict.fromkeys(await open_opinions(self._store), 0)
        commits = await self._store.read_log(self._seen, 500)
        for event in (event for commit in commits for event in commit.events):
            if event["e"] == "noted" and event["kind"] == OPINION and event["value"]["state"] == WANTED:
                self._open.setdefault(event["key"], 0)
        self._seen = commits[-1].position if commits else self._seen

    async def _answer(self, talk: str) -> None:
        """One conversation, again after a pause where it did not work."""
        try:
            if await self.give(talk):
                self._open.pop(talk, None)
                return
        except Refusal:
            log.info("second opinion: somebody else moved it, trying again")
        except Exception as error:
            log.warning("second opinion failed (%s), trying again", type(error).__name__)
        finally:
            tries = self._open.get(talk, 0)
            if talk in self._open:
                self._open[talk] = tries + 1
                await asyncio.sleep(min(FIRST_PAUSE * 2**tries, LONGEST_PAUSE))
            self._tasks.pop(talk, None)

    async def give(self, talk: str) -> bool:
        """Ask about one conversation and write down the answer; False where that has to wait."""
        wanted = await opinion(self._store, talk)
        now = self._clock.now()
        if wanted.state == GIVEN:
            return True
        if wanted.state == ASKING and parse_instant(wanted.until) > now:
            return False
        await self._submit([wanted.note(ASKING, instant(now + LEASE))])
        asking = await opinion(self._store, talk)
        try:
            writes = await self._writes(asking)
        except JudgeUnavailable as error:
            log.warning("the second judge cannot be asked: %s", error)
            if not error.lasting and now - parse_instant(asking.since) < self._patience:
                await self._submit([asking.note(WANTED)])
                return False
            writes = await self._writes(asking, str(error))
        await self._submit([*writes, asking.note(GIVEN)])
        return True

    async def _submit(self, writes: Sequence[Write]) -> None:
        await self._store.submit(Command(self._statement, tuple(writes)))

    async def _writes(self, asked: Opinion, unavailable: str = "") -> list[Write]:
        """Rulings and review items by both verdicts; with ``unavailable``, why there is only one."""
        evidence = await transcript_of(self._store, asked.reference)
        transcripts: dict[str, Evidence] = {asked.reference: evidence} if evidence is not None else {}
        writes: list[Write] = []
        for key in dict.fromkeys(one.key for one in asked.said):
            entity = await self._store.entity(*key)
            if entity is not None and not entity.deleted:
                writes += await self._resource(entity, asked, key, transcripts, unavailable)
        return writes

    async def _resource(
        self, entity: Entity, asked: Opinion, key: Key, transcripts: dict[str, Evidence], unavailable: str
    ) -> list[Write]:
        said = [one for one in asked.said if one.key == key]
        but = NO_DECISION | {"doubt"} if self._mode == DOUBTFUL else NO_DECISION
        waiting = await pending(self._store, self._policy, entity, said, transcripts, but)
        findings = Findings(conversation=asked.reference)
        for one, verdict in await self._verdicts(waiting, unavailable):
            find(findings, self._policy, entity, one.claim, verdict)
        item = await reviewed(self._store, entity, findings.review, findings.settled, asked.reference)
        rulings: list[Write] = [Decide(*key, findings.rulings)] if findings.rulings else []
        return [*rulings, *([item] if item else [])]

    async def _verdicts(self, waiting: Sequence[Pending], unavailable: str) -> list[tuple[Pending, Verdict]]:
        first = await verdicts_on(self._first, waiting)
        asked = [
            (one, v)
            for one, v in zip(waiting, first, strict=True)
            if v is not None and wants_second(self._mode, v)
        ]
        if unavailable:
            # What the rules alone left doubtful is with an operator already.
            return [] if self._mode == DOUBTFUL else [(one, alone(v, unavailable)) for one, v in asked]
        second = await verdicts_on(self._second, [one for one, _ in asked])
        return [
            (one, agreed(self._mode, v, other))
            for (one, v), other in zip(asked, second, strict=True)
            if other is not None
        ]
