"""US postal addresses as they are said."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fhirserver.world.spoken.identifiers import digit_strings, postal_codes
from fhirserver.world.spoken.numbers import TEENS, TENS, UNITS, ZERO, ordinal
from fhirserver.world.spoken.words import Found, fold, tokens

_STATES = """
    Alabama AL, Alaska AK, Arizona AZ, Arkansas AR, California CA, Colorado CO, Connecticut CT,
    Delaware DE, Florida FL, Georgia GA, Hawaii HI, Idaho ID, Illinois IL, Indiana IN, Iowa IA,
    Kansas KS, Kentucky KY, Louisiana LA, Maine ME, Maryland MD, Massachusetts MA, Michigan MI,
    Minnesota MN, Mississippi MS, Missouri MO, Montana MT, Nebraska NE, Nevada NV, New Hampshire NH,
    New Jersey NJ, New Mexico NM, New York NY, North Carolina NC, North Dakota ND, Ohio OH, Oklahoma
    OK, Oregon OR, Pennsylvania PA, Rhode Island RI, South Carolina SC, South Dakota SD, Tennessee
    TN, Texas TX, Utah UT, Vermont VT, Virginia VA, Washington WA, West Virginia WV, Wisconsin WI,
    Wyoming WY, District Of Columbia DC, Puerto Rico PR
"""
STATES = {
    name.lower(): code for name, _, code in (" ".join(s.split()).rpartition(" ") for s in _STATES.split(","))
}
_CODES = frozenset(STATES.values())
_STREETS = {
    "street": "Street", "st": "Street", "avenue": "Avenue", "ave": "Avenue", "road": "Road", "rd": "Road",
    "lane": "Lane", "ln": "Lane", "drive": "Drive", "dr": "Drive", "court": "Court", "ct": "Court",
    "boulevard": "Boulevard", "blvd": "Boulevard", "place": "Place", "pl": "Place", "way": "Way",
    "terrace": "Terrace", "circle": "Circle", "highway": "Highway", "parkway": "Parkway", "trail": "Trail",
    "square": "Square", "row": "Row", "alley": "Alley", "loop": "Loop", "path": "Path",
}  # fmt: skip
_NUMBER_WORDS = set(UNITS) | set(TEENS) | set(TENS) | set(ZERO) | {"hundred", "thousand", "double", "triple"}
_UNIT = re.compile(r"\b(apartment|apt|unit|suite|ste|floor|number)\s+(?:number\s+)?([a-z0-9]+)", re.I)


@dataclass(frozen=True, slots=True)
class SpokenAddress:
    """The parts that were said; empty where nothing was."""

    line: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""

    @property
    def is_whole(self) -> bool:
        return bool(self.line and self.city and self.postal_code)

    def merged(self, newer: SpokenAddress) -> SpokenAddress:
        """This address with every part that ``newer`` says replaced."""
        return SpokenAddress(
            newer.line or self.line,
            newer.city or self.city,
            newer.state or self.state,
            newer.postal_code or self.postal_code,
        )


def _state(text: str) -> Found[str] | None:
    folded = fold(text)
    hits = [
        Found(code, m.start(), m.end())
        for n, code in STATES.items()
        for m in re.finditer(rf"\b{n}\b", folded)
    ]
    hits += [Found(m[0], m.start(), m.end()) for m in re.finditer(r"\b[A-Z]{2}\b", text) if m[0] in _CODES]
    return max(hits, key=lambda h: (h.end, h.end - h.start), default=None)


def _house(text: str) -> Found[str] | None:
    """The house number: the first digits, unless they are the postal code at the end."""
    runs = digit_strings(text)
    zips = {f.start for f in postal_codes(text)[:1] if f.start > 0 and len(runs) > 1}
    first = next((r for r in runs if r.start not in zips), None)
    written = first and re.match(r"\d+\b(?!\s*,?\s*\d)", text[first.start :])
    return Found(written[0], first.start, first.start + len(written[0])) if first and written else first


def _street(text: str, house: Found[str]) -> Found[str] | None:
    after = tokens(text[house.end :])
    for i, token in enumerate(after):
        if token.raw in (",", ".") and i > 3:
            break
        if token.text in _STREETS and i > 0:
            name = _street_name(text[house.end + after[0].start : house.end + token.start])
            end = house.end + token.end
            return Found(f"{house.value} {name} {_STREETS[token.text]}", house.start, end) if name else None
    return None


def _street_name(said: str) -> str:
    ts = tokens(said)
    parts, i = [], 0
    while i < len(ts):
        nth = ordinal(ts, i)
        if nth:
            parts.append(f"{nth[0]}{_suffix(nth[0])}")
            i = nth[1]
            continue
        if not ts[i].is_mark:
            parts.append(ts[i].raw.title() if ts[i].raw.islower() else ts[i].raw)
        i += 1
    return " ".join(parts)


def _suffix(n: int) -> str:
    return "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")


def _city(text: str, after: int, before: int) -> str:
    words = list(tokens(text[after:before]))
    kept = [t for t in words if t.is_word and t.text not in _CITY_NOISE and t.text not in _NUMBER_WORDS]
    return " ".join(t.raw.title() if t.raw.islower() else t.raw for t in kept)


_CITY_NOISE = frozenset(
    re.findall(r"\S+", "the in city of and town zip code is postal state it's its my uh um that's near at")
)


def address(text: str) -> SpokenAddress:
    """The parts of a US address said in ``text``."""
    house = _house(text)
    street = _street(text, house) if house else None
    unit = _UNIT.search(text)
    state = _state(text)
    codes = [f for f in postal_codes(text) if not street or f.start >= street.end]
    line = street.value if street else ""
    start = max(street.end if street else 0, unit.end() if unit else 0)
    if line and unit:
        line += f", {unit[1].title()} {unit[2].upper()}"
    stop = min(
        [x.start for x in ([state] if state else []) + codes[:1] if x.start >= start], default=len(text)
    )
    city = _city(text, start, stop) if street or state or codes else ""
    return SpokenAddress(line, city, state.value if state else "", codes[0].value if codes else "")


def street_word(word: str) -> str:
    """``st`` → ``street``; any other word as it is."""
    return _STREETS.get(word, word).lower()


def address_key(line: str) -> str:
    """A street line for comparison: folded, street words written out, marks gone."""
    said = [_STREETS.get(t.text, t.text).lower() for t in tokens(line) if not t.is_mark]
    return " ".join(said)
