"""The scripted OpenAI server as a process of its own, for tests through the real SDK.

::

    with OpenAiServer() as server:
        server.script(texts=['{"verdicts": []}'], faults=[{"kind": "429"}])
        AsyncOpenAI(api_key="k", base_url=server.url)
"""

from __future__ import annotations

from typing import Any

from tests.scripted_server import ScriptedServer


class OpenAiServer(ScriptedServer):
    module = "adapters.simulator.openai"

    def script(self, texts: list[str] | None = None, faults: list[dict[str, Any]] | None = None) -> None:
        """Answers and faults to come, one for each request."""
        self._admin("POST", "script", {"texts": texts or [], "faults": faults or []})

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
