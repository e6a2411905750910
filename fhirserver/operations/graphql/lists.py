"""Items of an element, narrowed by arguments. https://hl7.org/fhir/R4/graphql.html#list

``name(use: official)`` compares child elements, ``fhirpath:`` keeps the items for which it is true, ``_offset``
and ``_count`` take a part of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from fhirserver.kernel.json import Json
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath import Environment, FhirPathError, Typed, compile_path

PAGING = frozenset({"fhirpath", "_offset", "_count"})
_ENVIRONMENT = Environment(seconds=1.0)


def narrowed(items: Sequence[Json], type: str, given: Mapping[str, Json]) -> list[Json]:
    """The items that the arguments leave. Raises a refusal for a FHIRPath that is none."""
    kept = [item for item in items if item is not None]
    for name, value in given.items():
        if name not in PAGING:
            kept = [item for item in kept if _has(item, name, value)]
    if "fhirpath" in given:
        kept = [
            item for number, item in enumerate(kept) if _holds(str(given["fhirpath"]), type, item, number)
        ]
    start = _whole(given.get("_offset", 0), "_offset")
    count = _whole(given["_count"], "_count") if "_count" in given else len(kept)
    return list(islice(kept, start, start + count))


def _has(item: Json, name: str, value: Json) -> bool:
    found = item.get(name) if isinstance(item, dict) else None
    wanted = {_text(one) for one in (value if isinstance(value, list) else [value])}
    return any(
        _text(one) in wanted for one in (found if isinstance(found, list) else [found]) if one is not None
    )


def _text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _whole(value: Json, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise refuse(Category.INVALID, "value", f"{name} is a whole number from 0", name)
    return min(value, 2**31)


def _holds(expression: str, type: str, item: Json, number: int) -> bool:
    found = evaluated(expression, type, item, number)
    return len(found) == 1 and found[0].value is True


def evaluated(expression: str, type: str, item: Json, number: int) -> list[Typed]:
    """A FHIRPath on one item. ``$index`` is the item's number among those it was found with."""
    if expression.strip() == "$index":
        return [Typed(number, "integer")]
    try:
        of = str(item.get("resourceType")) if type == "Resource" and isinstance(item, dict) else type
        path = compile_path(expression.replace("$index", str(number)), _context(of), strict=False)
        return path.on(Typed(item, _context(of) or "Element"), _ENVIRONMENT)
    except FhirPathError as error:
        raise _wrong(f"The FHIRPath cannot be evaluated: {error}") from None


def _context(type: str) -> str | None:
    return type if definitions().type(type) is not None else None


def _wrong(text: str) -> Refusal:
    return refuse(Category.INVALID, "invalid", text, "fhirpath")
