"""Which concepts satisfy a constraint, as sets of positions. https://docs.snomed.org (ECL 2.2, behaviour)

Hierarchies, relationships and reference sets are those that are active; concepts are also the inactive ones, as the
specification's default substrate has it (they have no relationships, so that hierarchy and refinements leave them out).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from terminology.ecl.budget import Budget
from terminology.ecl.filters import FilterReader
from terminology.ecl.model import (
    Any,
    Compound,
    Constraint,
    Dotted,
    Filtered,
    MemberOf,
    Reference,
    Refined,
    Related,
    WithHistory,
)
from terminology.ecl.reference_sets import ReferenceSets
from terminology.ecl.refinements import RefinementReader
from terminology.ecl.substrate import Substrate
from terminology.positions import Positions


class Evaluator:
    """Evaluates constraints on one system. Equal parts of one constraint are evaluated once."""

    def __init__(self, on: Substrate, budget: Budget | None = None):
        self._on = on
        self._budget = budget or Budget()
        self._known: dict[Constraint, Positions] = {}
        self._sets = ReferenceSets(on, self.select, self._budget)
        self._refinements = RefinementReader(on, self.select, self._budget)
        self._filters = FilterReader(on, self.select, self._budget)

    def select(self, constraint: Constraint) -> Positions:
        if constraint not in self._known:
            self._budget.check()
            self._known[constraint] = _SELECT[type(constraint)](self, constraint)
        return self._known[constraint]

    def holds(self, constraint: Constraint, number: int) -> bool:
        """Whether one concept satisfies the constraint; without listing all where hierarchy alone decides."""
        if isinstance(constraint, Compound):
            return self._compound_holds(constraint, number)
        if isinstance(constraint, Related) and isinstance(constraint.inner, Reference):
            other = self._on.number(constraint.inner.code)
            if other is not None and constraint.operator in ("<", "<<"):
                return self._on.is_below(number, other) and (constraint.operator == "<<" or number != other)
        return number in self.select(constraint)

    def _compound_holds(self, constraint: Compound, number: int) -> bool:
        first, *others = constraint.parts
        if constraint.operator == "minus":
            return self.holds(first, number) and not self.holds(others[0], number)
        return (all if constraint.operator == "and" else any)(
            self.holds(part, number) for part in constraint.parts
        )

    # Each kind of constraint

    def _any(self, _: Any) -> Positions:
        return Positions.all(self._on.size)

    def _reference(self, one: Reference) -> Positions:
        """The concept, or none: one that this version does not have satisfies nothing."""
        number = self._on.number(one.code)
        return Positions.none(self._on.size) if number is None else self._of((number,))

    def _of(self, numbers: Iterable[int]) -> Positions:
        return Positions.of(self._budget.watch(numbers), self._on.size)

    def _compound(self, constraint: Compound) -> Positions:
        found = self.select(constraint.parts[0])
        for part in constraint.parts[1:]:
            other = self.select(part)
            found = {"and": found & other, "or": found | other, "minus": found - other}[constraint.operator]
        return found

    def _refined(self, constraint: Refined) -> Positions:
        return self._refinements.select(constraint.refinement, self.select(constraint.focus))

    def _dotted(self, constraint: Dotted) -> Positions:
        found = self.select(constraint.focus)
        for attribute in constraint.attributes:
            found = self._refinements.values(attribute, found)
        return found

    def _filtered(self, constraint: Filtered) -> Positions:
        return self._filters.select(constraint, self.select(constraint.inner))

    def _member_of(self, constraint: MemberOf) -> Positions:
        return self._sets.members(constraint)

    def _with_history(self, constraint: WithHistory) -> Positions:
        found = self.select(constraint.inner)
        return found | self._sets.replaced_by(found, constraint.sets)

    # Hierarchy

    def _related(self, constraint: Related) -> Positions:
        inner = self.select(constraint.inner)
        match constraint.operator:
            case "<":
                return self._descendants(inner)
            case "<<":
                return self._descendants(inner) | inner
            case ">":
                return self._ancestors(inner)
            case ">>":
                return self._ancestors(inner) | inner
            case "!!>":
                return inner - self._descendants(inner)
            case "!!<":
                return inner - self._ancestors(inner)
            case operator:
                return self._next(inner, operator)

    def _next(self, inner: Positions, operator: str) -> Positions:
        step = self._on.children if "<" in operator else self._on.parents
        found = self._of(other for number in inner for other in step(number))
        return found | inner if operator in ("<<!", ">>!") else found

    def _descendants(self, inner: Positions) -> Positions:
        """All that are below one of them. What is below one that is itself below another is known already."""
        found = Positions.none(self._on.size)
        for number in self._budget.watch(inner):
            if number not in found:
                found |= self._on.below(number) - Positions.of((number,), self._on.size)
        return found

    def _ancestors(self, inner: Positions) -> Positions:
        found: set[int] = set()
        waiting = list(inner)
        while waiting:
            above = [n for number in self._budget.watch(waiting) for n in self._on.parents(number)]
            waiting = [n for n in dict.fromkeys(above) if n not in found]
            found.update(waiting)
        return self._of(found)


_SELECT: dict[type, Callable[..., Positions]] = {
    Any: Evaluator._any,
    Reference: Evaluator._reference,
    Related: Evaluator._related,
    MemberOf: Evaluator._member_of,
    Compound: Evaluator._compound,
    Refined: Evaluator._refined,
    Dotted: Evaluator._dotted,
    Filtered: Evaluator._filtered,
    WithHistory: Evaluator._with_history,
}
