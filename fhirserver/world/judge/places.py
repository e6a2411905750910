"""Postal addresses: street, unit, city, state, postal code, each compared by itself."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise

from fhirserver.kernel.json import Json
from fhirserver.ports.judge import Claim, Finding, Verdict
from fhirserver.world.judge.directory import Directory
from fhirserver.world.judge.fragments import partial_reader, tail_mender
from fhirserver.world.judge.hearing import Talk
from fhirserver.world.judge.kinds import Kind, Read
from fhirserver.world.judge.misheard import may_be_misheard
from fhirserver.world.judge.reading import weigh, worst
from fhirserver.world.judge.topics import Topics
from fhirserver.world.spoken.addresses import STATES, address, street_word
from fhirserver.world.spoken.characters import pieces
from fhirserver.world.spoken.identifiers import digit_strings, is_postal_code
from fhirserver.world.spoken.numbers import ordinal
from fhirserver.world.spoken.words import Found, Token, fold, tokens

_TOPICS = frozenset(("address",))
_DIRECTIONS = {
    "n": "north", "s": "south", "e": "east", "w": "west", "ne": "northeast", "nw": "northwest", "se": "southeast",
    "sw": "southwest",
}  # fmt: skip
_UNITS = frozenset(("apartment", "apt", "unit", "suite", "ste", "number", "no", "#", "flat", "room"))
_FILLERS = frozenset(("uh", "um", "er", "erm", "the", "a", "like", "on", "in"))


def postal_address(claim: Claim, value: Json, talk: Talk, directory: Directory) -> Verdict:
    """The worst of what its parts get; a country follows from the rest."""
    if not isinstance(value, dict):
        return Verdict(Finding.DOUBTFUL, 0.7, "The address is empty.")
    postal = str(value.get("postalCode", ""))
    if postal and not is_postal_code(postal):
        return Verdict(Finding.DOUBTFUL, 0.85, "The postal code does not have the shape of a ZIP code.")
    own = claim.type == "Patient"
    verdicts = [weigh(line, _kind("street", _line_reader(line), own), talk) for line in _lines(value) if line]
    if postal:
        verdicts.append(weigh(postal[:5], _postal_kind(own), talk))
    city = str(value.get("city", ""))
    if city:
        verdicts.append(weigh(fold(city), _kind("city", _city_reader(city), own), talk))
    verdicts += _state(str(value.get("state", "")), own, talk)
    return worst(verdicts) if verdicts else Verdict(Finding.DOUBTFUL, 0.7, "The address is empty.")


_NO_PLACE = frozenset(("member", "group", "npi", "birth", "payer", "phone"))


def _kind(what: str, read: Read, own: bool) -> Kind:
    return Kind(what, _TOPICS, read, own=own, foreign=_NO_PLACE, alike=_same_but_house)


def _postal_kind(own: bool) -> Kind:
    def read(said: str, asked: Topics) -> Sequence[Found[Hashable]]:
        hits = [f for f in digit_strings(said, 5) if len(f.value) in (5, 9)]
        street = address(said).line
        return [Found(f.value[:5], f.start, f.end) for f in hits if not street.startswith(f"{f.value} ")]

    return Kind(
        "postal code",
        _TOPICS,
        read,
        tail_mender(5, False),
        partial_reader(False),
        own=own,
        alike=may_be_misheard,
        foreign=frozenset(("member", "group", "phone", "npi", "fax", "birth", "other")),
    )


def _state(state: str, own: bool, talk: Talk) -> list[Verdict]:
    """What was said of the state; silence about it is no fault, since it follows from the postal code."""
    code = STATES.get(fold(state), state.upper())
    if code not in STATES.values():
        return []

    def read(said: str, asked: Topics) -> Sequence[Found[Hashable]]:
        found = address(said)
        return [Found(found.state, 0, 0)] if found.state and (found.line or found.postal_code) else []

    verdict = weigh(code, _kind("state", read, own), talk)
    return [verdict] if verdict.finding is Finding.CONTRADICTED else []


def _city_reader(city: str) -> Read:
    expected = fold(city)
    word = re.compile(rf"(?<!\w){re.escape(expected)}(?!\w)")

    def read(said: str, asked: Topics) -> Sequence[Found[Hashable]]:
        folded = fold(said) if len(fold(said)) == len(said) else said.lower()
        hits: list[Found[Hashable]] = [Found(expected, m.start(), m.end()) for m in word.finditer(folded)]
        found = address(said)
        if hits or not found.city or not (found.state or found.postal_code) or len(found.city.split()) > 3:
            return hits
        start = folded.find(fold(found.city))
        return [Found(fold(found.city), max(start, 0), max(start, 0) + len(found.city))]

    return read


def _same_but_house(heard: Hashable, meant: Hashable) -> bool:
    """Whether two street lines differ only in what a recogniser mishears."""
    a, b = str(heard).split(), str(meant).split()
    return bool(a and b) and a[0] == b[0] and len(a) == len(b)


def _line_reader(expected: str) -> Read:
    pattern = _pattern(expected)
    house = re.match(r"\d", expected) is not None

    def read(said: str, asked: Topics) -> Sequence[Found[Hashable]]:
        words = list(_canonical(said))
        text, places = "", []
        for word, start, end in words:
            places.append((len(text), start, end))
            text += word + " "
        match = pattern.search(text)
        if match:
            inside = [(s, e) for at, s, e in places if match.start() <= at < match.end()]
            return [Found(expected, inside[0][0], inside[-1][1])]
        if not house:
            return list(_units(words))
        line = address(said).line.split(",")[0]
        if not line:
            return []
        start = next((f.start for f in digit_strings(said)), 0)
        return [Found(_key(line), start, min(len(said), start + len(line)))]

    return read


def _units(words: Sequence[tuple[str, int, int]]) -> Iterator[Found[Hashable]]:
    """The apartments and suites named."""
    for (word, start, _), (number, _, end) in pairwise(words):
        if word == "unit" and (number[0].isdigit() or len(number) == 1):
            yield Found(f"unit {number}", start, end)


def _lines(value: dict[str, Json]) -> Iterator[str]:
    """The lines in their form for comparison, a unit apart from its street."""
    for line in map(_key, (str(part) for part in value.get("line") or ())):
        street, unit, number = line.partition(" unit ")
        yield street
        if unit:
            yield f"unit {number}"


def _pattern(expected: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)" + " ".join(_word(w) for w in expected.split()) + r"(?!\w)")


def _word(word: str) -> str:
    """A word as it may be divided by a recogniser: ``4b`` and ``4 b``."""
    return " ?".join(re.escape(part) for part in re.findall(r"\d+(?:st|nd|rd|th)|\d+|[^\d]+", word))


def _key(line: str) -> str:
    return " ".join(word for word, _, _ in _canonical(line))


def _canonical(text: str) -> Iterator[tuple[str, int, int]]:
    """The words of an address in one form: numbers as digits, ``St`` and ``Street`` alike."""
    ts = tokens(text)
    by_start = {t.start: i for i, t in enumerate(ts)}
    digits: list[tuple[str, int, int]] = []
    unit = False
    for piece in pieces(text):
        i = by_start[piece.start]
        nth = ordinal(ts, i)
        if piece.kind == "digits" and not (nth and nth[1] > i):
            digits.append((piece.chars, piece.start, piece.end))
            continue
        yield from _run(digits)
        digits = []
        for word, start, end in _plain(ts, i, piece.end, nth):
            if word == "unit" and unit:
                continue
            unit = word == "unit"
            yield word, start, end
    yield from _run(digits)


def _run(digits: list[tuple[str, int, int]]) -> Iterator[tuple[str, int, int]]:
    if digits:
        yield "".join(d for d, _, _ in digits), digits[0][1], digits[-1][2]


def _plain(
    ts: Sequence[Token], i: int, end: int, nth: tuple[int, int] | None
) -> Iterator[tuple[str, int, int]]:
    if nth and nth[1] > i:
        yield f"{nth[0]}th", ts[i].start, ts[nth[1] - 1].end
        return
    while i < len(ts) and ts[i].start < end:
        token = ts[i]
        i += 1
        if (
            token.text in ("st", "nd", "rd", "th")
            and i > 1
            and ts[i - 2].is_number
            and ts[i - 2].end == token.start
        ):
            continue
        if (token.is_mark and token.raw != "#") or token.text in _FILLERS:
            continue
        word = "unit" if token.text in _UNITS else _DIRECTIONS.get(token.text, street_word(token.text))
        yield word, token.start, token.end
