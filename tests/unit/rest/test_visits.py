"""How often somebody may come, and what is answered beyond."""

from __future__ import annotations

import gc
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.rest.pace import Pace
from fhirserver.rest.visits import Rates, Visits, site
from tests.facade import BASE, Facade, facade, issues

ORIGIN = "https://app.example"
FAR = {"client": ("203.0.113.7", 40000)}
HERE = {"client": ("127.0.0.1", 40000)}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_the_pace() -> None:
    clock = Clock()
    pace = Pace(10, 3, clock)
    assert [pace.wait("a") for _ in range(3)] == [0, 0, 0]
    assert pace.wait("a") == pytest.approx(0.1)
    assert pace.wait("b") == 0, "everybody has their own"
    clock.now += 0.1001
    assert pace.wait("a") == 0
    assert pace.wait("a") > 0
    clock.now += 60
    assert [pace.wait("a") > 0 for _ in range(4)] == [False, False, False, True], (
        "no more than the burst is saved"
    )


@given(
    st.lists(st.floats(0, 5, allow_nan=False), max_size=60),
    st.floats(0.5, 50, allow_nan=False),
    st.integers(1, 20),
)
def test_never_more_than_pace_and_burst(pauses: list[float], per_second: float, burst: int) -> None:
    clock = Clock()
    pace, began, admitted = Pace(per_second, burst, clock), clock.now, 0
    for pause in pauses:
        clock.now += pause
        admitted += not pace.wait("a")
        assert admitted <= burst + (clock.now - began) * per_second + 1e-6


def test_what_is_kept_has_a_bound() -> None:
    clock = Clock()
    pace = Pace(1, 2, clock, most_kept=50)
    for number in range(500):
        pace.wait(number)
    assert len(pace._full) <= 50
    clock.now += 10
    pace.wait("late")
    assert len(pace._full) == 1, "who is quiet again is forgotten first"


def test_no_limit_keeps_nothing() -> None:
    pace = Pace(0, 0)
    assert [pace.wait("a") for _ in range(100)] == [0.0] * 100
    assert not pace._full


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not an address", "not an address"),
    ],
)
def test_by_what_an_address_is_counted(address: str, counted: str) -> None:
    assert site(address) == counted


def test_the_machine_itself_may_ask_as_often_as_it_likes() -> None:
    visits = Visits(Rates(address_per_second=1, principal_per_second=1))
    for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        for _ in range(50):
            visits.admit({"client": (address, 1)})
            visits.admit_principal("ehr", {"client": (address, 1)})
    for _ in range(5):
        visits.admit(FAR)
    with pytest.raises(Refusal) as refused:
        visits.admit(FAR)
    assert refused.value.category is Category.TOO_MANY
    assert refused.value.headers["Retry-After"] == "1"


def test_connections_of_an_address() -> None:
    visits = Visits(Rates(connections_per_address=2), proxies=["198.51.100.0/24"])
    assert [visits.enter("203.0.113.7") for _ in range(3)] == [True, True, False]
    assert visits.enter("203.0.113.8")
    visits.leave("203.0.113.7")
    assert visits.enter("203.0.113.7")
    assert all(visits.enter("198.51.100.4") for _ in range(9)), "a proxy speaks for many"
    for address in ("203.0.113.7", "203.0.113.7", "203.0.113.8"):
        visits.leave(address)
    assert not visits._connections


def test_what_counting_costs() -> None:
    visits, rounds = Visits(Rates(address_per_second=1e6, principal_per_second=1e6)), 20_000
    gc.disable()
    try:
        began = time.process_time()
        for _ in range(rounds):
            visits.admit(FAR)
            visits.admit_principal("ehr", FAR)
        spent = (time.process_time() - began) / rounds
    finally:
        gc.enable()
    assert spent < 20e-6, (
        "about a millionth of a second where nothing else runs; the bound is for a busy machine"
    )


async def _many(
    server: Facade, address: str, token: str, times: int, path: str = "Patient"
) -> list[httpx.Response]:
    transport = httpx.ASGITransport(
        app=server.application, client=(address, 4000), raise_app_exceptions=False
    )
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
        headers = {"Authorization": f"Bearer {token}", "Origin": ORIGIN}
        return [await http.get(f"{BASE}/{path}", headers=headers) for _ in range(times)]


async def test_an_address_that_asks_too_often(tmp_path: Path) -> None:
    async with facade(tmp_path, rates=Rates(address_per_second=1)) as server:
        answers = await _many(server, "203.0.113.7", "token-ehr", 7)
        assert [answer.status_code for answer in answers[:5]] == [200] * 5
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert issues(answers[-1])[0]["code"] == "throttled"
        other = await _many(server, "203.0.113.8", "token-ehr", 1)
        assert other[0].status_code == 200
        health = await _many(server, "203.0.113.7", "token-ehr", 1, "../healthz")
        assert health[0].status_code == 429, "the address is counted wherever it asks"


async def test_a_page_of_an_app_can_read_that_it_asks_too_often(tmp_path: Path) -> None:
    async with facade(
        tmp_path, rates=Rates(address_per_second=1), cors_origins=frozenset({ORIGIN})
    ) as server:
        refused = (await _many(server, "203.0.113.7", "token-ehr", 6))[-1]
        assert refused.status_code == 429 and refused.headers["access-control-allow-origin"] == ORIGIN
        assert "Retry-After" in refused.headers["access-control-expose-headers"]


async def test_a_principal_that_asks_too_often(tmp_path: Path) -> None:
    async with facade(tmp_path, rates=Rates(principal_per_second=1)) as server:
        statuses = []
        for number in range(7):
            answers = await _many(server, f"203.0.113.{number}", "token-ehr", 1)
            statuses.append(answers[0].status_code)
        assert statuses == [200] * 5 + [429] * 2
        assert (await _many(server, "203.0.113.1", "token-ana", 1))[0].status_code == 200


@pytest.mark.parametrize("path", ["Patient", "../live/calls", "../recordings/x.wav"])
async def test_who_fails_too_often(tmp_path: Path, path: str) -> None:
    async with facade(tmp_path, rates=Rates(failed_per_minute=3)) as server:
        answers = await _many(server, "203.0.113.7", "wrong", 5, path)
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
        assert issues(answers[-1])[0]["code"] == "throttled"
        known = await _many(server, "203.0.113.7", "token-ehr", 1)
        assert known[0].status_code == 200, "whoever is known is not shut out by others at the same address"


async def test_sign_in_is_not_even_heard_after_too_many_failures(tmp_path: Path) -> None:
    async with facade(tmp_path, rates=Rates(failed_per_minute=3)) as server, server.browser() as browser:
        for _ in range(3):
            answer = await browser.post("/console/sign-in", data={"token": "wrong"})
            assert answer.status_code == 403
        right = await browser.post("/console/sign-in", data={"token": "token-ana"})
        assert right.status_code == 429
        assert "set-cookie" not in right.headers


async def test_refusals_are_noted_once_a_minute(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rates = replace(Rates(), address_per_second=1)
    async with facade(tmp_path, rates=rates) as server:
        await _many(server, "203.0.113.7", "token-ehr", 12)
    noted = [one for one in caplog.records if one.name == "credence.defence" and "429" in one.getMessage()]
    assert len(noted) == 1
