"""A simulated EHR on a port of this machine for the tests: as a process that can be killed, or quicker in a thread."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any, Self

import httpx
import uvicorn

from adapters.fhir.ehr import FhirEhr, FhirSettings
from adapters.fhir.retries import RetryPolicy
from adapters.fhir.tokens import StaticToken
from adapters.simulator.__main__ import parse
from adapters.simulator.app import create_app
from adapters.simulator.options import Options
from adapters.simulator.server import listen, web_server

TOKEN = "test-token"


class SimulatedEhrProcess:
    """Starts ``python -m adapters.simulator`` on a free port and waits until it listens."""

    def __init__(self, data: Path, *arguments: str):
        self.data = data
        self.arguments = arguments
        self.start()

    def start(self, port: int = 0) -> None:
        command = [sys.executable, "-m", "adapters.simulator", "--token", TOKEN, "--port", str(port)]
        self.process = subprocess.Popen(
            [*command, "--data", str(self.data), *self.arguments], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        address = self.process.stdout.readline().strip()
        assert "http://" in address, "the simulated EHR did not start"
        self._listens(address[address.index("http://") :])

    def _listens(self, base: str) -> None:
        self.base = base
        self.root = self.base.removesuffix("/fhir")
        self.http = httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.kill()

    def kill(self) -> None:
        self.http.close()
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def faults(self, **settings: Any) -> dict[str, Any]:
        answer = self.http.post(f"{self.root}/admin/faults", json=settings)
        assert answer.status_code == 200
        return dict(answer.json())

    def habits(self, **settings: Any) -> dict[str, Any]:
        answer = self.http.post(f"{self.root}/admin/habits", json=settings)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def writes(self) -> list[dict[str, Any]]:
        return list(self.http.get(f"{self.root}/admin/writes").json()["writes"])

    def state(self) -> dict[str, Any]:
        return dict(self.http.get(f"{self.root}/admin/state").json())

    def get(self, path: str, **query: str) -> httpx.Response:
        return self.http.get(f"{self.base}/{path}", params=query)

    def resources(self, type: str, **query: str) -> list[dict[str, Any]]:
        bundle = self.get(type, **{"_count": "1000", **query}).json()
        return [entry["resource"] for entry in bundle.get("entry", [])]

    def adapter(self, **settings: Any) -> FhirEhr:
        settings.setdefault("retries", RetryPolicy(first=0.01, cap=0.1, attempts=50))
        return FhirEhr(FhirSettings(self.base, **settings), StaticToken(TOKEN))


class SimulatedEhrThread(SimulatedEhrProcess):
    """The same in a thread of this process, over real sockets: for tests whose EHR is not killed."""

    def start(self, port: int = 0) -> None:
        where = ["--token", TOKEN, "--port", str(port), "--data", str(self.data)]
        started: Future[tuple[uvicorn.Server, str]] = Future()
        self._thread = Thread(target=_serve, args=(parse([*where, *self.arguments]), started), daemon=True)
        self._thread.start()
        self._server, base = started.result(60)
        self._listens(base)

    def kill(self) -> None:
        self.http.close()
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive(), "the simulated EHR did not end"


def _serve(options: Options, started: Future[tuple[uvicorn.Server, str]]) -> None:
    try:
        app = create_app(options)
        listening, base = listen(options)
        server = web_server(app)
    except BaseException as error:
        started.set_exception(error)
        raise

    async def serve() -> None:
        started.set_result((server, base))
        await server.serve(sockets=[listening])
        await app.settle()

    try:
        asyncio.run(serve())
    finally:
        app.close()
