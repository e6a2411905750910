"""How often somebody may try."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from fhirserver.access.throttle import Allowance, Throttle, TooManyTries, network
from fhirserver.kernel.instants import FixedClock
from fhirserver.storage.memory.access_records import MemoryAccessRecords

ANA = Allowance("login", "ana", 3, 60)


@pytest.fixture
def clock():
    return FixedClock(datetime(2026, 11, 28, 12, tzinfo=UTC))


@pytest.fixture
def records(clock):
    return MemoryAccessRecords(lambda: clock.now().timestamp())


@pytest.fixture
def throttle(records, clock):
    return Throttle(records, clock)


async def refused(throttle, *allowances):
    with pytest.raises(TooManyTries) as caught:
        await throttle.begin(allowances)
    return caught.value.seconds


async def test_after_the_free_tries_each_one_waits_twice_as_long(throttle, clock):
    for _ in range(3):
        await throttle.begin([ANA])
    waits = []
    for _ in range(8):
        waits.append(await refused(throttle, ANA))
        clock.at += timedelta(seconds=waits[-1])
        await throttle.begin([ANA])
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_to_be_refused_does_not_make_it_longer(throttle, clock):
    for _ in range(3):
        await throttle.begin([ANA])
    assert [await refused(throttle, ANA) for _ in range(5)] == [1] * 5
    clock.at += timedelta(seconds=1)
    await throttle.begin([ANA])


async def test_a_quarter_of_an_hour_without_a_try_forgets(throttle, clock):
    for _ in range(3):
        await throttle.begin([ANA])
    clock.at += timedelta(seconds=901)
    for _ in range(3):
        await throttle.begin([ANA])
    await refused(throttle, ANA)


async def test_many_at_once_are_no_way_around(throttle):
    tried = await asyncio.gather(*(throttle.begin([ANA]) for _ in range(10)), return_exceptions=True)
    assert [type(one) for one in tried].count(TooManyTries) == 7


async def test_who_is_refused_under_one_is_not_counted_under_the_others(throttle, records):
    address = Allowance("address", "192.0.2.1", 5, 60)
    for _ in range(3):
        await throttle.begin([address, ANA])
    for _ in range(9):
        await refused(throttle, address, ANA)
    for _ in range(2):
        await throttle.begin([address])
    await refused(throttle, address)


async def test_success_gives_back_or_forgets(throttle, records):
    for _ in range(9):
        await throttle.begin([ANA])
        await throttle.give_back(ANA)
    for _ in range(3):
        await throttle.begin([ANA])
    await throttle.forget(ANA)
    assert not await records.find("attempts/")


async def test_no_login_and_no_address_is_kept(throttle, records):
    await throttle.begin([ANA, Allowance("address", "192.0.2.77", 3, 60)])
    kept = str(await records.find(""))
    assert "attempts/login/" in kept and "ana" not in kept and "192.0.2.77" not in kept


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::"),
        ("testclient", "testclient"),
    ],
)
def test_a_household_is_counted_as_one(address, counted):
    assert network(address) == counted
