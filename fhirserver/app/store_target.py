"""The store of the settings as what is written to, for commands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fhirserver.app.loading import StoreTarget
from fhirserver.app.settings import Settings
from fhirserver.app.wiring import make_context, make_store
from fhirserver.interactions.all import full_registry
from fhirserver.operations.all import all_operations


@asynccontextmanager
async def store_target(chosen: Settings, program: str) -> AsyncIterator[StoreTarget]:
    """Open for the block. ``program`` is who writes."""
    store = make_store(chosen)
    await store.open()
    try:
        yield StoreTarget(make_context(chosen, store), full_registry(all_operations()), program)
    finally:
        await store.close()
