"""The server of a language model as a process of its own, for tests through the real SDK.

::

    with ModelServer() as server:
        server.script([{"say": "Of course."}, {"fault": "cut", "say": "One moment. I will"}])
        OpenAiModel(Reach("k", url=server.url))
"""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType
from typing import Any

import httpx


class ModelServer:
    """Started as a context. ``url`` is the API's base."""

    def __init__(self) -> None:
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> ModelServer:
        command = [sys.executable, "-m", "tests.model_server_process"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()

    def _admin(self, method: str, path: str, body: Any = None) -> Any:
        base = self.url.removesuffix("/v1")
        answer = httpx.request(method, f"{base}/admin/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def script(self, steps: list[dict[str, Any]], forever: bool = False) -> None:
        """What to answer, one step for each request; ``forever`` repeats the last one."""
        self._admin("POST", "script", {"steps": steps, "forever": forever})

    def requests(self) -> list[dict[str, Any]]:
        """The bodies received so far."""
        received: list[dict[str, Any]] = self._admin("GET", "requests")
        return received

    def forget(self) -> None:
        """Begin anew."""
        self._admin("DELETE", "requests")
