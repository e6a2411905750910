"""The official table of UCUM: its prefixes and the atoms that all units are made of.

https://ucum.org/ucum#section-Tables-of-Terminal-Symbols, as ``ucum-essence.xml`` has it (NOTICE says whose it is).
"""

from __future__ import annotations

import lzma
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from fhirserver.kernel.json import loads

DATA = Path(__file__).parent.parent / "data" / "ucum.json.xz"
_METRIC, _SPECIAL, _ARBITRARY = 1, 2, 4


class Prefix(NamedTuple):
    code: str
    name: str
    symbol: str
    factor: Fraction


class Atom(NamedTuple):
    """A symbol that means a unit: ``value`` times ``unit``; base units have neither.

    A special one is on a scale of its own (``Cel``, ``[pH]``): ``value`` and ``unit`` are those that its function is
    about. An arbitrary one (``[iU]``) is defined by a procedure, and comparable only with itself.
    """

    code: str
    names: tuple[str, ...]
    symbol: str
    kind: str
    """The kind of quantity: ``length``, ``mass concentration`` …"""
    is_metric: bool
    is_special: bool
    is_arbitrary: bool
    value: str
    unit: str

    @property
    def is_base(self) -> bool:
        return not self.unit


class Table(NamedTuple):
    version: str
    date: str
    prefixes: Mapping[str, Prefix]
    atoms: Mapping[str, Atom]

    def symbol(self, text: str) -> tuple[Prefix | None, Atom] | None:
        """The atom, with a prefix where it is metric; None for what is no symbol of UCUM."""
        whole = self.atoms.get(text)
        if whole is not None:
            return None, whole
        for length in (2, 1):
            prefix, atom = self.prefixes.get(text[:length]), self.atoms.get(text[length:])
            if prefix is not None and atom is not None and atom.is_metric:
                return prefix, atom
        return None


@lru_cache(1)
def table() -> Table:
    """Read once, when it is first needed."""
    packed = loads(lzma.decompress(DATA.read_bytes()))
    prefixes = (Prefix(c, n, s, Fraction(base) ** power) for c, n, s, power, base in packed["prefixes"])
    atoms = (_atom(row) for row in packed["units"])
    return Table(
        str(packed["version"]),
        str(packed["date"]),
        {one.code: one for one in prefixes},
        {one.code: one for one in atoms},
    )


def _atom(row: list[object]) -> Atom:
    code, names, symbol, kind, flags, value, unit = row
    assert isinstance(flags, int) and isinstance(names, list)
    return Atom(
        code=str(code),
        names=tuple(names),
        symbol=str(symbol),
        kind=str(kind),
        is_metric=bool(flags & _METRIC),
        is_special=bool(flags & _SPECIAL),
        is_arbitrary=bool(flags & _ARBITRARY),
        value=str(value),
        unit=str(unit),
    )
