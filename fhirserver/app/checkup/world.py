"""What holds the data and where it comes from: the storage, its index, the connectors."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from datetime import datetime

from fhirserver.app.checkup.finding import Finding, error, good
from fhirserver.app.checkup.machine import clock_and_log
from fhirserver.app.connectors.connector import Connector
from fhirserver.app.connectors.secrets import MissingSecret, Secrets
from fhirserver.app.settings import Settings
from fhirserver.interactions.exchange import Context
from fhirserver.kernel.outcomes import Refusal
from fhirserver.store.generation import OLD_INDEX, index_is_current
from fhirserver.store.store import Store

_UNREACHABLE = {
    "sqlite": "check [storage] path: the folder must be there or creatable, and writable",
    "mongo": "check [storage] url, and that the database runs",
    "memory": "",
}


async def world(settings: Settings, now: datetime) -> AsyncIterator[Finding]:
    """The storage as the settings name it; the connectors only where it can be opened."""
    from fhirserver.app.wiring import make_context, make_store

    store = make_store(settings)
    try:
        await store.open()
    except (OSError, sqlite3.Error, Refusal) as failure:
        words = f"{settings.storage}, cannot be opened: {_reason(failure)}"
        yield error("storage", words, _UNREACHABLE[settings.storage])
        return
    try:
        async for finding in _storage(settings, store, now):
            yield finding
        for connector in settings.connectors:
            yield await _connector(connector, make_context(settings, store), settings.secrets)
    finally:
        await store.close()


def _reason(failure: Exception) -> str:
    return (failure.strerror or "") if isinstance(failure, OSError) else str(failure)


async def _storage(settings: Settings, store: Store, now: datetime) -> AsyncIterator[Finding]:
    head = await store.storage.head()
    yield good("storage", f"{settings.storage}, {head.position} commits, {head.serial} resources")
    if await index_is_current(store.storage):
        yield good("index", "index: as this version makes it")
    else:
        yield error("index", "made by an older version", OLD_INDEX)
    yield clock_and_log(now, head.recorded)


async def _connector(connector: Connector, context: Context, secrets: Secrets) -> Finding:
    """Whether it can be begun, and its EHR answers."""
    from fhirserver.app.connectors.making import make_adapter

    subject = f"connector {connector.name}"
    try:
        made = make_adapter(connector, context, secrets)
    except MissingSecret as missing:
        return error(subject, str(missing), "put the secret where it is looked for")
    if made.ehr is None:
        return good(subject, "is only listened to")
    health = await made.ehr.health()
    await made.ehr.close()
    if health.reachable:
        return good(subject, "answers")
    return error(subject, f"does not answer ({health.problem})", "check its url and token")
