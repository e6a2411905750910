"""What is known of values that were sent to an EHR: a fact of the log, ``sent``, for each source and resource."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from fhirserver.kernel.json import Json, JsonObject, canonical
from fhirserver.ports.storage import Key
from fhirserver.store.store import Store

SENT: Final = "sent"


def digest(value: Json) -> str:
    """A short fingerprint of a unit's value; empty for absence."""
    return "" if value is None else hashlib.sha256(canonical(value)).hexdigest()[:16]


async def has_reached(store: Store, key: Key, values: Mapping[str, Json]) -> tuple[str, str] | None:
    """The source of an EHR that was sent, or may have been sent, one of the values, and that unit."""
    for source in store.policies.sources:
        fact = await store.fact(SENT, f"{source}/{key}")
        for unit, value in values.items() if fact is not None else ():
            if fact is not None and _was_sent(fact.value, unit, digest(value)):
                return source, unit
    return None


def _was_sent(sent: JsonObject, unit: str, mark: str) -> bool:
    return mark in sent.get("tried", {}).get(unit, {}) or sent.get("told", {}).get(unit, [None])[0] == mark
