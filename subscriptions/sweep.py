"""The safety net of verification: finds claims below their gate that no follower handled.

It reads the log once more, well behind the follower, a bounded number of commits at a time; under another policy it
begins anew, so that claims from before the policy asked for them are found too. What it finds is handled as if it
had just been said; what is decided, in review or waiting is left alone, so that a sweep changes nothing twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import timedelta
from itertools import takewhile

from fhirserver.kernel.instants import Clock, SystemClock, instant
from fhirserver.kernel.json import loads
from fhirserver.ports.log import Commit, Statement
from fhirserver.store.commands import Command, Note
from fhirserver.store.followers import CHECKPOINT
from fhirserver.store.review_items import pending_item
from fhirserver.store.store import Store
from fhirserver.world.gates import below_gate
from fhirserver.world.policy import Policy
from fhirserver.world.review import read_item
from subscriptions.assessment import is_decided
from subscriptions.conversations import JUDGED, Said, conversation
from subscriptions.opinions import GIVEN, opinion
from subscriptions.verification import Verification

log = logging.getLogger("credence.sweep")

COMMITS_AT_ONCE = 500
EVERY_SECONDS = 5.0
GRACE_SECONDS = 30.0
"""So old is a commit before it is looked at again: the follower has long handled it."""
KEEP_AFTER = 2000


class Sweep:
    """Sweeps behind ``verification``. ``source`` speaks for what it finds."""

    def __init__(
        self,
        store: Store,
        policy: Policy,
        verification: Verification,
        source: str,
        grace: float = GRACE_SECONDS,
        clock: Clock | None = None,
    ):
        self._store, self._policy, self._verification = store, policy, verification
        self.name = f"sweep:{hashlib.sha256(repr(policy).encode()).hexdigest()[:16]}"
        self._statement = Statement(source, principal="verification-sweep", method="derivation")
        self._grace, self._clock = timedelta(seconds=grace), clock or SystemClock()
        self._seen = -1

    async def run(self) -> None:
        """Sweep for ever; a step that fails is tried again later."""
        while True:
            try:
                await self.step()
            except Exception as error:  # the store may be back the next time
                log.warning("sweep failed (%s), trying again", type(error).__name__)
            await asyncio.sleep(EVERY_SECONDS)

    async def step(self) -> int:
        """Look at the next commits; how many claims' assertions were found that nobody had handled."""
        checkpoint = await self._checkpoint()
        self._seen = max(self._seen, checkpoint)
        if not await self._past(1):  # while a feed runs most is too young: hundreds would be read for nothing
            return 0
        commits = await self._past(COMMITS_AT_ONCE)
        said = [one for commit in commits for one in self._verification.assertions(commit)]
        lost = [one for one in said if await self._is_lost(one)]
        writes = list(await self._verification.handle(lost, (), instant(self._clock.now()))) if lost else []
        last = commits[-1].position
        if writes or last - checkpoint >= KEEP_AFTER:
            note = Note(CHECKPOINT, self.name, {"position": last}, advance=True)
            await self._store.submit(Command(self._statement, (*writes, note)))
        self._seen = last
        if lost:
            log.warning("%d assertions were found that nobody had verified", len(lost))
        return len(lost)

    async def _past(self, most: int) -> list[Commit]:
        """The next commits that are old enough, at most so many; a commit is never older than the one before."""
        until, handled = instant(self._clock.now() - self._grace), self._verification.handled
        read = await self._store.read_log(self._seen, most)
        return list(takewhile(lambda one: one.recorded <= until and one.position <= handled, read))

    async def _checkpoint(self) -> int:
        fact = await self._store.fact(CHECKPOINT, self.name)
        return int(fact.value["position"]) if fact else 0

    async def _is_lost(self, said: Said) -> bool:
        """Whether claims of an assertion wait for their gate, and nothing waits for them."""
        entity = await self._store.entity(*said.key)
        if entity is None or entity.deleted or await self._waits(said):
            return False
        open_claims = {
            (claim.unit, claim.source, claim.stamp.position)
            for claim in below_gate(entity, self._policy, said.source, [said.position])
            if self._policy.rule(said.key.type, claim.unit, entity.codes).verification != "none"
            and not is_decided(entity, claim)
        }
        if not open_claims:
            return False
        item = await pending_item(self._store, *said.key)
        known = {claim.identity for claim in read_item(loads(item.content)).claims} if item else set()
        return not open_claims <= known

    async def _waits(self, said: Said) -> bool:
        """Whether the assertion waits for its transcript or for the second judge."""
        if not said.conversation:
            return False
        talk = await conversation(self._store, said.conversation)
        if talk.state != JUDGED and any(
            (one.key, one.position) == (said.key, said.position) for one in talk.said
        ):
            return True
        asked = await opinion(self._store, said.conversation)
        return asked.state != GIVEN and any(
            (one.key, one.position) == (said.key, said.position) for one in asked.said
        )
