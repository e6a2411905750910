"""The scripted OpenAI server as a process of its own, for tests through the real SDK.

::

    with OpenAiServer() as server:
        server.script(texts=['{"verdicts": []}'], faults=[{"kind": "429"}])
        AsyncOpenAI(api_key="k", base_url=server.url)
"""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType
from typing import Any

import httpx


class OpenAiServer:
    """Started as a context. ``url`` is the API's base."""

    def __init__(self) -> None:
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> OpenAiServer:
        command = [sys.executable, "-m", "adapters.simulator.openai"]
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

    def script(self, texts: list[str] | None = None, faults: list[dict[str, Any]] | None = None) -> None:
        """Answers and faults to come, one for each request."""
        self._admin("POST", "script", {"texts": texts or [], "faults": faults or []})

    def requests(self) -> list[dict[str, Any]]:
        """The bodies received so far."""
        received: list[dict[str, Any]] = self._admin("GET", "requests")
        return received

    def forget(self) -> None:
        """Begin anew."""
        self._admin("DELETE", "requests")

    def realtime(
        self,
        heard: list[str] | None = None,
        connect: list[dict[str, Any]] | None = None,
        turns: list[dict[str, Any]] | None = None,
        speech: list[dict[str, Any]] | None = None,
        otherwise: str | None = None,
    ) -> None:
        """What the websocket will hear, and how it will fail: see adapters/simulator/openai_realtime.py."""
        wanted = {
            "heard": heard,
            "connect": connect,
            "turns": turns,
            "speech": speech,
            "otherwise": otherwise,
        }
        self._admin("POST", "realtime", {name: given for name, given in wanted.items() if given})

    def realtime_report(self) -> dict[str, Any]:
        """Its sessions, turns and events so far."""
        report: dict[str, Any] = self._admin("GET", "realtime")
        return report

    def models(self, known: dict[str, dict[str, Any]]) -> None:
        """Which models there are."""
        self._admin("PUT", "models", known)
