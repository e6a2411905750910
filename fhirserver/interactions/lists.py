"""``_list``: the resources that a List refers to. https://hl7.org/fhir/R4/search.html#list"""

from __future__ import annotations

from collections.abc import Iterable

from fhirserver.interactions.exchange import Context
from fhirserver.kernel.ids import is_id
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, Issue, refuse
from fhirserver.kernel.references import parse_reference
from fhirserver.ports.storage import Key
from fhirserver.search.expression import Expression, IdIs, disjunction


async def listed(context: Context, id: str) -> list[Key]:
    """The resources of this server among the current entries of a List, in its order, each once.

    Entries marked as deleted are not current. Raises a refusal: 400 for a functional list (``$current-…``),
    for what is no id, and for a List that is not there.
    """
    found = await _entries(context, id)
    if found is None:
        raise refuse(Category.INVALID, "not-found", f"There is no {_named(id)}", "http._list")
    return found


async def _entries(context: Context, id: str) -> list[Key] | None:
    """As :func:`listed`, but None for a List that is not there."""
    if id.startswith("$"):
        text = f"The functional list '{id[:64]}' is not supported: name a List resource by its id"
        raise refuse(Category.INVALID, "not-supported", text, "http._list")
    name = id.removeprefix("List/")
    if not is_id(name):
        raise refuse(Category.INVALID, "value", "_list is the id of a List", "http._list")
    version = await context.store.read("List", name)
    if version is None or version.deleted:
        return None
    base = f"{context.base_url}/"
    keys = [_key(base, entry) for entry in loads(version.content).get("entry", ())]
    return list(dict.fromkeys(key for key in keys if key is not None))


def _named(id: str) -> str:
    return f"List/{id.removeprefix('List/')}"


async def among_lists(context: Context, values: Iterable[str]) -> tuple[dict[str, Expression], list[Issue]]:
    """Per type the condition to be listed, and a warning for each List that is not there.

    Every value must name, among its ids with commas between them, a List that lists a resource.
    """
    found: list[dict[Key, None]] = []
    absent: list[Issue] = []
    for value in values:
        found.append({})
        for id in value.split(","):
            keys = await _entries(context, id)
            found[-1].update(dict.fromkeys(keys or ()))
            if keys is None:
                text = f"There is no {_named(id)}: nothing is found by it"
                absent.append(Issue("not-found", text, ("http._list",), "warning"))
    return _conditions([key for key in found[0] if all(key in other for other in found[1:])]), absent


def _conditions(keys: Iterable[Key]) -> dict[str, Expression]:
    by_type: dict[str, list[Expression]] = {}
    for key in keys:
        by_type.setdefault(key.type, []).append(IdIs(key.id))
    return {type: disjunction(of) for type, of in by_type.items()}


def _key(base: str, entry: JsonObject) -> Key | None:
    if entry.get("deleted") is True:
        return None
    literal = parse_reference(str(entry.get("item", {}).get("reference", "")).removeprefix(base))
    return None if literal is None or literal.base else Key(literal.type, literal.id)
