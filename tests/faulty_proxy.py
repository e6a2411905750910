"""The faulty proxy as a process of its own (:mod:`tests.faulty_proxy_process`), and what is said to it."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType
from typing import Any, Self

import httpx


class FaultyProxy:
    """A proxy before ``upstream``. ``url`` is its address."""

    def __init__(self, upstream: str):
        self._upstream = upstream
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.faulty_proxy_process", self._upstream]
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

    def fault(self, kind: str = "", **how: Any) -> None:
        """Spoil answers from now on; without a kind no more."""
        body = {"kind": kind, **how} if kind else {}
        httpx.put(f"{self.url}/admin/fault", json=body, timeout=10).raise_for_status()

    def requests(self) -> list[dict[str, Any]]:
        """What was asked since the last :meth:`forget`."""
        told: list[dict[str, Any]] = httpx.get(f"{self.url}/admin/requests", timeout=10).json()
        return told

    def forget(self) -> None:
        httpx.delete(f"{self.url}/admin/requests", timeout=10).raise_for_status()
