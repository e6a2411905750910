"""How far a pull has come, resource by resource.

What a list showed is remembered by its ids, packed, so that the next list tells which are gone; what tells
versions apart is kept by whoever takes the records in.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fhirserver.kernel.instants import instant, parse_instant
from fhirserver.kernel.json import Json, JsonObject

FORMAT = 1
NO_DAY = ""
MOST_MOVED = 5000
_MOST_UNPACKED = 20_000_000


class InvalidCursor(ValueError):
    """The cursor is not one of this adapter's."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where one resource stands. ``since``: changes before it were handed out.

    ``listed``: when the last whole list began.
    ``ids``: what that list held, by day where the mapping knows one. ``moved``: records that go on under another's id.
    """

    since: datetime | None = None
    listed: datetime | None = None
    ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> JsonObject:
        json: JsonObject = {}
        if self.since is not None:
            json["since"] = instant(self.since)
        if self.listed is not None:
            json["listed"] = instant(self.listed)
        if self.ids:
            json["ids"] = {day: pack(ids) for day, ids in sorted(self.ids.items()) if ids}
        if self.moved:
            json["moved"] = dict(list(self.moved.items())[-MOST_MOVED:])
        return json


def pack(ids: Iterable[str]) -> str:
    return base64.b64encode(zlib.compress(",".join(sorted(ids)).encode(), 9)).decode()


def unpack(text: str) -> frozenset[str]:
    """Raises :class:`InvalidCursor`."""
    try:
        unpacked = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), _MOST_UNPACKED)
    except (binascii.Error, ValueError, zlib.error):
        raise InvalidCursor("the ids are malformed") from None
    return frozenset(unpacked.decode().split(",")) if unpacked else frozenset()


def read_cursor(cursor: JsonObject | None, mapping: str) -> dict[str, Mark]:
    """The marks by resource type. Raises :class:`InvalidCursor`."""
    if cursor is None:
        return {}
    if cursor.get("format") != FORMAT or cursor.get("mapping") != mapping:
        raise InvalidCursor(f"expected a cursor of format {FORMAT} and mapping {mapping}")
    marks = cursor.get("resources")
    if not isinstance(marks, dict):
        raise InvalidCursor("the cursor has no marks")
    return {type: _mark(type, json) for type, json in marks.items()}


def write_cursor(marks: Mapping[str, Mark], mapping: str) -> JsonObject:
    resources = {type: mark.as_json() for type, mark in marks.items()}
    return {"format": FORMAT, "mapping": mapping, "resources": resources}


def _mark(type: str, json: Json) -> Mark:
    if not isinstance(json, dict):
        raise InvalidCursor(f"the mark of {type} is malformed")
    try:
        return Mark(
            parse_instant(json["since"]) if "since" in json else None,
            parse_instant(json["listed"]) if "listed" in json else None,
            {day: unpack(ids) for day, ids in json.get("ids", {}).items()},
            dict(json.get("moved", {})),
        )
    except (ValueError, TypeError, AttributeError) as error:
        if isinstance(error, InvalidCursor):
            raise
        raise InvalidCursor(f"the mark of {type} is malformed") from None
