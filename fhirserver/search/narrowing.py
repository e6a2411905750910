"""A query for somebody who may not see everything: what it finds, and what it asks of other resources on the way.

Whatever a search can tell about a resource (that a chain leads to it, that it refers to one, that it has a value) is
only told of resources for which the conditions of the reader hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fhirserver.search.elements import elements_of
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
        _together(type, condition(type), narrowed_to(type, where, condition, check))
        for type, where in query.by_type()
    ]
    if not query.type:
        return replace(query, wheres=tuple(wheres))
    return query if wheres[0] is query.where else replace(query, where=wheres[0])


def _together(type: str, known: Expression, asked: Expression) -> Expression:
    """Both hold. What is asked is all, where it says what the condition says: most apps name the patient themselves."""
    stated = asked.of if isinstance(asked, And) else (asked,)
    enough = known.of if isinstance(known, Or) else (known,)
    if any(one == other or _says(type, one, other) for one in stated for other in enough):
        return asked
    return conjunction([known, asked])


def _says(type: str, asked: Expression, known: Expression) -> bool:
    """Whether a reference by one parameter is one by the other: by ``patient`` to a Patient, and by ``subject``."""
    return (
        isinstance(asked, ReferenceIs)
        and isinstance(known, ReferenceIs)
        and known.type is not None
        and (asked.type, asked.target) == (known.type, known.target)
        and elements_of(type, asked.param, known.type) <= elements_of(type, known.param, known.type)
    )


def narrowed_to(type: str, where: Expression, condition: Condition, check: Check) -> Expression:
    """What is asked of a resource of a type, and of others only as far as the conditions hold for them."""
    match where:
        case And(of) | Or(of):
            found = tuple([narrowed_to(type, one, condition, check) for one in of])
            changed = any(one is not old for one, old in zip(found, of, strict=True))
            return replace(where, of=found) if changed else where
        case Not(of):
            inner = narrowed_to(type, of, condition, check)
            return where if inner is of else Not(inner)
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
