"""A Credence process with one connector to a FHIR EHR, which may be any process that speaks FHIR."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.server_process import ServerProcess

SOURCE = "practice"
_SECRETS = {"token", "client_secret", "notify_secret"}


def connected(directory: Path, url: str, port: int | None = None, **settings: Any) -> ServerProcess:
    """A server that is not started yet, whose connector ``clinic`` leads to ``url``."""
    server = ServerProcess(directory, port=port)
    server._initialise()
    lines = [f'\n[[source]]\nid = "{SOURCE}"\nkind = "ehr"\nauthoritative = true\n', "[[connector]]"]
    table = {"name": "clinic", "source": SOURCE, "url": url, "pull_seconds": 0.5, **settings}
    for secret in _SECRETS & table.keys():
        table[f"{secret}_file"] = str(server.secret(table.pop(secret), secret))
    lines += [f"{name} = {_toml(value)}" for name, value in table.items()]
    with server.config.open("a") as file:
        file.write("\n".join([*lines, ""]))
    return server


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def count(server: ServerProcess, type: str, **query: str) -> int:
    with httpx.Client(trust_env=False, timeout=30) as http:
        answer = http.get(
            f"{server.base}/{type}",
            params={"_summary": "count", **query},
            headers=server.headers,
        )
    assert answer.status_code == 200, answer.text
    return int(answer.json()["total"])


def found(server: ServerProcess, type: str, **query: str) -> list[dict[str, Any]]:
    with httpx.Client(trust_env=False, timeout=30) as http:
        answer = http.get(
            f"{server.base}/{type}",
            params={"_count": "1000", **query},
            headers=server.headers,
        )
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", [])]


def until(holds: Callable[[], bool], seconds: float = 30.0, every: float = 0.05) -> float:
    """Wait until it holds; how long that took. Fails after ``seconds``."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < seconds, "it did not come about"
        time.sleep(every)
    return time.monotonic() - started
