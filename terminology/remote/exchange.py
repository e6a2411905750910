"""One question to the other server: with a token, in bounded time and size, tried again once, never when it is paused.

https://hl7.org/fhir/R4/operations.html#executing
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import httpx
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from fhirserver.kernel.json import InvalidJson, JsonObject, dumps, loads, too_deep
from fhirserver.ports.ehr import EhrError
from terminology.remote import figures
from terminology.remote.breaker import Breaker
from terminology.remote.faults import NoAnswer, Unavailable, Unknown
from terminology.remote.settings import RemoteSettings

log = logging.getLogger("credence.terminology")
_JSON: Final = "application/fhir+json"
_NOT_KNOWN: Final = frozenset(
    {
        "not-found",
        "not-supported",
        "invalid",
        "value",
        "processing",
        "code-invalid",
        "too-costly",
        "business-rule",
    }
)
"""Issues of an answer, whatever its status: the server is well, and cannot tell."""
_WAIT = 0.2


class Tokens(Protocol):
    """Where access tokens come from. See :class:`adapters.fhir.tokens.TokenProvider`."""

    async def token(self, refused: str = "") -> str: ...

    async def close(self) -> None: ...


class Exchange:
    """Asks. Used on one event loop only. ``connect`` makes the client at the first question."""

    def __init__(
        self, settings: RemoteSettings, connect: Callable[[], httpx.AsyncClient], tokens: Tokens | None = None
    ):
        self._settings, self._connect, self._tokens = settings, connect, tokens
        self._base = settings.server.rstrip("/")
        self._http: httpx.AsyncClient | None = None
        self.breaker = Breaker(settings.failures, settings.pause)

    async def ask(
        self,
        operation: str,
        path: str,
        body: JsonObject | None = None,
        query: Mapping[str, str] | None = None,
    ) -> JsonObject:
        """The resource that is the answer. Raises :class:`NoAnswer`."""
        if not self.breaker.admits():
            figures.count(operation, "paused")
            raise Unavailable("the terminology server failed again and again, and is left alone for a while")
        started = time.monotonic()
        try:
            found = await self._in_time(path, body, query)
        except NoAnswer as fault:
            self._note(operation, fault)
            raise
        self.breaker.succeeded()
        figures.count(operation, "answered")
        figures.took(operation, time.monotonic() - started)
        return found

    def _note(self, operation: str, fault: NoAnswer) -> None:
        if not isinstance(fault, Unavailable):
            self.breaker.succeeded()
            figures.count(operation, "unknown")
            return
        was_open = self.breaker.is_open
        self.breaker.failed()
        figures.count(operation, "timeout" if fault.code == "timeout" else "failed")
        if self.breaker.is_open and not was_open:
            log.warning("the terminology server is left alone for a while: %s", fault)

    async def _in_time(
        self, path: str, body: JsonObject | None, query: Mapping[str, str] | None
    ) -> JsonObject:
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._settings.attempts),
            wait=wait_random_exponential(_WAIT, max=1.0),
            retry=retry_if_exception_type(Unavailable),
            reraise=True,
        )
        try:
            async with asyncio.timeout(self._settings.timeout):
                found: JsonObject = await retrying(self._once, path, body, query)
                return found
        except TimeoutError:
            raise Unavailable("the terminology server takes too long", "timeout") from None

    async def _once(self, path: str, body: JsonObject | None, query: Mapping[str, str] | None) -> JsonObject:
        token = await self._token()
        status, content = await self._sent(path, body, query, token)
        if status == 401 and self._tokens is not None:
            status, content = await self._sent(path, body, query, await self._token(refused=token))
        return _read(status, content)

    async def _token(self, refused: str = "") -> str:
        if self._tokens is None:
            return ""
        try:
            return await self._tokens.token(refused)
        except EhrError as error:
            raise Unavailable(f"there is no token for the terminology server: {error}") from None

    async def _sent(
        self, path: str, body: JsonObject | None, query: Mapping[str, str] | None, token: str
    ) -> tuple[int, bytes]:
        if self._http is None:
            self._http = self._connect()
        headers = {"Accept": _JSON, "Accept-Encoding": "identity"}
        if body is not None:
            headers["Content-Type"] = _JSON
        if token:
            headers["Authorization"] = f"Bearer {token}"
        method, content = ("GET", None) if body is None else ("POST", dumps(body))
        try:
            async with self._http.stream(
                method, f"{self._base}/{path}", params=query, content=content, headers=headers
            ) as answer:
                return answer.status_code, await self._whole(answer)
        except httpx.TimeoutException:
            raise Unavailable("the terminology server takes too long", "timeout") from None
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise Unavailable(f"the terminology server cannot be reached ({type(error).__name__})") from None

    async def _whole(self, answer: httpx.Response) -> bytes:
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise Unavailable("the terminology server compresses, which was not asked for")
        found = bytearray()
        async for piece in answer.aiter_raw():
            found += piece
            if len(found) > self._settings.answer_bytes:
                limit = self._settings.answer_bytes
                raise Unknown(f"the terminology server's answer is larger than {limit} bytes", "too-costly")
        return bytes(found)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()
        if self._tokens is not None:
            await self._tokens.close()


def _read(status: int, content: bytes) -> JsonObject:
    """The resource of an answer that is success. What is none raises :class:`NoAnswer`."""
    resource = _resource(content)
    if 200 <= status < 300:
        if resource is None:
            raise Unavailable("the terminology server's answer is not FHIR in JSON")
        if resource["resourceType"] == "OperationOutcome":
            raise _refused(resource)
        return resource
    if status in (408, 425, 429) or status < 400:
        raise Unavailable(f"the terminology server answers with status {status}")
    if resource is not None and resource["resourceType"] == "OperationOutcome":
        fault = _refused(resource)
        if fault.code in _NOT_KNOWN and status not in (401, 403, 502, 503, 504):
            raise fault
    raise Unavailable(f"the terminology server answers with status {status}")


def _resource(content: bytes) -> JsonObject | None:
    try:
        found = loads(content)
    except (InvalidJson, RecursionError):
        return None
    if too_deep(content) or not isinstance(found, dict) or not isinstance(found.get("resourceType"), str):
        return None
    return found


def _refused(outcome: JsonObject) -> Unknown:
    """What an OperationOutcome says, in our words: theirs may repeat the code."""
    issues = outcome.get("issue")
    codes = [one.get("code") for one in issues if isinstance(one, dict)] if isinstance(issues, list) else []
    code = next((one for one in codes if isinstance(one, str)), "processing")
    return Unknown(f"the terminology server refuses the question ({code[:40]})", code)
