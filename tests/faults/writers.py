"""Clients that write as fast as they are answered, and remember what was acknowledged."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from fhirserver.kernel.json import dumps, loads
from tests.server_process import ServerProcess

Json = dict[str, Any]
SYSTEM = "https://credence.health/drill"


def connect(server: ServerProcess) -> httpx.AsyncClient:
    """A client of the server for many requests at once."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    return httpx.AsyncClient(base_url=server.base, headers=server.headers, limits=limits, timeout=60)


def patient(mark: str) -> Json:
    """The patient that ``mark`` stands for: enough content that a part of it would show."""
    return {
        "resourceType": "Patient",
        "identifier": [{"system": SYSTEM, "value": mark}],
        "name": [{"family": mark, "given": ["Drill", mark[::-1]]}],
        "address": [{"line": [f"{mark} Street {n}"], "city": mark} for n in range(3)],
    }


def observation(mark: str, subject: str) -> Json:
    """The observation that ``mark`` stands for."""
    return {
        "resourceType": "Observation",
        "identifier": [{"system": SYSTEM, "value": mark}],
        "status": "final",
        "code": {"text": mark},
        "subject": {"reference": subject},
        "valueString": mark * 20,
    }


@dataclass(slots=True)
class Acknowledged:
    """All that the server said it had done: by ``Type/id`` the mark that each version carries."""

    versions: dict[str, dict[int, str]] = field(default_factory=dict)

    def add(self, path: str, version: int, mark: str) -> None:
        self.versions.setdefault(path, {})[version] = mark

    def last(self, path: str) -> int:
        return max(self.versions[path])


@dataclass(frozen=True, slots=True)
class Doubt:
    """A write that was sent and not answered: it is there in full, or not at all.

    ``path`` and ``version`` are the update that is (also) asked for; ``mark`` is what all its parts carry.
    """

    kind: str
    mark: str
    path: str = ""
    version: int = 0


class UnexpectedAnswer(Exception):
    """The server refused what it had to take."""


class Writer:
    """One client. Only it writes the resources that it made, so what their versions hold is known exactly."""

    def __init__(self, number: int, acknowledged: Acknowledged, chance: random.Random):
        self.number = number
        self.acknowledged = acknowledged
        self.chance = chance
        self.counts: Counter[str] = Counter()
        self.touched: list[str] = []
        self.doubt: Doubt | None = None

    async def write(self, client: httpx.AsyncClient) -> str:
        """Write until the server is gone; the answer says what it did wrong until then, if anything."""
        try:
            while True:
                await self._one(client)
        except httpx.TransportError:
            return ""
        except UnexpectedAnswer as error:
            return f"writer {self.number}: {error}"

    async def _one(self, client: httpx.AsyncClient) -> None:
        mark = f"w{self.number}-{self.counts.total()}"
        kind = self.chance.choice(("create", "update", "transaction", "update")) if self.touched else "create"
        path = self.chance.choice(self.touched) if self.touched else ""
        if kind == "create":
            await self._create(client, Doubt(kind, mark))
        else:
            doubt = Doubt(kind, mark, path, self.acknowledged.last(path) + 1)
            await (self._update(client, doubt) if kind == "update" else self._transact(client, doubt))
        self.doubt = None
        self.counts[kind] += 1

    async def _create(self, client: httpx.AsyncClient, doubt: Doubt) -> None:
        self.doubt = doubt
        answer = await client.post("Patient", content=dumps(patient(doubt.mark)))
        path = f"Patient/{_expected(answer, 201)['id']}"
        self.acknowledged.add(path, 1, doubt.mark)
        self.touched.append(path)

    async def _update(self, client: httpx.AsyncClient, doubt: Doubt) -> None:
        self.doubt = doubt
        body = updated(doubt, self.acknowledged)
        headers = {"If-Match": f'W/"{doubt.version - 1}"'}
        answer = await client.put(doubt.path, content=dumps(body), headers=headers)
        if _expected(answer, 200)["meta"]["versionId"] != str(doubt.version):
            raise UnexpectedAnswer(f"{doubt.path}: an update gave another version than the next one")
        self.acknowledged.add(doubt.path, doubt.version, doubt.mark)

    async def _transact(self, client: httpx.AsyncClient, doubt: Doubt) -> None:
        self.doubt = doubt
        answer = await client.post("", content=dumps(transaction(doubt, self.acknowledged)))
        statuses = [entry["response"]["status"][:3] for entry in _expected(answer, 200)["entry"]]
        if statuses != ["201", "201", "200"]:
            raise UnexpectedAnswer(f"a transaction answered with {statuses}")
        self._remember(doubt, loads(answer.content)["entry"][0]["response"]["location"])

    def _remember(self, doubt: Doubt, location: str) -> None:
        made = "/".join(location.split("/_history")[0].split("/")[-2:])
        self.acknowledged.add(made, 1, f"{doubt.mark}a")
        self.acknowledged.add(f"Observation/{doubt.mark}", 1, f"{doubt.mark} {made}")
        self.acknowledged.add(doubt.path, doubt.version, doubt.mark)
        self.touched += [made]


def updated(doubt: Doubt, acknowledged: Acknowledged) -> Json:
    """What an update puts: the content of its mark, under the identifier that the resource was made with."""
    first = acknowledged.versions[doubt.path][1]
    return {**patient(doubt.mark), "identifier": patient(first)["identifier"], "id": doubt.path.split("/")[1]}


def transaction(doubt: Doubt, acknowledged: Acknowledged) -> Json:
    """A patient by POST, an observation about it by PUT under an id of our own, an update of a "
    "resource that was."""
    urn = "urn:uuid:7d3c9a52-6f0b-4d8e-8a57-1f7a9d0c2b11"
    seen = {**observation(doubt.mark, urn), "id": doubt.mark}
    entry = [
        {"fullUrl": urn, **_entry("POST", "Patient", patient(f"{doubt.mark}a"))},
        _entry("PUT", f"Observation/{doubt.mark}", seen),
        _entry("PUT", doubt.path, updated(doubt, acknowledged), ifMatch=f'W/"{doubt.version - 1}"'),
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entry}


def _entry(method: str, url: str, resource: Json, **conditions: str) -> Json:
    return {"resource": resource, "request": {"method": method, "url": url, **conditions}}


def _expected(answer: httpx.Response, status: int) -> Json:
    if answer.status_code != status:
        raise UnexpectedAnswer(f"{answer.request.method} answered {answer.status_code}: {answer.text[:300]}")
    body: Json = loads(answer.content)
    return body
