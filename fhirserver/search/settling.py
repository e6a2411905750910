"""Sets of codes that are not listed, settled for the codes that a storage holds before it searches.

A value set may have a hundred thousand codes, or codes without end; the resources of a type have some hundred
different ones under a parameter. Each of those is asked about, in a thread, since another server may have to be asked;
what is then searched for is a list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeAlias, TypeVar

from fhirserver.search.expression import (
    And,
    Chain,
    CodeSet,
    Expression,
    Has,
    Not,
    Nothing,
    Or,
    Query,
    TokenAmong,
    TokenIn,
)

Found = TypeVar("Found")
CodesInUse: TypeAlias = Callable[[str, str], Awaitable[Sequence[str]]]
"""``(resource type, parameter)`` → the different codes that current resources have under it."""

_ATTEMPTS = 3


async def settling(query: Query, in_use: CodesInUse, search: Callable[[Query], Awaitable[Found]]) -> Found:
    """What ``search`` finds for the query, whose sets of codes are settled by then.

    A code that is first used between the two steps could be taken for one outside of the set. So it is looked at the
    codes again where that would matter.
    """
    if not is_open(query):
        return await search(query)
    settled = await _settled(query, in_use)
    for _ in range(_ATTEMPTS):
        found = await search(settled)
        again = await _settled(query, in_use) if _excludes(query) else settled
        if again == settled:
            break
        settled = again
    return found


def is_open(query: Query) -> bool:
    """Whether a set of codes is still to be settled: on the way of every search."""
    return _is_open(query.where) or any(map(_is_open, query.wheres))


def _is_open(where: Expression) -> bool:
    match where:
        case And(of) | Or(of):
            return True in [_is_open(one) for one in of]  # a generator costs twice as much
        case Not(of):
            return _is_open(of)
        case Chain() | Has():
            return _is_open(where.where)
    return isinstance(where, TokenAmong)


def _excludes(query: Query) -> bool:
    """Whether resources may be found for codes that they do not have."""
    return any(map(_has_not, (query.where, *query.wheres)))


def _has_not(where: Expression) -> bool:
    match where:
        case And(of) | Or(of):
            return any(map(_has_not, of))
        case Not(of):
            return _is_open(of)
        case Chain() | Has():
            return _has_not(where.where)
    return False


async def _settled(query: Query, in_use: CodesInUse) -> Query:
    if query.type:
        return replace(query, where=await _expression(query.type, query.where, in_use))
    wheres = [await _expression(type, where, in_use) for type, where in query.by_type()]
    return replace(query, wheres=tuple(wheres))


async def _expression(type: str, where: Expression, in_use: CodesInUse) -> Expression:
    match where:
        case And(of):
            return And(tuple([await _expression(type, one, in_use) for one in of]))
        case Or(of):
            return Or(tuple([await _expression(type, one, in_use) for one in of]))
        case Not(of):
            return Not(await _expression(type, of, in_use))
        case Chain() | Has():
            return replace(where, where=await _expression(where.type, where.where, in_use))
        case TokenAmong(param, codes):
            used = await in_use(type, param)
            return await asyncio.to_thread(_among, param, codes, used)
    return where


def _among(param: str, codes: CodeSet, used: Sequence[str]) -> Expression:
    """The used codes that are in the set; a code that two systems have is looked for in the right one."""
    sets = [(system, codes.members(system, used)) for system in codes.systems] if used else []
    kept = tuple((system, members) for system, members in sets if members)
    return TokenIn(param, kept) if kept else Nothing()
