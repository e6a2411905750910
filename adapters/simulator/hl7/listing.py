"""What the EHR has, in lists: whole, or page by page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.simulator.hl7.books import Books, Row
from adapters.simulator.hl7.people import FRIENDLY

Json = dict[str, Any]
_KEYS = {
    "patients": "mrn",
    "practitioners": "npi",
    "slots": "id",
    "appointments": "filler",
    "visits": "number",
    "writes": "sequence",
    "feed": "sequence",
}
_TAKEN = """
SELECT slots.*, slots.start || '/' || practitioner AS id, (
    SELECT filler FROM takes WHERE who = 'AIP:' || practitioner AND takes.start < slots.ends
    AND takes.ends > slots.start AND takes.start >= strftime('%Y-%m-%dT%H:%M:%SZ', slots.start, '-1 day') LIMIT 1
) AS taken_by FROM slots"""


class Listing:
    """``tables`` are the names of what there is."""

    tables = tuple(_KEYS)

    def __init__(self, books: Books):
        self._books = books

    def counts(self) -> Json:
        """How many there are of everything; of the feed also how many wait, and how many of those were refused."""
        found = {table: self._count(f"SELECT count(*) FROM {table}") for table in _KEYS}  # noqa: S608
        return {
            **found,
            "feed_waiting": self._count("SELECT count(*) FROM feed WHERE sent = 0"),
            "feed_refused": self._count("SELECT count(*) FROM feed WHERE sent = 0 AND refusals > 0"),
        }

    def _count(self, sql: str) -> int:
        row = self._books.row(sql)
        return int(row[0]) if row is not None else 0

    def of(self, table: str, query: Mapping[str, str]) -> Sequence[Json]:
        """``after`` is the key of the last one seen , ``limit`` how many there may be at most.

        ``free`` of slots: those that nobody has; ``waiting`` of the feed: what is not yet accepted. Raises ValueError.
        """
        key, wanted, values = _KEYS[table], [], list[Any]()
        if "after" in query:
            wanted.append(f"{key} > ?")
            values.append(int(query["after"]) if key == "sequence" else query["after"])
        if table == "slots" and query.get("free"):
            wanted.append("taken_by IS NULL")
        if table == "feed" and query.get("waiting"):
            wanted.append("sent = 0")
        source = f"({_TAKEN})" if table == "slots" else table
        where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
        values.append(int(query.get("limit", "-1")))
        rows = self._books.rows(f"SELECT * FROM {source} {where} ORDER BY {key} LIMIT ?", *values)  # noqa: S608
        return [self._shown(table, row) for row in rows]

    def _shown(self, table: str, row: Row) -> Json:
        if table == "patients":
            return self._patient(row)
        shown = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a row is no mapping
        for name in ("fields", "resources"):
            if name in shown:
                shown[name] = json.loads(shown[name])
        return shown

    def _patient(self, row: Row) -> Json:
        fields = json.loads(row["fields"])
        numbers = self._books.rows("SELECT written FROM numbers WHERE mrn = ? ORDER BY number", row["mrn"])
        return {
            "mrn": row["mrn"],
            "merged_into": row["merged_into"],
            **{name: fields.get(number, "") for name, number in FRIENDLY.items()},
            "fields": {f"PID-{number}": text for number, text in fields.items()},
            "numbers": [one["written"] for one in numbers],
            "lists": json.loads(row["lists"]),
        }
