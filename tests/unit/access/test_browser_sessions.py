"""Sessions of people who signed in with a browser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fhirserver.access.browser_sessions import BrowserSessions, SessionLimits, form_is_ours
from fhirserver.kernel.instants import FixedClock
from fhirserver.storage.memory.access_records import MemoryAccessRecords

ANA = {"login": "ana"}
LIMITS = SessionLimits(idle=600, whole=3600)


@pytest.fixture
def clock():
    return FixedClock(datetime(2026, 11, 28, 12, tzinfo=UTC))


@pytest.fixture
def records(clock):
    return MemoryAccessRecords(lambda: clock.now().timestamp())


@pytest.fixture
def sessions(records, clock):
    return BrowserSessions(records, "console", clock, LIMITS)


async def test_a_cookie_opens_its_session(sessions):
    begun = await sessions.begin(ANA)
    assert await sessions.of(begun.id) == begun and begun.values == ANA
    assert await sessions.of("") is None and await sessions.of(begun.id + "x") is None


async def test_what_is_kept_opens_nothing(sessions, records):
    begun = await sessions.begin(ANA)
    kept = await records.find("")
    assert len(kept) == 1
    assert begun.id not in str(kept) and begun.form_token not in str(kept) and begun.id not in repr(begun)
    assert await sessions.of(kept[0].key.rpartition("/")[2]) is None


async def test_signing_in_again_changes_the_secret_and_ends_the_old_one(sessions):
    first = await sessions.begin(ANA)
    second = await sessions.begin(ANA, old=first.id)
    assert first.id != second.id and first.form_token != second.form_token
    assert await sessions.of(first.id) is None and await sessions.of(second.id) == second


async def test_it_ends_when_nothing_is_asked_for_a_while(sessions, clock):
    begun = await sessions.begin(ANA)
    for _ in range(3):
        clock.at += timedelta(seconds=599)
        assert await sessions.of(begun.id)
    clock.at += timedelta(seconds=600)
    assert await sessions.of(begun.id) is None


async def test_what_a_page_asks_by_itself_does_not_keep_it_open(sessions, clock):
    begun = await sessions.begin(ANA)
    clock.at += timedelta(seconds=400)
    assert await sessions.of(begun.id, active=False)
    clock.at += timedelta(seconds=200)
    assert await sessions.of(begun.id) is None


async def test_it_ends_after_a_time_whatever_is_asked(sessions, clock):
    begun = await sessions.begin(ANA)
    for _ in range(8):
        clock.at += timedelta(seconds=400)
        assert await sessions.of(begun.id)
    clock.at += timedelta(seconds=400)
    assert await sessions.of(begun.id) is None


async def test_one_that_ended_stays_ended(sessions):
    begun = await sessions.begin(ANA)
    await sessions.end(begun.id)
    await sessions.remember(begun.id, {"more": 1})
    assert await sessions.of(begun.id) is None


async def test_what_is_remembered_is_added(sessions, clock):
    begun = await sessions.begin(ANA)
    await sessions.remember(begun.id, {"last": "approved"})
    found = await sessions.of(begun.id)
    assert found is not None and found.values == {**ANA, "last": "approved"}


async def test_what_is_over_is_not_kept(sessions, records, clock):
    for _ in range(3):
        await sessions.begin(ANA)
    clock.at += timedelta(hours=2)
    await sessions.begin(ANA)
    assert await records.forget_expired() == 3


async def test_others_may_ask_by_its_name_whether_it_is_open(sessions, clock):
    begun = await sessions.begin(ANA)
    assert begun.name not in begun.id and await sessions.of(begun.name) is None
    assert await sessions.is_open(begun.name) and not await sessions.is_open("x")
    clock.at += timedelta(seconds=601)
    assert not await sessions.is_open(begun.name)


async def test_a_cookie_of_another_kind_opens_nothing(sessions, records, clock):
    begun = await BrowserSessions(records, "auth", clock, LIMITS).begin(ANA)
    assert await sessions.of(begun.id) is None


async def test_only_forms_of_the_session_are_ours(sessions):
    begun, other = await sessions.begin(ANA), await sessions.begin(ANA)
    assert form_is_ours(begun.form_token, begun.form_token)
    assert not form_is_ours(begun.form_token, other.form_token)
    assert not form_is_ours(begun.form_token, "") and not form_is_ours(begun.form_token, "\udcff")
