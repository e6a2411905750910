"""The demo's view of the server and the EHR: plain HTTP, as any client would."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from fhirserver.app.demo.setup import Stage


class Waited(Exception):
    """Something did not happen in time; the message says what."""


class World:
    """The server as an operator sees it, and the EHR's own log."""

    def __init__(self, stage: Stage):
        admin = {"Authorization": f"Bearer {stage.tokens['admin']}"}
        self._fhir = httpx.Client(base_url=f"{stage.server}/fhir", headers=admin, timeout=30)
        self._ehr = httpx.Client(
            base_url=stage.ehr, headers={"Authorization": f"Bearer {stage.ehr_token}"}, timeout=30
        )

    def search(self, type: str, **params: str) -> list[dict[str, Any]]:
        """The matches of a search."""
        answer = self._fhir.get(f"/{type}", params={"_count": "1000", **params})
        answer.raise_for_status()
        entries = answer.json().get("entry", [])
        return [entry["resource"] for entry in entries if entry["search"]["mode"] == "match"]

    def read(self, path: str) -> dict[str, Any]:
        """One resource, or one version of it."""
        answer = self._fhir.get(f"/{path}").raise_for_status()
        return dict(answer.json())

    def count(self, type: str) -> int:
        return int(
            self._fhir.get(f"/{type}", params={"_summary": "count"}).raise_for_status().json()["total"]
        )

    def review_items(self) -> list[dict[str, Any]]:
        """The pending items of the review queue that hold claims."""
        code = "https://credence.health/fhir/CodeSystem/review-kind|claims"
        return self.search("Task", code=code, status="requested,accepted,in-progress")

    def writebacks(self) -> list[dict[str, Any]]:
        return self.search("Task", code="https://credence.health/fhir/CodeSystem/task-code|writeback")

    def approve(self, task: str) -> None:
        """What an operator's click does."""
        self._fhir.post(f"/Task/{task}/$approve", json={"resourceType": "Parameters"}).raise_for_status()

    def ehr_counts(self) -> dict[str, int]:
        return dict(self._ehr.get("/admin/state").raise_for_status().json()["records"])

    def ehr_writes(self) -> list[dict[str, Any]]:
        """The EHR's own log of the writes it accepted."""
        return list(self._ehr.get("/admin/writes").raise_for_status().json()["writes"])

    def ehr_faults(self, **faults: float) -> None:
        self._ehr.post("/admin/faults", json=faults).raise_for_status()


def wait_for(what: str, seconds: float, ready: Callable[[], bool], every: float = 0.25) -> float:
    """Wait until ``ready``; returns the seconds it took. Raises :class:`Waited`."""
    start = time.monotonic()
    while not ready():
        if time.monotonic() - start > seconds:
            raise Waited(f"after {seconds:.0f} s still not: {what}")
        time.sleep(every)
    return time.monotonic() - start
