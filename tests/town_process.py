"""The town's telephones (:mod:`agent.simulator.town`) as a process of its own, and the clock that a drill has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from agent.simulator.town.contact_log import read_log
from agent.simulator.town.people import Townsman
from fhirserver.kernel.instants import instant
from tests.server_process import free_port
from tests.voice_process import TWILIO

ACCOUNT = "AC" + "1" * 32
NUMBER = "+15555550100"


def drill_clock(begin: datetime, pace: float) -> str:
    """The clock's text: it is ``begin`` now."""
    return f"{instant(begin)}@{time.time():.3f}x{pace:g}"


class TownProcess:
    """Use it as a context. ``environment`` has the clock; ``webhook`` is where the voice's process is."""

    def __init__(
        self, folder: Path, webhook: str, environment: dict[str, str], lost: float = 0.0, seed: int = 1
    ):
        self.port, self.log = free_port(), folder / "contacts.jsonl"
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder, self._webhook = folder, webhook
        self.environment, self._lost, self._seed = environment, lost, seed
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def telephony(self) -> str:
        """Lines of ``[telephony]`` that have the agent's calls and messages go here."""
        return f'account_sid = "{ACCOUNT}"\nnumber = "{NUMBER}"\napi_url = "{self.url}"\n'

    def start(self, people: Sequence[Townsman]) -> None:
        """Returns when it answers."""
        file = self._folder / "people.json"
        file.write_text(json.dumps([asdict(one) for one in people]))
        command = [
            sys.executable,
            "-m",
            "agent.simulator.town",
            "--port",
            str(self.port),
            "--auth-token",
            TWILIO,
        ]
        command += ["--webhook", self._webhook, "--log", str(self.log), "--people", str(file)]
        command += [
            "--account",
            ACCOUNT,
            "--number",
            NUMBER,
            "--lost",
            str(self._lost),
            "--seed",
            str(self._seed),
        ]
        environment = {**os.environ, **self.environment}
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise OSError("the town did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            assert self._process.stdout is not None
            self._process.stdout.close()

    def standing(self) -> dict[str, Any]:
        """What it counts."""
        told: dict[str, Any] = httpx.get(f"{self.url}/admin/standing", timeout=20, trust_env=False).json()
        return told

    def entries(self) -> list[dict[str, Any]]:
        """Its log until now."""
        return list(read_log(self.log)) if self.log.exists() else []

    def wait_for(
        self, holds: Callable[[list[dict[str, Any]]], bool], within: float = 60.0
    ) -> list[dict[str, Any]]:
        """The log, once something holds of it."""
        until = time.monotonic() + within
        while not holds(entries := self.entries()):
            assert time.monotonic() < until, entries[-10:]
            time.sleep(0.1)
        return entries
