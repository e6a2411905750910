"""The server of a language model as a process of its own, for tests through the real SDK.

::

    with ModelServer() as server:
        server.script([{"say": "Of course."}, {"fault": "cut", "say": "One moment. I will"}])
        OpenAiModel(Reach("k", url=server.url))
"""

from __future__ import annotations

from typing import Any

from tests.scripted_server import ScriptedServer


class ModelServer(ScriptedServer):
    module = "tests.model_server_process"

    def script(self, steps: list[dict[str, Any]], forever: bool = False) -> None:
        """What to answer, one step for each request; ``forever`` repeats the last one."""
        self._admin("POST", "script", {"steps": steps, "forever": forever})
