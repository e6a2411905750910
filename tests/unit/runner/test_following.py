"""A follower at rest costs nothing, and one that fails loses nothing."""

import asyncio

from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Note, Put
from fhirserver.store.followers import CHECKPOINT, KEEP_AFTER, Following
from tests.unit.runner.practice import make_store


class Copying:
    """Notes the id of each Flag that it sees; ``failing`` times it fails first."""

    name = "copying"

    def __init__(self, failing=0):
        self.failing, self.asked = failing, 0

    async def effects(self, commits):
        self.asked += 1
        if self.failing:
            self.failing -= 1
            raise ConnectionError
        events = [event for commit in commits for event in commit.events if event["e"] == "asserted"]
        return [Note("copied", event["id"], {"at": "once"}) for event in events if event["type"] == "Flag"]


async def flag(store, id):
    content = {"resourceType": "Flag", "id": id, "status": "active", "code": {"text": "x"}}
    await store.submit(Command(Statement("operator"), (Put("Flag", id, content),)))


async def test_a_restarted_follower_rests_until_something_is_written(tmp_path):
    store = make_store(tmp_path / "credence.db")
    await store.open()
    await flag(store, "one")
    first = Following(store, Copying(), "credence")
    while await first.step():
        pass
    reads, read_log = 0, store.storage.read_log

    async def counted(after, limit):
        nonlocal reads
        reads += 1
        return await read_log(after, limit)

    store.storage.read_log = counted
    running = asyncio.create_task(Following(store, Copying(), "credence", idle_seconds=30).run())
    await asyncio.sleep(0.2)
    assert reads <= 3, "it must not spin"
    await flag(store, "two")
    await asyncio.sleep(0.2)
    assert await store.fact("copied", "two"), "woken by the log"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await store.close()


async def test_a_failing_step_is_tried_again_and_skips_nothing(tmp_path):
    store = make_store(tmp_path / "credence.db")
    await store.open()
    await flag(store, "one")
    follower = Copying(failing=2)
    running = asyncio.create_task(Following(store, follower, "credence").run())
    for _ in range(100):
        await asyncio.sleep(0.02)
        if await store.fact("copied", "one"):
            break
    assert await store.fact("copied", "one") and follower.asked >= 3
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await store.close()


async def test_two_processes_with_one_checkpoint_make_each_effect_once(tmp_path):
    store = make_store(tmp_path / "credence.db")
    await store.open()
    await flag(store, "one")
    pair = [Following(store, Copying(), "credence") for _ in range(2)]
    await asyncio.gather(*(one.step() for one in pair), return_exceptions=True)
    commits = await store.read_log(0, 100)
    noted = [e for commit in commits for e in commit.events if e["e"] == "noted" and e["kind"] == "copied"]
    assert len(noted) == 1
    await store.close()


async def test_a_long_way_without_effects_is_not_gone_again_after_a_restart(tmp_path):
    store = make_store(tmp_path / "credence.db")
    await store.open()
    await asyncio.gather(
        *(
            store.submit(Command(Statement("operator"), (Note("n", str(n), {"v": n}),)))
            for n in range(KEEP_AFTER + 50)
        )
    )
    following = Following(store, Copying(), "credence")
    while await following.step():
        pass
    fact = await store.fact(CHECKPOINT, "copying")
    assert fact is not None and fact.value["position"] >= KEEP_AFTER
    await store.close()
