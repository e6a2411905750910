"""``python -m benchmarks.analytics``: what the rows of analytics take in memory and on disk, and how long reports take.

A practice's conversations at random over 90 days, each with six statements and every second one with a writeback, are
put on a shelf (``disk`` or ``memory``), written down whole in a journal on SQLite, and read again as a process does
that begins.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from fhirserver.interactions.analytics.export import CONVERSATIONS, as_csv
from fhirserver.interactions.analytics.metrics import Selection, talks
from fhirserver.interactions.analytics.projection import Projection
from fhirserver.interactions.analytics.rows import SAID, TALK, WRITEBACK, Dictionary, Rows
from fhirserver.kernel.ids import new_id
from fhirserver.storage.sqlite.shelf import DiskShelf
from tests.contracts.places import SqlitePlace, opened

_DAYS, _SAID, _LOT = 90, 6, 200
_FIRST = date(2026, 9, 1)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--conversations", type=int, default=100_000)
    arguments.add_argument("--shelf", choices=("disk", "memory"), default="disk")
    asyncio.run(measure(arguments.parse_args()))


async def measure(options: argparse.Namespace) -> None:
    """Print the figures."""
    shelf = DiskShelf if options.shelf == "disk" else Dictionary
    with tempfile.TemporaryDirectory() as folder:
        async with opened(SqlitePlace(Path(folder) / "store.db")) as store:
            projection = Projection(store, shelf)
            told("at the start")
            began = time.process_time()
            fill(projection.rows, options.conversations)
            told("rows are there", began)
            for name, first in (("30 days", _FIRST + timedelta(days=_DAYS - 30)), ("90 days", _FIRST)):
                chosen = Selection(first.isoformat(), (_FIRST + timedelta(days=_DAYS)).isoformat())
                began = time.process_time()
                talks(projection.rows, chosen, "day")
                told(f"figures by day of {name}", began)
            began = time.process_time()
            size = len(as_csv(projection.rows, CONVERSATIONS, chosen))
            told(f"a table of {size / 1e6:.0f} MB", began)
            began = time.process_time()
            await projection._settle()
            told("written down whole", began)
            projection.rows.shelf.close()
            began = time.process_time()
            await Projection(store, shelf).catch_up()
            told("read again", began)


def fill(rows: Rows, conversations: int) -> None:
    """What a log of so many conversations comes to."""
    chance = random.Random(1)
    for number in range(conversations):
        id, day = new_id(), (_FIRST + timedelta(days=chance.randrange(_DAYS))).isoformat()
        rows.put(
            *(TALK, id),
            day=day,
            channel=chance.choice(("call", "sms", "chat")),
            direction=chance.choice(("inbound", "outbound")),
            agent="front-desk|3",
            campaign="",
            status="completed",
            outcome="",
            started=f"{day}T{chance.randrange(24):02d}:{chance.randrange(60):02d}:00.000Z",
            duration=round(chance.uniform(20, 400), 3),
            first_word=round(chance.uniform(0.05, 0.4), 3),
            reply_p95=round(chance.uniform(0.2, 1.6), 3),
            score=float(chance.randint(50, 100)),
            valence=round(chance.uniform(-1, 1), 3),
            trend=round(chance.uniform(-1, 1), 3),
            booked=1,
            captured=2,
            verified=2,
        )
        for said in range(_SAID):
            rows.put(SAID, str(number * 10 + said), talk=id)
        if number % 2:
            asked = f"{day}T12:00:00.000Z"
            rows.put(WRITEBACK, new_id(), day=day, asked=asked, sink="clinic", status="completed", delay=1.25)
        if number % _LOT == 0:
            rows.changes()
    rows.changes()


def told(what: str, began: float = 0.0) -> None:
    """Print the processor time it took, and what the process takes now and took at most."""
    status = Path(f"/proc/{os.getpid()}/status").read_text().splitlines()
    now, most = (
        int(next(one for one in status if one.startswith(name)).split()[1]) for name in ("VmRSS", "VmHWM")
    )
    took = f"{time.process_time() - began:6.1f} s" if began else " " * 8
    print(f"{what:30} {took}  {now / 1024:6.0f} MB now, {most / 1024:6.0f} MB at most", flush=True)


if __name__ == "__main__":
    main()
