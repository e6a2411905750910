"""The demo's folder: a configuration with fresh tokens, the simulated EHR as its connector."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from fhirserver.app.commands.init import configuration

_CONNECTOR = """
[[source]]
id = "ehr-main"
kind = "ehr"
authoritative = true

[[connector]]
name = "ehr-main"
source = "ehr-main"
url = "{url}"
token_file = "{token_file}"
pull_seconds = 2
push_seconds = 0.5
retry_cap_seconds = 3
"""

_CHAT = """
[chat]
demo = true
"""

_VOICE = """
[telephony]
account_sid = "AC00000000000000000000000000000000"
auth_token_file = "{twilio}"
number = "+15555550100"
public_url = "http://127.0.0.1:{port}"

[voice]
port = {port}
token_file = "{agent}"
recordings = "{recordings}"

[speech]
providers = ["local"]
"""

FAULTS = {
    "latency": 0.02,
    "jitter": 0.05,
    "error_rate": 0.3,
    "cut_rate": 0.1,
    "throttle_rate": 0.05,
    "retry_after": 1.0,
}
"""The simulated EHR's bad days: 30 % errors, 10 % cut connections after the write was done, 5 % throttled."""


@dataclass(slots=True)
class Stage:
    """Where everything is."""

    folder: Path
    config: Path
    server: str
    ehr: str
    tokens: dict[str, str]
    ehr_token: str
    voice: str = ""
    """Where the telephone is answered; empty where the call is by text."""
    twilio_token: str = ""
    call: str = ""
    """The id of the Communication of the call."""


def set_up(folder: Path, server_port: int, ehr_port: int, voice_port: int = 0) -> Stage:
    """Write the configuration; with a ``voice_port`` also that of the telephone."""
    text, tokens = configuration()
    ehr_token = secrets.token_urlsafe(24)
    token_file = _private(folder / "ehr-token", ehr_token)
    ehr = f"http://127.0.0.1:{ehr_port}"
    config = folder / "credence.toml"
    text = text.replace("port = 8080", f"port = {server_port}")
    text += _CONNECTOR.format(url=f"{ehr}/fhir", token_file=token_file) + _CHAT
    server = f"http://127.0.0.1:{server_port}"
    if not voice_port:
        return Stage(folder, _private(config, text), server, ehr, tokens, ehr_token)
    twilio_token = secrets.token_hex(16)
    text += _VOICE.format(
        port=voice_port,
        twilio=_private(folder / "twilio-token", twilio_token),
        agent=_private(folder / "agent-token", tokens["voice-agent"]),
        recordings=folder / "recordings",
    )
    voice = f"http://127.0.0.1:{voice_port}"
    return Stage(folder, _private(config, text), server, ehr, tokens, ehr_token, voice, twilio_token)


def _private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def ehr_arguments(stage: Stage) -> list[str]:
    """How the simulated EHR is started."""
    flags = [part for name, rate in FAULTS.items() for part in (f"--{name.replace('_', '-')}", str(rate))]
    port = stage.ehr.rsplit(":", 1)[1]
    return [
        "simulate-ehr",
        "--port",
        port,
        f"--token={stage.ehr_token}",  # one word: a token may begin with a dash
        "--data",
        str(stage.folder / "ehr.db"),
        *flags,
    ]
