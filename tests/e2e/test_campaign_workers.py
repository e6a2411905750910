"""A campaign over two workers: one of them carries it out, and both obey and are obeyed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import httpx
import psutil
import pytest

from fhirserver.kernel.instants import instant
from tests.e2e.test_workers import both_serve, connections, workers
from tests.faults.test_campaign_chat_kills import DOCUMENT, PATIENTS, attempts, outcome, practice
from tests.server_process import ServerProcess

SPEED = 20
PACE = {"per_minute": 4}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    now = datetime.now(UTC)
    clock = {"CREDENCE_CLOCK": f"{instant(now)}@{time.time():.1f}x{SPEED}"}
    with ServerProcess(tmp_path_factory.mktemp("workers"), workers=2, environment=clock) as running:
        until(lambda: len(workers(running)) == 2 and both_serve(running), "there are no two workers")
        practice(running, now)
        yield running


def until(holds: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
    return found


@pytest.fixture
def both(server: ServerProcess) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """A client at each of the two workers."""
    deadline = time.monotonic() + 60
    while True:
        with ExitStack() as stack:
            clients = [stack.enter_context(client_of(server)) for _ in range(2)]
            for one in clients:
                one.get("campaigns/templates").raise_for_status()
            if [connections(worker) for worker in workers(server)] == [1, 1]:
                yield clients[0], clients[1]
                return
        assert time.monotonic() < deadline, "both connections are always one worker's"
        time.sleep(0.2)


def client_of(server: ServerProcess) -> httpx.Client:
    base, headers = f"{server.root}/platform", server.headers_of("admin")
    return httpx.Client(base_url=base, headers=headers, timeout=60, trust_env=False)


def keep(client: httpx.Client, id: str, **changes: Any) -> None:
    sent = {"id": id, "title": id, "status": "active", "document": {**DOCUMENT, **changes}}
    told = client.post("campaigns", json=sent)
    assert told.status_code == 201, told.text


def reached(server: ServerProcess) -> int:
    return sum(outcome(one) == "sent" for one in attempts(server))


def test_each_worker_obeys_what_the_other_was_told(
    server: ServerProcess, both: tuple[httpx.Client, httpx.Client]
) -> None:
    one, other = both
    keep(one, "slow", pacing=PACE)
    told = [c.post("campaigns/slow/start", headers={"Idempotency-Key": "k"}) for c in (one, other)]
    assert [t.status_code for t in told] == [201, 201] and told[0].json()["control"] == told[1].json()[
        "control"
    ]
    assert (
        one.post("campaigns/slow/start").status_code == other.post("campaigns/slow/start").status_code == 409
    )
    until(lambda: reached(server), "nobody is reached")
    assert other.post("campaigns/slow/pause").status_code == 200
    assert one.get("campaigns/slow").json()["standing"]["status"] == "on-hold"
    time.sleep(1.5)
    held = len(attempts(server))
    time.sleep(2 * 60 / SPEED)
    assert len(attempts(server)) == held < PATIENTS, "held, whichever worker was told"
    assert one.post("campaigns/slow/pause").status_code == 409
    assert one.post("campaigns/slow/resume").status_code == 200
    until(lambda: len(attempts(server)) > held, "it does not go on")
    assert other.post("campaigns/slow/cancel").status_code == 200
    time.sleep(1.5)
    ended = len(attempts(server))
    time.sleep(2 * 60 / SPEED)
    assert len(attempts(server)) == ended < PATIENTS
    progress = [c.get("campaigns/slow/progress").json() for c in (one, other)]
    assert progress[0] == progress[1]
    assert progress[0]["standing"]["status"] == "cancelled"
    assert one.post("campaigns/slow/resume").status_code == 409


def test_a_worker_dies_and_the_campaign_goes_on(server: ServerProcess) -> None:
    before = {one["id"] for one in attempts(server)}
    with client_of(server) as client:
        keep(client, "all", pacing={"per_minute": 200}, limits={"per_day": 9, "spacing_minutes": 0})
        client.post("campaigns/all/start").raise_for_status()
    for n in (0, 1):
        until(lambda: len(workers(server)) == 2 and both_serve(server), "no two workers")
        worker: psutil.Process = workers(server)[n]
        worker.kill()
    until(lambda: len(workers(server)) == 2 and both_serve(server), "no two workers")

    def runs() -> list[dict[str, Any]]:
        return [one for one in attempts(server) if one["id"] not in before]

    def told() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for one in runs():
            found.setdefault(one["subject"]["reference"], []).append(outcome(one))
        return found

    def settled() -> bool:
        by = told()
        return len(by) == PATIENTS and all(outcomes[-1] or outcomes[0] for outcomes in by.values())

    until(settled, "not everyone was tried", 120)
    assert all(outcomes.count("sent") <= 1 for outcomes in told().values()), told()
