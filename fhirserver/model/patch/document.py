"""What patches ask of JSON values: equality, size, and no empty objects or arrays at the end."""

from __future__ import annotations

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse

MAX_OPERATIONS = 10_000
"""More than this is not read: a patch is applied while others wait to write."""


def refuse_too_many(count: int, where: str) -> None:
    """Refuse (413) a patch of too many operations."""
    if count > MAX_OPERATIONS:
        text = f"A patch may have {MAX_OPERATIONS} operations; this one has {count}"
        raise refuse(Category.TOO_LARGE, "too-long", text, where)


def unprocessable(diagnostics: str, where: str, code: str = "processing") -> Refusal:
    """422: the patch is well formed and does not fit the resource."""
    return refuse(Category.UNPROCESSABLE, code, diagnostics, where)


def malformed(diagnostics: str, where: str, code: str = "invalid") -> Refusal:
    """400: this is no patch."""
    return refuse(Category.INVALID, code, diagnostics, where)


def equal(one: Json, other: Json) -> bool:
    """JSON equality as RFC 6902 means it: numbers by value, members in any order, true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def weight(value: Json) -> int:
    """How many values there are in a value, itself included."""
    if isinstance(value, dict):
        return 1 + sum(map(weight, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(weight, value))
    return 1


def without_empty(resource: JsonObject) -> JsonObject:
    """Without the arrays and objects that removals left empty: FHIR has none.

    Done once at the end, so that an operation finds what the one before it left. In arrays of primitives and
    their ``_siblings`` an empty item keeps its place as null.
    """
    kept: JsonObject = _pruned(resource, sibling=False)
    return kept


def _pruned(value: Json, sibling: bool) -> Json:
    if isinstance(value, dict):
        inner = {name: _pruned(part, name[:1] == "_") for name, part in value.items()}
        return {name: part for name, part in inner.items() if not _is_empty(part)}
    if isinstance(value, list):
        parts = [_pruned(part, sibling=False) for part in value]
        if sibling:
            return [None if _is_empty(part) else part for part in parts]
        return [part for part in parts if not _is_empty(part)]
    return value


def _is_empty(value: Json) -> bool:
    return isinstance(value, dict | list) and not any(True for part in value if part is not None)
