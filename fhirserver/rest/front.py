"""What stands before everything but the FHIR edge, which does the same by itself: limits by address, an end for bodies,
safe headers, and an end for exceptions, whose texts may hold PHI and must not reach the log of the HTTP server.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any, Final, TypeAlias

from uvicorn.protocols.utils import ClientDisconnected

from fhirserver.interactions.faults import fault
from fhirserver.kernel.json import dumps
from fhirserver.kernel.outcomes import Category, Refusal, operation_outcome, refuse
from fhirserver.rest.defence import note
from fhirserver.rest.problem import PROBLEM, problem_body
from fhirserver.rest.safe_headers import Headers, completed
from fhirserver.rest.visits import Visits

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_BYTES: Final = 8 * 1024 * 1024
"""Of a body: a form, or what a vendor or an EHR tells. Who takes them may take less."""
BODY_SECONDS: Final = 30.0
"""How long nothing of a body may come."""
SLOWEST: Final = 1024
"""Bytes a second that must come of a body, beyond that pause."""
PROBLEMS: Final = ("/platform/", "/chat/")
"""Under these paths what is refused is a problem (RFC 9457)."""
WHY: Final = "credence.refused"
"""Where in the scope stands why a request was refused: a code of FHIR's issue types."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_UNKNOWN: Final = 401
_WRONG: Final = frozenset({400, 401, 403})
_STARTS: Final = frozenset({"http.response.start", "websocket.http.response.start"})
_DENIAL: Final = "websocket.http.response"


class Front:
    """ASGI around ASGI. ``sign_ins`` are the paths to which a secret is sent by POST: who failed too often is not
    even heard there."""

    def __init__(self, inner: Asgi, visits: Visits, sign_ins: Collection[str] = ()):
        self._inner, self._visits, self._sign_ins = inner, visits, frozenset(sign_ins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._inner(scope, receive, send)
            return
        signs_in = scope.get("method") == "POST" and scope["path"] in self._sign_ins
        answer = _Answer(scope, send, self._visits, _WRONG if signs_in else frozenset({_UNKNOWN}))
        try:
            self._visits.admit(scope)
            if not scope["path"].isprintable() and _CONTROL.search(scope["path"]):
                raise refuse(Category.INVALID, "value", "A path has no control characters", "http.url")
            if signs_in:
                self._visits.check_failures(scope)
            incoming = _Body(receive, answer).receive if scope["type"] == "http" else receive
            await self._inner(scope, incoming, answer.send)
        except Refusal as refusal:
            await answer.refuse(refusal)
        except ClientDisconnected:
            raise
        except Exception as error:
            await answer.refuse(fault(error))


class _Body:
    """A body as it comes. One that is too large or too slow is answered at once, and what is made of it is not sent."""

    def __init__(self, receive: Receive, answer: _Answer):
        self._receive, self._answer = receive, answer
        self._size, self._began, self._complete = 0, time.monotonic(), False

    async def receive(self) -> Message:
        """The next message; after the body that is what the client does, for which there is no time."""
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise await self._refused(Category.TIMEOUT, "timeout", "The body did not come in time") from None
        self._size += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._size > BODY_BYTES:
            raise await self._refused(Category.TOO_LARGE, "too-long", f"A body may have {BODY_BYTES} bytes")
        if not self._complete and time.monotonic() - self._began > BODY_SECONDS + self._size / SLOWEST:
            text = f"The body comes more slowly than {SLOWEST} bytes a second"
            raise await self._refused(Category.TIMEOUT, "timeout", text)
        return message

    async def _refused(self, category: Category, code: str, text: str) -> Refusal:
        refusal = refuse(category, code, text, "http.body")
        note(refusal, self._answer.scope)
        await self._answer.refuse(refusal)
        self._answer.mute()
        return refusal


class _Answer:
    """One answer on its way out. ``failures``: the statuses by which it says that somebody is not known."""

    def __init__(self, scope: Scope, send: Send, visits: Visits, failures: Collection[int]):
        self.scope, self._send, self._visits, self._failures = scope, send, visits, failures
        self._begun = self._instead = False

    async def send(self, message: Message) -> None:
        if self._instead:
            return
        kind = message["type"]
        if kind == "websocket.close" and not self._begun and _DENIAL in self.scope.get("extensions", ()):
            # The HTTP server would answer 403 by itself, without our headers.
            await self._send_denial(403, [], b"")
            return
        if kind in _STARTS:
            if message["status"] in self._failures and (refusal := self._visits.failed(self.scope)):
                self._instead = True
                await self.refuse(refusal)
                return
            message = {**message, "headers": completed(message.get("headers", ()), self.scope)}
        self._begun = self._begun or kind in _STARTS or kind == "websocket.accept"
        await self._send(message)

    def mute(self) -> None:
        """What else is said to this request is not sent."""
        self._instead = True

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with an OperationOutcome, or where all are problems with one, where nothing was answered yet."""
        if self._begun:
            return
        self.scope[WHY] = refusal.issues[0].code
        body, media = dumps(operation_outcome(refusal.issues)), b"application/fhir+json; charset=utf-8"
        if self.scope["path"].startswith(PROBLEMS):
            body, media = problem_body(refusal), PROBLEM.encode()
        headers: Headers = [
            (b"content-type", media),
            (b"content-length", str(len(body)).encode()),
            *((name.lower().encode(), value.encode("latin-1")) for name, value in refusal.headers.items()),
        ]
        await self._send_denial(refusal.category.value, headers, body)

    async def _send_denial(self, status: int, headers: Headers, body: bytes) -> None:
        self._begun = True
        prefix = "websocket." if self.scope["type"] == "websocket" else ""
        if prefix and _DENIAL not in self.scope.get("extensions", ()):
            await self._send({"type": "websocket.close", "code": 1008})
            return
        start = {"type": f"{prefix}http.response.start", "status": status}
        await self._send({**start, "headers": completed(headers, self.scope)})
        await self._send({"type": f"{prefix}http.response.body", "body": body})
