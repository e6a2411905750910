"""What a ``_filter`` means: its tree over the parameters of a resource type, as a search expression.

https://hl7.org/fhir/R4/search_filter.html Operators hold for a set where they hold for one of
its values: ``ne`` where one is another, whether or not there is an equal one beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, cast

from fhirserver.model.definitions import SearchParameter
from fhirserver.search import coded
from fhirserver.search.defined import Parameters
from fhirserver.search.escapes import escape, unescape
from fhirserver.search.expression import (
    Chain,
    DateIs,
    Differs,
    Expression,
    Kind,
    Missing,
    Not,
    ReferenceIs,
    StringIs,
    TokenIs,
    UriIs,
    conjunction,
    disjunction,
)
from fhirserver.search.filter_syntax import (
    Both,
    Comparison,
    Either,
    Negation,
    Node,
    Step,
    parse_filter,
    wrong,
)
from fhirserver.search.literals import date_range
from fhirserver.search.parameters import NotKnown, known_parameter
from fhirserver.search.terms import Context, targets, term_for
from fhirserver.search.values import fold

_BRANCHES: Final = 200
_ORDERED: Final = frozenset({"gt", "lt", "ge", "le", "ap", "sa", "eb"})
_PREFIXED: Final = frozenset({"date", "number", "quantity"})
_KEPT: Final = frozenset({"_id", "_lastUpdated"})


class _TooMany(ValueError):
    """The paths lead through more types than it makes sense to ask."""


class _Place(NamedTuple):
    """Where a comparison is read: a resource type, what its values may depend on, steps that may still be made."""

    type: str
    context: Context
    known: Parameters
    steps: list[int]


def read(type_name: str, text: str, context: Context, known: Parameters) -> Expression:
    """The expression of a ``_filter``. Raises :class:`ValueError` that names the place of what is wrong."""
    return _meaning(parse_filter(text), _Place(type_name, context, known, [_BRANCHES]))


def _meaning(node: Node, place: _Place) -> Expression:
    match node:
        case Both(of=of):
            return conjunction([_meaning(one, place) for one in of])
        case Either(of=of):
            return disjunction([_meaning(one, place) for one in of])
        case Negation(of=inner):
            return Not(_meaning(inner, place))
        case Comparison(path=path):
            return _along(path, node, place)


def _along(path: tuple[Step, ...], node: Comparison, place: _Place) -> Expression:
    """A chain over the types that know the rest of the path, or the comparison itself."""
    step, rest = path[0], path[1:]
    code, _, target = step.name.partition(":")
    parameter = _parameter(place, code, step.at)
    if not rest:
        if target:
            raise wrong("a search parameter without a modifier", step.at)
        return _compared(parameter, node, place)
    if parameter.type != "reference":
        raise wrong("a reference parameter before a dot", step.at)
    found: list[Expression] = []
    problem: ValueError | None = None
    for candidate in _candidates(parameter, target, step.at):
        try:
            found.append(_chained(step, code, candidate, rest, node, place))
        except _TooMany:
            raise
        except ValueError as error:
            problem = error
    if not found:
        raise problem or wrong("a reference that can be followed", step.at)
    return disjunction(found)


def _candidates(parameter: SearchParameter, target: str, at: int) -> tuple[str, ...]:
    if not target:
        return targets(parameter)
    if target not in targets(parameter):
        raise wrong("a type that the parameter refers to", at)
    return (target,)


def _chained(
    step: Step, code: str, type_name: str, rest: tuple[Step, ...], node: Comparison, place: _Place
) -> Expression:
    place.steps[0] -= 1
    if place.steps[0] < 0:
        raise _TooMany(f"expected the type that is meant, as in {code}:Patient, at character {step.at + 1}")
    there = place._replace(type=type_name)
    inner = [] if step.inner is None else [_meaning(step.inner, there)]
    return Chain(code, type_name, conjunction([*inner, _along(rest, node, there)]))


def _parameter(place: _Place, code: str, at: int) -> SearchParameter:
    try:
        parameter = known_parameter(place.type, code, place.known)
    except NotKnown as error:
        raise ValueError(f"{error}, at character {at + 1}") from None
    if parameter.type in ("special", "composite") or code in ("_text", "_content"):
        raise wrong(f"a parameter other than one of type {parameter.type}", at)
    return parameter


# --- comparisons


def _compared(parameter: SearchParameter, node: Comparison, place: _Place) -> Expression:
    compare = _COMPARE.get(node.operator)
    if node.operator in _ORDERED:
        compare = _ordered
    try:
        found = compare(parameter, node, place) if compare else None
    except ValueError as error:
        raise ValueError(f"{error} at character {node.at + 1}") from None
    if found is None:
        raise wrong(f"an operator for a {parameter.type} parameter before the value", node.at)
    return found


def _plain(parameter: SearchParameter, text: str, place: _Place) -> Expression:
    term = term_for(parameter, "", place.type)
    if term is None:
        raise ValueError("expected another parameter")
    return term(text, place.context)


def _literal(node: Comparison, parameter: SearchParameter) -> str:
    """The value as terms read it: what was quoted means itself, but a code may still have its system."""
    return node.value if not node.quoted or parameter.type in ("token", "quantity") else escape(node.value)


def _equal(parameter: SearchParameter, node: Comparison, place: _Place) -> Expression | None:
    if parameter.type == "string":
        return _text(parameter, node, "whole")
    prefix = "eq" if parameter.type in _PREFIXED else ""
    return _plain(parameter, prefix + _literal(node, parameter), place)


def _unequal(parameter: SearchParameter, node: Comparison, place: _Place) -> Expression | None:
    if parameter.type in _PREFIXED:
        return _plain(parameter, "ne" + _literal(node, parameter), place)
    equal = _equal(parameter, node, place)
    if equal is None:
        return None
    return Differs(equal) if isinstance(equal, StringIs | TokenIs | ReferenceIs | UriIs) else Not(equal)


def _present(parameter: SearchParameter) -> Expression:
    if parameter.code in _KEPT:
        return conjunction([])
    return Not(Missing(parameter.code, cast(Kind, parameter.type)))


def _text(parameter: SearchParameter, node: Comparison, how: str) -> Expression | None:
    if parameter.type == "uri" and how == "contains":
        return UriIs(parameter.code, node.value, "contains")
    if parameter.type != "string":
        return None
    wanted = fold(node.value if node.quoted else unescape(node.value))
    if not wanted:
        raise ValueError("expected a text")
    return StringIs(parameter.code, wanted, how)  # type: ignore[arg-type]


def _ordered(parameter: SearchParameter, node: Comparison, place: _Place) -> Expression | None:
    if parameter.type not in _PREFIXED:
        return None
    return _plain(parameter, node.operator + _literal(node, parameter), place)


def _is_present(parameter: SearchParameter, node: Comparison, place: _Place) -> Expression | None:
    if node.value not in ("true", "false"):
        raise ValueError("expected true or false")
    present = _present(parameter)
    return present if node.value == "true" else Not(present)


def _overlaps(parameter: SearchParameter, node: Comparison, place: _Place) -> Expression | None:
    if parameter.type != "date" or parameter.code in _KEPT:
        return None
    try:
        return DateIs(parameter.code, "ap", *date_range(node.value))
    except ValueError:
        raise ValueError("expected a date") from None


def _subsumes(parameter: SearchParameter, node: Comparison, place: _Place) -> Expression | None:
    if parameter.type != "token" or parameter.code in _KEPT:
        return None
    direction = "below" if node.operator == "ss" else "above"
    context = place.context
    return coded.related(direction, parameter.code, node.value, context.terminology, context.listed)  # type: ignore[arg-type]


def _among(parameter: SearchParameter, node: Comparison, place: _Place) -> Expression | None:
    if parameter.type != "token" or parameter.code in _KEPT:
        return None
    context = place.context
    found = coded.in_value_set(
        parameter.code, escape(node.value), context.base, context.terminology, context.listed
    )
    return Not(found) if node.operator == "ni" else found


def _refers(parameter: SearchParameter, node: Comparison, place: _Place) -> Expression | None:
    return _plain(parameter, _literal(node, parameter), place) if parameter.type == "reference" else None


_Compare = Callable[[SearchParameter, Comparison, _Place], Expression | None]

_COMPARE: Final[dict[str, _Compare]] = {
    "eq": _equal,
    "ne": _unequal,
    "co": lambda parameter, node, place: _text(parameter, node, "contains"),
    "sw": lambda parameter, node, place: _text(parameter, node, "starts"),
    "ew": lambda parameter, node, place: _text(parameter, node, "ends"),
    "pr": _is_present,
    "po": _overlaps,
    "ss": _subsumes,
    "sb": _subsumes,
    "in": _among,
    "ni": _among,
    "re": _refers,
}
