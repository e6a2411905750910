"""Lists of codes that others keep: how many there are, what they are called, what R4's value sets draw from them."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest

from terminology.built_in import built_in, built_in_urls
from terminology.lists import LISTS, listed
from terminology.systems import System

COUNTRIES, SUBDIVISIONS = "urn:iso:std:iso:3166", "urn:iso:std:iso:3166:-2"
CURRENCIES, AREAS = "urn:iso:std:iso:4217", "http://unstats.un.org/unsd/methods/m49/m49.htm"
STATES, ZONES = "https://www.usps.com/", "https://www.iana.org/time-zones"


def system(url: str) -> System:
    found = built_in(url)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("url", "size"),
    [(COUNTRIES, 747), (SUBDIVISIONS, 5049), (CURRENCIES, 189), (AREAS, 283), (STATES, 62)],
)
def test_a_list_is_whole(url: str, size: int) -> None:
    header = system(url).header
    assert system(url).size == size == header["count"]
    assert header["content"] == "complete" and header["caseSensitive"] is True
    assert header["name"] and header["title"] and header["publisher"]


@pytest.mark.parametrize("url", LISTS)
def test_codes_are_there_once_and_have_names(url: str) -> None:
    concepts = (listed(url) or {})["concept"]
    assert len({one["code"] for one in concepts}) == len(concepts)
    assert all(one["display"] for one in concepts)


@pytest.mark.parametrize(
    ("url", "code", "display", "other"),
    [
        (COUNTRIES, "CH", "Switzerland", None),
        (COUNTRIES, "TUR", "Turkey", "Türkiye"),
        (COUNTRIES, "756", "Switzerland", None),
        (SUBDIVISIONS, "US-CA", "California", None),
        (SUBDIVISIONS, "DE-BY", "Bavaria", None),
        (SUBDIVISIONS, "US-PR", "Puerto Rico", None),
        (CURRENCIES, "CHF", "Swiss franc", None),
        (CURRENCIES, "CNY", "Renminbi (Chinese) yuan", "Renminbi (Chinese) yuan[8]"),
        (CURRENCIES, "ZWG", "Zimbabwe gold", None),
        (AREAS, "150", "Europe", None),
        (STATES, "DC", "District of Columbia", None),
        (ZONES, "Europe/Zurich", "Europe/Zurich", None),
    ],
)
def test_codes_have_names(url: str, code: str, display: str, other: str | None) -> None:
    found = system(url).find(code)
    assert found is not None and found.display == display
    assert other is None or other in [one.value for one in found.designations]


@pytest.mark.parametrize(
    ("url", "code"),
    [(COUNTRIES, "ch"), (COUNTRIES, "XK"), (SUBDIVISIONS, "US"), (SUBDIVISIONS, "US-ZZ"), (CURRENCIES, "chf"),
     (AREAS, "158"), (STATES, "ZZ"), (ZONES, "Mars/Olympus"), (ZONES, "")],
)  # fmt: skip
def test_wrong_codes_are_none(url: str, code: str) -> None:
    assert system(url).find(code) is None


@pytest.mark.parametrize(
    ("url", "name", "op", "value", "count"),
    [
        (COUNTRIES, "code", "regex", "[A-Z]{3}", 249),  # ValueSet/iso3166-1-3
        (COUNTRIES, "code", "regex", "[0-9]{3}", 249),  # ValueSet/iso3166-1-N
        (COUNTRIES, "form", "=", "alpha-2", 249),
        (AREAS, "class", "=", "region", 31),  # ValueSet/jurisdiction
        (SUBDIVISIONS, "country", "=", "CH", 26),
        (SUBDIVISIONS, "concept", "descendent-of", "GB-WLS", 22),
        (CURRENCIES, "decimals", "=", "3", 7),
        (CURRENCIES, "decimals", "exists", "false", 13),
    ],
)
def test_filters_that_value_sets_use(url: str, name: str, op: str, value: str, count: int) -> None:
    assert len(system(url).select({"property": name, "op": op, "value": value})) == count


def test_the_decimals_of_a_currency() -> None:
    found = {code: system(CURRENCIES).find(code) for code in ("JPY", "USD", "KWD", "CLF", "XAU")}
    stated = {code: [held["valueInteger"] for held in one.properties] for code, one in found.items() if one}
    assert stated == {"JPY": [0], "USD": [2], "KWD": [3], "CLF": [4], "XAU": []}


def test_a_province_is_in_its_region() -> None:
    assert system(SUBDIVISIONS).is_a("IT-MI", "IT-25") and not system(SUBDIVISIONS).is_a("IT-25", "IT-MI")
    assert system(SUBDIVISIONS).parents("IT-MI") == ["IT-25"]


def test_every_zone_that_python_knows_is_one() -> None:
    assert {zone for zone in available_timezones() if system(ZONES).find(zone) is None} <= {
        "localtime",
        "posixrules",
    }
    assert str(system(ZONES).version).startswith("20")


def test_what_is_built_in_is_made_once() -> None:
    assert len(built_in_urls()) == 10 and built_in("http://example.org/other") is None
    assert all(built_in(url) is built_in(url) for url in built_in_urls())
