"""Time zones, ``https://www.iana.org/time-zones``. https://hl7.org/fhir/R4/valueset-timezones.html"""

from __future__ import annotations

from importlib import import_module
from importlib.resources import files

from fhirserver.kernel.json import JsonObject
from terminology.lists.code_list import code_list, concept

URL = "https://www.iana.org/time-zones"


def time_zones() -> JsonObject:
    """Every name of the database, also the older ones that are links to others."""
    names = files("tzdata").joinpath("zones").read_text("ascii").split()
    return code_list(
        URL,
        "TimeZones",
        "IANA time zone database",
        (concept(name, name) for name in sorted(names)),
        version=import_module("tzdata").IANA_VERSION,
        publisher="IANA",
        valueSet="http://hl7.org/fhir/ValueSet/timezones",
    )
