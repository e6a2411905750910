"""Which search parameters an expression asks about: a resource need not be indexed by any other to be judged by it."""

from __future__ import annotations

from functools import lru_cache

from fhirserver.search.expression import (
    And,
    Differs,
    Everything,
    Expression,
    Has,
    IdIs,
    LastUpdated,
    Not,
    Nothing,
    Or,
    PhraseIs,
    WordIs,
)


@lru_cache(maxsize=4096)
def asked_of(where: Expression) -> frozenset[str] | None:
    """The codes of the parameters; None where more than the values of parameters may be asked."""
    match where:
        case Everything() | Nothing() | IdIs() | LastUpdated():
            return frozenset()
        case And(of) | Or(of):
            found = [asked_of(one) for one in of]
            known = [one for one in found if one is not None]
            return frozenset().union(*known) if len(known) == len(found) else None
        case Not(of) | Differs(of):
            return asked_of(of)
        case Has() | WordIs() | PhraseIs():
            return None
    return frozenset({where.param.partition(":")[0]})
