"""A simulated EHR as a separate process, for the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import httpx

from adapters.fhir.ehr import FhirEhr, FhirSettings
from adapters.fhir.retries import RetryPolicy
from adapters.fhir.tokens import StaticToken

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
        self.base = address[address.index("http://") :]
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
