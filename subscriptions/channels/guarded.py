"""HTTP to addresses that others name: subscribers' endpoints, webhooks, files to be imported.

The name is resolved here, each address is judged, and the connection goes to the very address that was judged: a name
server that answers differently the second time is never asked a second time. The judgement is made at every connection,
so a redirect that a client follows is judged as well; by itself this transport follows none. There is no proxy: the
address behind one could not be judged.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, Final

import httpcore
import httpx

from fhirserver.kernel.addresses import Addresses
from subscriptions.channels.egress import Egress
from subscriptions.channels.resolver import Resolve, Resolver

log = logging.getLogger("credence.egress")

CONNECT_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 30.0
_KEPT_CONNECTIONS: Final = 100
_TRIED_ADDRESSES: Final = 4


class Forbidden(httpx.RequestError):
    """The guard does not let this request out. The message says why, without the address that a name stands for."""


class _ForbiddenAddress(httpcore.ConnectError):
    """What the backend raises; it never leaves this module."""


class _JudgingBackend(httpcore.AsyncNetworkBackend):
    """Connects to an address only after it was judged."""

    def __init__(self, addresses: Addresses, resolve: Resolve):
        self._addresses, self._resolve, self._inner = addresses, resolve, httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore calls it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        seconds = timeout or CONNECT_SECONDS
        until = time.monotonic() + seconds
        judged = await self._judged(host, seconds)
        failed: Exception = httpcore.ConnectError("the name cannot be resolved")
        for number, address in enumerate(judged):
            share = max(0.1, until - time.monotonic()) / (len(judged) - number)
            try:
                return await self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def _judged(self, host: str, seconds: float) -> list[str]:
        """The addresses of a host that may be connected to. Raises _ForbiddenAddress where none of them may."""
        try:
            async with asyncio.timeout(seconds):
                found = await self._resolve(host)
        except TimeoutError:
            raise httpcore.ConnectTimeout("the name was not resolved in time") from None
        except OSError:
            raise httpcore.ConnectError("the name cannot be resolved") from None
        judged = {address: self._addresses.objection(address) for address in found}
        allowed = [address for address, why in judged.items() if why is None]
        if judged and not allowed:
            why = next(iter(judged.values()))
            log.warning("refused to connect to %s: %s", host, why)
            raise _ForbiddenAddress(f"its host may not be connected to: {why}")
        return allowed[:_TRIED_ADDRESSES]

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore calls it
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise _ForbiddenAddress("there are no sockets of files")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class GuardedTransport(httpx.AsyncBaseTransport):
    """A transport for any httpx client. Raises Forbidden, beside what httpx's own transport raises.

    Keeps connections; those in use have no limit, so that nobody waits for another's.
    """

    def __init__(self, egress: Egress, resolve: Resolve | None = None):
        self._egress, self._resolve = egress, resolve or Resolver()
        self._made: httpcore.AsyncConnectionPool | None = None

    def _pool(self) -> httpcore.AsyncConnectionPool:
        """The connections. Made at the first request: to read the certificates of all authorities takes a while."""
        if self._made is None:
            self._made = httpcore.AsyncConnectionPool(
                ssl_context=self._egress.context(),
                max_connections=None,
                max_keepalive_connections=_KEPT_CONNECTIONS,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=_JudgingBackend(self._egress.addresses, self._resolve),
            )
        return self._made

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        why = self._egress.objection(request.url)
        if why is not None:
            raise Forbidden(f"the URL may not be asked for: {why}", request=request)
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        assert isinstance(request.stream, httpx.AsyncByteStream)
        asked = httpcore.Request(
            request.method,
            url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _translated(request):
            answer = await self._pool().handle_async_request(asked)
        stream = _Stream(answer, request)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=stream, extensions=answer.extensions
        )

    async def aclose(self) -> None:
        if self._made is not None:
            await self._made.aclose()


class _Stream(httpx.AsyncByteStream):
    """The body of an answer, its errors told in httpx's words."""

    def __init__(self, answer: httpcore.Response, request: httpx.Request):
        self._answer, self._request = answer, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated(self._request):
            async for piece in self._answer.aiter_stream():
                yield piece

    async def aclose(self) -> None:
        await self._answer.aclose()


_WORDS: Final[tuple[tuple[type[Exception], type[httpx.RequestError]], ...]] = (
    (httpcore.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore.ReadTimeout, httpx.ReadTimeout),
    (httpcore.WriteTimeout, httpx.WriteTimeout),
    (httpcore.PoolTimeout, httpx.PoolTimeout),
    (httpcore.TimeoutException, httpx.TimeoutException),
    (httpcore.ConnectError, httpx.ConnectError),
    (httpcore.ReadError, httpx.ReadError),
    (httpcore.WriteError, httpx.WriteError),
    (httpcore.NetworkError, httpx.NetworkError),
    (httpcore.UnsupportedProtocol, httpx.UnsupportedProtocol),
    (httpcore.LocalProtocolError, httpx.LocalProtocolError),
    (httpcore.RemoteProtocolError, httpx.RemoteProtocolError),
    (httpcore.ProtocolError, httpx.ProtocolError),
)
"""The first that fits counts."""


@contextlib.contextmanager
def _translated(request: httpx.Request) -> Iterator[None]:
    try:
        yield
    except _ForbiddenAddress as error:
        raise Forbidden(str(error), request=request) from None
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        unaccepted = certificate_fault(error)
        if unaccepted is not None:
            log.warning("the certificate of %s is not accepted: %s", request.url.host, unaccepted)
        word = next(ours for theirs, ours in _WORDS if isinstance(error, theirs))
        raise word(str(error), request=request) from error


def certificate_fault(error: BaseException) -> str | None:
    """What is wrong with the other side's certificate, where that is why a request failed."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return str(seen.verify_message)
        seen = seen.__cause__ or seen.__context__
    return None


def guarded_client(egress: Egress, seconds: float, resolve: Resolve | None = None) -> httpx.AsyncClient:
    """A client whose requests all go through the guard; redirects are answers like any other."""
    return httpx.AsyncClient(
        transport=GuardedTransport(egress, resolve),
        timeout=httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
        follow_redirects=False,
        trust_env=False,
    )


async def read_some(response: httpx.Response, most: int) -> bytes:
    """The body of a streamed answer as far as ``most`` bytes, as it came (uncompressed by nobody)."""
    found = bytearray()
    async for piece in response.aiter_raw():
        found += piece
        if len(found) >= most:
            break
    return bytes(found[:most])
