"""A listener that answers what is stored: ``kill -9`` right after the answers loses nothing and repeats nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.hl7_feed import FeedServer, adt, code_of

pytestmark = pytest.mark.xdist_group("hl7-stored")
PATIENTS, STEPS = 12, 4


def total(http: httpx.Client, query: str) -> int:
    return int(http.get(f"{query}_summary=count").json()["total"])


def until(holds: Callable[[], Any], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


def client_of(server: FeedServer) -> httpx.Client:
    headers = server.headers_of("admin")
    return httpx.Client(base_url=f"{server.base}/", headers=headers, timeout=30, trust_env=False)


def test_what_was_answered_is_taken_in_after_a_kill_once_and_in_order(tmp_path: Path) -> None:
    messages = [
        (f"P{patient}S{step}", adt(f"P{patient}S{step}", f"P{patient}", family=f"Family{step}"))
        for step in range(STEPS)
        for patient in range(PATIENTS)
    ]
    with FeedServer(tmp_path, 'answer = "stored"', workers=2) as server:
        with server.connect() as wire:
            answers = [wire.send(message) for _, message in messages]
        server.kill()
        assert [code_of(one) for one in answers] == [f"AA {id}" for id, _ in messages]
        server.start()
        with client_of(server) as http:
            until(lambda: total(http, "Binary?") == len(messages), "all are taken in")
            assert total(http, "Patient?") == PATIENTS
            assert total(http, f"Patient?family:exact=Family{STEPS - 1}&") == PATIENTS, "the last word stands"
            with server.connect() as wire:
                assert wire.send(messages[0][1]) == answers[0]
            time.sleep(1)
            assert total(http, "Binary?") == len(messages) and total(http, "Task?code=intake&") == 0
