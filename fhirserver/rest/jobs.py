"""Requests that are answered later: ``Prefer: respond-async``.

The pattern is R4's (https://hl7.org/fhir/R4/async.html): 202 with ``Content-Location``, to be asked until it has the
answer. R4 leaves open what that is for other requests than exports; it is what R5 says
(https://hl7.org/fhir/R5/async-bundle.html): a Bundle of type ``batch-response`` whose one entry is the answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from http import HTTPStatus

from fhirserver.access.principals import Principal
from fhirserver.interactions.exchange import Context, Request, Result, has_preference
from fhirserver.interactions.faults import fault
from fhirserver.interactions.registry import Registry
from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.kernel.outcomes import Category, Issue, Refusal, operation_outcome, refuse
from fhirserver.rest.spool import Spool

PATH = "_async"
AT_ONCE = 4
"""Jobs that a process works on at once; more wait."""
MOST = 200
"""Jobs that wait or run in a process; more are refused (429)."""
_BEAT_SECONDS = 1.0

log = logging.getLogger("credence.jobs")

Work = Callable[[], Awaitable[Result]]


class Jobs:
    """The jobs of this process, and a view of all through the spool they share."""

    def __init__(self, spool: Spool, beat: float = _BEAT_SECONDS):
        self._spool, self._beat = spool, beat
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._began: dict[str, float] = {}

    def start(self, context: Context, principal: Principal, work: Work) -> Result | None:
        """Take on a request: 202 with the URL to ask. None where nothing can be kept: it is answered at once."""
        if len(self._running) >= MOST:
            refusal = refuse(Category.TOO_MANY, "throttled", "Too many asynchronous requests are waiting")
            refusal.headers["Retry-After"] = "10"
            raise refusal
        try:
            id = self._spool.create(_owner(principal))
        except OSError as error:
            log.warning("asynchronous requests are answered at once: %s", error.strerror)
            return None
        task = asyncio.create_task(self._run(id, work), name=f"async:{id}")
        self._running[id], self._began[id] = task, time.monotonic()
        task.add_done_callback(lambda _: self._forget(id))
        headers = {"Content-Location": f"{context.base_url}/{PATH}/{id}"}
        return Result(202, b"", {**headers, "Preference-Applied": "respond-async"})

    def _forget(self, id: str) -> None:
        self._running.pop(id, None)
        self._began.pop(id, None)

    async def answer(self, request: Request) -> Result:
        """The status of a job, its answer, or its end. Refuses (404) what is not the principal's own."""
        id = request.id
        if request.method not in ("GET", "HEAD", "DELETE"):
            raise _not_allowed()
        if self._spool.owner(id) != _owner(request.principal):
            raise refuse(Category.NOT_FOUND, "not-found", "There is no such request, or no more", "http.url")
        if request.method == "DELETE":
            return self._cancel(id)
        answer = await asyncio.to_thread(self._spool.answer, id)
        if answer is None and self._spool.is_lost(id):
            answer = _entry(_interrupted())
        if answer is None:
            return self._waiting(id)
        expires = formatdate(self._spool.expires(id), usegmt=True)
        return Result(200, answer, {"Expires": expires})

    def _waiting(self, id: str) -> Result:
        began = self._began.get(id)
        words = "in progress" if began is None else f"in progress for {time.monotonic() - began:.0f} s"
        return Result(202, b"", {"X-Progress": words, "Retry-After": "1"})

    def _cancel(self, id: str) -> Result:
        """Forget the job. What it has already committed stays; a process that works on it stops within a beat."""
        self._spool.remove(id)
        if id in self._running:
            self._running[id].cancel()
        return Result(202)

    async def _run(self, id: str, work: Work) -> None:
        beat = asyncio.create_task(self._beats(id, asyncio.current_task()))
        try:
            async with self._turn:
                answer = await _done(work)
            await asyncio.to_thread(self._spool.finish, id, answer)
        except OSError as error:
            log.error("the answer to an asynchronous request is lost: %s", error.strerror)
        finally:
            beat.cancel()

    async def _beats(self, id: str, worker: asyncio.Task[None] | None) -> None:
        """Show that the job lives, and end it where another process has cancelled it."""
        while True:
            if not self._spool.touch(id):
                break
            await asyncio.sleep(self._beat)
        if worker is not None:
            worker.cancel()

    async def close(self) -> None:
        """End all that run; those who ask will be told that they were interrupted."""
        running = dict(self._running)
        for task in running.values():
            task.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)
        for id in running:
            if self._spool.answer(id) is None:
                self._spool.finish(id, _entry(_interrupted()))
        self._spool.close()


def _owner(principal: Principal) -> str:
    """Whose a job is: one authorization of an app does not see what another asked for."""
    return f"{principal.name}#{principal.grant}" if principal.grant else principal.name


def wants_async(registry: Registry, request: Request) -> bool:
    """Whether a request is to be answered later: a Bundle, search, history or operation that is there."""
    if not has_preference(request.headers.get("prefer", ""), "respond-async"):
        return False
    is_bundle = request.method == "POST" and not request.type and not request.operation
    is_search = request.method == "GET" and not request.id
    is_one = is_bundle or is_search or request.operation != ""
    return is_one and request.method in registry.methods(request)


async def _done(work: Work) -> bytes:
    try:
        return _entry(await work())
    except Refusal as refusal:
        return _entry(refusal)
    except Exception as error:
        return _entry(fault(error))


def _entry(done: Result | Refusal) -> bytes:
    """The Bundle with the answer as its one entry."""
    if isinstance(done, Refusal):
        response = {"status": _status(done.category.value), "outcome": operation_outcome(done.issues)}
        return b'{"resourceType":"Bundle","type":"batch-response","entry":[{"response":%s}]}' % dumps(
            response
        )
    stated: JsonObject = {"status": _status(done.status)}
    for header, member in (("Location", "location"), ("ETag", "etag")):
        if header in done.headers:
            stated[member] = done.headers[header]
    resource = b'"resource":%s,' % done.resource if done.body else b""
    return b'{"resourceType":"Bundle","type":"batch-response","entry":[{%s"response":%s}]}' % (
        resource,
        dumps(stated),
    )


def _status(code: int) -> str:
    return f"{code} {HTTPStatus(code).phrase}"


def _interrupted() -> Refusal:
    text = "The server stopped while it worked on this; whether its writes were made is not known. Ask again"
    return Refusal(Category.BUSY, (Issue("transient", text),))


def _not_allowed() -> Refusal:
    refusal = refuse(
        Category.NOT_ALLOWED, "not-supported", "A status is read by GET and ended by DELETE", "http.method"
    )
    refusal.headers["Allow"] = "DELETE, GET, HEAD"
    return refusal
