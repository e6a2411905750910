"""How a query is answered: which statement, over which source, in which order.

Three ways, all with keyset paging, so that a page costs the same wherever it is:

* *stream*: the narrowest source in order of number, or all resources of the type: no sort at all;
* *gather*: every match of a narrow source, sorted by its sort values;
* *walk*: for one sort key and no narrow source, the index of that key in order, testing each resource; those
  without a value follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from fhirserver.search.expression import (
    And,
    Cursor,
    DateIs,
    Everything,
    Expression,
    IdIs,
    LastUpdated,
    Query,
    SortKey,
)
from fhirserver.search.match import reversed_ties
from fhirserver.search.routes import is_single
from fhirserver.storage.sqlite.index_render import Rendering, Source, Sql, both
from fhirserver.storage.sqlite.index_tables import BY_KIND

MANY: Final = 2000
"""A source with this many rows is not narrow: walking in order is expected to be cheaper."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL that yields ``pk`` and the sort values, and what is bound to it."""

    text: str
    bound: tuple[Any, ...]


def conjuncts(expression: Expression) -> tuple[Expression, ...]:
    match expression:
        case And(of=of):
            return of
        case Everything():
            return ()
    return (expression,)


def rest(of: tuple[Expression, ...], chosen: Expression | None) -> tuple[Expression, ...]:
    """All but the chosen one."""
    return tuple(e for e in of if e is not chosen)


def all_of(type_number: int, x: str) -> Source:
    """Every current resource of the type."""
    return Source(
        (f"resource {x}", ()), (f"{x}.type = ? AND {x}.deleted = 0", (type_number,)), f"{x}.pk", True, 9
    )


def estimate(source: Source) -> Statement:
    """How many rows a source has, counted to :data:`MANY` at most."""
    tables, where = source.tables, source.where
    text = f"SELECT count(*) FROM (SELECT 1 FROM {tables[0]} WHERE {where[0]} LIMIT {MANY})"  # noqa: S608
    return Statement(text, (*tables[1], *where[1]))


def total(rendering: Rendering, query: Query, source: Source, others: tuple[Expression, ...]) -> Statement:
    """How many resources match."""
    tests = both(source.where, *(rendering.test(query.type, e, source.pk) for e in others))
    what = "*" if source.ordered else f"DISTINCT {source.pk}"
    text = f"SELECT count({what}) FROM {source.tables[0]} WHERE {tests[0]}"  # noqa: S608
    return Statement(text, (*source.tables[1], *tests[1]))


def stream(
    rendering: Rendering, query: Query, source: Source, others: tuple[Expression, ...], limit: int
) -> Statement:
    """The next ``limit`` numbers of ``source`` in their order."""
    pk = source.pk
    after: Sql = ("1", ()) if query.cursor is None else (f"{pk} > ?", (query.cursor.tie,))
    where = both(source.where, after, *(rendering.test(query.type, e, pk) for e in others))
    distinct = "" if source.ordered else "DISTINCT "
    text = f"SELECT {distinct}{pk} AS pk FROM {source.tables[0]} WHERE {where[0]} ORDER BY {pk} LIMIT ?"  # noqa: S608
    return Statement(text, (*source.tables[1], *where[1], limit))


def gather(
    rendering: Rendering, query: Query, source: Source, others: tuple[Expression, ...], limit: int
) -> Statement:
    """Every match of ``source``, sorted by the keys of the query."""
    where = both(source.where, *(rendering.test(query.type, e, source.pk) for e in others))
    keys = [_key_of(rendering, query.type, key) for key in query.sort]
    inner = f"SELECT DISTINCT {source.pk} AS pk FROM {source.tables[0]} WHERE {where[0]}"  # noqa: S608
    columns = "".join(f", ({text}) AS k{at}" for at, (text, _) in enumerate(keys))
    bound = tuple(p for _, b in keys for p in b)
    middle = f"SELECT m.pk AS pk{columns} FROM ({inner}) m"  # noqa: S608
    after = ("1", ()) if query.cursor is None else _after(query.sort, query.cursor)
    order = ", ".join(_order_of(key, f"k{at}") for at, key in enumerate(query.sort))
    text = (
        f"SELECT * FROM ({middle}) WHERE {after[0]} "  # noqa: S608
        f"ORDER BY {order}, pk {_tie_order(query.sort)} LIMIT ?"
    )
    return Statement(text, (*bound, *source.tables[1], *where[1], *after[1], limit))


def _key_of(rendering: Rendering, type_name: str, key: SortKey) -> Sql:
    if key.kind == "id":
        return "SELECT id FROM resource r WHERE r.pk = m.pk", ()
    if key.kind == "updated":
        return "SELECT updated FROM resource r WHERE r.pk = m.pk", ()
    table = BY_KIND[key.kind]
    extreme = "max" if key.descending else "min"
    text = f"SELECT {extreme}({table.sorted}) FROM {table.name} s WHERE s.pk = m.pk AND s.param = ?"  # noqa: S608
    return text, (rendering.param(type_name, key.param),)


