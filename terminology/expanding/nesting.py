"""The codes of an expansion as a tree: each below the nearest one above it that is there, too."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.kernel.effort import watch
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from terminology.systems import System

DEEPEST = 100


def nested(items: Sequence[JsonObject], system: System) -> list[JsonObject]:
    """The items of one system, in their order, with those below another in its ``contains``. A concept with several
    parents is shown below the first; hierarchies that run in circles are broken up. Refuses a tree that is too deep
    for others to read."""
    by_code = {item["code"]: item for item in items}
    found = ((code, _nearest(code, by_code, system)) for code in watch(by_code))
    above = _without_circles({code: parent for code, parent in found if parent is not None})
    top = []
    for code, item in by_code.items():
        if code in above:
            by_code[above[code]].setdefault("contains", []).append(item)
        else:
            top.append(item)
    _check_depth(top)
    return top


def _without_circles(above: dict[str, str]) -> dict[str, str]:
    """In each circle the code that comes last is put at the top."""
    order = {code: number for number, code in enumerate(above)}
    met: dict[str, int] = {}
    cut: set[str] = set()
    for number, code in enumerate(watch(above)):
        path: list[str] = []
        while code in above and code not in met:
            met[code] = number
            path.append(code)
            code = above[code]
        if path and met.get(code) == number:  # it was met on this very way: the rest of the way is a circle
            cut.add(max(path[path.index(code) :], key=order.__getitem__))
    return {code: parent for code, parent in above.items() if code not in cut}


def _check_depth(row: Sequence[JsonObject]) -> None:
    for _ in range(DEEPEST):
        row = [below for one in row for below in one.get("contains", ())]
        if not row:
            return
    text = f"The codes form a tree of over {DEEPEST} levels: ask for them with excludeNested=true, or page by page"
    at = "Parameters.parameter.where(name='excludeNested')"
    raise refuse(Category.UNPROCESSABLE, "too-costly", text, at)


def _nearest(code: str, shown: dict[str, JsonObject], system: System) -> str | None:
    """The nearest concept above that is shown."""
    seen, row = {code}, [code]
    while row:
        parents = [parent for one in row for parent in system.parents(one) if parent not in seen]
        for parent in parents:
            if parent in shown:
                return parent
        seen.update(parents)
        row = list(dict.fromkeys(parents))
    return None
