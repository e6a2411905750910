"""A subscriber of the event stream that is cut off fifty times sees each event once, in order.

Meanwhile writers write, and one of the two workers is killed again and again.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.cutting_proxy import CuttingProxy
from tests.event_stream import Listener
from tests.server_process import ServerProcess

DROPS = 50
_EACH = 150
_WRITERS = 4


def _write(server: ServerProcess, writer: int, done: list[str]) -> None:
    """One service after the other; what is not known to be written is written again, which changes nothing."""
    with httpx.Client(base_url=server.base, headers=server.headers, timeout=10) as client:
        for number in range(_EACH):
            id = f"w{writer}-{number}"
            body = {"resourceType": "HealthcareService", "id": id, "name": f"Clinic {number}"}
            while True:
                with suppress(httpx.HTTPError):
                    if client.put(f"/HealthcareService/{id}", json=body).is_success:
                        break
            done.append(id)


def _kill_a_worker(server: ServerProcess, chance: random.Random) -> None:
    workers = [one for one in psutil.Process(server.pid).children() if "serve" in " ".join(one.cmdline())]
    if workers:
        with suppress(ProcessLookupError):
            os.kill(chance.choice(workers).pid, signal.SIGKILL)


@pytest.mark.parametrize("seed", [1])
def test_each_event_once_and_in_order_over_fifty_drops(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with ServerProcess(tmp_path, workers=2) as server:
        drops, kills = 0, [10, 30]

        def after() -> int:
            """Somewhere between the head of the answer and a few events further on."""
            return chance.randint(1, 6000) if drops < DROPS else 0

        with CuttingProxy(server.port, after) as proxy:
            url = f"{proxy.url}/platform/events"
            listener = Listener(url, server.headers_of("ehr"), {"resources": "HealthcareService"})
            while not listener.last:  # until it knows where it began
                next(listener.once(), None)
            done: list[str] = []
            writers = [threading.Thread(target=_write, args=(server, n, done)) for n in range(_WRITERS)]
            for one in writers:
                one.start()
            seen: list[str] = []
            ids: list[str] = []
            while len(seen) < _EACH * _WRITERS:
                for event in listener.once(15):
                    if event.event == "message":
                        seen.append(event.data["resource"]["reference"])
                        ids.append(event.id)
                    if len(seen) >= _EACH * _WRITERS:
                        break
                drops = proxy.cuts
                if kills and drops >= kills[0]:
                    kills.pop(0)
                    _kill_a_worker(server, chance)
            for one in writers:
                one.join(60)
        assert drops >= DROPS, f"only {drops} drops"
        assert len(set(seen)) == len(seen) == _EACH * _WRITERS, "an event came twice"
        assert {one.split("/")[1] for one in seen} == set(done), "an event was missed"
        assert ids == sorted(ids), "the order was broken"
        pages = httpx.get(
            f"{server.root}/platform/events/history",
            headers=server.headers,
            params={"resources": "HealthcareService", "limit": "200"},
        )
        assert [one["id"] for one in pages.json()["items"]] == ids[:200], "the log has another order"
