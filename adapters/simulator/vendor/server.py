"""A simulated vendor over HTTP: its API under the faults in force, and control under ``/admin``.

Control: ``GET`` and ``POST /admin/faults``; ``GET /admin/state``; ``GET /admin/writes``, the writes that were done, in
order; ``GET /admin/records/TABLE`` and ``PUT`` or ``DELETE /admin/records/TABLE/ID``, records as they really are, which
alters them as somebody at the vendor's would; ``POST /admin/reset``, everything as it began. It needs no token: the
simulator listens on a loopback address.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import uvicorn

from adapters.simulator.server import AbortableProtocol
from adapters.simulator.vendor.faults import FaultPlan, Faults, InvalidFaults
from adapters.simulator.vendor.table import Row, Table

ABORT = "credence.abort"
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response; ``body`` is written as JSON."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """The vendor refuses."""

    def __init__(self, status: int, body: Any):
        self.answer = Answer(status, body)
        super().__init__(str(status))


@dataclass(slots=True)
class Call:
    """One request. ``form`` holds the members of a form or a JSON body."""

    method: str
    path: list[str]
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    url: str
    partial: bool = False

    @property
    def writes(self) -> bool:
        return self.method in ("POST", "PUT", "PATCH", "DELETE")

    @property
    def form(self) -> Row:
        if self.headers.get("content-type", "").startswith("application/json"):
            try:
                made = json.loads(self.body or b"{}")
            except ValueError:
                raise Refused(400, {"detail": "JSON parse error"}) from None
            return made if isinstance(made, dict) else {}
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


class Vendor:
    """A vendor's part: tables and routes. :meth:`api` answers what is not a token or control."""

    token_path = "/token"  # noqa: S105

    def __init__(self, client_id: str, secret: str, faults: Faults):
        self.client_id, self.secret = client_id, secret
        self.plan = FaultPlan(faults)
        self.tables: dict[str, Table] = {}
        self.writes: list[Row] = []
        self._tokens: dict[str, float] = {}

    def table(self, name: str, first: int) -> Table:
        made = Table(name, first, lambda: self.plan.faults.visible_after)
        self.tables[name] = made
        return made

    async def api(self, call: Call) -> Answer:
        raise NotImplementedError

    def altered(self, table: str, id: str) -> None:
        """Somebody at the vendor's changed a record."""

    def note(self, what: str, id: str, **more: Any) -> None:
        """Remember a write that was done."""
        self.writes.append({"number": len(self.writes) + 1, "what": what, "id": id, **more})

    # Tokens

    def give_token(self, call: Call) -> Answer:
        form = dict(parse_qsl(call.body.decode()))
        id, secret = form.get("client_id", ""), form.get("client_secret", "")
        stated = call.headers.get("authorization", "")
        if stated.startswith("Basic "):
            id, _, secret = base64.b64decode(stated[6:]).decode().partition(":")
        known = hmac.compare_digest(id, self.client_id) and hmac.compare_digest(secret, self.secret)
        if form.get("grant_type") != "client_credentials" or not known:
            return Answer(401, {"error": "invalid_client"})
        token, lives = secrets.token_urlsafe(24), self.plan.faults.token_seconds
        self._tokens[token] = time.monotonic() + lives
        return Answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": int(lives) or 1})

    def is_authorised(self, call: Call) -> bool:
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        return self._tokens.get(token, 0.0) > time.monotonic()


class Simulator:
    """The ASGI application around a vendor."""

    def __init__(self, make: Callable[[], Vendor]):
        self._make = make
        self.vendor = make()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = await _call(scope, receive)
        answer = self._admin(call) if call.path[:1] == ["admin"] else await self._suffer(call)
        if answer is None:
            scope[ABORT]()
            await asyncio.sleep(0.01)
        else:
            await _send(answer, send)

    async def _suffer(self, call: Call) -> Answer | None:
        """Do the request under the faults in force; None: no answer at all."""
        vendor = self.vendor
        fate = vendor.plan.draw()
        if vendor.plan.is_down() or fate.dropped:
            return None
        if fate.latency:
            await asyncio.sleep(fate.latency)
        if fate.throttled:
            after = vendor.plan.faults.retry_after
            return Answer(429, {"error": "Too many requests"}, {"Retry-After": f"{after:g}"} if after else {})
        if fate.error:
            return Answer(fate.error, {"error": "Internal error"})
        call.partial = fate.partial
        answer = await self._do(call)
        if fate.hangs:
            await asyncio.sleep(vendor.plan.faults.hang)
        if fate.cut:
            return None
        return Answer(500, {"error": "Internal error"}) if fate.late_error else answer

    async def _do(self, call: Call) -> Answer:
        if "/" + "/".join(call.path) == self.vendor.token_path.rstrip("/"):
            return self.vendor.give_token(call)
        if not self.vendor.is_authorised(call):
            return Answer(401, {"error": "Unauthorized"})
        try:
            return await self.vendor.api(call)
        except Refused as refused:
            return refused.answer

    def _admin(self, call: Call) -> Answer:
        vendor = self.vendor
        match (call.method, *call.path[1:]):
            case ("GET", "faults"):
                return Answer(200, vendor.plan.as_json())
            case ("POST", "faults"):
                try:
                    vendor.plan.change(json.loads(call.body))
                except (InvalidFaults, ValueError, TypeError) as error:
                    return Answer(400, {"error": str(error)})
                return Answer(200, vendor.plan.as_json())
            case ("POST", "reset"):
                self.vendor = self._make()
                return Answer(200, {})
            case ("GET", "state"):
                return Answer(200, {name: len(list(t.all_now())) for name, t in vendor.tables.items()})
            case ("GET", "writes"):
                return Answer(200, vendor.writes)
            case ("GET", "records", name) if name in vendor.tables:
                return Answer(200, dict(vendor.tables[name].all_now()))
            case ("PUT" | "DELETE", "records", name, id) if name in vendor.tables:
                return self._alter(call, vendor.tables[name], id)
        return Answer(404, {"error": "nothing is here"})

    def _alter(self, call: Call, table: Table, id: str) -> Answer:
        if call.method == "DELETE":
            table.put(id, None)
        else:
            table.put(id, {**(table.now(id) or {}), **json.loads(call.body)})
        self.vendor.altered(table.name, id)
        return Answer(200, table.now(id))


async def _call(scope: Scope, receive: Receive) -> Call:
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Call(
        scope["method"],
        scope["path"].strip("/").split("/"),
        dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers,
        bytes(body),
        f"http://{headers.get('host', 'localhost')}{scope['path']}",
    )


async def _send(answer: Answer, send: Send) -> None:
    body = json.dumps(answer.body).encode() if answer.status != 204 else b""
    headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
    headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def run(make: Callable[[], Vendor], name: str, host: str, port: int) -> None:
    """Serve until interrupted. Prints the address when it listens."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(Simulator(make), name, host, port))


async def _serve(app: Simulator, name: str, host: str, port: int) -> None:
    listening = socket.create_server((host, port), backlog=512)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    host, port = listening.getsockname()[:2]
    config = uvicorn.Config(
        app, http=AbortableProtocol, lifespan="off", log_level="warning", access_log=False
    )
    print(f"Simulated {name} on http://{host}:{port}", flush=True)
    await uvicorn.Server(config).serve(sockets=[listening])
