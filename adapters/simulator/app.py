"""The simulated EHR over HTTP: FHIR under ``/fhir``, control under ``/admin``.

One ASGI application without a framework's routing, so that faults stand in one place around every request.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from adapters.simulator import answers
from adapters.simulator.answers import Answer, outcome, plain
from adapters.simulator.clinic import TYPES, Clinic, Refused
from adapters.simulator.faults import Fate, FaultPlan, InvalidFaults
from adapters.simulator.keys import date_range
from adapters.simulator.options import Options
from adapters.simulator.populate import populate
from adapters.simulator.records import Records
from adapters.simulator.search import InvalidSearch, next_link, parse, run
from fhirserver.kernel.json import InvalidJson, JsonObject, loads

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY = 10_000_000
ABORT = "credence.abort"
"""Scope key under which the server puts a function that closes the connection at once."""


@dataclass(slots=True)
class Call:
    """One request."""

    method: str
    path: list[str]
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    @property
    def writes(self) -> bool:
        return self.method in ("POST", "PUT", "DELETE") and self.path[-1] != "_search"


class SimulatedEhr:
    """The ASGI application. It opens its database when made; :meth:`close` closes it."""

    def __init__(self, options: Options):
        self.options = options
        self.records = Records(options.data)
        self.clinic = Clinic(self.records)
        self.plan = FaultPlan(options.faults)
        self._being_written: set[str] = set()
        populate(self.records, self.clinic, options)

    def close(self) -> None:
        self.records.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"no {scope['type']} here")
        call = await _call(scope, receive)
        answer = await self._answer(call)
        if answer is None:
            await _cut(scope)
        else:
            await _send(answer, send)

    async def _answer(self, call: Call) -> Answer | None:
        """The answer, or None for none at all."""
        room = call.path[0]
        if room == "fhir" and self.plan.is_down():
            return None
        if not self._authorised(call):
            return outcome(401, "login", "a bearer token is required", WWW_Authenticate="Bearer")
        if len(call.body) > MAX_BODY:
            return outcome(413, "too-long", "the body is too large")
        if room == "fhir":
            return await self._suffer(call)
        return self._admin(call) if room == "admin" else outcome(404, "not-found", "nothing is here")

    def _authorised(self, call: Call) -> bool:
        stated = call.headers.get("authorization", "").encode()
        return hmac.compare_digest(stated, f"Bearer {self.options.token}".encode())

    async def _suffer(self, call: Call) -> Answer | None:
        """Do the request under the faults in force."""
        fate = self.plan.draw()
        record = "/".join(call.path[1:]) if call.method in ("PUT", "DELETE") else ""
        if record and record in self._being_written:
            return outcome(409, "lock-error", "the record is being written by another request")
        self._being_written.add(record)
        try:
            if fate.latency:
                await asyncio.sleep(fate.latency)
            if self.plan.is_down():
                return None
            answer = self._misfortune(call, fate) or self._fhir(call)
        finally:
            self._being_written.discard(record)
        return None if fate.cut and call.writes and answer.status < 400 else answer

    def _misfortune(self, call: Call, fate: Fate) -> Answer | None:
        if fate.throttled:
            after = f"{self.plan.faults.retry_after:g}"
            return outcome(429, "throttled", "too many requests", Retry_After=after)
        if fate.error:
            return outcome(fate.error, "transient", "something went wrong on purpose")
        if fate.conflict and call.writes:
            return outcome(fate.conflict, "conflict", "somebody else is editing the record")
        return None

    def _fhir(self, call: Call) -> Answer:
        try:
            return self._route(call)
        except Refused as refused:
            return outcome(refused.status, refused.code, refused.text)
        except (InvalidSearch, InvalidJson, ValueError) as error:
            return outcome(400, "invalid", str(error))

    def _route(self, call: Call) -> Answer:
        match (call.method, *call.path[1:]):
            case ("GET", "metadata"):
                return answers.capability_statement("Simulated EHR", "2026-11-22", not self.options.bare)
            case (_, type, *_) if type not in TYPES:
                return outcome(404, "not-supported", "this EHR does not keep that resource type")
            case ("GET", type):
                return self._search(call, type, call.query)
            case ("POST", type, "_search"):
                return self._search(call, type, [*call.query, *parse_qsl(call.body.decode())])
            case ("POST", type):
                return self._create(call, type)
            case ("GET", type, "_history"):
                return self._history(call, type, None)
            case (method, type, id):
                return self._instance(call, method, type, id)
            case ("GET", type, id, "_history"):
                return self._history(call, type, id)
            case ("GET", type, id, "_history", version):
                return self._version(type, id, version)
        return outcome(405, "not-supported", "that interaction is not offered")

    def _instance(self, call: Call, method: str, type: str, id: str) -> Answer:
        if method == "GET":
            return self._read(type, id)
        if method == "PUT":
            return answers.record(
                self.clinic.update(id, _body(call, type, id), call.headers), bare=self.options.bare
            )
        if method == "DELETE":
            self.clinic.delete(type, id, call.headers)
            return Answer(204)
        return outcome(405, "not-supported", "that interaction is not offered")

    def _search(self, call: Call, type: str, query: list[tuple[str, str]]) -> Answer:
        search = parse(type, query, self.options.page_size)
        found, total, more = run(self.records, search)
        base = _base(call)
        links = {"next": next_link(base, query, found[-1])} if more else {}
        return answers.bundle("searchset", base, found, total, links)

    def _create(self, call: Call, type: str) -> Answer:
        headers = {n: v for n, v in call.headers.items() if n != "if-none-exist" or not self.options.bare}
        stored, created = self.clinic.create(_body(call, type), headers)
        return answers.record(stored, 201 if created else 200, _base(call), self.options.bare)

    def _read(self, type: str, id: str) -> Answer:
        stored = self.records.current(type, id)
        if stored is None:
            return outcome(404, "not-found", f"there is no such {type}")
        return (
            outcome(410, "deleted", f"the {type} was deleted") if stored.deleted else answers.record(stored)
        )

    def _version(self, type: str, id: str, version: str) -> Answer:
        stored = self.records.version(type, id, int(version)) if version.isdigit() else None
        if stored is None:
            return outcome(404, "not-found", "there is no such version")
        return (
            outcome(410, "deleted", "it is deleted in that version")
            if stored.deleted
            else answers.record(stored)
        )

    def _history(self, call: Call, type: str, id: str | None) -> Answer:
        query = dict(call.query)
        since = date_range(query["_since"])[0] if "_since" in query else ""
        count = min(int(query.get("_count", "1000")), 10_000)
        found = self.records.history(type, id, since, count)
        if id and not found and not since:
            return outcome(404, "not-found", f"there is no such {type}")
        return answers.bundle("history", _base(call), found, len(found), {})

    def _admin(self, call: Call) -> Answer:
        match (call.method, *call.path[1:]):
            case ("GET", "faults"):
                return plain(self.plan.as_json())
            case ("POST", "faults"):
                return self._set_faults(call)
            case ("GET", "writes"):
                query = dict(call.query)
                limit = int(query.get("limit", "10000"))
                return plain({"writes": self.records.writes(int(query.get("after", "0")), limit)})
            case ("GET", "state"):
                return plain(self._state())
        return outcome(404, "not-found", "nothing is here")

    def _set_faults(self, call: Call) -> Answer:
        try:
            settings = loads(call.body)
            if not isinstance(settings, dict):
                raise InvalidFaults("fault settings must be a JSON object")
            self.plan.change(settings)
        except (InvalidJson, InvalidFaults) as error:
            return outcome(400, "invalid", str(error))
        return plain(self.plan.as_json())

    def _state(self) -> JsonObject:
        return {
            "records": self.records.counts(),
            "writes": self.records.write_count(),
            "repeated": self.records.repeated(),
            "faults": self.plan.as_json(),
        }


def create_app(options: Options) -> SimulatedEhr:
    """The ASGI application, its database opened and filled."""
    return SimulatedEhr(options)


def _base(call: Call) -> str:
    return f"http://{call.headers.get('host', 'localhost')}/fhir"


def _body(call: Call, type: str, id: str = "") -> JsonObject:
    """The resource in the body, checked as far as this EHR looks. Raises :class:`Refused`."""
    body = loads(call.body)
    if not isinstance(body, dict) or body.get("resourceType") != type:
        raise Refused(400, "invalid", f"the body must be a {type}")
    if id and body.get("id", id) != id:
        raise Refused(400, "invalid", "the id in the body is not that of the URL")
    for name in ("identifier", "telecom", "slot", "participant"):
        items = body.get(name, [])
        if not all(isinstance(item, dict) for item in (items if isinstance(items, list) else [items])):
            raise Refused(422, "structure", f"{type}.{name} is malformed")
    if not isinstance(body.get("meta", {}), dict):
        raise Refused(422, "structure", f"{type}.meta is malformed")
    return body


async def _call(scope: Scope, receive: Receive) -> Call:
    body = bytearray()
    more = scope["method"] not in ("GET", "HEAD")
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False) and len(body) <= MAX_BODY
    return Call(
        scope["method"],
        scope["path"].strip("/").split("/"),
        parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True),
        {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        bytes(body),
    )


async def _send(answer: Answer, send: Send) -> None:
    headers = [(b"content-length", str(len(answer.body)).encode())]
    if answer.body:
        headers.append((b"content-type", answer.media_type.encode()))
    headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _cut(scope: Scope) -> None:
    """Close the connection without an answer."""
    abort = scope.get(ABORT)
    if abort is None:
        raise ConnectionAbortedError("cut on purpose")
    abort()
    await asyncio.sleep(0.01)  # let the server notice before the application returns
