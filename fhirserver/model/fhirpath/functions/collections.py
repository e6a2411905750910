"""Existence, subsetting, combining and tree navigation. https://hl7.org/fhirpath/N1/#functions"""

from __future__ import annotations

from fhirserver.model.fhirpath.elements import children
from fhirserver.model.fhirpath.environment import Frame
from fhirserver.model.fhirpath.equality import distinct, key, keys
from fhirserver.model.fhirpath.errors import FhirPathError
from fhirserver.model.fhirpath.functions.signature import Function, Functions
from fhirserver.model.fhirpath.values import (
    BOOLEAN,
    FALSE,
    INTEGER,
    TRUE,
    Items,
    boolean,
    integer,
    kind,
    single,
    single_integer,
    truth,
)


def empty(frame: Frame, items: Items) -> Items:
    return FALSE if items else TRUE


def negation(frame: Frame, items: Items) -> Items:
    found = truth(items)
    return [] if found is None else boolean(not found)


def count(frame: Frame, items: Items) -> Items:
    return integer(len(items))


def _booleans(items: Items) -> list[bool]:
    for item in items:
        if kind(item) != BOOLEAN:
            raise FhirPathError(f"expected Boolean, found {item.type}")
    return [item.value for item in items]


def all_true(frame: Frame, items: Items) -> Items:
    return boolean(all(_booleans(items)))


def any_true(frame: Frame, items: Items) -> Items:
    return boolean(any(_booleans(items)))


def all_false(frame: Frame, items: Items) -> Items:
    return boolean(not any(_booleans(items)))


def any_false(frame: Frame, items: Items) -> Items:
    return boolean(not all(_booleans(items)))


def subset_of(frame: Frame, items: Items, other: Items) -> Items:
    return boolean(keys(frame, items) <= keys(frame, other))


def superset_of(frame: Frame, items: Items, other: Items) -> Items:
    return subset_of(frame, other, items)


def is_distinct(frame: Frame, items: Items) -> Items:
    return boolean(len(distinct(frame, items)) == len(items))


def only(frame: Frame, items: Items) -> Items:
    single(items)
    return items


def first(frame: Frame, items: Items) -> Items:
    return items[:1]


def last(frame: Frame, items: Items) -> Items:
    return items[-1:]


def tail(frame: Frame, items: Items) -> Items:
    return items[1:]


def _number(items: Items) -> int:
    found = single_integer(items)
    if found is None:
        raise FhirPathError("expected an Integer, found nothing")
    return found


def skip(frame: Frame, items: Items, number: Items) -> Items:
    return items[max(_number(number), 0) :]


def take(frame: Frame, items: Items, number: Items) -> Items:
    return items[: max(_number(number), 0)]


def intersect(frame: Frame, items: Items, other: Items) -> Items:
    wanted = keys(frame, other)
    return distinct(frame, [item for item in items if key(item) in wanted])


def exclude(frame: Frame, items: Items, other: Items) -> Items:
    unwanted = keys(frame, other)
    return [item for item in items if key(item) not in unwanted]


def union(frame: Frame, items: Items, other: Items) -> Items:
    return distinct(frame, items + other)


def combine(frame: Frame, items: Items, other: Items, preserve_order: Items | None = None) -> Items:
    frame.spend(len(items) + len(other))
    return items + other


def child_items(frame: Frame, items: Items) -> Items:
    found = [child for item in items for child in children(item)]
    frame.spend(len(found))
    return found


def descendants(frame: Frame, items: Items) -> Items:
    out: Items = []
    level = child_items(frame, items)
    while level:
        out += level
        level = child_items(frame, level)
    return out


FUNCTIONS: Functions = {
    "empty": Function(empty, result=BOOLEAN),
    "not": Function(negation, result=BOOLEAN),
    "count": Function(count, result=INTEGER),
    "allTrue": Function(all_true, result=BOOLEAN),
    "anyTrue": Function(any_true, result=BOOLEAN),
    "allFalse": Function(all_false, result=BOOLEAN),
    "anyFalse": Function(any_false, result=BOOLEAN),
    "subsetOf": Function(subset_of, 1, 1, BOOLEAN),
    "supersetOf": Function(superset_of, 1, 1, BOOLEAN),
    "distinct": Function(distinct, result="input", many=True),
    "isDistinct": Function(is_distinct, result=BOOLEAN),
    "single": Function(only, result="input"),
    "first": Function(first, result="input", ordered=True),
    "last": Function(last, result="input", ordered=True),
    "tail": Function(tail, result="input", many=True, ordered=True),
    "skip": Function(skip, 1, 1, "input", many=True, ordered=True),
    "take": Function(take, 1, 1, "input", many=True, ordered=True),
    "intersect": Function(intersect, 1, 1, "input", many=True),
    "exclude": Function(exclude, 1, 1, "input", many=True),
    "union": Function(union, 1, 1, many=True),
    "combine": Function(combine, 1, 2, many=True),
    "children": Function(child_items, many=True, unordered=True),
    "descendants": Function(descendants, many=True, unordered=True),
}
