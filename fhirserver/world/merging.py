"""Merging resources that are one and the same in the world, and taking them apart again. Pure.

The claims of a merged resource move into the survivor's ledger under voices that keep their origin (see
:mod:`fhirserver.world.voices`), with the decisions made about them. What is left is a shell that leads to
the survivor. References follow by ``links`` of the ledgers that hold them: what sources said is not rewritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.links import Find, relink
from fhirserver.ports.log import Commit
from fhirserver.world.decision import Decision
from fhirserver.world.ledger import Ledger, ledger_from
from fhirserver.world.units import Units, join, split
from fhirserver.world.view import Stamp, View
from fhirserver.world.vocabulary import CERTAIN, REPLACED_BY, REPLACES
from fhirserver.world.voices import first, moved, moved_back

MERGEABLE = frozenset({"Patient", "Practitioner", "Organization", "Location"})
"""Types whose duplicates can be merged."""
_REPLACING = ("replaces", "replaced-by")


def shell(type: str, into: str) -> JsonObject:
    """What is left of a merged resource: that it is no longer in use, and what replaces it."""
    content: JsonObject = {"status": "inactive"} if type == "Location" else {"active": False}
    member, item = _link(type, into, "replaced-by")
    return {**content, member: [item]}


def replacing(type: str, merged: tuple[str, ...]) -> tuple[str, list[JsonObject]]:
    """The member and items by which a survivor names what was merged into it."""
    ids = dict.fromkeys(first(origin) for origin in merged)
    return _link(type, "", "replaces")[0], [_link(type, id, "replaces")[1] for id in ids]


def _link(type: str, id: str, kind: str) -> tuple[str, JsonObject]:
    """``Patient.link``; an extension where the type has no such element."""
    reference = {"reference": f"{type}/{id}"}
    if type == "Patient":
        return "link", {"other": reference, "type": kind}
    url = REPLACES if kind == "replaces" else REPLACED_BY
    return "extension", {"url": url, "valueReference": reference}


def shown(json: JsonObject, ledger: Ledger) -> JsonObject:
    """The rendered resource with its references leading where they do now, and naming what it replaces."""
    if ledger.links:
        json = with_references(json, lambda reference: followed(reference, ledger.links))
    if not ledger.merged:
        return json
    member, items = replacing(json["resourceType"], ledger.merged)
    stated = json.get(member, [])
    return {**json, member: [*stated, *(item for item in items if item not in stated)]}


def followed(reference: str, links: Mapping[str, str]) -> str | None:
    """Where a reference leads; None where it stays."""
    found = None
    while (onward := links.get(found or reference)) is not None:
        found = onward
    return found


def with_references(resource: JsonObject, find: Find) -> JsonObject:
    """The resource with references replaced; those by which a Patient says what replaces what stay."""
    links = resource.get("link") if resource.get("resourceType") == "Patient" else None
    if not isinstance(links, list):
        return relink(resource, _nothing, find)
    kept = [link for link in links if isinstance(link, dict) and link.get("type") in _REPLACING]
    if not kept:
        return relink(resource, _nothing, find)
    changed = relink({name: value for name, value in resource.items() if name != "link"}, _nothing, find)
    items = [link if link in kept else _one_link(link, find) for link in links]
    return {name: items if name == "link" else changed[name] for name in resource}


def _one_link(link: Json, find: Find) -> Json:
    (changed,) = relink({"resourceType": "Patient", "link": [link]}, _nothing, find)["link"]
    return changed


def _nothing(uri: str) -> None:
    return None


def needed_links(type: str, units: Units, merged: Mapping[str, str]) -> dict[str, str]:
    """The part of ``merged`` (``Type/id`` → ``Type/id``) that the references in a world need."""
    found: dict[str, str] = {}

    def look(reference: str) -> None:
        while (onward := merged.get(reference)) is not None and reference not in found:
            found[reference] = reference = onward

    with_references({"resourceType": type, **join(units)}, look)
    return dict(sorted(found.items()))


def absorbed(ledger: Ledger, other: Ledger, origin: str) -> Ledger:
    """A survivor's ledger with what another ledger has, under that origin."""
    views = [replace(view, source=moved(view.source, origin)) for view in other.views]
    decisions = [_moved(decision, origin) for decision in other.decisions]
    return replace(
        ledger,
        views=tuple(sorted((*ledger.views, *views), key=lambda view: view.source)),
        decisions=(*ledger.decisions, *decisions),
    )


def _moved(decision: Decision, origin: str) -> Decision:
    against = tuple((moved(voice, origin), position) for voice, position in decision.against)
    return replace(decision, source=moved(decision.source, origin), against=against)


def released(ledger: Ledger, origin: str) -> tuple[Ledger, Ledger]:
    """What stays with a survivor, and what came from an origin, as it is now.

    A decision goes with the claim it is about. It forgets the claims it was made against that go elsewhere.
    """
    views = [(view, moved_back(view.source, origin)) for view in ledger.views]
    gone = [replace(view, source=voice) for view, voice in views if voice is not None]
    stays = replace(
        ledger,
        views=tuple(view for view, voice in views if voice is None),
        decisions=tuple(kept for one in ledger.decisions if (kept := _kept(one, origin))),
    )
    decisions = tuple(back for one in ledger.decisions if (back := _moved_back(one, origin)))
    return stays, Ledger(tuple(sorted(gone, key=lambda view: view.source)), decisions)


def _kept(decision: Decision, origin: str) -> Decision | None:
    if moved_back(decision.source, origin) is not None:
        return None
    against = tuple(pair for pair in decision.against if moved_back(pair[0], origin) is None)
    return decision if against == decision.against else replace(decision, against=against)


def _moved_back(decision: Decision, origin: str) -> Decision | None:
    source = moved_back(decision.source, origin)
    if source is None:
        return None
    back = [(moved_back(voice, origin), position) for voice, position in decision.against]
    against = tuple((voice, position) for voice, position in back if voice is not None)
    return replace(decision, source=source, against=against)


def on_merged(ledger: Ledger, event: JsonObject, commit: Commit) -> Ledger:
    """The survivor of a merge."""
    if any(moved_back(view.source, event["origin"]) is not None for view in ledger.views):
        return ledger
    return absorbed(ledger, ledger_from(event["ledger"], {}), event["origin"])


def on_replaced(ledger: Ledger, event: JsonObject, commit: Commit) -> Ledger:
    """What was merged into another: the shell is the statement of who merged them."""
    stamp = Stamp(commit.position, commit.recorded, CERTAIN)
    view = View(commit.statement.source, split(event["type"], event["content"]), (stamp,), full=0)
    return Ledger((view,), into=event["into"])


def on_unmerged(ledger: Ledger, event: JsonObject, commit: Commit) -> Ledger:
    """The one that stays what it was."""
    return released(ledger, event["origin"])[0]


def on_restored(ledger: Ledger, event: JsonObject, commit: Commit) -> Ledger:
    """What was merged is a resource of its own again."""
    return ledger_from(event["ledger"], {})


def on_relinked(ledger: Ledger, event: JsonObject, commit: Commit) -> Ledger:
    """Only the ``links``, which any event may carry, are new."""
    return ledger
