"""The demo's processes: the server and the simulated EHR, each started, waited for and stopped."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx


class DidNotStart(Exception):
    """A process went away or did not answer in time; its log says why."""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    arguments: list[str], log: Path, url: str, seconds: float = 60
) -> Iterator[subprocess.Popen[bytes]]:
    """``credence`` with the arguments, from when ``url`` answers until the block ends."""
    with log.open("wb") as output:
        command = [sys.executable, "-m", "fhirserver.app.cli", *arguments]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603 - our own
        try:
            _wait(process, url, seconds, log)
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            if process.poll() is None:
                process.kill()


def _wait(process: subprocess.Popen[bytes], url: str, seconds: float, log: Path) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=2).status_code < 500:
                return
        time.sleep(0.1)
    tail = log.read_text(errors="replace")[-2000:]
    raise DidNotStart(f"{' '.join(process.args[2:4]) if isinstance(process.args, list) else ''}: {tail}")
