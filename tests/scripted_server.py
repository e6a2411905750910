"""A server that answers as a test says, as a process of its own: what is said to it goes to its ``/admin``."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType
from typing import Any, ClassVar, Self

import httpx


class ScriptedServer:
    """Started as a context. ``url`` is the API's base, which the process of ``module`` tells in its first line."""

    module: ClassVar[str]

    def __init__(self) -> None:
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", self.module]
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

    def requests(self) -> list[dict[str, Any]]:
        """The bodies received so far."""
        received: list[dict[str, Any]] = self._admin("GET", "requests")
        return received

    def forget(self) -> None:
        """Begin anew."""
        self._admin("DELETE", "requests")
