"""The index tables: one per parameter type, each clustered by value and indexed by resource.

Clustered by (param, value, pk), a search reads its answers in order; by (pk, param), a resource found some
other way is tested and sorted. ``param``, ``system`` and ``type`` are numbers of names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from fhirserver.search.values import (
    CompositeValue,
    DateValue,
    IndexValue,
    NumberValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
)


class Table(NamedTuple):
    """A table's columns in the order of its key; ``sorted`` is what an order by the parameter compares.

    ``indexed``: also by resource.
    """

    name: str
    columns: tuple[str, ...]
    sorted: str
    indexed: bool = True

    @property
    def schema(self) -> str:
        columns = ", ".join(f"{c} {_AFFINITY.get(c.rstrip('123'), 'TEXT')} NOT NULL" for c in self.columns)
        table = f"({columns}, PRIMARY KEY ({', '.join(self.columns)})) WITHOUT ROWID;\n"
        table = f"CREATE TABLE IF NOT EXISTS {self.name} {table}"
        if not self.indexed:
            return table
        by_resource = ", ".join(["pk", *(c for c in self.columns if c != "pk")])
        return f"{table}CREATE INDEX IF NOT EXISTS {self.name}_pk ON {self.name} ({by_resource});\n"

    def insert(self, rows: int = 1) -> str:
        """The statement that inserts so many rows; those that are there already are left as they are."""
        places = f"({', '.join('?' * len(self.columns))})"
        values = ", ".join([places] * rows)
        return f"INSERT OR IGNORE INTO {self.name} ({', '.join(self.columns)}) VALUES {values}"  # noqa: S608

    @property
    def delete(self) -> str:
        tests = " AND ".join(f"{column} = ?" for column in self.columns)
        return f"DELETE FROM {self.name} WHERE {tests}"  # noqa: S608


# REAL columns hold numbers; a quantity's low and high too. Dates are whole microseconds.
_AFFINITY: Final = {
    "param": "INTEGER",
    "pk": "INTEGER",
    "system": "INTEGER",
    "type": "INTEGER",
    "low": "NUMERIC",
    "high": "NUMERIC",
    "value": "NUMERIC",
    "i": "INTEGER",
    "n": "NUMERIC",
    "l": "NUMERIC",
    "h": "NUMERIC",
}

_PART: Final = ("s", "i", "n", "l", "h", "t")
_PARTS: Final = tuple(f"{column}{number}" for number in (1, 2, 3) for column in _PART)

STRING = Table("search_string", ("param", "folded", "pk", "text"), "folded")
TOKEN = Table("search_token", ("param", "code", "pk", "system"), "code")
REFERENCE = Table("search_reference", ("param", "target", "pk", "type"), "target")
DATE = Table("search_date", ("param", "low", "pk", "high"), "low")
NUMBER = Table("search_number", ("param", "low", "pk", "high"), "low")
QUANTITY = Table(
    "search_quantity", ("param", "value", "pk", "low", "high", "code", "system", "unit"), "value"
)
URI = Table("search_uri", ("param", "uri", "pk"), "uri")
COMPOSITE = Table("search_composite", ("param", "s1", "pk", *_PARTS[1:]), "s1")

BY_KIND: Final = {
    "string": STRING,
    "token": TOKEN,
    "reference": REFERENCE,
    "date": DATE,
    "number": NUMBER,
    "quantity": QUANTITY,
    "uri": URI,
    "composite": COMPOSITE,
}

Number = Callable[[str], int]
"""Gives the number of a name."""


def system_name(system: str) -> str:
    """The name under which a token's system is numbered; no system is number 0 and has none."""
    return f"system {system}"


def param_name(type_name: str, param: str) -> str:
    """The name under which a parameter of a resource type is numbered."""
    return f"{type_name}?{param}"


class _Remembered(dict[str, int]):
    """Numbers of names that begin with ``prefix``, asked for once."""

    def __init__(self, number: Number, prefix: str, known: dict[str, int]):
        super().__init__(known)
        self._number, self._prefix = number, prefix

    def __missing__(self, name: str) -> int:
        found = self[name] = self._number(self._prefix + name)
        return found


class Numbers:
    """The numbers that rows hold in place of names, given now where there are none.

    They are remembered: to be made anew after a rollback.
    """

    def __init__(self, number: Number):
        self._number = number
        self._params: dict[str, dict[str, int]] = {}
        self.systems: dict[str, int] = _Remembered(number, system_name(""), {"": 0})
        self.types: dict[str, int] = _Remembered(number, "", {"": 0})

    def params(self, type_name: str) -> dict[str, int]:
        """The numbers of a type's parameters."""
        known = self._params.get(type_name)
        if known is None:
            known = self._params[type_name] = _Remembered(self._number, param_name(type_name, ""), {})
        return known


def _token(numbers: Numbers, param: int, pk: int, value: TokenValue) -> tuple[Any, ...]:
    return param, value[2], pk, numbers.systems[value[1]]


def _string(numbers: Numbers, param: int, pk: int, value: StringValue) -> tuple[Any, ...]:
    return param, value[1], pk, value[2]


def _reference(numbers: Numbers, param: int, pk: int, value: ReferenceValue) -> tuple[Any, ...]:
    return param, value[2], pk, numbers.types[value[1]]


def _range(numbers: Numbers, param: int, pk: int, value: DateValue | NumberValue) -> tuple[Any, ...]:
    return param, value[1], pk, value[2]


def _quantity(numbers: Numbers, param: int, pk: int, value: QuantityValue) -> tuple[Any, ...]:
    unit = (value.code, numbers.systems[value.system], value.unit)
    return param, value.value, pk, value.low, value.high, *unit


def _uri(numbers: Numbers, param: int, pk: int, value: UriValue) -> tuple[Any, ...]:
    return param, value.uri, pk


def _composite(numbers: Numbers, param: int, pk: int, value: CompositeValue) -> tuple[Any, ...]:
    columns = [column for part in value.parts for column in _part(numbers, part)]
    columns += _NO_PART * (3 - len(value.parts))
    return param, columns[0], pk, *columns[1:]


ROWS: Final[dict[type, tuple[Table, Callable[[Numbers, int, int, Any], tuple[Any, ...]]]]] = {
    TokenValue: (TOKEN, _token),
    StringValue: (STRING, _string),
    ReferenceValue: (REFERENCE, _reference),
    DateValue: (DATE, _range),
    NumberValue: (NUMBER, _range),
    QuantityValue: (QUANTITY, _quantity),
    UriValue: (URI, _uri),
    CompositeValue: (COMPOSITE, _composite),
}
"""By class of value: its table, and what makes its row of the number of its parameter."""

_NO_PART: Final[list[Any]] = ["", 0, 0, 0, 0, ""]


def _part(numbers: Numbers, value: IndexValue) -> list[Any]:
    """A component as text, number of its system or type, value, low, high, unit."""
    match value:
        case TokenValue(system=system, code=code):
            return [code, numbers.systems[system], 0, 0, 0, ""]
        case StringValue(folded=folded):
            return [folded, 0, 0, 0, 0, ""]
        case ReferenceValue(type=target_type, target=target):
            return [target, numbers.types[target_type], 0, 0, 0, ""]
        case DateValue(low=low, high=high) | NumberValue(low=low, high=high):
            return ["", 0, low, low, high, ""]
        case QuantityValue():
            of_unit = numbers.systems[value.system]
            return [value.code, of_unit, value.value, value.low, value.high, value.unit]
        case UriValue(uri=uri):
            return [uri, 0, 0, 0, 0, ""]
    return _NO_PART
