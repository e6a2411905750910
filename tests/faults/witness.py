"""Compares what the server holds with what it had acknowledged, through its API alone."""

from __future__ import annotations

from collections.abc import Iterable

import httpx

from fhirserver.kernel.json import loads
from tests.faults.writers import SYSTEM, Acknowledged, Doubt, Json, observation, patient


class Witness:
    """Answers are lists of problems, one line each; empty when all is as it must be."""

    def __init__(self, client: httpx.AsyncClient, acknowledged: Acknowledged):
        self.client = client
        self.acknowledged = acknowledged

    async def compare(self, paths: Iterable[str] | None = None) -> list[str]:
        """Look at every acknowledged version of the resources ``paths``, or of all."""
        problems: list[str] = []
        for path in list(self.acknowledged.versions) if paths is None else paths:
            problems += self._compared(path, await self.history(path))
        return problems

    def _compared(self, path: str, versions: dict[int, Json]) -> list[str]:
        expected = self.acknowledged.versions[path]
        problems = []
        if sorted(versions) != list(range(1, len(versions) + 1)):
            problems.append(f"{path}: the versions are {sorted(versions)}, with a hole")
        if set(versions) - set(expected):
            problems.append(f"{path}: versions {sorted(set(versions) - set(expected))} were never written")
        for number, mark in expected.items():
            if number not in versions:
                problems.append(f"{path}: version {number} was acknowledged and is gone")
            elif _plain(versions[number]) != self._wanted(path, mark):
                problems.append(f"{path}: version {number} is not what was written")
        return problems

    def _wanted(self, path: str, mark: str) -> Json:
        if path.startswith("Observation/"):
            return observation(*mark.split(" "))
        first = self.acknowledged.versions[path][1]
        return {**patient(mark), "identifier": patient(first)["identifier"]}

    async def history(self, path: str) -> dict[int, Json]:
        """Every version of a resource by its number; empty where it is not there."""
        found: dict[int, Json] = {}
        url: str | None = f"{path}/_history?_count=500"
        while url:
            answer = await self.client.get(url)
            if answer.status_code == 404:
                return {}
            answer.raise_for_status()
            bundle = loads(answer.content)
            for entry in bundle.get("entry", ()):
                found[int(entry["resource"]["meta"]["versionId"])] = entry["resource"]
            url = next((link["url"] for link in bundle.get("link", ()) if link["relation"] == "next"), None)
        return found

    async def settle(self, doubt: Doubt | None) -> list[str]:
        """Find out whether a write without an answer was done; if so it counts as acknowledged from "
        "now on."""
        if doubt is None:
            return []
        made = await self._found("Patient", f"{doubt.mark}a" if doubt.kind == "transaction" else doubt.mark)
        if len(made) > 1:
            return [f"{doubt.kind} {doubt.mark}: done {len(made)} times"]
        if doubt.kind == "create":
            self._adopt_created(made, doubt.mark)
            return []
        updated = doubt.version in await self.history(doubt.path)
        if updated:
            self.acknowledged.add(doubt.path, doubt.version, doubt.mark)
        return await self._settle_transaction(doubt, made, updated) if doubt.kind == "transaction" else []

    def _adopt_created(self, made: list[str], mark: str) -> None:
        for id in made:
            self.acknowledged.add(f"Patient/{id}", 1, mark)

    async def _settle_transaction(self, doubt: Doubt, made: list[str], updated: bool) -> list[str]:
        seen = bool(await self.history(f"Observation/{doubt.mark}"))
        found = bool(await self._found("Observation", doubt.mark))
        if len({bool(made), seen, found, updated}) > 1:
            parts = f"patient {bool(made)}, observation {seen}, found by search {found}, update {updated}"
            return [f"transaction {doubt.mark} is half done: {parts}"]
        if made:
            self._adopt_created(made, f"{doubt.mark}a")
            self.acknowledged.add(f"Observation/{doubt.mark}", 1, f"{doubt.mark} Patient/{made[0]}")
        return []

    async def _found(self, type: str, mark: str) -> list[str]:
        """The ids of the resources made with ``mark``, by search: the index must tell the same as the "
        "record."""
        answer = await self.client.get(type, params={"identifier": f"{SYSTEM}|{mark}"})
        answer.raise_for_status()
        return [str(entry["resource"]["id"]) for entry in loads(answer.content).get("entry", ())]


def _plain(resource: Json) -> Json:
    return {name: value for name, value in resource.items() if name not in ("id", "meta", "text")}
