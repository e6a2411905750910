"""A thread with an event loop of its own, for those who ask from threads."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from terminology.remote.faults import NotAsked, Unavailable

Answer = TypeVar("Answer")
_GRACE = 1.0


def must_not_wait() -> bool:
    """Whether this thread runs an event loop: everybody would wait along."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class Background:
    """The thread begins with the first question."""

    def __init__(self, name: str):
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], Coroutine[Any, Any, Answer]], seconds: float) -> Answer:
        """What ``work`` gives. Raises :class:`NotAsked` on a thread that must not wait, and :class:`Unavailable`
        when the time is up."""
        if must_not_wait():
            raise NotAsked("another terminology server is not waited for here")
        future = asyncio.run_coroutine_threadsafe(work(), self._running())
        try:
            return future.result(seconds + _GRACE)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise Unavailable("the terminology server takes too long", "timeout") from None

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name=self._name, daemon=True)
                self._thread.start()
            return self._loop

    def close(self, last: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """Run ``last`` on the loop, then end it. Waits a second at most."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        if last is not None:
            with_end = asyncio.run_coroutine_threadsafe(last(), loop)
            concurrent.futures.wait([with_end], _GRACE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_GRACE)
        if not thread.is_alive():
            loop.close()
