"""What is known of values that were sent to an EHR: a fact of the log, ``sent``, for each source and resource."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from fhirserver.kernel.instants import comparable
from fhirserver.kernel.json import Json, JsonObject, canonical
from fhirserver.ports.storage import Key
from fhirserver.store.store import Store

SENT: Final = "sent"
_INSTANT: Final = re.compile(rb'"(\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d))"')


def digest(value: Json) -> str:
    """A short fingerprint of a unit's value; empty for absence. An instant is the same in every time zone."""
    if value is None:
        return ""
    return hashlib.sha256(_INSTANT.sub(_in_utc, canonical(value))).hexdigest()[:16]


def _in_utc(written: re.Match[bytes]) -> bytes:
    try:
        return b'"%s"' % comparable(written[1].decode()).encode()
    except ValueError:
        return written[0]


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
