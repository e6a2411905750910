"""The domain text of the local recogniser: sentences made from ``said.txt`` and the classes below.

Deterministic: the same sentences every time, members of a class drawn in shuffled rounds so that all come up.
"""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

from fhirserver.world.spoken.dates import MONTHS
from fhirserver.world.spoken.days import WEEKDAYS
from fhirserver.world.spoken.payers import PAYERS
from fhirserver.world.spoken.say import say_digits, say_number, say_ordinal, say_year

_TEXT = Path(__file__).with_name("said.txt")
_CLASS = re.compile(r"\{(\w+)\}")
_OPTIONAL = re.compile(r"\[([^\]]*)\] ?")
_CLASS_OF = "class "
_DRAWS = 6
_DRAWS_ALONE = 50
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _spaced(payer: str) -> str:
    """``UnitedHealthcare`` → ``united healthcare``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", payer).lower()


_MEMBERS: dict[str, list[str]] = {
    "month": list(MONTHS),
    "weekday": list(WEEKDAYS),
    "ordinal": [say_ordinal(n) for n in range(1, 32)],
    "cardinal": [say_number(n) for n in range(1, 32)],
    "year": [say_year(y) for y in range(1925, 2027)] + 6 * [say_year(y) for y in range(1930, 2011, 10)]
            + [f"two thousand and {say_number(n)}" for n in range(1, 10)],  # decades: else "eighty eight" is heard
    "short_year": [say_number(n) for n in range(25, 100)] + [f"oh {say_number(n)}" for n in range(1, 10)],
    "hour": [say_number(n) for n in (7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6)],
    "minute": ["fifteen", "thirty", "thirty", "forty five", "ten", "twenty", "forty", "fifty", "oh five"],
    "half": ["a m", "p m"],
    "part_of_day": ["morning", "morning", "afternoon", "afternoon", "evening"],
    "digit": [say_digits(str(n)) for n in range(10)] + ["oh"],
    "teen": [say_number(n) for n in range(10, 100)],
    "letter": list(LETTERS),
    "kin": ["mother", "mom", "father", "dad", "son", "daughter", "wife", "husband", "child", "sister", "brother",
            "grandmother", "grandfather", "friend", "partner", "baby"],
    "body": ["back", "knee", "shoulder", "head", "neck", "foot", "ankle", "hip", "hand",
             "arm", "leg", "stomach", "ear"],
    "drug": ["aspirin", "ibuprofen", "tylenol", "insulin", "my medication", "the pills"],
    "thing": ["phone number", "address", "insurance", "number", "insurance card"],
    "part": ["company", "member id", "group number", "member number", "number", "address", "zip code", "date", "time"],
    "payer": [_spaced(p) for p in PAYERS] + ["blue cross", "kaiser", "united healthcare", "aetna", "medicare"],
    "way": ["street", "street", "street", "street", "street", "avenue", "avenue", "avenue", "road", "road", "drive",
            "drive", "lane", "court", "boulevard", "place", "way"],
}  # fmt: skip

_FORMS: dict[str, list[str]] = {
    "name": ["{first} {last}"],
    "birth": ["{month} {ordinal} {year}", "{month} {ordinal} {year}", "{month} {ordinal} {year}",
              "{month} {cardinal} {year}", "the {ordinal} of {month} {year}", "{month} the {ordinal} {year}",
              "{cardinal} {cardinal} {short_year}", "{cardinal} {cardinal} {year}", "oh {digit} oh {digit} {year}",
              "oh {digit} {cardinal} {short_year}"],
    "date": ["{month} {ordinal}", "{weekday}", "{weekday} {month} {ordinal}"],
    "day": ["{weekday}", "{weekday}", "next {weekday}", "on {weekday}", "this {weekday}", "tomorrow", "next week",
            "{month} {ordinal}", "{month} {ordinal}", "on {month} {ordinal}", "{weekday} the {ordinal}",
            "{weekday} {month} {ordinal}", "{weekday} {part_of_day}", "on {weekday} {part_of_day}", "today",
            "the {ordinal} of {month}", "the {ordinal}", "next {month}"],
    "time": ["{hour}", "{hour}", "{hour} {half}", "{hour} {half}", "{hour} {minute}", "{hour} {minute}",
             "{hour} {minute} {half}", "{hour} o'clock", "noon", "half past {hour}", "quarter past {hour}",
             "quarter to {hour}", "{hour} in the {part_of_day}", "{hour} {minute} in the {part_of_day}"],
    "letters": ["{letter} {letter} {letter} {letter}", "{letter} {letter} {letter} {letter} {letter}",
                "{letter} {letter} {letter} {letter} {letter} {letter} {letter}", "{letter} {letter} {letter}"],
    "letters3": ["{letter}", "{letter} {letter}", "{letter} {letter} {letter}"],
    "digits2": ["{digit}", "{digit} {digit}", "{teen}"],
    "digits3": ["{digit} {digit} {digit}", "{digit} {digit} {digit}", "{digit} {teen}"],
    "digits4": ["{digit} {digit} {digit} {digit}", "{digit} {digit} {digit} {digit}", "{digit} {digit} {digit}",
                "{teen} {teen}", "{digit} {digit} {digit} {digit} {digit}"],
    "phone": ["{digit} {digit} {digit} {digit} {digit} {digit} {digit} {digit} {digit} {digit}",
              "{digit} {digit} {digit} {digit} {digit} {digit} {digit} {digit} {digit} {digit}",
              "{digit} {digit} {digit} {digit} {digit} {digit} {teen} {teen}",
              "area code {digit} {digit} {digit} {digit} {digit} {digit} {digit} {digit} {digit} {digit}",
              "{digit} {digit} {digit} {digit} {digit} {digit} {digit}"],
    "member": ["{letters3} {digits4}", "{letters3} {digits4}", "{letters3} {digits4} {digits4}",
               "{letters3} {digits3} {digits3}",
               "{digits4} {digits4}", "{digits4} {letter}", "{letter} as in {as_in} {digits4}",
               "{digits4} {letter} {digits3}"],
    "group": ["{digits4}", "{digits4} {digits2}", "{letters3} {digits4}", "{digits3}", "{digits4} {digits4}"],
    "number": ["{digit}", "{teen}", "{digit} {digit} {digit}", "{digit} hundred", "{teen} {teen}", "{digit} {teen}",
               "{digit} {digit} {digit} {digit}", "{digit} oh {digit}", "{digit} hundred and {teen}"],
    "address": ["{number} {street} {way}"],
    "place": ["{city} {state}", "{city} {state}", "{city}"],
    "zip": ["{digit} {digit} {digit} {digit} {digit}"],
}  # fmt: skip


class _Drawing:
    """Members of classes in shuffled rounds."""

    def __init__(self, seed: int):
        self._random = random.Random(seed)  # noqa: S311 -- a repeatable text, not a secret
        self._left: dict[str, list[str]] = {}

    def draw(self, name: str) -> str:
        left = self._left.get(name)
        if not left:
            left = self._left[name] = list(_FORMS.get(name) or _MEMBERS.get(name) or _listed()[name])
            self._random.shuffle(left)
        return left.pop()

    def fill(self, template: str) -> str:
        """With every class replaced, also those inside its members."""
        while _CLASS.search(template):
            template = _CLASS.sub(lambda m: self.draw(m[1]), template)
        return template

    def options(self, template: str) -> str:
        return _OPTIONAL.sub(lambda m: f"{m[1]} " if self._random.random() < 0.5 else "", template)


def _parts() -> dict[str, list[str]]:
    """The lines of ``said.txt`` under each heading."""
    parts: dict[str, list[str]] = {}
    part = ""
    for line in _TEXT.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            part = line[3:].strip()
        elif line and not line.startswith("#"):
            parts.setdefault(part, []).append(line)
    return parts


@cache
def _listed() -> dict[str, list[str]]:
    """The classes that ``said.txt`` lists."""
    return {
        part.removeprefix(_CLASS_OF): [
            one.strip() for line in lines for one in line.split("|") if one.strip()
        ]
        for part, lines in _parts().items()
        if part.startswith(_CLASS_OF)
    }


def _draws(template: str) -> int:
    if not _CLASS.search(template) and "[" not in template:
        return 1
    return _DRAWS_ALONE if _CLASS.fullmatch(template) else _DRAWS


@cache
def sentences() -> dict[str, list[str]]:
    """The sentences of each kind of answer (``open`` for none asked)."""
    drawing = _Drawing(seed=6)
    return {
        part: [said for template in lines for said in _drawn(drawing, template)]
        for part, lines in _parts().items()
        if not part.startswith(_CLASS_OF)
    }


def _drawn(drawing: _Drawing, template: str) -> list[str]:
    """A template without classes is said as often as one with them."""
    times = _draws(template)
    said = [drawing.fill(drawing.options(template)) for _ in range(times)]
    return said * (_DRAWS // times or 1)


def payers() -> dict[str, str]:
    """How payers are said, and how they are written."""
    return {_spaced(p): p for p in PAYERS}
