"""``credence rebuild``: the projections again from the log; ``--verify`` compares instead of replacing."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from fhirserver.app.commands.options import parser, settings
from fhirserver.app.settings import Settings
from fhirserver.ports.storage import Storage
from fhirserver.store.store import Store

_PARTS = ("", "-audit", "-journals")
"""What the file of a tenant and those beside it are called."""


def run(arguments: list[str]) -> int:
    """Rebuild, or verify that a rebuild gives the same bytes. Exit 1 where it does not."""
    options = parser("rebuild", "Make all projections again from the log. The server must be stopped.")
    options.add_argument("--verify", action="store_true", help="rebuild a copy and compare, change nothing")
    chosen = options.parse_args(arguments)
    return asyncio.run(_verify(settings(chosen)) if chosen.verify else _rebuild(settings(chosen)))


async def _rebuild(chosen: Settings) -> int:
    from fhirserver.app.wiring import make_store
    from fhirserver.interactions.analytics.projection import Projection
    from fhirserver.storage.sqlite.shelf import DiskShelf

    store = make_store(chosen)
    await store.open()
    start = time.perf_counter()
    commits = await store.rebuild()
    await Projection(store, DiskShelf).rebuild()
    print(f"rebuilt {commits} commits in {time.perf_counter() - start:.1f} s")
    await store.close()
    return 0


async def _verify(chosen: Settings) -> int:
    """Digest the projections as they are and as a rebuild makes them, on a copy of the file."""
    from fhirserver.access.audit.projecting import AuditEvents
    from fhirserver.app.wiring import make_store

    if chosen.storage != "sqlite":
        print("credence: --verify works on a SQLite storage; use it on a copy of the data otherwise")
        return 2
    with tempfile.TemporaryDirectory(prefix="credence-verify-") as folder:
        copy = Path(folder) / "credence.db"
        beside = (f"{part}{suffix}" for part in _PARTS for suffix in ("", "-wal", "-shm"))
        for suffix in beside:
            source = chosen.path.with_name(chosen.path.name + suffix)
            if source.exists():
                shutil.copyfile(source, copy.with_name(copy.name + suffix))
        store = make_store(replace(chosen, path=copy))
        await store.open()
        await store.derive_provenance()
        await store.complete_index()
        audit = AuditEvents(store, chosen.fhir_base)
        audited = await audit.derived()
        before = await _digest(store.storage)
        start = time.perf_counter()
        commits = await store.rebuild()
        seconds = time.perf_counter() - start
        await audit.derive_batches(audited)
        after = await _digest(store.storage)
        counted = await _same_rows(store)
        await store.close()
    same = before == after and counted
    rate = before[1] / seconds if seconds else 0
    print(f"rebuilt {commits} commits in {seconds:.1f} s ({rate:,.0f} rows/s)")
    print(f"before {before[0]} ({before[1]} rows)\nafter  {after[0]} ({after[1]} rows)")
    print("the same bytes" if same else "NOT the same: the projections do not follow from the log")
    return 0 if same else 1


async def _same_rows(store: Store) -> bool:
    """Whether the rows of analytics, once they are up to date, are those that the log makes anew."""
    from fhirserver.interactions.analytics.projection import Projection
    from fhirserver.storage.sqlite.shelf import DiskShelf

    kept, anew = Projection(store, DiskShelf), Projection(store, DiskShelf)
    while await kept.step():
        pass
    rows = dict(kept.rows.kept)
    await anew.rebuild()
    print(f"analytics: {len(rows)} rows, {'the same' if rows == anew.rows.kept else 'NOT the same'}")
    return rows == anew.rows.kept


async def _digest(storage: Storage) -> tuple[str, int]:
    digest, rows = hashlib.sha256(), 0
    for row in await storage.dump():
        digest.update(len(row).to_bytes(8, "big"))
        digest.update(row)
        rows += 1
    return digest.hexdigest()[:32], rows
