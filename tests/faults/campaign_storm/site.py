"""What is up during the storm: the server, the telephone's process and the town, and how the first two are killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil

from agent.simulator.town.people import Townsman
from fhirserver.kernel.wall import VARIABLE
from tests.faults.campaign_storm.residents import Resident
from tests.faults.campaign_storm.seed import load, resources
from tests.server_process import START_SECONDS, ServerProcess, command, free_port
from tests.town_process import TownProcess, drill_clock
from tests.voice_process import TWILIO

Json = dict[str, Any]
_SETTINGS = """
[voice]
port = {port}
fhir_url = "http://127.0.0.1:{fhir}/fhir"
token_file = "agent"
practice = "Lakeside Clinic"
zone = "America/New_York"
emotion = false

[speech]
providers = ["written"]

[telephony]
public_url = "http://127.0.0.1:{port}"
auth_token_file = "twilio"
call_hours = "00:00-24:00"
most_calls = {lines}
text_idle_seconds = 7200
{api}
"""


class Site:
    """All processes. Use it as a context after :meth:`seed`."""

    def __init__(
        self, folder: Path, begin: datetime, pace: float, workers: int, lines: int, seed: int, more: str = ""
    ):
        """``more``: further tables of the configuration."""
        self.folder, self.begin, self._pace = folder, begin, pace
        self.port, self._fhir = free_port(), free_port()
        self._workers, self._lines, self._more = workers, lines, more
        self._chance = random.Random(seed)
        self._voice: subprocess.Popen[bytes] | None = None
        self.town = TownProcess(folder, f"http://127.0.0.1:{self.port}/telephony/voice", {}, 0.002, seed)
        self.server = self._server({VARIABLE: drill_clock(begin - timedelta(hours=1), 1)})
        self.environment: dict[str, str] = {}
        self.kills = 0

    def _server(self, environment: dict[str, str]) -> ServerProcess:
        settings = _SETTINGS.format(
            port=self.port, fhir=self._fhir, lines=self._lines, api=self.town.telephony
        )
        settings += self._more
        return ServerProcess(
            self.folder, port=self._fhir, workers=self._workers, settings=settings, environment=environment
        )

    async def seed(self, residents: list[Resident]) -> int:
        """Have everybody in the world, an hour before the campaign begins; how many resources that is."""
        (self.folder / "twilio").write_text(TWILIO)
        self.server.start()
        (self.folder / "agent").write_text(self.server.tokens["voice-agent"])
        count = await load(self.server.base, self.server.token, resources(residents, self.begin))
        self.server.stop()
        return count

    def open(self, people: list[Townsman]) -> None:
        """The day begins: from now on it runs fast."""
        tokens = self.server.tokens
        self.environment = {VARIABLE: drill_clock(self.begin - timedelta(minutes=10), self._pace)}
        self.server = self._server(self.environment)
        self.server.tokens = tokens
        self.town.environment = self.environment
        self.town.start(people)
        self.server.start()
        self.start_voice()

    def start_voice(self) -> None:
        """Returns when it is ready, or its time is over: the server may be away meanwhile."""
        log = (self.folder / "voice.log").open("ab")
        with log:
            self._voice = subprocess.Popen(
                [*command(), "voice", "--config", str(self.server.config), "--data", str(self.server.data)],
                stdout=log, stderr=log, env={**os.environ, **self.environment}, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._voice.poll() is None:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=2, trust_env=False)
                return
            except httpx.HTTPError:
                time.sleep(0.05)

    def kill_voice(self) -> None:
        """``kill -9``."""
        assert self._voice is not None
        if self._voice.poll() is None:
            os.killpg(self._voice.pid, signal.SIGKILL)
        self._voice.wait()
        self.kills += 1

    def kill_server(self) -> None:
        """All of its processes, ``kill -9``."""
        self.server.kill()
        self.kills += 1

    def kill_worker(self) -> None:
        """One of those that serve; its parent starts another."""
        workers = psutil.Process(self.server.pid).children()
        if workers:
            self._chance.choice(workers).kill()
            self.kills += 1

    def close(self) -> None:
        self.town.stop()
        if self._voice is not None and self._voice.poll() is None:
            self._voice.terminate()
            try:
                self._voice.wait(30)
            except subprocess.TimeoutExpired:
                self.kill_voice()
        self.server.stop()

    def voice_log(self) -> str:
        path = self.folder / "voice.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""
