"""How much work an answer may take: counted as time of the processor, so that a busy machine refuses no more.

What may take long looks at this now and then: :func:`check` at each step, or :func:`watch` around what it goes through.
Where nothing was set, there is no limit.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import inf
from time import thread_time
from typing import TypeVar

from fhirserver.kernel.outcomes import Category, refuse

Item = TypeVar("Item")
_EACH = 256


class Exhausted(Exception):
    """More work than was allowed. No refusal, so that nobody who collects refusals goes on working."""


class _End(threading.local):
    at = inf


_end = _End()


def check() -> None:
    """Raises :class:`Exhausted` when the time is up."""
    if thread_time() > _end.at:
        raise Exhausted


def watch(items: Iterable[Item]) -> Iterator[Item]:
    """The items, looking at the time now and then."""
    for number, item in enumerate(items):
        if number % _EACH == _EACH - 1:
            check()
        yield item


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """What is done within by this thread may take so long, or what is left of the time around it."""
    before = _end.at
    _end.at = min(before, thread_time() + seconds)
    try:
        yield
    finally:
        _end.at = before


@contextmanager
def refused_after(seconds: float) -> Iterator[None]:
    """The same, with a refusal (``too-costly``) at the end; where the time around it is up, that says what follows."""
    try:
        with at_most(seconds):
            yield
    except Exhausted:
        check()
        text = f"This takes more than {seconds:g} seconds to work out: ask for less, or for parts of it"
        raise refuse(Category.UNPROCESSABLE, "too-costly", text) from None
