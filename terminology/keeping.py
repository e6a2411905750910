"""Keeping what was read last, up to so many bytes: one code system may be as big as a thousand others."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Generic, TypeVar

from fhirserver.kernel.json import Json, dumps

Result = TypeVar("Result")

_ENTRY = 500
"""Bytes that an answer takes by itself, also one that says there is nothing."""
_AS_OBJECTS = 5
"""How many times its JSON a resource takes in memory."""


class Keeping(Generic[Result]):
    """The answers of a function of texts. What weighs more than half of ``most`` is not kept. Safe between threads:
    what two ask at once is read twice."""

    def __init__(self, read: Callable[..., Result], weigh: Callable[[Result], int], most: int):
        self._read, self._weigh, self._most = read, weigh, most
        self._kept: OrderedDict[tuple[str, ...], tuple[Result, int]] = OrderedDict()
        self._lock = Lock()
        self.weight = 0
        """Bytes that are kept by now."""

    def __call__(self, *asked: str) -> Result:
        with self._lock:
            known = self._kept.get(asked)
            if known is not None:
                self._kept.move_to_end(asked)
                return known[0]
        found = self._read(*asked)
        self._keep(asked, found, self._weigh(found) + _ENTRY + sum(map(len, asked)))
        return found

    def take_over(self, other: Keeping[Result], is_wanted: Callable[[str], bool]) -> None:
        """Keep what another one does of the same function, where the first text asked is wanted."""
        with other._lock:
            kept = [(asked, *one) for asked, one in other._kept.items()]
        for asked, found, weight in kept:
            if is_wanted(asked[0]):
                self._keep(asked, found, weight)

    def _keep(self, asked: tuple[str, ...], found: Result, weight: int) -> None:
        if weight * 2 > self._most:
            return
        with self._lock:
            before = self._kept.pop(asked, None)
            self.weight += weight - (before[1] if before is not None else 0)
            self._kept[asked] = found, weight
            while self.weight > self._most:
                _, (_, lighter) = self._kept.popitem(last=False)
                self.weight -= lighter


def weight_of(resource: Mapping[str, Json] | None) -> int:
    """Bytes that a resource takes in memory, roughly."""
    return 0 if resource is None else len(dumps(dict(resource))) * _AS_OBJECTS
