"""Code systems of others that are short enough to be listed: countries, subdivisions, currencies, time zones …

https://hl7.org/fhir/R4/terminologies-systems.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fhirserver.kernel.json import JsonObject
from terminology.lists.areas import URL as AREAS
from terminology.lists.areas import areas
from terminology.lists.countries import URL as COUNTRIES
from terminology.lists.countries import countries
from terminology.lists.currencies import URL as CURRENCIES
from terminology.lists.currencies import currencies
from terminology.lists.states import URL as STATES
from terminology.lists.states import states
from terminology.lists.subdivisions import URL as SUBDIVISIONS
from terminology.lists.subdivisions import subdivisions
from terminology.lists.time_zones import URL as TIME_ZONES
from terminology.lists.time_zones import time_zones

__all__ = ["LISTS", "listed"]

LISTS: Mapping[str, Callable[[], JsonObject]] = {
    AREAS: areas,
    COUNTRIES: countries,
    CURRENCIES: currencies,
    STATES: states,
    SUBDIVISIONS: subdivisions,
    TIME_ZONES: time_zones,
}
"""What makes the CodeSystem of a url."""


def listed(url: str) -> JsonObject | None:
    """The code system with this url as a CodeSystem resource, made anew, or None."""
    made = LISTS.get(url)
    return made() if made is not None else None
