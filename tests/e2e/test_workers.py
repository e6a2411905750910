"""Several processes on one port and one SQLite file, as a client sees them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.server_process import ServerProcess, credence

PATIENT = {"resourceType": "Patient", "name": [{"family": "Worker"}]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("workers"), workers=2) as running:
        wait_for(lambda: len(workers(running)) == 2 and both_serve(running))
        yield running


def workers(server: ServerProcess) -> list[psutil.Process]:
    return psutil.Process(server.pid).children()


def both_serve(server: ServerProcess) -> bool:
    """Whether each of two workers gets one of two connections."""
    with fresh(server) as one, fresh(server) as other:
        try:
            one.get("metadata"), other.get("metadata")
        except httpx.TransportError:
            return False  # it was at the worker that has just been killed
        return [connections(worker) for worker in workers(server)] == [1, 1]


def connections(worker: psutil.Process) -> int:
    """How many clients a worker has."""
    return sum(c.status == "ESTABLISHED" for c in worker.net_connections("tcp"))


def wait_for(holds: object, seconds: float = 30.0) -> None:
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def fresh(server: ServerProcess) -> httpx.Client:
    """A client with a connection of its own, which goes to the worker that has the fewest."""
    return httpx.Client(base_url=f"{server.base}/", headers=server.headers)


def test_what_one_worker_wrote_every_worker_reads_at_once(server: ServerProcess) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(fresh(server)) for _ in range(12)]
        for client in clients:
            made = client.post("Patient", json=PATIENT)
            assert made.status_code == 201
            for other in clients:
                assert other.get(f"Patient/{made.json()['id']}").status_code == 200
                found = other.get("Patient", params={"_id": made.json()["id"], "family": "Worker"})
                assert len(found.json()["entry"]) == 1
                assert other.get("_history", params={"_count": 1}).status_code == 200


def test_connections_are_spread_evenly(server: ServerProcess) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(fresh(server)) for _ in range(9)]
        for client in clients:
            assert client.get("metadata").status_code == 200
        before = sorted(connections(worker) for worker in workers(server))
        assert before == [4, 5]
        for client in clients[::2]:  # those of one worker leave
            client.close()
        wait_for(lambda: sorted(connections(worker) for worker in workers(server)) == [0, 4])
        more = [stack.enter_context(fresh(server)) for _ in range(4)]
        for client in more:
            assert client.get("metadata").status_code == 200
        assert [connections(worker) for worker in workers(server)] == [4, 4]


def test_an_operator_is_signed_in_at_every_worker(server: ServerProcess) -> None:
    root = server.base.removesuffix("/fhir")
    with httpx.Client(base_url=root) as client:
        signed = client.post("/console/sign-in", data={"token": server.tokens["admin"]})
        assert signed.status_code == 303
        cookies = dict(client.cookies)
    for _ in range(8):
        with httpx.Client(base_url=root, cookies=cookies) as client:
            assert "sign-in" not in client.get("/console").text
    kept = list(server.data.glob("credence.db-access*"))
    assert kept
    assert all(one.stat().st_mode & 0o077 == 0 for one in kept)
    everything = b"".join(one.read_bytes() for one in kept)
    assert all(secret.encode() not in everything for secret in (server.tokens["admin"], *cookies.values()))


def test_a_worker_that_dies_is_started_again_and_the_other_goes_on(server: ServerProcess) -> None:
    before = {one.pid for one in workers(server)}
    for pid in sorted(before):
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda pid=pid: pid not in {one.pid for one in workers(server)} and both_serve(server))
        wait_for(lambda: len(workers(server)) == 2)
    wait_for(lambda: both_serve(server))
    with fresh(server) as client:
        assert client.post("Patient", json=PATIENT).status_code == 201


def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, workers=2)
    with server:
        wait_for(lambda: len(workers(server)) == 2)
        children = workers(server)
        os.kill(server.pid, signal.SIGKILL)
        wait_for(lambda: not any(one.is_running() and one.status() != "zombie" for one in children), 10)


def test_nor_one_that_was_killed_before_it_heard_what_they_said(tmp_path: Path) -> None:
    """Then the kernel tells them of an error, not of an end."""
    server = ServerProcess(tmp_path, workers=2)
    with server:
        children = workers(server)
        clients = [fresh(server) for _ in range(4)]
        for client in clients:
            assert client.get("metadata").status_code == 200
        os.kill(server.pid, signal.SIGSTOP)
        for client in clients:
            client.close()
        wait_for(lambda: not any(map(connections, children)))
        os.kill(server.pid, signal.SIGKILL)
        wait_for(lambda: not any(one.is_running() and one.status() != "zombie" for one in children), 10)


def test_a_second_server_does_not_get_into_the_port_of_the_first(
    server: ServerProcess, tmp_path: Path
) -> None:
    port = httpx.URL(server.base).port
    config = tmp_path / "credence.toml"
    assert credence("init", "--config", str(config)).returncode == 0
    done = credence("serve", "--config", str(config), "--port", str(port), "--workers", "2")
    assert (done.returncode, f":{port}: Address already in use" in done.stdout) == (1, True)


def test_workers_stop_in_order(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, workers=2) as server:
        wait_for(lambda: both_serve(server))
        children = workers(server)
        assert server.stop() == 0
        assert not any(one.is_running() for one in children)
        assert server.log_tail().count("Finished server process") == 2


def test_memory_is_not_shared_by_processes(tmp_path: Path) -> None:
    config = tmp_path / "credence.toml"
    config.write_text('[server]\nworkers = 2\n[storage]\nkind = "memory"\n')
    done = credence("serve", "--config", str(config))
    assert (done.returncode, "one worker" in done.stdout) == (2, True)
