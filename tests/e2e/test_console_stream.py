"""The console's event stream against the server as a process of its own."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import httpx

from tests.server_process import ServerProcess


def test_an_open_stream_tells_at_once_and_does_not_keep_the_server_from_stopping(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        origin = server.base.removesuffix("/fhir")
        with httpx.Client(base_url=origin, timeout=20) as client:
            client.post("/console/sign-in", data={"token": server.tokens["admin"]})
            with client.stream("GET", "/console/events") as stream:
                assert stream.headers["content-type"].startswith("text/event-stream")
                lines = stream.iter_lines()
                assert next(lines) == "retry: 1000"
                began = time.monotonic()
                os.kill(server.pid, signal.SIGTERM)
                assert not any(line.startswith("event:") for line in lines)
                assert time.monotonic() - began < 4, "the stream ends before the server loses patience"
