"""Predicates to SQL. Everything that comes from outside is a bound parameter.

A *test* is a condition on the resource number of some row; a *source* is a FROM and WHERE that yields the
numbers of all resources that fulfil a predicate. SQLite keeps CROSS JOINs in the order written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, NamedTuple, TypeAlias, cast

from fhirserver.kernel.json import dumps
from fhirserver.search.expression import (
    And,
    Chain,
    CompositeIs,
    DateIs,
    Differs,
    Everything,
    Expression,
    Has,
    IdIs,
    LastUpdated,
    Missing,
    Near,
    Not,
    Nothing,
    NumberIs,
    Or,
    PhraseIs,
    QuantityIs,
    ReferenceIs,
    SimplePredicate,
    StringIs,
    TokenIn,
    TokenIs,
    UriIs,
    Within,
    WordIs,
)
from fhirserver.search.match import ascii_lower
from fhirserver.search.sphere import box
from fhirserver.search.uris import ancestors, separators
from fhirserver.search.values import fold
from fhirserver.storage.sqlite.index_tables import (
    BY_KIND,
    COMPOSITE,
    DATE,
    NUMBER,
    QUANTITY,
    REFERENCE,
    STRING,
    TOKEN,
    URI,
    Table,
    param_name,
    system_name,
)
from fhirserver.storage.sqlite.index_words import matching, numbers_of

Sql: TypeAlias = tuple[str, tuple[Any, ...]]
RowPredicate: TypeAlias = SimplePredicate | TokenIn | Within | CompositeIs

LAST: Final = "\U0010ffff"
_AMONG: Final = "IN (SELECT value FROM json_each(?))"
_NOWHERE: Final[Sql] = ("0", ())
_EVERYWHERE: Final[Sql] = ("1", ())


class Source(NamedTuple):
    """``SELECT pk FROM tables WHERE where``; ``ordered``: each resource once, in order of ``pk``.

    ``rank`` orders sources by how few resources they are likely to yield, fewest first.
    """

    tables: Sql
    where: Sql
    pk: str
    ordered: bool
    rank: int


_ROW_TESTS: Final[dict[type, Table]] = {
    StringIs: STRING,
    TokenIs: TOKEN,
    TokenIn: TOKEN,
    ReferenceIs: REFERENCE,
    Within: REFERENCE,
    DateIs: DATE,
    NumberIs: NUMBER,
    QuantityIs: QUANTITY,
    UriIs: URI,
    CompositeIs: COMPOSITE,
}

_RANGES: Final = {  # {l} {h}: the value's range; the digits: low or high of the search range
    "eq": ("{l} >= ? AND {l} < ? AND {h} <= ?", (0, 1, 1)),
    "ne": ("NOT ({l} >= ? AND {h} <= ?)", (0, 1)),
    "gt": ("{h} > ?", (1,)),
    "lt": ("{l} < ?", (0,)),
    "ge": ("({h} > ? OR ({l} >= ? AND {h} <= ?))", (1, 0, 1)),
    "le": ("({l} < ? OR ({l} >= ? AND {h} <= ?))", (0, 0, 1)),
    "sa": ("{l} >= ?", (1,)),
    "eb": ("{h} <= ?", (0,)),
    "ap": ("{l} < ? AND {h} > ?", (1, 0)),
}

_NUMBERS: Final = {
    "eq": ("{l} >= ? AND {l} < ? AND {h} < ?", (0, 1, 1)),
    "ne": ("NOT ({l} >= ? AND {h} < ?)", (0, 1)),
    "gt": ("{h} > ?", (1,)),
    "lt": ("{l} < ?", (0,)),
    "ge": ("({h} > ? OR ({l} >= ? AND {h} <= ?))", (1, 0, 1)),
    "le": ("({l} < ? OR ({l} >= ? AND {h} <= ?))", (0, 0, 1)),
    "sa": ("{l} > ?", (1,)),
    "eb": ("{h} < ?", (0,)),
    "ap": ("{l} <= ? AND {h} >= ?", (1, 0)),
}

_QUANTITIES: Final = {
    **_NUMBERS,
    "eq": ("{v} >= ? AND {v} < ? AND {l} >= ? AND {h} < ?", (0, 1, 0, 1)),
}


class OneOf(NamedTuple):
    """Many predicates that differ in their value only, so that one list of values serves them all."""

    like: IdIs | ReferenceIs | TokenIs
    values: tuple[str, ...]


def grouped(of: tuple[Expression, ...]) -> list[Expression | OneOf]:
    """The alternatives, those that can be asked for at once together."""
    groups: dict[Any, list[Any]] = {}
    for e in of:
        groups.setdefault(_group(e), []).append(e)
    found: list[Expression | OneOf] = []
    for key, members in groups.items():
        if len(members) == 1 or key is None:
            found += members
        else:
            found.append(OneOf(members[0], tuple(dict.fromkeys(_value(e) for e in members))))
    return found


def _group(e: Expression) -> Any:
    match e:
        case IdIs():
            return "id"
        case ReferenceIs(param=param, type=type_name):
            return "reference", param, type_name
        case TokenIs(param=param, system=system, code=str()):
            return "token", param, system
    return None


def _value(e: IdIs | ReferenceIs | TokenIs) -> str:
    match e:
        case IdIs(id=value) | ReferenceIs(target=value) | TokenIs(code=str() as value):
            return value
    raise TypeError(type(e).__name__)


def _balanced(tests: list[str]) -> str:
    """The disjunction as a tree: SQLite limits how deep a chain may be."""
    while len(tests) > 1:
        pairs = [tests[at : at + 2] for at in range(0, len(tests), 2)]
        tests = [f"({' OR '.join(pair)})" if len(pair) > 1 else pair[0] for pair in pairs]
    return tests[0]


def both(*parts: Sql) -> Sql:
    """The conjunction of conditions."""
    kept = [part for part in parts if part is not _EVERYWHERE]
    if not kept:
        return _EVERYWHERE
    return " AND ".join(text for text, _ in kept), tuple(p for _, bound in kept for p in bound)


@dataclass(slots=True)
class Rendering:
    """Renders the predicates of one statement; ``find`` gives the number of a name, 0 if it has none."""

    find: Callable[[str], int]
    aliases: count[int]

    @staticmethod
    def begin(find: Callable[[str], int]) -> Rendering:
        return Rendering(find, count())

    # tests

    def test(self, type_name: str, expression: Expression, pk: str) -> Sql:
        """The condition on ``pk``, the number of a resource of ``type_name``."""
        match expression:
            case Everything():
                return _EVERYWHERE
            case Nothing():
                return _NOWHERE
            case And(of=of):
                text, bound = both(*(self.test(type_name, e, pk) for e in of))
                return f"({text})", bound
            case Or(of=of):
                parts = [self._alternative_test(type_name, e, pk) for e in grouped(of)]
                return _balanced([t for t, _ in parts]), tuple(p for _, b in parts for p in b)
            case Not(of=inner):
                text, bound = self.test(type_name, inner, pk)
                return f"NOT ({text})", bound
            case IdIs() | LastUpdated():
                return self._resource_test(expression, pk)
            case WordIs() | PhraseIs():
                return _words_test(expression, pk)
            case Near():
                return self._near_test(type_name, expression, pk)
            case Missing() | Differs():
                return self._lack_test(type_name, expression, pk)
            case Chain():
                return self._chain_test(type_name, expression, pk)
            case Has():
                return self._has_test(type_name, expression, pk)
            case _:  # a TokenAmong is settled by then
                return self._value_test(type_name, cast(RowPredicate, expression), pk)

    def _alternative_test(self, type_name: str, alternative: Expression | OneOf, pk: str) -> Sql:
        if not isinstance(alternative, OneOf):
            return self.test(type_name, alternative, pk)
        x, like = self.alias(), alternative.like
        text, bound = self._one_of_row(type_name, alternative, x, "+")
        table = "resource" if isinstance(like, IdIs) else _ROW_TESTS[type(like)].name
        return f"EXISTS (SELECT 1 FROM {table} {x} WHERE {x}.pk = {pk} AND {text})", bound  # noqa: S608

    def _one_of_row(self, type_name: str, alternative: OneOf, x: str, plus: str = "") -> Sql:
        """The condition on a row of the table: type or parameter, and one of many values."""
        like, values = alternative.like, dumps(alternative.values).decode()
        match like:
            case IdIs():
                bound: tuple[Any, ...] = (self.find(type_name), values)
                return f"{x}.type = ? AND {plus}{x}.id {_AMONG} AND {x}.deleted = 0", bound
            case ReferenceIs(param=param, type=target_type):
                text, more = self._target_type(f"{x}.type", target_type)
                bound = (self.param(type_name, param), values, *more)
                return f"{x}.param = ? AND {plus}{x}.target {_AMONG} AND {text}", bound
            case TokenIs(param=param, system=None):
                return f"{x}.param = ? AND {plus}{x}.code {_AMONG}", (self.param(type_name, param), values)
            case TokenIs(param=param, system=str() as system):
                bound = (self.param(type_name, param), values, self._system(system))
                return f"{x}.param = ? AND {plus}{x}.code {_AMONG} AND {x}.system = ?", bound
        raise TypeError(type(like).__name__)

    def alias(self) -> str:
        return f"x{next(self.aliases)}"

    def param(self, type_name: str, param: str) -> int:
        return self.find(param_name(type_name, param))

    def _resource_test(self, expression: IdIs | LastUpdated, pk: str) -> Sql:
        x = self.alias()
        text, bound = self.resource_row(expression, x)
        return f"EXISTS (SELECT 1 FROM resource {x} WHERE {x}.pk = {pk} AND {text})", bound  # noqa: S608

    def resource_row(self, expression: IdIs | LastUpdated, x: str) -> Sql:
        """The condition on a row of ``resource``."""
        if isinstance(expression, IdIs):
            return f"{x}.id = ?", (expression.id,)
        # An instant covers a millisecond. The column stands alone in each comparison, so that indexes serve it.
        text, order = _RANGES[expression.prefix]
        ends = re.findall(r"\{([lh])\}", text)
        bounds = (expression.low, expression.high)
        shifted = tuple(bounds[at] - 1000 * (end == "h") for at, end in zip(order, ends, strict=True))
        return text.format(l=f"{x}.updated", h=f"{x}.updated"), shifted

    def _value_test(self, type_name: str, predicate: RowPredicate, pk: str) -> Sql:
        table, x = _ROW_TESTS[type(predicate)], self.alias()
        text, bound = self.row(predicate, x)
        if isinstance(predicate, TokenIn):
            text, bound = self._codes_row(x, predicate.sets, f"+{x}.code")
        elif isinstance(predicate, Within):
            text = f"+{text}"
        start = f"EXISTS (SELECT 1 FROM {table.name} {x} WHERE {x}.pk = {pk} AND {x}.param = ? AND {text})"  # noqa: S608
        return start, (self.param(type_name, predicate.param), *bound)

    def _lack_test(self, type_name: str, lack: Missing | Differs, pk: str) -> Sql:
        """Whether there is no row of the parameter, or one that the predicate does not hold for."""
        x = self.alias()
        if isinstance(lack, Missing):
            table, negation, param = BY_KIND[lack.kind], "NOT ", lack.param
            text, bound = _EVERYWHERE
        else:
            table, negation, param = _ROW_TESTS[type(lack.of)], "", lack.of.param
            text, bound = self.row(lack.of, x)
            text = f"NOT ({text})"
        where = f"{x}.pk = {pk} AND {x}.param = ? AND {text}"
        found = f"{negation}EXISTS (SELECT 1 FROM {table.name} {x} WHERE {where})"  # noqa: S608
        return found, (self.param(type_name, param), *bound)

    def _chain_test(self, type_name: str, chain: Chain, pk: str) -> Sql:
        x, y = self.alias(), self.alias()
        text, bound = self.test(chain.type, chain.where, f"{y}.pk")
        if chain.by_url:
            return (
                f"EXISTS (SELECT 1 FROM search_uri {x} CROSS JOIN search_uri {y} "  # noqa: S608
                f"ON {y}.param = ? AND {y}.uri = {x}.uri "
                f"WHERE {x}.pk = {pk} AND {x}.param = ? AND {text})",
                (self.param(chain.type, "url:canonical"), self.param(type_name, chain.param), *bound),
            )
        return (
            f"EXISTS (SELECT 1 FROM search_reference {x} CROSS JOIN resource {y} "  # noqa: S608
            f"ON {y}.type = {x}.type AND {y}.id = {x}.target AND {y}.deleted = 0 "
            f"WHERE {x}.pk = {pk} AND {x}.param = ? AND {x}.type = ? AND {text})",
            (self.param(type_name, chain.param), self.find(chain.type), *bound),
        )

    def _has_test(self, type_name: str, has: Has, pk: str) -> Sql:
        x, y = self.alias(), self.alias()
        text, bound = self.test(has.type, has.where, f"{x}.pk")
        if has.by_url:
            return (
                f"EXISTS (SELECT 1 FROM search_uri {y} CROSS JOIN search_uri {x} "  # noqa: S608
                f"ON {x}.param = ? AND {x}.uri = {y}.uri "
                f"WHERE {y}.pk = {pk} AND {y}.param = ? AND {text})",
                (self.param(has.type, has.param), self.param(type_name, "url:canonical"), *bound),
            )
        return (
            f"EXISTS (SELECT 1 FROM resource {y} CROSS JOIN search_reference {x} "  # noqa: S608
            f"ON {x}.target = {y}.id AND {x}.type = {y}.type "
            f"WHERE {y}.pk = {pk} AND {x}.param = ? AND {text})",
            (self.param(has.type, has.param), *bound),
        )

    # conditions on one row of an index table, its parameter aside

    def row(self, predicate: RowPredicate, x: str) -> Sql:
        match predicate:
            case TokenIs(system=system, code=code):
                return self._token_row(f"{x}.code", f"{x}.system", system, code)
            case TokenIn(sets=sets):
                return self._codes_row(x, sets, f"{x}.code")
            case ReferenceIs(type=type_name, target=target):
                return self._reference_row(f"{x}.target", f"{x}.type", type_name, target)
            case Within():
                return self._within_row(predicate, x)
            case StringIs(text=text, how="exact"):
                return f"{x}.folded = ? AND {x}.text = ?", (fold(text), text)
            case StringIs(text=text, how=how):
                return _text_row(f"{x}.folded", text, how)
            case DateIs(prefix=prefix, low=low, high=high):
                return _ranged(_RANGES[prefix], _ends(x), low, high)
            case NumberIs(prefix=prefix, low=low, high=high):
                return _ranged(_NUMBERS[prefix], _ends(x), low, high)
            case QuantityIs(prefix=prefix, low=low, high=high):
                unit = self._unit_row(predicate, f"{x}.code", f"{x}.system", f"{x}.unit")
                return both(_ranged(_QUANTITIES[prefix], _ends(x), low, high), unit)
            case UriIs(uri=uri, how=how):
                return _uri_row(f"{x}.uri", uri, how)
            case CompositeIs(parts=parts):
                return both(*(self._part_row(part, x, at) for at, part in enumerate(parts, 1)))

    def _system(self, system: str) -> int:
        return (self.find(system_name(system)) or -1) if system else 0

    def _token_row(self, code_column: str, system_column: str, system: str | None, code: str | None) -> Sql:
        if system is None:
            return f"{code_column} = ?", (code,)
        if code is None:
            return f"{system_column} = ?", (self._system(system),)
        return f"{code_column} = ? AND {system_column} = ?", (code, self._system(system))

    def _codes_row(self, x: str, sets: tuple[tuple[str, frozenset[str]], ...], column: str) -> Sql:
        """One of many codes; the first test, on the code alone, is what the key of the table serves.

        With a plus before the column, the code is looked up in the list, not the list in the table: for one
        resource that is thousands of times faster.
        """
        every = dumps(sorted({code for _, codes in sets for code in codes})).decode()
        bound: list[Any] = [every]
        of_system = []
        for system, codes in sets:
            if len(sets) == 1:
                of_system.append(f"{x}.system = ?")
                bound.append(self._system(system))
            else:
                of_system.append(f"{x}.system = ? AND +{x}.code {_AMONG}")
                bound += [self._system(system), dumps(sorted(codes)).decode()]
        return f"{column} {_AMONG} AND ({' OR '.join(of_system)})", tuple(bound)

    def _reference_row(self, target_column: str, type_column: str, type_name: str | None, target: str) -> Sql:
        return both((f"{target_column} = ?", (target,)), self._target_type(type_column, type_name))

    def _within_row(self, within: Within, x: str) -> Sql:
        """The target is reached from the one given, along the references of the hierarchy."""
        type_number, via = self.find(within.type), self.param(within.type, within.via)
        if within.direction == "below":
            step = (
                "SELECT r.id FROM line CROSS JOIN search_reference s "
                "ON s.param = ? AND s.target = line.id AND s.type = ? CROSS JOIN resource r ON r.pk = s.pk"
            )
            bound: tuple[Any, ...] = (via, type_number)
        else:
            step = (
                "SELECT s.target FROM line CROSS JOIN resource r ON r.type = ? AND r.id = line.id "
                "CROSS JOIN search_reference s ON s.pk = r.pk AND s.param = ? AND s.type = ?"
            )
            bound = (type_number, via, type_number)
        line = f"WITH RECURSIVE line (id) AS (SELECT ? UNION {step}) SELECT id FROM line"  # noqa: S608
        return f"{x}.target IN ({line}) AND {x}.type = ?", (within.target, *bound, type_number)

    def _target_type(self, column: str, type_name: str | None) -> Sql:
        if type_name is None:
            return f"{column} <> 0", ()
        return f"{column} = ?", ((self.find(type_name) or -1) if type_name else 0,)

    def _unit_row(self, predicate: QuantityIs, code: str, system: str, unit: str) -> Sql:
        tests: list[Sql] = [_EVERYWHERE]
        if predicate.system is not None:
            tests.append((f"{system} = ?", (self._system(predicate.system),)))
        if predicate.code is not None and predicate.system is not None:
            tests.append((f"{code} = ?", (predicate.code,)))
        elif predicate.code is not None:
            tests.append((f"({code} = ? OR {unit} = ?)", (predicate.code, predicate.code)))
        return both(*tests)

    def _part_row(self, part: SimplePredicate, x: str, at: int) -> Sql:
        """The condition on the ``at``-th component of a row of composites."""
        s, i, t = f"{x}.s{at}", f"{x}.i{at}", f"{x}.t{at}"
        ends = {"l": f"{x}.l{at}", "h": f"{x}.h{at}", "v": f"{x}.n{at}"}
        match part:
            case TokenIs(system=system, code=code):
                return self._token_row(s, i, system, code)
            case ReferenceIs(type=type_name, target=target):
                return self._reference_row(s, i, type_name, target)
            case StringIs(text=text, how=how):
                return _text_row(s, text, how)
            case DateIs(prefix=prefix, low=low, high=high):
                return _ranged(_RANGES[prefix], ends, low, high)
            case NumberIs(prefix=prefix, low=low, high=high):
                return _ranged(_NUMBERS[prefix], ends, low, high)
            case QuantityIs(prefix=prefix, low=low, high=high):
                unit = self._unit_row(part, s, i, t)
                return both(_ranged(_QUANTITIES[prefix], ends, low, high), unit)
            case UriIs(uri=uri, how=how):
                return _uri_row(s, uri, how)

    # sources

    def source(self, type_name: str, expression: Expression) -> Source | None:
        """Where what fulfils ``expression`` can be read; None if only testing all resources would find it."""
        match expression:
            case And(of=of):
                return self._narrowest(type_name, of)
            case Or(of=of):
                return self._union(type_name, of)
            case IdIs(id=wanted):
                x = self.alias()
                where = f"{x}.type = ? AND {x}.id = ? AND {x}.deleted = 0"
                bound = (self.find(type_name), wanted)
                return Source((f"resource {x}", ()), (where, bound), f"{x}.pk", True, 0)
            case WordIs():
                return self._word_source(type_name, expression)
            case Near():
                return self._near_source(type_name, expression)
            case Chain():
                return self._chain_source(type_name, expression)
            case Has():
                return self._has_source(type_name, expression)
            case _ if _is_source(expression):
                return self._value_source(type_name, cast(RowPredicate, expression))
        return None

    def _value_source(self, type_name: str, predicate: RowPredicate) -> Source:
        table, x = _ROW_TESTS[type(predicate)], self.alias()
        text, bound = self.row(predicate, x)
        where = f"{x}.param = ? AND {text}", (self.param(type_name, predicate.param), *bound)
        ordered = isinstance(predicate, TokenIs | ReferenceIs | UriIs) and _is_one_key(predicate)
        return Source((f"{table.name} {x}", ()), where, f"{x}.pk", ordered, _RANKS.get(type(predicate), 5))

    def _word_source(self, type_name: str, word: WordIs) -> Source:
        x, y, z = self.alias(), self.alias(), self.alias()
        tables = (
            f"search_words {x} CROSS JOIN search_document {y} ON {y}.document = {x}.rowid "
            f"CROSS JOIN resource {z} ON {z}.pk = {y}.pk"
        )
        where = f"{x}.search_words MATCH ? AND {z}.type = ? AND {z}.deleted = 0"
        return Source((tables, ()), (where, (matching(word), self.find(type_name))), f"{z}.pk", False, 3)

    def _near_test(self, type_name: str, near: Near, pk: str) -> Sql:
        source = self._near_source(type_name, near)
        text = f"EXISTS (SELECT 1 FROM {source.tables[0]} WHERE {source.pk} = {pk} AND {source.where[0]})"  # noqa: S608
        return text, source.where[1]

    def _near_source(self, type_name: str, near: Near) -> Source:
        """The box around the place on the index of latitudes, then the distance itself."""
        x, y = self.alias(), self.alias()
        tables = f"search_number {x} CROSS JOIN search_number {y} ON {y}.pk = {x}.pk"
        where = (
            f"{x}.param = ? AND {x}.low >= ? AND {x}.low <= ? AND {y}.param = ? AND {y}.low >= ? AND {y}.low <= ? "
            f"AND sphere_distance(?, ?, {x}.low, {y}.low) <= ?"
        )
        south, north, west, east = box(near)
        latitudes, longitudes = (
            self.param(type_name, f"{near.param}:{name}") for name in ("latitude", "longitude")
        )
        here = (near.latitude, near.longitude, near.metres)
        bound = (latitudes, south, north, longitudes, west, east, *here)
        return Source((tables, ()), (where, bound), f"{x}.pk", False, 4)

    def _narrowest(self, type_name: str, of: tuple[Expression, ...]) -> Source | None:
        """The source of the most selective predicate, with tests for the others."""
        sources = [(self.source(type_name, e), e) for e in of]
        found = [(s, e) for s, e in sources if s is not None]
        if not found:
            return None
        best, chosen = min(found, key=lambda pair: pair[0].rank)
        tests = [self.test(type_name, e, best.pk) for e in of if e is not chosen]
        return best._replace(where=both(best.where, *tests))

    def _union(self, type_name: str, of: tuple[Expression, ...]) -> Source | None:
        sources = [self._alternative_source(type_name, e) for e in grouped(of)]
        found = [s for s in sources if s is not None]
        if len(found) < len(sources) or len(found) > _WIDEST:
            return None
        if len(found) == 1:
            return found[0]
        text = " UNION ALL ".join(f"SELECT {s.pk} AS pk FROM {s.tables[0]} WHERE {s.where[0]}" for s in found)  # noqa: S608
        bound = tuple(p for s in found for p in (*s.tables[1], *s.where[1]))
        x = self.alias()
        return Source((f"({text}) {x}", bound), _EVERYWHERE, f"{x}.pk", False, max(s.rank for s in found))

    def _alternative_source(self, type_name: str, alternative: Expression | OneOf) -> Source | None:
        if not isinstance(alternative, OneOf):
            return self.source(type_name, alternative)
        x, like = self.alias(), alternative.like
        where = self._one_of_row(type_name, alternative, x)
        if isinstance(like, IdIs):
            return Source((f"resource {x}", ()), where, f"{x}.pk", False, 0)
        return Source((f"{_ROW_TESTS[type(like)].name} {x}", ()), where, f"{x}.pk", False, 2)

    def _chain_source(self, type_name: str, chain: Chain) -> Source | None:
        inner = self.source(chain.type, chain.where)
        if inner is None:
            return None
        x, y = self.alias(), self.alias()
        if chain.by_url:
            there, here = self.param(chain.type, "url:canonical"), self.param(type_name, chain.param)
            return self._url_source(inner, there, here)
        where = (
            f"{y}.pk = {inner.pk} AND {x}.param = ? AND {x}.target = {y}.id AND {x}.type = ?",
            (self.param(type_name, chain.param), self.find(chain.type)),
        )
        tables = f"{inner.tables[0]} CROSS JOIN resource {y} CROSS JOIN search_reference {x}", inner.tables[1]
        return Source(tables, both(inner.where, where), f"{x}.pk", False, inner.rank + 1)

    def _url_source(self, inner: Source, there: int, here: int) -> Source:
        """What has under parameter ``here`` a uri that a resource of ``inner`` has under ``there``."""
        x, y = self.alias(), self.alias()
        url = f"{y}.pk = {inner.pk} AND {y}.param = ? AND {x}.param = ? AND {x}.uri = {y}.uri"
        joined = f"{inner.tables[0]} CROSS JOIN search_uri {y} CROSS JOIN search_uri {x}", inner.tables[1]
        where = both(inner.where, (url, (there, here)))
        return Source(joined, where, f"{x}.pk", False, inner.rank + 1)

    def _has_source(self, type_name: str, has: Has) -> Source | None:
        inner = self.source(has.type, has.where)
        if inner is None:
            return None
        x, y = self.alias(), self.alias()
        if has.by_url:
            there, here = self.param(has.type, has.param), self.param(type_name, "url:canonical")
            return self._url_source(inner, there, here)
        where = (
            f"{x}.pk = {inner.pk} AND {x}.param = ? AND {x}.type = ? "
            f"AND {y}.type = {x}.type AND {y}.id = {x}.target AND {y}.deleted = 0",
            (self.param(has.type, has.param), self.find(type_name)),
        )
        tables = f"{inner.tables[0]} CROSS JOIN search_reference {x} CROSS JOIN resource {y}", inner.tables[1]
        return Source(tables, both(inner.where, where), f"{y}.pk", False, inner.rank + 1)


_WIDEST: Final = 100
"""A union of more sources than this is not one (SQLite allows 500)."""

_RANKS: Final = {
    ReferenceIs: 1,
    StringIs: 3,
    TokenIs: 2,
    TokenIn: 3,
    Within: 3,
    UriIs: 3,
    CompositeIs: 3,
    DateIs: 4,
    NumberIs: 4,
}


def _is_source(expression: Expression) -> bool:
    """Whether the clustered key narrows the predicate down."""
    match expression:
        case TokenIs(code=code):
            return code is not None
        case StringIs(how=how):
            return how not in ("contains", "ends")
        case UriIs(how=how):
            return how != "contains"
        case DateIs(prefix=prefix) | NumberIs(prefix=prefix) | QuantityIs(prefix=prefix):
            return prefix == "eq"
        case CompositeIs(parts=(first, *_)):
            return isinstance(first, TokenIs | ReferenceIs) and _is_source(first)
        case ReferenceIs() | TokenIn() | Within():
            return True
    return False


def _is_one_key(predicate: TokenIs | ReferenceIs | UriIs) -> bool:
    """Whether one resource can have only one row for it, so that rows come in order of ``pk``."""
    match predicate:
        case TokenIs(system=system, code=code):
            return system is not None and code is not None
        case ReferenceIs(type=type_name):
            return type_name is not None
        case UriIs(how=how):
            return how == "exact"


def _words_test(expression: WordIs | PhraseIs, pk: str) -> Sql:
    if isinstance(expression, WordIs):
        text, bound = numbers_of(expression)
        return f"{pk} IN ({text})", bound
    text = f"has_phrase((SELECT content FROM resource r WHERE r.pk = {pk}), ?, ?)"  # noqa: S608
    return text, (expression.param, " ".join(expression.words))


def _ends(x: str) -> dict[str, str]:
    return {"l": f"{x}.low", "h": f"{x}.high", "v": f"{x}.value"}


def _ranged(template: tuple[str, tuple[int, ...]], ends: dict[str, str], low: float, high: float) -> Sql:
    text, order = template
    bounds = (low, high)
    return text.format(**ends), tuple(bounds[at] for at in order)


def _text_row(column: str, text: str, how: str) -> Sql:
    if how == "contains":
        return f"instr({column}, ?) > 0", (text,)
    if how == "ends":
        return f"substr({column}, ?) = ?", (-len(text), text)
    if how == "whole":
        return f"{column} = ?", (text,)
    return f"{column} >= ? AND {column} < ?", (text, text + LAST)


def _uri_row(column: str, uri: str, how: str) -> Sql:
    match how:
        case "exact":
            return f"{column} = ?", (uri,)
        case "above":
            above = ancestors(uri)
            return f"{column} IN ({', '.join('?' * len(above))})", tuple(above)
        case "contains":
            return f"instr(lower({column}), ?) > 0", (ascii_lower(uri),)
    ends = separators(uri)
    under = "1" if uri[-1] in ends else f"(length({column}) = ? OR instr(?, substr({column}, ?, 1)) > 0)"
    bound = () if uri[-1] in ends else (len(uri), ends, len(uri) + 1)
    return f"{column} >= ? AND {column} < ? AND {under}", (uri, uri + LAST, *bound)
