"""Members of reference sets, and the history supplements that come from the association reference sets.

Of a reference set is kept which concepts its active members refer to; of association reference sets also to what they
point (a property with the id of the set). Other fields are not kept, and asking for them is refused.
https://docs.snomed.org (ECL 2.2, 6.10 and 6.11)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from terminology.ecl.budget import Budget
from terminology.ecl.model import Any, Compound, Constraint, Filter, MemberOf, Reference, Related, unsupported
from terminology.ecl.substrate import MEMBER_OF, Substrate
from terminology.positions import Positions

ASSOCIATIONS = Related("<", Reference("900000000000522004"))
"""< 900000000000522004 |Historical association reference set|"""
MOVED = frozenset({"900000000000524003", "900000000000525002"})
"""MOVED TO points to a namespace, MOVED FROM the other way round: neither is for history supplements."""
_TARGET, _SOURCE = "targetcomponentid", "referencedcomponentid"


class ReferenceSets:
    def __init__(self, on: Substrate, select: Callable[[Constraint], Positions], budget: Budget):
        self._on, self._select, self._budget = on, select, budget

    def members(self, constraint: MemberOf) -> Positions:
        sets = self._sets(constraint.inner)
        field = constraint.fields[0].lower() if constraint.fields else _SOURCE
        if field == _SOURCE and not [one for one in constraint.filters if one.name != "active"]:
            self._check_active(constraint.filters)
            return self._of(self._on.having(MEMBER_OF, sets))
        rows = self._kept_rows(sets, constraint.filters)
        if field == _TARGET:
            return self._of(n for _, target in rows if (n := self._on.number(target)) is not None)
        if field != _SOURCE:
            raise unsupported(
                "of reference sets only referencedComponentId and targetComponentId are kept here"
            )
        return self._of(source for source, _ in rows)

    def _of(self, numbers: Iterable[int]) -> Positions:
        return Positions.of(self._budget.watch(numbers), self._on.size)

    def _sets(self, constraint: Constraint) -> list[str]:
        """The reference sets: by their codes, also where a set is no concept of the system."""
        if isinstance(constraint, Any):
            return list(dict.fromkeys(value for _, _, value in self._budget.watch(self._on.rows(MEMBER_OF))))
        if isinstance(constraint, Reference):
            return [constraint.code]
        if isinstance(constraint, Compound) and constraint.operator == "or":
            return list(dict.fromkeys(code for part in constraint.parts for code in self._sets(part)))
        return list(self._on.codes(self._select(constraint)))

    def _kept_rows(self, sets: Iterable[str], filters: Iterable[Filter]) -> Iterator[tuple[int, str]]:
        rows = self._budget.watch((n, target) for one in sets for n, _, target in self._on.rows(one))
        kept = [self._condition(one) for one in filters]
        return (row for row in rows if all(holds(row) for holds in kept))

    def _condition(self, one: Filter) -> Callable[[tuple[int, str]], bool]:
        if one.name == "active":
            self._check_active((one,))
            return lambda row: True
        if one.name not in (_TARGET, _SOURCE) or not isinstance(one.value, _CONSTRAINTS):
            raise unsupported(
                "of reference sets only referencedComponentId and targetComponentId are kept here"
            )
        wanted = self._select(one.value)
        equal = one.operator == "="
        if one.name == _SOURCE:
            return lambda row: (row[0] in wanted) == equal
        codes = frozenset(self._on.codes(wanted))
        return lambda row: (row[1] in codes) == equal

    def _check_active(self, filters: Iterable[Filter]) -> None:
        for one in filters:
            if (one.value == ("true",)) != (one.operator == "="):
                raise unsupported("inactive members of reference sets are not kept here")

    # History

    def replaced_by(self, found: Positions, sets: Constraint | None) -> Positions:
        """The inactive concepts that the association reference sets lead from to one of ``found``."""
        names = list(self._on.codes(self._select(ASSOCIATIONS))) if sets is None else self._sets(sets)
        if sets is None and not names:
            raise unsupported("which historical association reference sets there are is not known here")
        codes = frozenset(self._on.codes(found))
        rows = (row for one in names if one not in MOVED for row in self._on.rows(one))
        return self._of(source for source, _, target in rows if target in codes)


_CONSTRAINTS = Constraint.__args__
