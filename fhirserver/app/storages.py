"""The storage that the settings name. Drivers are imported only when used."""

from __future__ import annotations

from fhirserver.app.settings import Settings
from fhirserver.ports.storage import Storage


def make_storage(settings: Settings, shared: bool = False) -> Storage:
    """The storage, not yet open. ``shared``: other processes serve from it too."""
    if settings.storage == "mongo":
        from fhirserver.storage.mongo.storage import MongoStorage

        return MongoStorage(settings.mongodb_url, settings.database)
    if settings.storage == "memory":
        from fhirserver.storage.memory.storage import MemoryStorage

        return MemoryStorage()
    if shared:
        from fhirserver.storage.sqlite.shared import SharedSqliteStorage

        return SharedSqliteStorage(settings.path)
    from fhirserver.storage.sqlite.storage import SqliteStorage

    return SqliteStorage(settings.path)
