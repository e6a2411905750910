"""In which time zones a patient may be: what the record says, else the address, else the telephone number.

Where that leaves several (a state with two), all of them are meant: an hour is right only if it is right in each.
"""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import timezone as phone_zones

from fhirserver.kernel.json import JsonObject

_EXTENSIONS = frozenset(
    {
        "http://hl7.org/fhir/StructureDefinition/timezone",
        "http://hl7.org/fhir/StructureDefinition/tz-code",
    }
)
"""https://hl7.org/fhir/extensions/StructureDefinition-timezone.html, on the Patient or on an address."""
_E, _C, _M, _P = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
_KEEP: dict[str, tuple[str, ...]] = {
    "CT DC DE GA MA MD ME NC NH NJ NY OH PA RI SC VA VT WV": (_E,),
    "FL IN KY MI TN": (_E, _C),
    "AL AR IA IL LA MN MO MS OK WI": (_C,),
    "KS ND NE SD TX": (_C, _M),
    "CO MT NM UT WY": (_M,),
    "AZ": ("America/Phoenix", _M),
    "ID": (_M, _P),
    "OR": (_P, _M),
    "CA NV WA": (_P,),
    "AK": ("America/Anchorage", "America/Adak"),
    "HI": ("Pacific/Honolulu",),
    "PR": ("America/Puerto_Rico",),
    "VI": ("America/St_Thomas",),
    "GU": ("Pacific/Guam",),
}
_STATES = {state: zones for states, zones in _KEEP.items() for state in states.split()}
"""US states and territories with all their zones; where only a sliver keeps another one, that one too."""
_NAMES = {
    "alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA", "colorado": "CO",
    "connecticut": "CT", "delaware": "DE", "district of columbia": "DC", "florida": "FL", "georgia": "GA",
    "hawaii": "HI", "idaho": "ID", "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS",
    "kentucky": "KY", "louisiana": "LA", "maine": "ME", "maryland": "MD", "massachusetts": "MA", "michigan": "MI",
    "minnesota": "MN", "mississippi": "MS", "missouri": "MO", "montana": "MT", "nebraska": "NE", "nevada": "NV",
    "new hampshire": "NH", "new jersey": "NJ", "new mexico": "NM", "new york": "NY", "north carolina": "NC",
    "north dakota": "ND", "ohio": "OH", "oklahoma": "OK", "oregon": "OR", "pennsylvania": "PA",
    "rhode island": "RI", "south carolina": "SC", "south dakota": "SD", "tennessee": "TN", "texas": "TX",
    "utah": "UT", "vermont": "VT", "virginia": "VA", "washington": "WA", "west virginia": "WV",
    "wisconsin": "WI", "wyoming": "WY", "puerto rico": "PR", "guam": "GU",
}  # fmt: skip
_UNITED_STATES = frozenset({"", "us", "usa", "united states", "united states of america"})
_UNKNOWN = "Etc/Unknown"


def zones_of(patient: JsonObject, number: str, practice: str) -> tuple[str, ...]:
    """IANA names, at least one. ``number`` is the one to be reached (E.164; may be empty), ``practice`` the zone that
    is taken where nothing is known."""
    return _stated(patient) or _of_address(patient) or zones_of_number(number) or (practice,)


def _stated(resource: JsonObject) -> tuple[str, ...]:
    for extension in resource.get("extension", ()):
        name = extension.get("valueCode") or extension.get("valueString") or ""
        if extension.get("url") in _EXTENSIONS and is_zone(str(name)):
            return (str(name),)
    return ()


def _of_address(patient: JsonObject) -> tuple[str, ...]:
    current = [a for a in patient.get("address", ()) if a.get("use") not in ("old", "billing")]
    current.sort(key=lambda address: address.get("use") != "home")
    for address in current:
        found = _stated(address) or _of_state(address)
        if found:
            return found
    return ()


def _of_state(address: JsonObject) -> tuple[str, ...]:
    if str(address.get("country", "")).strip().casefold() not in _UNITED_STATES:
        return ()
    state = str(address.get("state", "")).strip()
    return _STATES.get(_NAMES.get(state.casefold(), state.upper()), ())


@lru_cache(4096)
def zones_of_number(number: str) -> tuple[str, ...]:
    """Those of a number's area; none for a number that cannot be, or that is of no place."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ()
    found = phone_zones.time_zones_for_geographical_number(parsed)
    return tuple(zone for zone in found if zone != _UNKNOWN and is_zone(zone))


@lru_cache(1024)
def is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
