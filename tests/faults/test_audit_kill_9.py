"""``kill -9``: the audit trail is whole, loses no write, and of reads only what was not written yet."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server_process import ServerProcess, credence


@pytest.fixture(params=[1, 2], ids=["alone", "workers"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServerProcess]:
    running = ServerProcess(tmp_path, workers=request.param)
    running.start()
    yield running
    running.kill()


def audit(server: ServerProcess, action: str, *arguments: str) -> str:
    done = credence("audit", action, "--config", str(server.config), "--data", str(server.data), *arguments)
    assert done.returncode == 0, done.stdout
    return done.stdout


def numbers(server: ServerProcess) -> set[str]:
    """The X-Request-Ids that the trail has."""
    out = server.directory / "events.ndjson"
    audit(server, "export", "--out", str(out))
    entities = (one for line in out.read_text().splitlines() for one in json.loads(line).get("entity", ()))
    return {one["what"]["identifier"]["value"] for one in entities if "identifier" in one.get("what", {})}


def read(client: httpx.Client, marks: set[str]) -> None:
    for mark in sorted(marks):
        client.get("Patient/p", headers={"x-request-id": mark}).raise_for_status()


def test_a_kill_loses_no_write_and_no_read_that_was_written(server: ServerProcess) -> None:
    early, late = {f"early-{n:012}" for n in range(20)}, {f"late-{n:012}" for n in range(20)}
    with httpx.Client(base_url=server.base, headers=server.headers, timeout=30) as client:
        client.put("Patient/p", json={"resourceType": "Patient", "id": "p"}).raise_for_status()
        read(client, early)
        deadline = time.monotonic() + 60
        while not early <= numbers(server):  # they are written while the server runs, not when it ends
            assert time.monotonic() < deadline, "nothing is written"
        read(client, late)
        for number in range(5):
            resource = {"resourceType": "Patient", "id": f"w{number}"}
            client.put(f"Patient/w{number}", json=resource).raise_for_status()
        server.kill()
    assert "whole" in audit(server, "verify"), "also with entries missing that were never written"
    assert early <= numbers(server)
    server.start()
    server.stop()
    told = audit(server, "verify")
    assert told.rstrip().endswith("whole") and "BROKEN" not in told
    out = server.directory / "events.ndjson"
    audit(server, "export", "--out", str(out))
    written = [json.loads(line) for line in out.read_text().splitlines()]
    made = {
        one["what"]["reference"]
        for event in written
        for one in event.get("entity", ())
        if "reference" in one.get("what", {})
    }
    if server.workers == 1:
        assert {f"Patient/w{n}/_history/1" for n in range(5)} <= made
