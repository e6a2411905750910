"""A background loop that one process at a time runs, of all that share a store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from adapters.runner.lease import MARGIN, Leases
from fhirserver.kernel.outcomes import Refusal

Loop = Callable[[], Coroutine[Any, Any, None]]
_BEATS: Final = 4
"""In the length of a lease; as often others look whether it is free."""

log = logging.getLogger("credence.runner")


async def alone(name: str, leases: Leases, work: Loop) -> None:
    """Run ``work`` whenever this process has the lease of ``name``, which nobody shares; for ever.

    It is stopped before another may begin. What ``work`` raises, this raises.
    """
    try:
        while True:
            if await _taken(name, leases):
                await _working(name, leases, work)
            await asyncio.sleep(leases.seconds / _BEATS / 2)
    finally:
        with suppress(Refusal):
            await leases.release(name)


async def _taken(name: str, leases: Leases) -> bool:
    try:
        return await leases.take(name)
    except Refusal as refusal:
        log.warning("the lease of %s cannot be asked for: %s", name, refusal.category.name)
        return False


async def _working(name: str, leases: Leases, work: Loop) -> None:
    log.info("%s: this process does it now", name)
    working = asyncio.create_task(work(), name=name)
    renewing = asyncio.create_task(_renewing(name, leases), name=f"{name}:lease")
    try:
        while not working.done() and not leases.is_lost(name):
            await asyncio.wait({working}, timeout=leases.seconds * MARGIN / 8)
    finally:
        renewing.cancel()
        working.cancel()
        await asyncio.wait({working, renewing})
    if not working.cancelled():
        working.result()
    log.warning("%s: stopped, its lease is lost", name)


async def _renewing(name: str, leases: Leases) -> None:
    while name in leases.held:
        await asyncio.sleep(leases.seconds / _BEATS)
        try:
            await leases.renew(name)
        except Refusal as refusal:
            log.warning("the lease of %s could not be renewed: %s", name, refusal.category.name)
