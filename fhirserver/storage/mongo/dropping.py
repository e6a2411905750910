"""A tenant's database, removed with all that is in it."""

from __future__ import annotations

import asyncio

from pymongo import AsyncMongoClient

from fhirserver.storage.mongo.errors import translated
from fhirserver.storage.mongo.payloads import Document


async def drop(url: str, database: str) -> None:
    """Remove it; one that is not there is no trouble. Raises :class:`~fhirserver.kernel.outcomes.Refusal`."""
    with translated():
        client: AsyncMongoClient[Document] = AsyncMongoClient(url)
        try:
            await client.drop_database(database)
        finally:
            await _closed(client)


async def _closed(client: AsyncMongoClient[Document]) -> None:
    """Close it whole, also where the server ends meanwhile: a client that is half closed is left open."""
    closing = asyncio.ensure_future(client.close())
    try:
        await asyncio.shield(closing)
    except asyncio.CancelledError:
        await closing
        raise
