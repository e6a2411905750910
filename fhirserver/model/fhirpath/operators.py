"""Binary operators as closures over their compiled operands. https://hl7.org/fhirpath/N1/#operations"""

from __future__ import annotations

from collections.abc import Callable

from fhirserver.model.fhirpath import arithmetic, equality
from fhirserver.model.fhirpath.code import Run
from fhirserver.model.fhirpath.environment import Frame
from fhirserver.model.fhirpath.ordering import order
from fhirserver.model.fhirpath.values import FALSE, TRUE, Items, Typed, boolean, single, truth

BOOLEAN_OPERATORS = frozenset(
    {"=", "!=", "~", "!~", "<", "<=", ">", ">=", "in", "contains", "and", "or", "xor", "implies"}
)


def binary(operator: str, left: Run, right: Run) -> Run:
    """The closure of ``left operator right``."""
    lazy = _LAZY.get(operator)
    if lazy is not None:
        return lazy(left, right)
    apply = _EAGER[operator]
    return lambda frame, focus: apply(frame, left(frame, focus), right(frame, focus))


def negative(items: Items) -> Items:
    item = single(items)
    return [] if item is None else arithmetic.negative(item)


def positive(items: Items) -> Items:
    item = single(items)
    return [] if item is None else arithmetic.positive(item)


def _and(left: Run, right: Run) -> Run:
    def run(frame: Frame, focus: Items) -> Items:
        ours = truth(left(frame, focus))
        if ours is False:
            return FALSE
        theirs = truth(right(frame, focus))
        return FALSE if theirs is False else TRUE if ours and theirs else []

    return run


def _or(left: Run, right: Run) -> Run:
    def run(frame: Frame, focus: Items) -> Items:
        ours = truth(left(frame, focus))
        if ours:
            return TRUE
        theirs = truth(right(frame, focus))
        return TRUE if theirs else [] if ours is None or theirs is None else FALSE

    return run


def _implies(left: Run, right: Run) -> Run:
    def run(frame: Frame, focus: Items) -> Items:
        ours = truth(left(frame, focus))
        if ours is False:
            return TRUE
        theirs = truth(right(frame, focus))
        return TRUE if theirs else FALSE if ours and theirs is False else []

    return run


def _xor(left: Run, right: Run) -> Run:
    def run(frame: Frame, focus: Items) -> Items:
        ours, theirs = truth(left(frame, focus)), truth(right(frame, focus))
        return boolean(None if ours is None or theirs is None else ours != theirs)

    return run


_LAZY: dict[str, Callable[[Run, Run], Run]] = {"and": _and, "or": _or, "xor": _xor, "implies": _implies}


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _membership(frame: Frame, item: Items, items: Items) -> Items:
    one = single(item)
    if one is None:
        return []
    return boolean(equality.key(one) in equality.keys(frame, items))


def _compared(test: Callable[[int], bool]) -> Callable[[Frame, Items, Items], Items]:
    def apply(frame: Frame, left: Items, right: Items) -> Items:
        ours, theirs = single(left), single(right)
        if ours is None or theirs is None:
            return []
        found = order(ours, theirs)
        return [] if found is None else boolean(test(found))

    return apply


def _computed(compute: Callable[[Typed, Typed], Items]) -> Callable[[Frame, Items, Items], Items]:
    def apply(frame: Frame, left: Items, right: Items) -> Items:
        ours, theirs = single(left), single(right)
        if ours is None or theirs is None:
            return []
        return compute(ours, theirs)

    return apply


_EAGER: dict[str, Callable[[Frame, Items, Items], Items]] = {
    "=": lambda frame, left, right: boolean(equality.equal(left, right)),
    "!=": lambda frame, left, right: boolean(_not(equality.equal(left, right))),
    "~": lambda frame, left, right: boolean(equality.equivalent(left, right)),
    "!~": lambda frame, left, right: boolean(not equality.equivalent(left, right)),
    "<": _compared(lambda found: found < 0),
    "<=": _compared(lambda found: found <= 0),
    ">": _compared(lambda found: found > 0),
    ">=": _compared(lambda found: found >= 0),
    "in": _membership,
    "contains": lambda frame, left, right: _membership(frame, right, left),
    "+": _computed(arithmetic.add),
    "-": _computed(arithmetic.subtract),
    "*": _computed(arithmetic.multiply),
    "/": _computed(arithmetic.divide),
    "div": _computed(arithmetic.whole_division),
    "mod": _computed(arithmetic.remainder),
    "&": lambda frame, left, right: arithmetic.concatenate(left, right),
}
