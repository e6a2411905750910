"""How far a pull has come: for each resource type an instant before which nothing can have been missed.

``_lastUpdated`` is set when an EHR begins a write, and the write can be seen only when it ends; some EHRs
write it in whole seconds. So the mark never moves past "when we asked, less the overlap", what lies after
it is read again next time, and ``seen`` names the versions there which were handed out already.

A first load by export has a place of its own in the cursor: the job, the file and the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fhirserver.kernel.instants import instant, parse_instant
from fhirserver.kernel.json import JsonObject

FORMAT = 1
MOST_SEEN = 1000


class InvalidCursor(ValueError):
    """The cursor is not one of this adapter's."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where one type stands. ``since`` is None before its first complete page."""

    since: datetime | None = None
    seen: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> JsonObject:
        json: JsonObject = {"seen": dict(self.seen)} if self.seen else {}
        return {"since": instant(self.since), **json} if self.since else json

    @staticmethod
    def make(since: datetime | None, seen: Mapping[str, str]) -> Mark:
        """A mark that remembers no more than the newest of ``seen``; the rest are handed out again."""
        return Mark(since, dict(list(seen.items())[-MOST_SEEN:]))


@dataclass(slots=True)
class Cursor:
    """Where a pull stands: the marks by type, that of the history of the whole system, and the export.

    ``export`` is empty where none was begun, and has ``over`` when there will be none (any more).
    """

    types: dict[str, Mark] = field(default_factory=dict)
    system: Mark = field(default_factory=Mark)
    export: JsonObject = field(default_factory=dict)

    def as_json(self) -> JsonObject:
        json: JsonObject = {
            "format": FORMAT,
            "types": {type: mark.as_json() for type, mark in self.types.items()},
        }
        if self.system.since is not None:
            json["system"] = self.system.as_json()
        return {**json, "export": dict(self.export)} if self.export else json


def whole_milliseconds(at: datetime) -> datetime:
    """``at`` as it is written in a cursor and in a query, so that ``seen`` begins where the query does."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def read_cursor(cursor: JsonObject | None) -> Cursor:
    """Raises :class:`InvalidCursor`."""
    if cursor is None:
        return Cursor()
    if cursor.get("format") != FORMAT or not isinstance(cursor.get("types"), dict):
        raise InvalidCursor(f"expected a cursor of format {FORMAT}")
    export = cursor.get("export", {})
    if not isinstance(export, dict):
        raise InvalidCursor("the place in an export is malformed")
    types = {type: _mark(type, json) for type, json in cursor["types"].items()}
    return Cursor(types, _mark("the system", cursor.get("system", {})), dict(export))


def _mark(type: str, json: JsonObject) -> Mark:
    try:
        since = parse_instant(json["since"]) if "since" in json else None
        return Mark(since, dict(json.get("seen", {})))
    except (ValueError, TypeError):
        raise InvalidCursor(f"the mark of {type} is malformed") from None
