"""Which concepts have relationships as a refinement asks for. https://docs.snomed.org (ECL 2.2, 6.2 and 6.3)

A cardinality counts relationships: those of the concept outside of braces, those of one group within. A group of which
nothing else is said must be there once or more. Relationships in group 0 are in no group with others: within braces
each counts as a group of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from terminology.ecl.budget import Budget
from terminology.ecl.comparing import concrete
from terminology.ecl.model import (
    Any,
    Attribute,
    Cardinality,
    Constraint,
    Group,
    Joined,
    Reference,
    Refinement,
    Truth,
    unsupported,
)
from terminology.ecl.substrate import Row, Substrate
from terminology.positions import Positions

IS_A = "116680003"
FEW = 50_000
"""The codes of up to as many values are read before relationships are; of more, each value is looked up as it comes."""
FEW_NAMES = 50
ONCE_OR_MORE = Cardinality()

GroupKey: TypeAlias = tuple[object, ...]
"""The concept, and which of its groups: its number, or (in group 0) the relationship itself."""


@dataclass(frozen=True, slots=True)
class Groups:
    """A set of groups; ``all_but`` these, where the set is known only by what is not in it."""

    keys: frozenset[GroupKey]
    all_but: bool = False

    def __and__(self, other: Groups) -> Groups:
        if self.all_but and other.all_but:
            return Groups(self.keys | other.keys, True)
        if self.all_but or other.all_but:
            one, but = (other, self) if self.all_but else (self, other)
            return Groups(one.keys - but.keys)
        return Groups(self.keys & other.keys)

    def inverse(self) -> Groups:
        return Groups(self.keys, not self.all_but)

    def __or__(self, other: Groups) -> Groups:
        return (self.inverse() & other.inverse()).inverse()


class RefinementReader:
    def __init__(self, on: Substrate, select: Callable[[Constraint], Positions], budget: Budget):
        self._on, self._select, self._budget = on, select, budget

    def select(self, refinement: Refinement, among: Positions) -> Positions:
        """Those ``among`` these that satisfy the refinement."""
        if isinstance(refinement, Joined):
            return self._joined(refinement, among)
        if isinstance(refinement, Group):
            return self._group(refinement, among)
        if refinement.cardinality == ONCE_OR_MORE:
            return among & self._of(self._having(refinement, among))
        counts = Counter(self._counted(refinement, among))
        return self._by_count(counts, refinement.cardinality, among)

    def _joined(self, refinement: Joined, among: Positions) -> Positions:
        if refinement.operator == "and":
            for part in refinement.parts:
                among = self.select(part, among)
            return among
        found = Positions.none(self._on.size)
        for part in refinement.parts:
            found |= self.select(part, among)
        return found

    def _of(self, numbers: Iterable[int]) -> Positions:
        return Positions.of(self._budget.watch(numbers), self._on.size)

    def _by_count(self, counts: Counter[int], asked: Cardinality, among: Positions) -> Positions:
        if asked.least == 0:
            return among - self._of(n for n, count in counts.items() if not asked.admits(count))
        return among & self._of(n for n, count in counts.items() if asked.admits(count))

    # Attributes

    def names(self, constraint: Constraint) -> Iterable[str]:
        """The attributes that are meant: by their codes, also where an attribute is no concept of the system."""
        if isinstance(constraint, Any):
            return self._on.attributes()
        if isinstance(constraint, Reference):
            return (constraint.code,)
        found = list(self._on.codes(self._budget.watch(self._select(constraint))))
        if len(found) <= FEW_NAMES:
            return found
        used = {*self._on.attributes(), IS_A}
        return [code for code in found if code in used]

    def _having(self, one: Attribute, among: Positions) -> Iterator[int]:
        """The concepts that have the relationship once or more."""
        if one.reverse:
            return self._destinations(one)
        few = self._few_values(one)
        if few is None:
            return (number for number, _, _ in self._matching(one, among))
        return (number for name in self.names(one.name) for number in self._with_values(name, few))

    def _few_values(self, one: Attribute) -> list[str] | None:
        """The codes an attribute may have, where they can be looked up one by one."""
        if one.operator != "=" or not isinstance(one.value, _CONSTRAINTS) or isinstance(one.value, Any):
            return None
        values = self._select(one.value)
        return list(self._on.codes(values)) if len(values) <= FEW else None

    def _with_values(self, name: str, values: list[str]) -> Iterator[int]:
        if name != IS_A:
            return self._on.having(name, values)
        numbers = (self._on.number(value) for value in values)
        return (child for number in numbers if number is not None for child in self._on.children(number))

    def _counted(self, one: Attribute, among: Positions) -> Iterator[int]:
        """A concept for each relationship that it has; reversed, for each concept that has it with it."""
        if one.reverse:
            return self._destinations(one)
        return (number for number, _, _ in self._matching(one, among))

    def _matching(self, one: Attribute, among: Positions) -> Iterator[Row]:
        """The relationships of concepts ``among`` these that are as the attribute asks."""
        for name, row in self._matching_named(one, among):
            del name
            yield row

    def _matching_named(self, one: Attribute, among: Positions) -> Iterator[tuple[str, Row]]:
        holds = self._test(one)
        for name in self.names(one.name):
            for row in self._budget.watch(self._rows(name, among)):
                if row[0] in among and holds(row[2]):
                    yield name, row

    def _rows(self, name: str, among: Positions) -> Iterator[Row]:
        if name != IS_A:
            return self._on.rows(name)
        return ((n, 0, code) for n in among for code in self._on.codes(self._on.parents(n)))

    def _test(self, one: Attribute) -> Callable[[str], bool]:
        """Whether the value of a relationship is as asked."""
        if isinstance(one.value, Decimal | Truth | tuple):
            holds = concrete(one.operator, one.value)
            return lambda value: holds(value) and self._on.number(value) is None
        equal = one.operator == "="
        if isinstance(one.value, Any):
            return lambda value: equal
        among = self._among(self._select(one.value))
        return lambda value: among(value) == equal

    def _among(self, concepts: Positions) -> Callable[[str], bool]:
        """Whether a code is that of one of these. Of many each code that is asked for is looked up once."""
        if len(concepts) <= FEW:
            return frozenset(self._on.codes(concepts)).__contains__
        known: dict[str, bool] = {}

        def holds(code: str) -> bool:
            if code not in known:
                number = self._on.number(code)
                known[code] = number is not None and number in concepts
            return known[code]

        return holds

    # The other way round

    def _destinations(self, one: Attribute) -> Iterator[int]:
        """What concepts as asked point to: once for each of them."""
        if not isinstance(one.value, _CONSTRAINTS):
            raise unsupported("a reversed attribute is compared with concepts")
        sources = self._select(one.value)
        if one.operator == "!=":
            sources = Positions.all(self._on.size) - sources
        pairs = {(row[0], row[2]) for name in self.names(one.name) for row in self._from(name, sources)}
        return (n for _, value in pairs if (n := self._on.number(value)) is not None)

    def _from(self, name: str, sources: Positions) -> Iterator[Row]:
        return (row for row in self._budget.watch(self._rows(name, sources)) if row[0] in sources)

    def values(self, name: Constraint, sources: Positions) -> Positions:
        """What the attribute points to, from any of these."""
        codes = {value for one in self.names(name) for _, _, value in self._from(one, sources)}
        return self._of(n for code in codes if (n := self._on.number(code)) is not None)

    # Groups

    def _group(self, group: Group, among: Positions) -> Positions:
        """Those that have as many groups as asked in which all holds that stands in the braces."""
        found = self._groups(group.inner, among)
        keys = self._every_group(among) - found.keys if found.all_but else found.keys
        return self._by_count(Counter(_concept(key) for key in keys), group.cardinality, among)

    def _groups(self, refinement: Refinement, among: Positions) -> Groups:
        if isinstance(refinement, Joined):
            first, *others = (self._groups(part, among) for part in refinement.parts)
            for other in others:
                first = first & other if refinement.operator == "and" else first | other
            return first
        if isinstance(refinement, Group):
            raise unsupported("a group within a group")
        return self._with_attribute(refinement, among)

    def _with_attribute(self, one: Attribute, among: Positions) -> Groups:
        """The groups with as many relationships as asked."""
        if one.reverse:
            raise unsupported("a reversed attribute has no groups")
        counts = Counter(_key(name, row) for name, row in self._matching_named(one, among))
        if one.cardinality.least == 0:
            return Groups(frozenset(k for k, n in counts.items() if not one.cardinality.admits(n)), True)
        return Groups(frozenset(k for k, n in counts.items() if one.cardinality.admits(n)))

    def _every_group(self, among: Positions) -> frozenset[GroupKey]:
        rows = ((name, row) for name in self._on.attributes() for row in self._from(name, among))
        return frozenset(_key(name, row) for name, row in rows)


def _key(name: str, row: Row) -> GroupKey:
    number, group, value = row
    return (number, group) if group else (number, 0, name, value)


def _concept(key: GroupKey) -> int:
    number = key[0]
    assert isinstance(number, int)
    return number


_CONSTRAINTS = Constraint.__args__
