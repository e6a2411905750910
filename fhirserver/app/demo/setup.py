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

FAULTS = {
    "latency": 0.02,
    "jitter": 0.05,
    "error_rate": 0.3,
    "cut_rate": 0.1,
    "throttle_rate": 0.05,
    "retry_after": 1.0,
}
"""The simulated EHR's bad days: 30 % errors, 10 % cut connections after the write was done, 5 % throttled."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything is."""

    folder: Path
    config: Path
    server: str
    ehr: str
    tokens: dict[str, str]
    ehr_token: str


def set_up(folder: Path, server_port: int, ehr_port: int) -> Stage:
    """Write the configuration."""
    text, tokens = configuration()
    ehr_token = secrets.token_urlsafe(24)
    token_file = folder / "ehr-token"
    token_file.write_text(ehr_token)
    token_file.chmod(0o600)
    ehr = f"http://127.0.0.1:{ehr_port}"
    config = folder / "credence.toml"
    text = text.replace("port = 8080", f"port = {server_port}")
    config.write_text(text + _CONNECTOR.format(url=f"{ehr}/fhir", token_file=token_file))
    config.chmod(0o600)
    return Stage(folder, config, f"http://127.0.0.1:{server_port}", ehr, tokens, ehr_token)


def ehr_arguments(stage: Stage) -> list[str]:
    """How the simulated EHR is started."""
    flags = [part for name, rate in FAULTS.items() for part in (f"--{name.replace('_', '-')}", str(rate))]
    port = stage.ehr.rsplit(":", 1)[1]
    return [
        "simulate-ehr",
        "--port",
        port,
        "--token",
        stage.ehr_token,
        "--data",
        str(stage.folder / "ehr.db"),
        *flags,
    ]
