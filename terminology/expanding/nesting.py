"""The codes of an expansion as a tree: each below the nearest one above it that is there, too."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.kernel.json import JsonObject
from terminology.systems import System


def nested(items: Sequence[JsonObject], system: System) -> list[JsonObject]:
    """The items of one system, in their order, with those below another in its ``contains``. A concept with several
    parents is shown below the first; hierarchies that run in circles are broken up."""
    by_code = {item["code"]: item for item in items}
    above: dict[str, str] = {}
    for code in by_code:
        parent = _nearest(code, by_code, system)
        if parent is not None and not _leads_to(parent, code, above):
            above[code] = parent
    top = []
    for code, item in by_code.items():
        if code in above:
            by_code[above[code]].setdefault("contains", []).append(item)
        else:
            top.append(item)
    return top


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


def _leads_to(code: str, other: str, above: dict[str, str]) -> bool:
    while code != other:
        if code not in above:
            return False
        code = above[code]
    return True
