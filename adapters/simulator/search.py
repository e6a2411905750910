"""Search over the simulated EHR's records: query parameters to SQL, page by page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from adapters.simulator.habits import Habits
from adapters.simulator.keys import PARAMETERS, PREFIXES, date_range, digits, stamp
from adapters.simulator.records import Records, Stored

MAX_COUNT = 1000
_SHUFFLED = "id"
"""The order of an EHR that ignores ``_sort``: it has nothing to do with time."""
_EXISTS = "id IN (SELECT id FROM keys k WHERE k.type = ? AND k.param = ? AND "


class InvalidSearch(ValueError):
    """A search parameter is unknown or its value is malformed; the message names the parameter only."""


@dataclass(slots=True)
class Search:
    """A parsed search: SQL conditions with their values, the order, and where the page begins."""

    type: str
    conditions: list[str] = field(default_factory=lambda: ["type = ?", "deleted = 0"])
    values: list[str] = field(default_factory=list)
    descending: bool = False
    count: int = 100
    only_count: bool = False
    after: str = ""
    most: int = MAX_COUNT
    shuffled: bool = False
    updated: str = "updated"

    def where(self, condition: str, *values: str) -> None:
        self.conditions.append(condition)
        self.values.extend(values)


def parse(
    type: str, query: Iterable[tuple[str, str]], page_size: int, habits: Habits | None = None
) -> Search:
    """Read query parameters. Raises :class:`InvalidSearch`."""
    habits = habits or Habits()
    most = habits.most_on_a_page or MAX_COUNT
    search = Search(
        type, values=[type], count=min(page_size, most), most=most, shuffled=habits.sort == "ignored"
    )
    if habits.whole_seconds:
        search.updated = "(substr(updated, 1, 19) || '.000000Z')"
    if habits.visible_after:
        seen = datetime.now(UTC) + timedelta(seconds=habits.clock_ahead - habits.visible_after)
        search.where("updated <= ?", stamp(seen))
    for name, text in query:
        if name in _CONTROLS:
            _CONTROLS[name](search, text)
        elif name in ("_id", "_lastUpdated") or (name in PARAMETERS and PARAMETERS[name].places(type)):
            _condition(search, name, text)
        else:
            raise InvalidSearch(f"unknown search parameter {name} for {type}")
    return search


def run(records: Records, search: Search) -> tuple[list[Stored], int, bool]:
    """The page, the number of all matches, and whether more follow."""
    where = " AND ".join(search.conditions)
    total = records.count_matching(where, search.values)
    if search.only_count or search.count == 0:
        return [], total, False
    values: list[str | int] = [*search.values]
    key = _SHUFFLED if search.shuffled else "updated"
    if search.after:
        where += f" AND {key} {'<' if search.descending else '>'} ?"
        values.append(search.after)
    order = "DESC" if search.descending else "ASC"
    where += f" ORDER BY {key} {order} LIMIT ?"
    found = records.matching(where, [*values, search.count + 1])
    return found[: search.count], total, len(found) > search.count


def next_link(base: str, query: Iterable[tuple[str, str]], search: Search, last: Stored) -> str:
    """The address of the page after ``last``."""
    after = last.id if search.shuffled else last.updated
    kept = [(name, text) for name, text in query if name != "_after"]
    return f"{base}/{last.type}?{urlencode([*kept, ('_after', after)])}"


def _sort(search: Search, text: str) -> None:
    if text not in ("_lastUpdated", "-_lastUpdated"):
        raise InvalidSearch("_sort must be _lastUpdated or -_lastUpdated")
    search.descending = text.startswith("-")


def _count(search: Search, text: str) -> None:
    if not text.isascii() or not text.isdigit():
        raise InvalidSearch("_count must be a number")
    search.count = min(int(text[:9]), search.most)


def _summary(search: Search, text: str) -> None:
    if text not in ("count", "false"):
        raise InvalidSearch("_summary must be count or false")
    search.only_count = text == "count"


def _after(search: Search, text: str) -> None:
    search.after = text


def _elements(search: Search, text: str) -> None:
    """Offered for what it saves; this EHR sends whole records all the same, as some do."""


def _ignore(search: Search, text: str) -> None:
    """Parameters that change nothing here."""


_CONTROLS = {
    "_sort": _sort,
    "_count": _count,
    "_summary": _summary,
    "_after": _after,
    "_elements": _elements,
    "_format": _ignore,
    "_total": _ignore,
}


def _condition(search: Search, name: str, text: str) -> None:
    """Any one of the comma-separated values."""
    parts = [_value_condition(name, part, search.updated) for part in text.split(",") if part]
    if not parts:
        raise InvalidSearch(f"{name} has no value")
    joined = " OR ".join(part for part, _ in parts)
    values = [value for _, found in parts for value in found]
    if name in ("_id", "_lastUpdated"):
        search.where(f"({joined})", *values)
    else:
        search.where(f"{_EXISTS}({joined}))", search.type, name, *values)


def _value_condition(name: str, text: str, updated: str) -> tuple[str, list[str]]:
    if name == "_id":
        return "id = ?", [text]
    if name == "_lastUpdated":
        return _date_condition(name, text, updated)
    kind = PARAMETERS[name].kind
    if kind == "date":
        return _date_condition(name, text, "k.value")
    if kind == "string":
        folded = text.casefold()
        return "(k.value >= ? AND k.value < ?)", [folded, folded + "\U0010ffff"]
    if kind == "token" and text.endswith("|"):
        return "(k.value >= ? AND k.value < ?)", [text, text + "\U0010ffff"]
    return "k.value = ?", [digits(text) if kind == "phone" else text]


def _date_condition(name: str, text: str, column: str) -> tuple[str, list[str]]:
    prefix = text[:2] if text[:2] in PREFIXES else "eq"
    try:
        low, after = date_range(text.removeprefix(prefix))
    except ValueError:
        raise InvalidSearch(f"{name} is not a date") from None
    if prefix in ("eq", "ne"):
        inside = f"({column} >= ? AND {column} < ?)"
        return (inside if prefix == "eq" else f"NOT {inside}"), [low, after]
    comparison, bound = {
        "ge": (">=", low),
        "gt": (">=", after),
        "sa": (">=", after),
        "le": ("<", after),
        "lt": ("<", low),
        "eb": ("<", low),
    }[prefix]
    return f"{column} {comparison} ?", [bound]
