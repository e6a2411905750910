"""What a workspace leaves: removed from the storage, however often that was begun before."""

from __future__ import annotations

import asyncio
import shutil

from fhirserver.app.settings import Settings


def remains(settings: Settings) -> bool:
    """Whether anything of a workspace with these settings lies in this machine's folder."""
    return settings.path.parent.exists()


async def remove_all(settings: Settings) -> None:
    """The store with all that is beside it, and the keys. Raises OSError, and what a database that is away does."""
    if settings.storage == "mongo":
        from fhirserver.storage.mongo.dropping import drop

        await drop(settings.mongodb_url, settings.database)
    folder = settings.path.parent
    if folder.exists():
        await asyncio.to_thread(shutil.rmtree, folder)
