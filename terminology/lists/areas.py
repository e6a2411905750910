"""Areas of the world, ``http://unstats.un.org/unsd/methods/m49/m49.htm``. https://unstats.un.org/unsd/methodology/m49/"""

from __future__ import annotations

from collections.abc import Iterator

from fhirserver.kernel.json import JsonObject
from terminology.grammars.subtags import registry
from terminology.lists.code_list import code_list, concept, declared, filtered
from terminology.lists.countries import names, rows

URL = "http://unstats.un.org/unsd/methods/m49/m49.htm"
_GROUPS = {
    "199": "Least developed countries",
    "432": "Landlocked developing countries",
    "722": "Small island developing States",
}
_OWN = {"680": "Sark"}
_NOT_LISTED = "158"


def areas() -> JsonObject:
    """Regions, groups and countries by number, told apart by ``class`` as R4's ValueSet jurisdiction does."""
    return code_list(
        URL,
        "M49",
        "Standard country or area codes for statistical use (M49)",
        sorted(_concepts(), key=lambda one: str(one["code"])),
        publisher="United Nations Statistics Division",
        description="Names are those of the IANA language subtag registry and of R4.",
        property=declared(**{"class": "region, country or group"}),
        filter=filtered(**{"class": "Areas of one class"}),
    )


def _concepts() -> Iterator[JsonObject]:
    for code, name, *_ in registry().all("region"):
        if code.isdigit():
            yield concept(code, name, **{"class": "region"})
    for country, _, number in rows():
        if number != _NOT_LISTED:
            yield concept(number, *names(country), **{"class": "country"})
    yield from (concept(code, name, **{"class": "country"}) for code, name in _OWN.items())
    yield from (concept(code, name, **{"class": "group"}) for code, name in _GROUPS.items())
