"""A query for somebody who may not see everything: what it finds, and what it asks of other resources on the way.

Whatever a search can tell about a resource (that a chain leads to it, that it refers to one, that it has a value) is
only told of resources for which the conditions of the reader hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fhirserver.search.expression import (
    And,
    Chain,
    Everything,
    Expression,
    Has,
    Not,
    Nothing,
    Or,
    Query,
    ReferenceIs,
    SortKey,
    Within,
    conjunction,
)

Condition = Callable[[str], Expression]
"""What must hold of a resource of a type for the reader to know of it."""
Check = Callable[[str, Expression | SortKey], None]
"""Refuses what may not be asked of a type, or sorted by."""


def narrowed(query: Query, condition: Condition, check: Check) -> Query:
    """The query as the reader may ask it. Raises what ``check`` raises."""
    for type in (query.type, *query.types):
        for key in query.sort if type else ():
            check(type, key)
    wheres = [
        conjunction([condition(type), narrowed_to(type, where, condition, check)])
        for type, where in query.by_type()
    ]
    return replace(query, where=wheres[0]) if query.type else replace(query, wheres=tuple(wheres))


def narrowed_to(type: str, where: Expression, condition: Condition, check: Check) -> Expression:
    """What is asked of a resource of a type, and of others only as far as the conditions hold for them."""
    match where:
        case And(of):
            return And(tuple(narrowed_to(type, one, condition, check) for one in of))
        case Or(of):
            return Or(tuple(narrowed_to(type, one, condition, check) for one in of))
        case Not(of):
            return Not(narrowed_to(type, of, condition, check))
        case Chain() | Has():
            return _joined(type, where, condition, check)
        case Within():
            check(type, where)
            return _line(where, condition)
    check(type, where)
    return where


def _joined(type: str, join: Chain | Has, condition: Condition, check: Check) -> Expression:
    """A join to resources that the reader may know of; nothing where there can be none."""
    if isinstance(join, Chain):
        check(type, join)
    else:
        check(join.type, join)
    known = condition(join.type)
    if isinstance(known, Nothing):
        return Nothing()
    inner = conjunction([known, narrowed_to(join.type, join.where, condition, check)])
    return replace(join, where=inner)


def _line(within: Within, condition: Condition) -> Expression:
    """The line above or below a resource leads through others: it is followed where all of them may be known."""
    if isinstance(condition(within.type), Everything):
        return within
    return ReferenceIs(within.param, within.type, within.target)
