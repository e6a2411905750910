"""What the server's own records say of the practice: its places with their hours, addresses and numbers."""

from __future__ import annotations

from collections.abc import Iterator

from agent.records import Opening, Place
from agent.tools.client import FhirClient
from fhirserver.kernel.json import JsonObject
from fhirserver.world.configured.parts import WEEKDAYS, minutes

MOST = 50
_ALL_DAY = 24 * 60


async def places(client: FhirClient, practice: str) -> tuple[Place, ...]:
    """The practice's places; one that tells nothing of itself has what its organization tells. Raises
    :class:`~agent.tools.client.Unreachable`.

    Rooms and the like are left out. An organization that no place belongs to counts only by the practice's own name,
    for there are payers among them.
    """
    found = await client.search("Location", [("status", "active"), ("_count", str(MOST))])
    houses = [one for one in found if one.get("status") == "active" and not one.get("partOf")]
    belonging = {str(one.get("managingOrganization", {}).get("reference", "")) for one in houses}
    named = await client.search("Organization", [("name", practice)]) if practice else []
    owners = {f"Organization/{one['id']}": one for one in named if str(one.get("name", "")) == practice}
    for reference in sorted(filter(None, belonging - set(owners)))[:5]:
        owners |= {reference: await client.read(reference) or {}}
    made = [_place(one, _owner(one, owners, practice)) for one in houses]
    return tuple(made or [_place(one, {}) for one in owners.values() if one])


def _owner(place: JsonObject, owners: dict[str, JsonObject], practice: str) -> JsonObject:
    own = owners.get(str(place.get("managingOrganization", {}).get("reference", "")))
    return own or next((one for one in owners.values() if one.get("name") == practice), {})


def _place(place: JsonObject, owner: JsonObject) -> Place:
    return Place(
        str(place.get("name", "")),
        tuple(sorted(_openings(place))),
        _address(place.get("address")) or next(map(_address, owner.get("address", ())), ""),
        _phone(place) or _phone(owner),
    )


def _openings(place: JsonObject) -> Iterator[Opening]:
    for hours in place.get("hoursOfOperation", ()):
        whole = bool(hours.get("allDay"))
        begins, ends = str(hours.get("openingTime", ""))[:5], str(hours.get("closingTime", ""))[:5]
        for day in hours.get("daysOfWeek", ()):
            if day in WEEKDAYS and (whole or (begins and ends)):
                span = (0, _ALL_DAY) if whole else (minutes(begins), minutes(ends) or _ALL_DAY)
                yield Opening(WEEKDAYS.index(day), *span)


def _address(address: JsonObject | list[JsonObject] | None) -> str:
    """``20 Shore Road, Springfield, MA 01103``."""
    if not isinstance(address, dict):
        return ""
    region = " ".join(filter(None, (address.get("state", ""), address.get("postalCode", ""))))
    parts = (*address.get("line", ()), address.get("city", ""), region)
    told = ", ".join(str(part) for part in parts if part)
    return told if address.get("line") else str(address.get("text", ""))


def _phone(resource: JsonObject) -> str:
    found = (
        one for one in resource.get("telecom", ()) if one.get("system") == "phone" and one.get("use") != "old"
    )
    return next((str(one["value"]) for one in found if one.get("value")), "")
