"""Looking up names without letting one slow name server hold up the others.

The system's resolver blocks a thread for as long as it likes. The event loop's own threads are few and shared, so each
name has one of its own, which whoever asks for that name meanwhile waits for too.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

Resolve: TypeAlias = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a host, most preferred first. Raises OSError where there are none."""

_MOST_AT_ONCE = 64


class Resolver:
    """Looks names up with the system's resolver; remembers nothing."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Future[Sequence[str]]] = {}

    async def __call__(self, host: str) -> Sequence[str]:
        """Raises OSError where the name has no address, or too many names are being looked up."""
        lookup = self._running.get(host)
        if lookup is None:
            if len(self._running) >= _MOST_AT_ONCE:
                raise OSError("too many names are being looked up")
            lookup = self._start(host)
        return await asyncio.shield(lookup)

    def _start(self, host: str) -> asyncio.Future[Sequence[str]]:
        loop = asyncio.get_running_loop()
        lookup: asyncio.Future[Sequence[str]] = loop.create_future()
        self._running[host] = lookup
        lookup.add_done_callback(lambda done: self._ended(host, done))

        def look() -> None:
            try:
                found, error = _addresses(host), None
            except OSError as failed:
                found, error = (), failed
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, lookup, found, error)

        threading.Thread(target=look, name="resolver", daemon=True).start()
        return lookup

    def _ended(self, host: str, lookup: asyncio.Future[Sequence[str]]) -> None:
        del self._running[host]
        if not lookup.cancelled():
            lookup.exception()  # whoever asked may be gone by now


def _addresses(host: str) -> Sequence[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError("the name is not one of the internet") from None
    return tuple(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))


def _settle(lookup: asyncio.Future[Sequence[str]], found: Sequence[str], error: OSError | None) -> None:
    if lookup.done():
        return
    if error is None:
        lookup.set_result(found)
    else:
        lookup.set_exception(error)
