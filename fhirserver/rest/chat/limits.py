"""How much of it one user may do: messages, new conversations, streams that are open at once."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from fhirserver.kernel.outcomes import Category, Issue, Refusal
from fhirserver.ports.chats import ChatUser
from fhirserver.rest.pace import Pace

_AGAIN_SECONDS = 5.0
"""When a stream may be tried again: another one ends when it will."""


class Limits:
    """``messages`` counts also what is sent or rated, ``conversations`` new ones."""

    def __init__(self, messages: Pace | None = None, conversations: Pace | None = None, streams: int = 20):
        self._messages = messages or Pace(0.5, 20)
        self._conversations = conversations or Pace(1 / 120, 5)
        self._most_streams = streams
        self._streams: Counter[Hashable] = Counter()

    def message(self, user: ChatUser) -> None:
        """Count one more. Refuses (429) what is too much."""
        _wait(self._messages.wait(_key(user)), "messages", "Too many messages")

    def conversation(self, user: ChatUser) -> None:
        """Count one more. Refuses (429) what is too much."""
        _wait(self._conversations.wait(_key(user)), "conversations", "Too many new conversations")

    def room_for_stream(self, user: ChatUser) -> None:
        """Refuses (429) where as many are open as may be."""
        full = self._streams[_key(user)] >= self._most_streams
        _wait(_AGAIN_SECONDS if full else 0.0, "events", f"{self._most_streams} streams are open already")

    @contextmanager
    def streaming(self, user: ChatUser) -> Iterator[None]:
        """Count a stream for as long as it is open."""
        key = _key(user)
        self._streams[key] += 1
        try:
            yield
        finally:
            self._streams[key] -= 1
            if not self._streams[key]:
                del self._streams[key]


def _key(user: ChatUser) -> Hashable:
    return (user.service, user.key)


def _wait(seconds: float, place: str, why: str) -> None:
    if seconds:
        wait = str(math.ceil(seconds))
        issue = Issue("throttled", f"{why}; come again in {wait} s", (place,))
        raise Refusal(Category.TOO_MANY, (issue,), {"Retry-After": wait})