def _order_of(key: SortKey, column: str) -> str:
    return f"{column} {'DESC' if key.descending else 'ASC'} NULLS LAST"


def _tie_order(sort: tuple[SortKey, ...]) -> str:
    return "DESC" if reversed_ties(sort) else "ASC"


def _after(sort: tuple[SortKey, ...], cursor: Cursor) -> Sql:
    """The condition on k0, k1, …, pk to come after the cursor."""
    text = f"pk {'<' if reversed_ties(sort) else '>'} ?"
    bound: tuple[Any, ...] = (cursor.tie,)
    for at in reversed(range(len(sort))):
        key, last = sort[at], cursor.keys[at]
        if last is None:
            text = f"k{at} IS NULL AND ({text})"
            continue
        beyond = "<" if key.descending else ">"
        text = f"(k{at} {beyond} ? OR k{at} IS NULL OR (k{at} = ? AND ({text})))"
        bound = (last, last, *bound)
    return text, bound


def walk(
    rendering: Rendering, query: Query, type_number: int, others: tuple[Expression, ...], limit: int
) -> Statement:
    """Resources that have a value for the one sort key, in its order."""
    key = query.sort[0]
    if key.kind in ("id", "updated"):
        tables, column = "resource d", f"d.{key.kind}"
        own, others = _walked_resources(rendering, type_number, others)
    else:
        table = BY_KIND[key.kind]
        tables, column = f"{table.name} d", f"d.{table.sorted}"
        own, others = _walked_values(rendering, query.type, key, others)
    after: Sql = ("1", ())
    if query.cursor is not None:
        after = (
            f"({column}, d.pk) {'<' if key.descending else '>'} (?, ?)",
            (query.cursor.keys[0], query.cursor.tie),
        )
    where = both(own, after, *(rendering.test(query.type, e, "d.pk") for e in others))
    way = "DESC" if key.descending else "ASC"
    text = f"SELECT d.pk, {column} FROM {tables} WHERE {where[0]} ORDER BY {column} {way}, d.pk {way} LIMIT ?"  # noqa: S608
    return Statement(text, (*where[1], limit))


def _walked_resources(
    rendering: Rendering, type_number: int, others: tuple[Expression, ...]
) -> tuple[Sql, tuple[Expression, ...]]:
    """The condition on rows of ``resource``, with the predicates that its columns answer, and the others."""
    own: Sql = ("d.type = ? AND d.deleted = 0", (type_number,))
    inside = [e for e in others if isinstance(e, IdIs | LastUpdated)]
    return both(own, *(rendering.resource_row(e, "d") for e in inside)), _without(others, inside)


def _walked_values(
    rendering: Rendering, type_name: str, key: SortKey, others: tuple[Expression, ...]
) -> tuple[Sql, tuple[Expression, ...]]:
    """The condition on rows of the key's table; where a resource has only one, it answers dates as well."""
    own: Sql = ("d.param = ?", (rendering.param(type_name, key.param),))
    if not is_single(type_name, key.param):
        return both(own, _is_extreme(key)), others
    inside = [e for e in others if isinstance(e, DateIs) and e.param == key.param]
    return both(own, *(rendering.row(e, "d") for e in inside)), _without(others, inside)


def _without(of: tuple[Expression, ...], taken: Sequence[Expression]) -> tuple[Expression, ...]:
    return tuple(e for e in of if not any(e is t for t in taken))


def _is_extreme(key: SortKey) -> Sql:
    """The row is the one by which its resource is ordered."""
    table = BY_KIND[key.kind]
    columns = [table.sorted, *(c for c in table.columns if c not in ("param", "pk", table.sorted))]
    ours, theirs = (", ".join(f"{x}.{c}" for c in columns) for x in ("d", "o"))
    beyond = ">" if key.descending else "<"
    return (
        f"NOT EXISTS (SELECT 1 FROM {table.name} o "  # noqa: S608
        f"WHERE o.pk = d.pk AND o.param = d.param AND ({theirs}) {beyond} ({ours}))",
        (),
    )


def without_value(
    rendering: Rendering, query: Query, type_number: int, others: tuple[Expression, ...], limit: int
) -> Statement:
    """Resources without a value for the one sort key, in order of number."""
    key = query.sort[0]
    table = BY_KIND[key.kind]
    reverse = reversed_ties(query.sort)
    after: Sql = ("1", ())
    if query.cursor is not None and query.cursor.keys[0] is None:
        after = f"d.pk {'<' if reverse else '>'} ?", (query.cursor.tie,)
    missing = (
        f"NOT EXISTS (SELECT 1 FROM {table.name} o WHERE o.pk = d.pk AND o.param = ?)",  # noqa: S608
        (rendering.param(query.type, key.param),),
    )
    where = both(
        ("d.type = ? AND d.deleted = 0", (type_number,)),
        after,
        missing,
        *(rendering.test(query.type, e, "d.pk") for e in others),
    )
    text = (
        f"SELECT d.pk, NULL FROM resource d WHERE {where[0]} ORDER BY d.pk {_tie_order(query.sort)} LIMIT ?"  # noqa: S608
    )
    return Statement(text, (*where[1], limit))
