"""``credence serve`` and ``credence voice`` as processes of their own, with a practice of one patient with a visit."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from fhirserver.world.vocabulary import OPERATOR_ACTION
from tests.server_process import START_SECONDS, ServerFailed, ServerProcess, command, free_port

TWILIO = "the-auth-token-of-the-tests"
CALLER = "+14125550142"
_SETTINGS = """
[voice]
port = {port}
fhir_url = "http://127.0.0.1:{fhir}/fhir"
token_file = "agent"
practice = "the clinic"
recordings = "recordings"

[telephony]
public_url = "http://127.0.0.1:{port}"
auth_token_file = "twilio"
recording = true
"""


@dataclass
class VoiceSite:
    """Both processes, and the folder with their files."""

    server: ServerProcess
    port: int
    folder: Path
    environment: dict[str, str] | None = None
    voice: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the telephone's process, and wait until it is ready."""
        log = self.folder / "voice.log"
        with log.open("ab") as out:
            self.voice = subprocess.Popen(
                [*command(), "voice", "--config", str(self.server.config), "--data", str(self.server.data)],
                stdout=out,
                stderr=out,
                env={**os.environ, **(self.environment or {})},
            )
        _wait(f"http://127.0.0.1:{self.port}/readyz", self.voice, log)

    def kill(self) -> None:
        """``kill -9`` for the telephone's process."""
        assert self.voice is not None
        self.voice.kill()
        self.voice.wait(30)

    def stop(self) -> None:
        """End it in order, where it has begun."""
        if self.voice is not None:
            self.voice.terminate()
            self.voice.wait(30)

    @property
    def webhook(self) -> str:
        return f"http://127.0.0.1:{self.port}/telephony/voice"

    def find(self, type: str, **params: str) -> list[dict[str, Any]]:
        """Resources in the world, as the admin sees them; what operators did on calls as the privacy officer does."""
        headers = self.server.headers_of("admin")
        if type == "AuditEvent":
            headers = self.server.headers_of("privacy-officer")
            params = {"subtype": f"{OPERATOR_ACTION}|", **params}
        answer = httpx.get(
            f"{self.server.base}/{type}", params=params, headers=headers, timeout=30, trust_env=False
        )
        answer.raise_for_status()
        return [entry["resource"] for entry in answer.json().get("entry", ())]


@contextlib.contextmanager
def voice_site(
    folder: Path, telephony: str = "", port: int = 0, environment: dict[str, str] | None = None
) -> Iterator[VoiceSite]:
    """Both are ready within the block. ``telephony``: more lines of that table, and other tables."""
    port, fhir = port or free_port(), free_port()
    (folder / "twilio").write_text(TWILIO)
    with ServerProcess(
        folder,
        port=fhir,
        settings=_SETTINGS.format(port=port, fhir=fhir) + telephony,
        environment=environment,
    ) as server:
        (folder / "agent").write_text(server.tokens["voice-agent"])
        _load(server)
        site = VoiceSite(server, port, folder, environment)
        try:
            site.start()
            yield site
        finally:
            site.stop()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 2 * START_SECONDS
    while True:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2):
            return
        if process.poll() is not None or time.monotonic() > until:
            raise ServerFailed(
                f"credence voice did not become ready:\n{log.read_text(errors='replace')[-2000:]}"
            )
        time.sleep(0.1)


def _load(server: ServerProcess) -> None:
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=3)
    patient = {
        "resourceType": "Patient",
        "id": "maria",
        "name": [{"use": "official", "family": "Alvarez", "given": ["Maria"]}],
        "birthDate": "1982-03-03",
        "telecom": [{"system": "phone", "value": CALLER, "use": "mobile"}],
    }
    visit = {
        "resourceType": "Appointment",
        "id": "visit",
        "status": "booked",
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=30)).isoformat(),
        "participant": [{"actor": {"reference": "Patient/maria"}, "status": "accepted"}],
    }
    for resource in (patient, visit):
        url = f"{server.base}/{resource['resourceType']}/{resource['id']}"
        answer = httpx.put(url, json=resource, headers=server.headers, timeout=30, trust_env=False)
        answer.raise_for_status()
