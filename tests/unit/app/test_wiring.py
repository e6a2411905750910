"""Starting and stopping what runs in the background."""

from __future__ import annotations

import asyncio

from fhirserver.app.wiring import running


async def test_a_loop_that_loses_a_cancellation_is_stopped_all_the_same() -> None:
    lost = 0

    async def loop() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                lost += 1
                if lost > 1:
                    raise

    async with asyncio.timeout(5):
        async with running([("loop", loop)]):
            await asyncio.sleep(0)
    assert lost == 2
