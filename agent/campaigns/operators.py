"""Who of the operators is there for the calls of campaigns: asked of the server, which knows what each has said."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from agent.errand import NotPlaced
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.live_calls import LiveCall

log = logging.getLogger("credence.campaigns")

_EVERY = 1.0
"""Seconds for which an answer is good."""
_MOST_PAGES = 20
_AVAILABLE = "available"


@dataclass(frozen=True, slots=True)
class Attendance:
    """How many operators are present, and how many of them are free: hold no call, and are not waited for. ``taken``
    are the members with whom an operator speaks, or who wait for one."""

    present: int
    free: int
    taken: frozenset[str] = frozenset()


class Attends(Protocol):
    """Whoever knows the operators."""

    async def look(self) -> Attendance | None:
        """How it is now; None where nobody knows."""
        ...


class Serves(Protocol):
    """The server, asked beside FHIR. Raises NotPlaced."""

    async def get(self, path: str) -> tuple[int, JsonObject]: ...


class Rota:
    """Implements :class:`Attends`: those who have said that they are available, as ``/platform/operators`` tells.

    ``calls`` are those of this process; ``errands`` tells by the id of a call which member it is made for.
    """

    def __init__(
        self,
        server: Serves,
        calls: Callable[[], Sequence[LiveCall]],
        errands: Callable[[str], str],
        seconds: Callable[[], float] = time.monotonic,
    ):
        self._server, self._calls, self._errands, self._seconds = server, calls, errands, seconds
        self._asked = float("-inf")
        self._people: Collection[tuple[str, bool]] | None = None
        self._troubled = False

    async def look(self) -> Attendance | None:
        if self._seconds() - self._asked >= _EVERY:
            self._people = await self._ask()
            self._asked = self._seconds()
        if self._people is None:
            return None
        calls = [call for call in self._calls() if not call.ended]
        holding = {call.holder for call in calls if call.holder}
        free = sum(not busy and name not in holding for name, busy in self._people)
        waited = sum(call.stage == "requested" and not call.holder for call in calls)
        taken = (self._errands(call.id) for call in calls if call.holder or call.stage == "requested")
        return Attendance(len(self._people), max(free - waited, 0), frozenset(one for one in taken if one))

    async def _ask(self) -> Collection[tuple[str, bool]] | None:
        """Those who are available, and whether each has a call; None where the server does not tell."""
        found: list[tuple[str, bool]] = []
        cursor = ""
        try:
            for _ in range(_MOST_PAGES):
                status, page = await self._server.get(f"/platform/operators?limit=200&cursor={quote(cursor)}")
                if status != 200:
                    self._unknown(f"HTTP {status}")
                    return None
                items = page.get("items", ())
                found += [
                    (str(one.get("name", "")), bool(one.get("holds")))
                    for one in items
                    if one.get("presence") == _AVAILABLE
                ]
                cursor = str(page.get("next") or "")
                if not cursor:
                    break
        except NotPlaced as failed:
            self._unknown(str(failed))
            return None
        self._troubled = False
        return found

    def _unknown(self, why: str) -> None:
        if not self._troubled:
            log.warning("it is not known which operators are there: %s", why)
        self._troubled = True
