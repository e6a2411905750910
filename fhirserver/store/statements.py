"""What a statement is to what its source said before: late, or something to take back."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.log import Commit
from fhirserver.world.entity import Entity, source_of
from fhirserver.world.units import member_of, same, split
from fhirserver.world.view import View


def comes_late(before: Entity, event: JsonObject, commit: Commit) -> bool:
    """Whether the source has said something about the resource that holds since a later time."""
    since = event.get("effective", "")
    view = before.ledger.view(source_of(event, commit)) if since else None
    return view is not None and max(view.told, *(stamp.effective for stamp in view.stamps)) > since


def is_news_of_old(before: Entity, event: JsonObject, commit: Commit) -> bool:
    """Whether a statement that changes nothing now is still news: of a time before what the source said since.

    It is kept in the log, for whoever asks what was so then.
    """
    if not comes_late(before, event, commit):
        return False
    view = before.ledger.view(source_of(event, commit))
    if view is None or event["e"] == "removed" or view.deleted is not None:
        return view is not None and (event["e"] == "removed") != (view.deleted is not None)
    stated = split(event["type"], event["content"])
    silent = (
        set(view.units) - set(stated) if event.get("full") else set(event.get("absent", ())) & set(view.units)
    )
    return bool(silent) or any(not same(view.units.get(unit), value) for unit, value in stated.items())


def spoken_units(view: View, type: str, wanted: Sequence[str]) -> list[str]:
    """The units or elements that are named, by unit (``telecom[phone|…]``) or path (``Patient.telecom``).

    Refuses one of which the source does not speak.
    """
    spoken = frozenset().union(*({unit, member_of(unit)} for unit in view.stated()))
    named: dict[str, None] = {}
    for given in wanted:
        name = given.removeprefix(f"{type}.")
        found = next((one for one in (name, f"{name}[x]") if one in spoken), None)
        if found is None:
            path = f"{type}.{member_of(name)}"
            text = f"'{view.source}' says nothing about this unit; $lineage shows what it says"
            raise refuse(Category.NOT_FOUND, "not-found", text, path)
        named[found] = None
    return list(named)
