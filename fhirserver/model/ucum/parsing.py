"""The grammar of UCUM, case sensitive. https://ucum.org/ucum#section-Syntax-Rules

Some things that R4's list of common units or UCUM's own examples need, and the grammar in that section leaves out, are
read as well: an annotation after a number or a parenthesis (``100/{cells}``, ``g/(8.h){shift}``), spaces in annotations
(``{# of fetuses}``), and a leading ``/`` in parentheses.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

from fhirserver.model.ucum.table import Atom, Prefix, table

LONGEST = 500
DEEPEST = 10
_SYMBOL = re.compile(r"10[*^]|(?:\[[!-Z\\^-z|~]*\]|[!#$%&'*,:;<>?@A-Z\\^_`a-z|~])+")
_NUMBER = re.compile(r"[0-9]{1,40}")
_POWER = re.compile(r"[+-]?[0-9]{1,3}(?![0-9])")
_ANNOTATION = re.compile(r"\{([ -z|~]*)\}")


class Symbol(NamedTuple):
    """An atom, perhaps with a prefix, to a power."""

    prefix: Prefix | None
    atom: Atom
    power: int
    annotation: str


class Factor(NamedTuple):
    """A whole number; 1 for an annotation that stands alone."""

    number: int
    annotation: str


class Group(NamedTuple):
    """A term in parentheses."""

    term: Term
    annotation: str


Component: TypeAlias = "Symbol | Factor | Group"


class Term(NamedTuple):
    """Each component with what stands before it: ``.``, ``/``, or nothing before the first."""

    parts: tuple[tuple[str, Component], ...]


class _Wrong(Exception):
    pass


def parse(code: str) -> Term | None:
    """The unit; None for what UCUM does not know, and for what is over 500 characters or 10 parentheses deep."""
    if not 0 < len(code) <= LONGEST:
        return None
    try:
        term, end = _term(code, 0, 0)
    except _Wrong:
        return None
    return term if end == len(code) else None


def _term(code: str, at: int, depth: int) -> tuple[Term, int]:
    """A term, and where it ends."""
    parts: list[tuple[str, Component]] = []
    before = "/" if code[at : at + 1] == "/" else ""
    at += len(before)
    while True:
        component, at = _component(code, at, depth)
        parts.append((before, component))
        before = code[at : at + 1]
        if before not in (".", "/"):
            return Term(tuple(parts)), at
        at += 1


def _component(code: str, at: int, depth: int) -> tuple[Component, int]:
    if code[at : at + 1] == "(":
        return _group(code, at + 1, depth + 1)
    symbol = _SYMBOL.match(code, at)
    if symbol is not None:
        return _symbol(code, symbol)
    number = _NUMBER.match(code, at)
    if number is None:
        text, end = _annotation(code, at)
        if end == at:
            raise _Wrong
        return Factor(1, text), end
    if int(number[0]) == 0:
        raise _Wrong
    text, end = _annotation(code, number.end())
    return Factor(int(number[0]), text), end


def _group(code: str, at: int, depth: int) -> tuple[Group, int]:
    if depth > DEEPEST:
        raise _Wrong
    term, end = _term(code, at, depth)
    if code[end : end + 1] != ")":
        raise _Wrong
    text, end = _annotation(code, end + 1)
    return Group(term, text), end


def _symbol(code: str, found: re.Match[str]) -> tuple[Symbol, int]:
    meant = table().symbol(found[0])
    if meant is None:
        raise _Wrong
    power = _POWER.match(code, found.end())
    text, end = _annotation(code, power.end() if power else found.end())
    return Symbol(*meant, int(power[0]) if power else 1, text), end


def _annotation(code: str, at: int) -> tuple[str, int]:
    found = _ANNOTATION.match(code, at)
    return (found[1], found.end()) if found else ("", at)
