"""The follower that numbers events: nothing missed or numbered twice, whatever fails in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhirserver.access.owners import NamedOwners, Owner
from fhirserver.app.settings import SYSTEM
from fhirserver.interactions.subscription import record
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.store.followers import Following
from subscriptions.notifier import Notifier
from tests.facade import patient, served, settings
from tests.subscribing import ON_LOOPBACK, criteria_subscription, encounter_topic

HERE = "http://127.0.0.1:40009/hook"


@pytest.fixture
async def server(tmp_path):
    """A server whose own loops do not run."""
    from dataclasses import replace

    from fhirserver.app.wiring import Part, make_application

    chosen = replace(settings(tmp_path), subscriptions=ON_LOOPBACK)
    async with served(make_application(chosen, Part.FURTHER)) as server:
        yield server


def following(server, batch=200):
    owners = NamedOwners(principal for _, principal in settings(Path()).principals)
    notifier = Notifier(server.application._edge.context, owners)
    return notifier, Following(server.store, notifier, SYSTEM.id, batch=batch)


async def all_followed(follower):
    while await follower.step():
        pass


async def recorded(server, id="s"):
    known = await record.standing(server.store, id)
    found = await record.events(server.store, id, 0, known.number, 10_000)
    return [(one.number, one.id) for one in found]


async def subscribe(server, id="s", criteria="Patient"):
    answer = await server.ehr.put({**criteria_subscription(HERE, criteria), "id": id})
    assert answer.status_code == 201, answer.text


async def test_events_are_numbered_in_the_order_of_the_log(server):
    await server.ehr.put(patient("before"))
    await subscribe(server)
    for number in range(5):
        await server.ehr.put(patient(f"p{number}"))
    await all_followed(following(server)[1])
    assert await recorded(server) == [(number + 1, f"p{number}") for number in range(5)]


@pytest.mark.parametrize("batch", [1, 2, 3, 200])
async def test_a_follower_that_begins_anew_goes_on_with_the_next_number(server, batch):
    await subscribe(server)
    for number in range(6):
        await server.ehr.put(patient(f"p{number}"))
        _, follower = following(server, batch)
        await follower.step()
    await all_followed(following(server)[1])
    assert await recorded(server) == [(number + 1, f"p{number}") for number in range(6)]


async def test_a_step_that_is_not_committed_leaves_no_trace(server):
    await subscribe(server)
    notifier, follower = following(server)
    await server.ehr.put(patient("p0"))
    submit, failures = server.store.submit, [refuse(Category.BUSY, "transient", "not now")] * 2

    async def failing(command):
        if failures:
            raise failures.pop()
        return await submit(command)

    follower._store = type("Failing", (), {"submit": staticmethod(failing)})()
    follower._store.fact, follower._store.read_log = server.store.fact, server.store.read_log
    for _ in range(2):
        with pytest.raises(type(refuse(Category.BUSY, "x", "y"))):
            await follower.step()
        await server.ehr.put(patient(f"p{len(failures)}x"))
    await all_followed(follower)
    assert [number for number, _ in await recorded(server)] == [1, 2, 3]
    assert notifier.interests.by_id["s"].standing.number == 3


async def test_two_followers_of_one_log_number_every_event_once(server):
    await subscribe(server)
    followers = [following(server, 2)[1] for _ in range(2)]
    for number in range(10):
        await server.ehr.put(patient(f"p{number}"))
    for turn in range(40):
        try:
            await followers[turn % 2].step()
        except Exception as error:
            assert getattr(error, "category", None) is Category.CONFLICT, error
    assert await recorded(server) == [(number + 1, f"p{number}") for number in range(10)]


async def test_a_subscription_counts_from_its_own_commit_until_it_is_off(server):
    await server.ehr.put(patient("before"))
    await subscribe(server)
    await server.ehr.put(patient("one"))
    await server.ehr.put({**criteria_subscription(HERE, "Patient"), "id": "s", "status": "off"})
    await server.ehr.put(patient("unseen"))
    await server.ehr.put({**criteria_subscription(HERE, "Patient?_id=three"), "id": "s"})
    await server.ehr.put(patient("two"))
    await server.ehr.put(patient("three"))
    await server.ehr("DELETE", "Subscription/s")
    await server.ehr.put(patient("three", active=True))
    await all_followed(following(server)[1])
    assert await recorded(server) == [(1, "one"), (2, "three")]


async def test_what_a_transaction_makes_is_several_events_and_one_version_is_one(server):
    await subscribe(server)
    from tests.facade import entry

    await server.ehr.transaction(
        entry("PUT", "Patient/a", patient("a")), entry("PUT", "Patient/b", patient("b"))
    )
    await server.ehr.put(patient("a"))  # says nothing new
    await all_followed(following(server)[1])
    assert await recorded(server) == [(1, "a"), (2, "b")]


async def test_without_subscriptions_no_resource_is_read(server, monkeypatch):
    for number in range(3):
        await server.ehr.put(patient(f"p{number}"))
    await server.admin.put(encounter_topic())
    notifier, follower = following(server)

    async def never(*_):
        raise AssertionError("a version was read")

    monkeypatch.setattr(server.store, "read_version", never)
    await all_followed(follower)
    assert not notifier.interests.any


async def test_the_owner_is_whoever_last_said_where_to_and_what(server):
    await subscribe(server)
    await all_followed(following(server)[1])
    assert (await record.standing(server.store, "s")).owner == Owner("ehr")
    await server.ana.put({**criteria_subscription(HERE, "Patient"), "id": "s", "reason": "another"})
    await all_followed(following(server)[1])
    assert (await record.standing(server.store, "s")).owner == Owner("ehr")
    await server.lab.put({**criteria_subscription(f"{HERE}/mine", "Patient"), "id": "s"})
    await all_followed(following(server)[1])
    assert (await record.standing(server.store, "s")).owner == Owner("lab")


async def test_the_same_events_come_of_a_rebuilt_log(server):
    await subscribe(server)
    for number in range(3):
        await server.ehr.put(patient(f"p{number}"))
    await all_followed(following(server)[1])
    await server.store.derive_provenance()
    before = list(await server.store.storage.dump())
    await server.store.rebuild()
    assert list(await server.store.storage.dump()) == before
    assert len(await recorded(server)) == 3
