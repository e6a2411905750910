"""How long conversations by text are kept: what every storage's journals must make possible.

Run with :class:`tests.contracts.storage_contract.StorageContract`, which gives the fixtures.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agent.chat.beginning import Beginning
from agent.chat.keeping import Keeping
from agent.chat.past_talks import Kept, PastTalks
from fhirserver.kernel.instants import FixedClock
from fhirserver.ports.storage import Storage

START = datetime(2026, 11, 1, 9, tzinfo=UTC)
MONTH = timedelta(days=30)


class KeptChatsContract:
    """Conversations that are over are removed when their time has come, and nothing else is."""

    async def test_conversations_that_are_over_are_removed_when_their_time_has_come(
        self, storage: Storage
    ) -> None:
        clock = FixedClock(START)
        past = PastTalks(storage.journals, clock)
        old = [await _begun(past, f"u{n}") for n in range(7)]
        going_on = await _begun(past, "goes-on")
        for one in old:
            await past.over(one.id)
        clock.at += timedelta(days=20)
        young = await _begun(past, "u0")
        await past.over(young.id)
        keeping = Keeping(past, clock, MONTH, at_once=3)
        assert await keeping.step() == 0, "none is old enough"
        clock.at += timedelta(days=10, seconds=1)
        steps = [await keeping.step() for _ in range(4)]
        assert steps == [3, 3, 1, 0]
        for one in old:
            assert await past.read(one.id) is None
        for one in (going_on, young):
            assert (found := await past.read(one.id)) is not None and found.entries == one.entries
        assert await past.under_way() == [going_on.id]
        assert await past.of_user("s", "u0") == [old[0].id, young.id], "whose they were is still known"
        clock.at += MONTH
        assert await keeping.step() == 1 and await past.read(young.id) is None
        left = [name for name in await storage.journals.names("") if not name.startswith("chat-user/")]
        assert left == [f"chat-open/{going_on.id}", f"chat/{going_on.id}"]

    async def test_what_two_processes_remove_at_once_is_removed(self, storage: Storage) -> None:
        clock = FixedClock(START)
        past = PastTalks(storage.journals, clock)
        for n in range(5):
            await past.over((await _begun(past, f"u{n}")).id)
        clock.at += MONTH + timedelta(seconds=1)
        one, other = (Keeping(past, clock, MONTH, at_once=5) for _ in range(2))
        await one.step()
        assert await other.step() == 0
        assert await storage.journals.names("chat/") == await storage.journals.names("chat-over/") == []

    async def test_conversations_of_before_are_found_and_kept_as_long_from_then_on(
        self, storage: Storage
    ) -> None:
        clock = FixedClock(START)
        past = PastTalks(storage.journals, clock)
        before, going_on = await _begun(past, "before"), await _begun(past, "goes-on")
        await storage.journals.remove(f"chat-open/{before.id}")  # as it was over before this was noted
        keeping = Keeping(past, clock, MONTH)
        await keeping.find_strays()
        await keeping.find_strays()
        assert len(await storage.journals.names("chat-over/")) == 1
        clock.at += MONTH + timedelta(seconds=1)
        assert await keeping.step() == 1
        assert await past.read(before.id) is None and await past.read(going_on.id) is not None


async def _begun(past: PastTalks, user: str) -> Kept:
    earlier = len(await past.of_user("s", user))
    kept = await past.begin(Beginning("s", "Service", user), earlier)
    assert kept is not None
    return kept
