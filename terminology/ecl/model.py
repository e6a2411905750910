"""What an expression constraint says, as a tree. https://docs.snomed.org (Expression Constraint Language 2.2)"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from fhirserver.kernel.outcomes import Category, Refusal, refuse


def invalid(why: str, at: int) -> Refusal:
    """The text is not ECL. Places are counted from 1; the text itself is not repeated (it may be a client's)."""
    return refuse(Category.UNPROCESSABLE, "invalid", f"ECL, character {at + 1}: {why}")


def unsupported(what: str) -> Refusal:
    return refuse(Category.UNPROCESSABLE, "not-supported", f"ECL: {what}")


def too_costly(why: str) -> Refusal:
    return refuse(Category.UNPROCESSABLE, "too-costly", f"ECL: {why}")


@dataclass(frozen=True, slots=True)
class Any:
    """``*``"""


@dataclass(frozen=True, slots=True)
class Reference:
    """One concept. ``at`` is its place in the text."""

    code: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Related:
    """``<``, ``<<``, ``<!``, ``<<!``, the same upwards, and ``!!>`` (top), ``!!<`` (bottom)."""

    operator: str
    inner: Constraint


@dataclass(frozen=True, slots=True)
class MemberOf:
    """``^``: what the reference sets refer to; ``fields`` as in ``^ [targetComponentId]``."""

    inner: Constraint
    fields: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Compound:
    """``operator`` is ``and``, ``or`` or ``minus`` (of two)."""

    operator: str
    parts: tuple[Constraint, ...]


@dataclass(frozen=True, slots=True)
class Refined:
    focus: Constraint
    refinement: Refinement


@dataclass(frozen=True, slots=True)
class Dotted:
    """``focus . attribute . attribute``: the values."""

    focus: Constraint
    attributes: tuple[Constraint, ...]


@dataclass(frozen=True, slots=True)
class Filtered:
    """``{{ C … }}`` or ``{{ D … }}`` behind a constraint. ``kind`` is ``c`` or ``d``."""

    inner: Constraint
    kind: str
    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class WithHistory:
    """``{{ + HISTORY }}``: also the inactive concepts that the associations in ``sets`` lead to these from."""

    inner: Constraint
    sets: Constraint | None


Constraint: TypeAlias = (
    Any | Reference | Related | MemberOf | Compound | Refined | Dotted | Filtered | WithHistory
)


@dataclass(frozen=True, slots=True)
class Cardinality:
    """``[least..most]``; ``most`` is None for many."""

    least: int = 1
    most: int | None = None

    def admits(self, count: int) -> bool:
        return count >= self.least and (self.most is None or count <= self.most)


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """``match`` finds words that begin so, in any order; ``wild`` the whole term, with ``*`` for anything; ``exact``
    nothing else (so are texts compared that are values of attributes)."""

    text: str
    how: str = "match"


@dataclass(frozen=True, slots=True)
class Truth:
    """``true`` or ``false`` (as a type of its own, for a bool would equal a number)."""

    value: bool


Comparand: TypeAlias = "Constraint | Decimal | Truth | tuple[SearchTerm, ...]"
"""What an attribute is compared with: concepts, a number, a truth value, or texts of which one must fit."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """``[1..3] R name = value``."""

    name: Constraint
    operator: str
    value: Comparand
    cardinality: Cardinality = Cardinality()
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """``[1..3] { … }``: what is said holds within one group of relationships."""

    inner: Refinement
    cardinality: Cardinality = Cardinality()


@dataclass(frozen=True, slots=True)
class Joined:
    """``and`` (also written ``,``) or ``or`` of refinements."""

    operator: str
    parts: tuple[Refinement, ...]


Refinement: TypeAlias = Attribute | Group | Joined


@dataclass(frozen=True, slots=True)
class Accepted:
    """A language reference set, and how a description must be rated in it (preferred, acceptable): codes, or none."""

    sets: Constraint | str
    ratings: tuple[str, ...] = ()


FilterValue: TypeAlias = (
    "Constraint | tuple[SearchTerm, ...] | tuple[str, ...] | tuple[Accepted, ...] | Decimal | Truth"
)


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition in ``{{ }}``. ``name`` is its keyword in lower case (``term``, ``moduleid`` …)."""

    name: str
    operator: str
    value: FilterValue
    at: int = field(default=0, compare=False)
