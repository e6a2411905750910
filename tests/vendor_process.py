"""A simulated vendor as a process of its own, and adapters for it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache
from types import TracebackType
from typing import Any

import httpx

from adapters.fhir.retries import RetryPolicy
from adapters.rest.ehr import RestEhr, RestSettings
from adapters.rest.reading import load_mapping
from adapters.rest.tokens import Credentials

SECRET = "the vendor's secret"
PRACTICE = {
    "athenahealth": {"practice": "195900", "days": 6},
    "elation": {"practice": "64901", "physician": "4001", "days": 6},
}


_mapping = cache(load_mapping)
"""Read once, since nothing alters it."""


class VendorProcess:
    """``python -m adapters.simulator.NAME``; use it as a context."""

    def __init__(self, name: str, *arguments: str):
        self.name, self._arguments = name, arguments
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> VendorProcess:
        command = [sys.executable, "-m", f"adapters.simulator.{self.name}", "--secret", SECRET]
        command += ["--practice", str(PRACTICE[self.name]["practice"]), "--days", "8", *self._arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]
        assert self.url.startswith("http"), "the simulator did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def reset(self) -> None:
        """Everything as it began, without faults."""
        httpx.post(f"{self.url}/admin/reset").raise_for_status()

    def settings(self, **more: Any) -> RestSettings:
        """Quick retries, and little patience."""
        made = RestSettings(
            _mapping(self.name),
            Credentials("credence", SECRET),
            self.url,
            PRACTICE[self.name],
            retries=RetryPolicy(first=0.01, cap=0.05),
            answer_timeout=2.0,
            visible_within=0.5,
        )
        return replace(made, **more)

    def adapter(self, **more: Any) -> RestEhr:
        return RestEhr(self.settings(**more))

    def faults(self, **settings: Any) -> None:
        httpx.post(f"{self.url}/admin/faults", json=settings).raise_for_status()

    def records(self, table: str) -> dict[str, dict[str, Any]]:
        """The vendor's records as they really are."""
        return dict(httpx.get(f"{self.url}/admin/records/{table}").json())

    def alter(self, table: str, id: str, /, **members: Any) -> None:
        """Somebody at the vendor's changes a record."""
        httpx.put(f"{self.url}/admin/records/{table}/{id}", json=members).raise_for_status()

    def remove(self, table: str, id: str) -> None:
        httpx.delete(f"{self.url}/admin/records/{table}/{id}").raise_for_status()

    def writes(self, what: str = "") -> list[dict[str, Any]]:
        done = httpx.get(f"{self.url}/admin/writes").json()
        return [one for one in done if what in ("", one["what"])]
