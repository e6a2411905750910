"""A tenant's database, removed with all that is in it."""

from __future__ import annotations

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
            await client.close()
