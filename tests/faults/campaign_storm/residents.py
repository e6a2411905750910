"""Who lives in the town: where, with which numbers, what they consented to, and what they do when reached. Pure."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.simulator.town.people import Townsman

STATES = {
    "NY": ("America/New_York", 212, 30),
    "IL": ("America/Chicago", 312, 22),
    "CO": ("America/Denver", 303, 12),
    "AZ": ("America/Phoenix", 602, 6),
    "CA": ("America/Los_Angeles", 213, 22),
    "AK": ("America/Anchorage", 907, 3),
    "HI": ("Pacific/Honolulu", 808, 3),
    "PR": ("America/Puerto_Rico", 787, 2),
}
"""State: time zone, area code, how many of a hundred live there."""
_STATED = frozenset({"AZ", "AK"})
"""States with several zones: there the record has to say which."""
_FAMILY = ("Alvarez", "Brown", "Chen", "Davis", "Evans", "Fischer", "Garcia", "Hall", "Ito", "Jones", "Kim", "Lopez",
           "Miller", "Nguyen", "Olsen", "Perez", "Quinn", "Reed", "Silva", "Turner")  # fmt: skip
_GIVEN = ("Ana", "Ben", "Carla", "David", "Elena", "Frank", "Grace", "Hugo", "Irene", "James", "Karen", "Luis",
          "Maria", "Noah", "Olivia", "Peter", "Rosa", "Simon", "Tina", "Victor")  # fmt: skip
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
CONSENTS = {
    "all": 76,
    "sms": 5,
    "call": 5,
    "denied": 4,
    "withdrawn": 2,
    "expired": 3,
    "ends": 2,
    "none": 3,
}
"""What the record says, and of how many in a hundred. ``withdrawn``: permitted once and denied since; ``ends``: in the
middle of the campaign."""
_TEXTS = {"yes": 36, "reschedule": 4, "stop": 4, "silent": 44, "wrong": 2, "undelivered": 10}
_CALLS = {
    "person": 46,
    "no-answer": 20,
    "busy": 5,
    "machine": 13,
    "hang-up": 5,
    "opt-out": 4,
    "wrong": 2,
    "later": 5,
}
_WISHES = {"yes": 80, "reschedule": 12, "cancel": 8}


@dataclass(frozen=True, slots=True)
class Resident:
    """One patient. ``earlier``: contacts by campaigns of before, as hours before the beginning (negative: none).
    ``household``: those who share a number, by the first one's id. ``flag``: wanted no contact before already."""

    id: str
    given: str
    family: str
    birth: str
    state: str
    household: str
    mobile: str = ""
    home: str = ""
    consent: str = "all"
    flag: bool = False
    deceased: bool = False
    active: bool = True
    confirmed: bool = False
    earlier: tuple[float, ...] = ()
    language: str = "en"

    @property
    def zone(self) -> str:
        return STATES[self.state][0]

    @property
    def stated_zone(self) -> str:
        """The zone that the record says in so many words."""
        return self.zone if self.state in _STATED else ""

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(one for one in (self.mobile, self.home) if one)

    @property
    def reference(self) -> str:
        return f"Patient/{self.id}"

    def may_be_reached(self, channel: str, at: datetime, begin: datetime) -> bool:
        """Whether the record allows it at this moment; the numbers, limits and hours apart."""
        if self.flag or self.deceased or not self.active or self.confirmed:
            return False
        return (
            self.consent == "all"
            or (self.consent == channel)
            or (self.consent == "ends" and at < consent_ends(begin))
        )


def consent_ends(begin: datetime) -> datetime:
    """When those of ``ends`` end."""
    return begin + timedelta(hours=5)


def town(count: int, seed: int) -> tuple[list[Resident], list[Townsman]]:
    """So many patients, and everybody who has one of their numbers."""
    chance = random.Random(seed)
    residents: list[Resident] = []
    while len(residents) < count:
        size = chance.choice((2, 2, 3, 4)) if chance.random() < 0.03 else 1
        residents += _household(chance, len(residents), min(size, count - len(residents)))
    return residents, _telephones(chance, residents)


def _household(chance: random.Random, first: int, size: int) -> list[Resident]:
    state = _weighted(chance, {name: weight for name, (_, _, weight) in STATES.items()})
    shared = _number(state, first, 0) if size > 1 else ""
    return [_resident(chance, first + n, state, f"p{first:05d}", shared) for n in range(size)]


def _resident(chance: random.Random, n: int, state: str, household: str, shared: str) -> Resident:
    of_a_hundred = chance.random() * 100
    mobile, home = shared or _number(state, n, 0), ""
    if not shared and of_a_hundred < 0.7:
        mobile = ""
    elif not shared and of_a_hundred < 8:
        mobile, home = "", _number(state, n, 1)
    elif not shared and of_a_hundred < 20:
        home = _number(state, n, 1)
    year, month, day = chance.randrange(1935, 2006), chance.randrange(1, 13), chance.randrange(1, 29)
    return Resident(
        f"p{n:05d}",
        chance.choice(_GIVEN),
        chance.choice(_FAMILY),
        f"{year}-{month:02d}-{day:02d}",
        state,
        household,
        mobile,
        home,
        _weighted(chance, CONSENTS),
        flag=chance.random() < 0.02,
        deceased=chance.random() < 0.015,
        active=chance.random() >= 0.01,
        confirmed=chance.random() < 0.02,
        earlier=_earlier(chance),
        language="es" if chance.random() < 0.12 else "en",
    )


def _earlier(chance: random.Random) -> tuple[float, ...]:
    """Hours before the beginning of what earlier campaigns did, the latest first."""
    share = chance.random()
    if share < 0.02:  # as often as may be in a week, and the first of them not long ago
        return (20.0, 26.0, 50.0, 56.0, 80.0)
    if share < 0.04:  # as often as may be in a day; free again in the afternoon
        return (15.0, 17.0)
    return (0.5,) if share < 0.06 else ()


def _number(state: str, n: int, line: int) -> str:
    """One that no other has: ten thousand of each exchange."""
    exchange = 220 + 2 * (n // 10_000) + line
    return f"+1{STATES[state][1]}{exchange}{n % 10_000:04d}"


def _telephones(chance: random.Random, residents: Sequence[Resident]) -> list[Townsman]:
    by_number: dict[str, list[Resident]] = defaultdict(list)
    for one in residents:
        for number in one.numbers:
            by_number[number].append(one)
    return [_townsman(chance, number, who) for number, who in by_number.items()]


def _townsman(chance: random.Random, number: str, who: Sequence[Resident]) -> Townsman:
    one = who[0]
    text, call = _weighted(chance, _TEXTS), _weighted(chance, _CALLS)
    if number == one.home:
        text = "undelivered"
    if len(who) > 1 and call == "person":
        call = "no-answer"  # who takes the receiver of a family is not who is meant
    year, month, day = one.birth.split("-")
    born = f"{_MONTHS[int(month) - 1]} {int(day)} {year}"
    wish = _weighted(chance, _WISHES)
    return Townsman(
        number, f"{one.given} {one.family}", born, text, call, wish, float(chance.randrange(60, 5400))
    )


def _weighted(chance: random.Random, weights: dict[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]
