"""The constraint language as its specification says it, on sets of codes, without regard to cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from terminology.ecl import model
from terminology.ecl.model import Attribute, Constraint, Group, Refinement

Row = tuple[str, int, str, str]
"""Source, group, attribute and value."""


@dataclass
class World:
    parents: dict[str, tuple[str, ...]]
    rows: list[Row]
    members: dict[str, set[str]] = field(default_factory=dict)

    def above(self, code: str) -> set[str]:
        """Strictly above."""
        return {up for parent in self.parents[code] for up in {parent, *self.above(parent)}}

    def below(self, code: str) -> set[str]:
        return {other for other in self.parents if code in self.above(other)}

    def select(self, constraint: Constraint) -> set[str]:
        match constraint:
            case model.Any():
                return set(self.parents)
            case model.Reference(code):
                return {code} & set(self.parents)
            case model.Related(operator, inner):
                return self._related(operator, self.select(inner))
            case model.MemberOf(inner):
                sets = set(self.members) if isinstance(inner, model.Any) else self.select(inner)
                if isinstance(inner, model.Reference):
                    sets = {inner.code}
                return set().union(*(self.members.get(one, set()) for one in sets))
            case model.Compound(operator, parts):
                first, *others = (self.select(part) for part in parts)
                for other in others:
                    first = {"and": first & other, "or": first | other, "minus": first - other}[operator]
                return first
            case model.Refined(focus, refinement):
                return {code for code in self.select(focus) if self._satisfies(code, refinement)}
            case model.Dotted(focus, attributes):
                found = self.select(focus)
                for attribute in attributes:
                    names = self._names(attribute)
                    found = {v for s, _, n, v in self.rows if s in found and n in names} & set(self.parents)
                return found
        raise AssertionError(constraint)

    def _related(self, operator: str, inner: set[str]) -> set[str]:
        near = {code: set(self.parents[code]) for code in self.parents}
        steps: dict[str, Callable[[str], set[str]]] = {
            "<": lambda c: self.below(c),
            ">": lambda c: self.above(c),
            "<!": lambda c: {o for o in near if c in near[o]},
            ">!": lambda c: near[c],
        }
        if operator in ("!!>", "!!<"):
            other = steps["<" if operator == "!!>" else ">"]
            return {c for c in inner if not any(c in other(o) for o in inner)}
        plain = operator.replace("<<", "<").replace(">>", ">")
        found = {o for c in inner for o in steps[plain](c)}
        return found | inner if operator[:2] in ("<<", ">>") else found

    def _names(self, name: Constraint) -> set[str]:
        if isinstance(name, model.Any):
            return {row[2] for row in self.rows}
        return {name.code} if isinstance(name, model.Reference) else self.select(name)

    def _satisfies(self, code: str, refinement: Refinement) -> bool:
        match refinement:
            case model.Joined(operator, parts):
                return {"and": all, "or": any}[operator](self._satisfies(code, part) for part in parts)
            case Group(inner, cardinality):
                return cardinality.admits(sum(self._in_group(rows, inner) for rows in self._groups(code)))
        if refinement.reverse:
            sources = {
                row[0] for row in self.rows if row[3] == code and row[2] in self._names(refinement.name)
            }
            assert not isinstance(refinement.value, Decimal | model.Truth | tuple)
            wanted = self.select(refinement.value)
            return refinement.cardinality.admits(
                sum((s in wanted) == (refinement.operator == "=") for s in sources)
            )
        return self._counts([row for row in self.rows if row[0] == code], refinement)

    def _counts(self, rows: Iterable[Row], attribute: Attribute) -> bool:
        names = self._names(attribute.name)
        return attribute.cardinality.admits(
            sum(row[2] in names and self._fits(row[3], attribute) for row in rows)
        )

    def _fits(self, value: str, attribute: Attribute) -> bool:
        if isinstance(attribute.value, Decimal):
            if value in self.parents:
                return False
            number = Decimal(value)
            tests = {"=": number == attribute.value, "!=": number != attribute.value}
            tests |= {"<": number < attribute.value, ">": number > attribute.value}
            return tests[attribute.operator]
        assert not isinstance(attribute.value, model.Truth | tuple)
        if isinstance(attribute.value, model.Any):
            return attribute.operator == "="
        return (value in self.select(attribute.value)) == (attribute.operator == "=")

    def _groups(self, code: str) -> list[list[Row]]:
        rows = [row for row in self.rows if row[0] == code]
        numbers = {row[1] for row in rows if row[1]}
        return [[row for row in rows if row[1] == n] for n in numbers] + [[row] for row in rows if not row[1]]

    def _in_group(self, rows: list[Row], refinement: Refinement) -> bool:
        if isinstance(refinement, model.Joined):
            return {"and": all, "or": any}[refinement.operator](
                self._in_group(rows, p) for p in refinement.parts
            )
        assert isinstance(refinement, Attribute)
        return self._counts(rows, refinement)
