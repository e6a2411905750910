"""The official table of UCUM: its prefixes and the atoms that all units are made of.

https://ucum.org/ucum#section-Tables-of-Terminal-Symbols: ``ucum-essence.xml`` as it is published (NOTICE says whose it
is), compressed.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, fromstring

DATA = Path(__file__).parent.parent / "data" / "ucum-essence.xml.xz"
_NAMESPACE = "{http://unitsofmeasure.org/ucum-essence}"
_LEVELS = {
    "sup": str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"),
    "sub": str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"),
}


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
    root = fromstring(lzma.decompress(DATA.read_bytes()))  # noqa: S314 - it is a part of the program
    prefixes = [_prefix(item) for item in root if _name(item) == "prefix"]
    atoms = [_atom(item) for item in root if _name(item) != "prefix"]
    return Table(
        root.get("version", ""),
        root.get("revision-date", ""),
        {one.code: one for one in prefixes},
        {one.code: one for one in atoms},
    )


def _name(item: Element) -> str:
    return item.tag.removeprefix(_NAMESPACE)


def _prefix(item: Element) -> Prefix:
    value = item.find(f"{_NAMESPACE}value")
    factor = Fraction("1" if value is None else value.get("value", "1"))
    return Prefix(item.get("Code", ""), _text(item, "name"), _text(item, "printSymbol"), factor)


def _atom(item: Element) -> Atom:
    value, unit = _definition(item)
    return Atom(
        code=item.get("Code", ""),
        names=tuple(name.text or "" for name in item.iter(f"{_NAMESPACE}name")),
        symbol=_text(item, "printSymbol"),
        kind=_text(item, "property"),
        is_metric=_name(item) == "base-unit" or item.get("isMetric") == "yes",
        is_special=item.get("isSpecial") == "yes",
        is_arbitrary=item.get("isArbitrary") == "yes",
        value=value,
        unit=unit,
    )


def _definition(item: Element) -> tuple[str, str]:
    """Value and unit; those of its function's argument for a special unit, nothing for a base unit."""
    value = item.find(f"{_NAMESPACE}value")
    if value is None:
        return "", ""
    function = value.find(f"{_NAMESPACE}function")
    if function is not None:
        return function.get("value", ""), function.get("Unit", "")
    return value.get("value", ""), value.get("Unit", "")


def _text(item: Element, name: str) -> str:
    found = item.find(f"{_NAMESPACE}{name}")
    return "" if found is None else " ".join("".join(_spoken(found)).split())


def _spoken(item: Element) -> Iterator[str]:
    """The text, with digits raised and lowered where the table has them so."""
    yield item.text or ""
    for part in item:
        inner = "".join(_spoken(part)).strip()
        level = _LEVELS.get(_name(part), {})
        yield inner.translate(level) if all(ord(sign) in level for sign in inner) else inner
        yield part.tail if part.tail and part.tail.strip() else ""
