"""What a unit is in base units. https://ucum.org/ucum#section-Semantics"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from fhirserver.model.ucum.parsing import Component, Factor, Group, Symbol, Term, parse
from fhirserver.model.ucum.table import Atom

_MOST_BITS = 1400
"""Of a factor, some 400 digits: no measurement has more."""


class Unit(NamedTuple):
    """``factor`` times the product of ``dimensions`` (name, power), sorted by name.

    Arbitrary units (``[iU]``) are dimensions of their own: they are comparable only with themselves.
    """

    factor: Fraction
    dimensions: tuple[tuple[str, int], ...]

    @property
    def canonical(self) -> str:
        """The dimensions as a unit: ``g.m-1.s-2``; ``1`` where there are none."""
        return ".".join(name if power == 1 else f"{name}{power}" for name, power in self.dimensions) or "1"


_ONE = Unit(Fraction(1), ())


@lru_cache(4096)
def meaning(code: str, apart: bool = False) -> Unit | None:
    """None for what is no unit, and for numbers of over 400 digits.

    Special units (``Cel``, ``[pH]``, ``B``) have an offset or a logarithm, so that no factor converts them. They have
    the dimensions of what their scale is about, or with ``apart`` are dimensions of their own.
    """
    term = parse(code)
    try:
        return None if term is None else _of_term(term, apart)
    except OverflowError:
        return None


def _of_term(term: Term, apart: bool) -> Unit:
    total = _ONE
    for before, component in term.parts:
        total = multiply(total, _of_component(component, apart), -1 if before == "/" else 1)
    return total


def _of_component(component: Component, apart: bool) -> Unit:
    match component:
        case Factor():
            return Unit(Fraction(component.number), ())
        case Group():
            return _of_term(component.term, apart)
        case Symbol():
            return _of_symbol(component, apart)


def _of_symbol(symbol: Symbol, apart: bool) -> Unit:
    one = _of_atom(symbol.atom, apart)
    if symbol.prefix is not None:
        one = one._replace(factor=one.factor * symbol.prefix.factor)
    return _raised(one, symbol.power)


@lru_cache(1024)
def _of_atom(atom: Atom, apart: bool) -> Unit:
    if atom.is_base or (atom.is_arbitrary and atom.unit == "1") or (atom.is_special and apart):
        return Unit(Fraction(1), ((atom.code, 1),))
    of = meaning(atom.unit, apart)
    if of is None:
        raise ValueError(f"the table defines {atom.code} by what is no unit")
    return Unit(Fraction(atom.value) * of.factor, of.dimensions)


def _raised(one: Unit, power: int) -> Unit:
    if power == 1:
        return one
    longest = max(one.factor.numerator.bit_length(), one.factor.denominator.bit_length())
    if longest * abs(power) > _MOST_BITS:
        raise OverflowError
    return Unit(one.factor**power, _sorted({name: own * power for name, own in one.dimensions}))


def multiply(left: Unit, right: Unit, sign: int = 1) -> Unit:
    """``left`` times ``right``, or over it for ``sign`` -1."""
    powers = dict(left.dimensions)
    for name, power in right.dimensions:
        powers[name] = powers.get(name, 0) + sign * power
    factor = left.factor * right.factor**sign
    if max(factor.numerator.bit_length(), factor.denominator.bit_length()) > _MOST_BITS:
        raise OverflowError
    return Unit(factor, _sorted(powers))


def _sorted(powers: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((name, power) for name, power in powers.items() if power))
