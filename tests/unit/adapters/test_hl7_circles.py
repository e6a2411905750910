"""What taking a message in leaves behind goes at once: a circle of objects would wait for Python's collector."""

from __future__ import annotations

import gc
from pathlib import Path

from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.ingest.world import Feed, WorldIngest
from adapters.hl7v2.intake.reception import Reading, Reception
from benchmarks.adt_feed import message
from tests.unit.adapters.hl7_feed import bench


async def test_a_message_leaves_no_circles(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        reception = Reception(
            Reading("lab", "adt"), feed.store, WorldIngest(feed.store, Feed("lab", "adt")), Site()
        )
        for number in range(6):  # what was said before comes from the memo, which is part of it
            await reception.receive(message(number % 2, number // 2, f"B{number}"))
        gc.collect()
        gc.disable()
        try:
            for number in range(6, 10):
                await reception.receive(message(number % 2, number // 2, f"B{number}"))
            circles = gc.collect()
        finally:
            gc.enable()
        assert circles == 0
