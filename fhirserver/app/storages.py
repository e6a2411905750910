"""The storage that the settings name. Drivers are imported only when used."""

from __future__ import annotations

from fhirserver.app.settings import Settings
from fhirserver.ports.storage import Storage
from fhirserver.storage.sqlite.releases.folder import ReleaseFolder


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


def make_releases(settings: Settings) -> ReleaseFolder:
    """Imported code systems: in files, whatever the storage (ADR 0032)."""
    return ReleaseFolder(settings.releases_folder)
