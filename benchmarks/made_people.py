"""Made people and distorted records of them, as FEBRL's generator makes them: what matching is trained and measured on.

Households share family name, address and phone; some have twins, or a father and a son of one name. A distorted record
has slips of the hand, values missing, replaced or in each other's place, nicknames, another family name, or a move.
Everything follows from the seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

Json = dict[str, Any]
SSN = "http://hl7.org/fhir/sid/us-ssn"
_SYLLABLES = "ba ber bor can car che cor dal den dor el fen fer gar gel han har hol ing kel ken lam lan lar lin lo mac "
_SYLLABLES += (
    "mal man mar mel mor nor pal per pin ran rin ro sal san sel sin sta stro tan ter tor val van ven wal win"
)
_ENDINGS = "ton ley son man ner der ham ford well ing er ski ez ini ard ell in ova sen"
_STREETS = "street road avenue drive lane court place circuit crescent way"
_NEIGHBOURS = dict(zip("qwertyuiopasdfghjklzxcvbnm", "wqewrtyuiosapdfghjkzlxcvbn", strict=True))
_SOUNDS = (
    ("ph", "f"),
    ("ck", "k"),
    ("c", "k"),
    ("y", "i"),
    ("ie", "y"),
    ("ee", "ea"),
    ("s", "z"),
    ("tt", "t"),
    ("ll", "l"),
)


@cache
def _pools() -> tuple[list[str], list[float], list[str], list[float]]:
    """Given and family names with how often each is taken: the common ones, and a long tail of others."""
    folder = files("fhirserver.world.identity")
    rows = folder.joinpath("common_names.txt").read_text("utf-8").splitlines()
    cut = rows.index("[given]")
    given, family = (
        {r.split()[0]: float(r.split()[1]) for r in part if " " in r and r[0] != "#"}
        for part in (rows[cut:], rows[:cut])
    )
    nicknames = folder.joinpath("nicknames.txt").read_text("utf-8").splitlines()
    for row in nicknames:
        if row and row[0] != "#":
            given.setdefault(row.split()[0], 60.0)
    chance = random.Random(1)
    for rank in range(12_000):
        name = (
            chance.choice(_SYLLABLES.split())
            + chance.choice(["", chance.choice(_SYLLABLES.split())])
            + chance.choice(_ENDINGS.split())
        )
        family.setdefault(name, 2000 / (rank + 40))
    return list(given), list(given.values()), list(family), list(family.values())


@dataclass
class Maker:
    """Makes people and their distorted records."""

    seed: int = 2026
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def people(self, count: int) -> Iterator[Json]:
        """``count`` Patients without ids, household by household."""
        made = 0
        while made < count:
            for person in self._household()[: count - made]:
                made += 1
                yield person

    def _household(self) -> list[Json]:
        size = self.chance.choices((1, 2, 3, 4, 5), (35, 30, 15, 15, 5))[0]
        family, address, phone = self._family(), self._address(), self._phone()
        members = [self._person(family, address, phone, n) for n in range(size)]
        if size >= 4 and self.chance.random() < 0.15:
            members[3]["birthDate"] = members[2]["birthDate"]
        if size >= 3 and self.chance.random() < 0.08:
            members[2]["name"][0].update(given=members[0]["name"][0]["given"], suffix=["Jr"])
            members[0]["name"][0]["suffix"] = ["Sr"]
        return members

    def _person(self, family: str, address: Json, phone: str, place: int) -> Json:
        given, gender = self._given(), self.chance.choice(("female", "male"))
        year = self.chance.randrange(1930, 1985) if place < 2 else self.chance.randrange(1985, 2022)
        name: Json = {"use": "official", "family": family.title(), "given": [given.title()]}
        if self.chance.random() < 0.4:
            name["given"].append(self._given().title())
        patient: Json = {
            "resourceType": "Patient",
            "name": [name],
            "gender": gender,
            "birthDate": self._day(year),
        }
        own = [{"system": "phone", "value": phone if self.chance.random() < 0.6 else self._phone()}]
        if self.chance.random() < 0.5:
            own.append(
                {"system": "email", "value": f"{given}.{family}{self.chance.randrange(90)}@mail.example"}
            )
        number = self._number()
        return {
            **patient,
            "telecom": own,
            "address": [deepcopy(address)],
            "identifier": [{"system": SSN, "value": number}],
        }

    def _day(self, year: int) -> str:
        return f"{year}-{self.chance.randrange(1, 13):02d}-{self.chance.randrange(1, 29):02d}"

    def _given(self) -> str:
        names, weights, _, _ = _pools()
        return self.chance.choices(names, weights)[0]

    def _family(self) -> str:
        _, _, names, weights = _pools()
        return self.chance.choices(names, weights)[0]

    def _phone(self) -> str:
        return f"+1{self.chance.randrange(200, 990)}{self.chance.randrange(200, 990)}{self.chance.randrange(10000):04d}"

    def _number(self) -> str:
        area, group, serial = (self.chance.randrange(*span) for span in ((100, 900), (10, 99), (1000, 9999)))
        return f"{area}-{group}-{serial}"

    def _address(self) -> Json:
        street = f"{self.chance.randrange(1, 400)} {self._family()} {self.chance.choice(_STREETS.split())}"
        lines = (
            [street]
            if self.chance.random() < 0.7
            else [street, f"{self._family()} {self.chance.choice(_ENDINGS.split())}"]
        )
        postal = f"{self.chance.randrange(1000, 2000) * 7:05d}"
        town = random.Random(int(postal) // 70)
        city = town.choice(_SYLLABLES.split()) + town.choice(_ENDINGS.split())
        return {"line": lines, "city": city.title(), "postalCode": postal, "country": "US"}

    def distorted(self, original: Json, most: int = 4) -> Json:
        """Another record of the same person, with 1 to ``most`` changes."""
        record = deepcopy(original)
        changes = self.chance.choices(
            list(self._changes()), list(self._changes().values()), k=self.chance.randint(1, most)
        )
        for change in changes:
            change(record)
        return record

    def _changes(self) -> dict[Callable[[Json], None], float]:
        return {
            self._given_slip: 12, self._given_other: 6, self._given_missing: 4, self._nickname: 10, self._initial: 4,
            self._family_slip: 12, self._family_other: 6, self._swapped: 5, self._gender_wrong: 1,
            self._birth_slip: 8, self._birth_missing: 4, self._birth_turned: 3, self._birth_other: 3,
            self._number_slip: 6, self._number_missing: 5, self._number_other: 4,
            self._phone_other: 10, self._phone_slip: 4, self._contact_missing: 8, self._email_other: 6,
            self._moved: 8, self._line_slip: 8, self._line_turned: 3, self._postal_slip: 5, self._city_slip: 4,
            self._address_missing: 4, self._house_other: 4, self._house_missing: 3, self._city_other: 5,
            self._postal_other: 4,
        }  # fmt: skip

    def slip(self, text: str) -> str:
        """One letter or digit too many, missing, wrong, doubled, or two changed about; or written as it sounds."""
        if len(text) < 2:
            return text
        at = self.chance.randrange(len(text) - 1)
        near = _NEIGHBOURS.get(text[at].lower()) or self.chance.choice(
            "0123456789" if text[at].isdigit() else "aeiou"
        )
        sounds = [(a, b) for a, b in _SOUNDS if a in text] or [(text[at], near)]
        kinds = (
            lambda: text[:at] + text[at + 1] + text[at] + text[at + 2 :],
            lambda: text[: at + 1] + text[at + 2 :],
            lambda: text[:at] + near + text[at + 1 :],
            lambda: text[: at + 1] + near + text[at + 1 :],
            lambda: text.replace(*self.chance.choice(sounds), 1),
        )
        return self.chance.choice(kinds)()

    def _digit(self, text: str) -> str:
        """One digit wrong, or two changed about; what is no digit stays."""
        places = [n for n, c in enumerate(text) if c.isdigit()]
        at = self.chance.randrange(len(places) - 1)
        a, b = places[at], places[at + 1]
        chars = list(text)
        if self.chance.random() < 0.5 and chars[a] != chars[b]:
            chars[a], chars[b] = chars[b], chars[a]
        else:
            chars[b] = self.chance.choice([d for d in "0123456789" if d != chars[b]])
        return "".join(chars)

    def _given_slip(self, one: Json) -> None:
        if one["name"][0].get("given"):
            one["name"][0]["given"][0] = self.slip(one["name"][0]["given"][0])

    def _given_other(self, one: Json) -> None:
        one["name"][0]["given"] = [self._given().title()]

    def _given_missing(self, one: Json) -> None:
        one["name"][0].pop("given", None)

    def _nickname(self, one: Json) -> None:
        given = one["name"][0].get("given")
        if given:
            rows = (
                files("fhirserver.world.identity").joinpath("nicknames.txt").read_text("utf-8").splitlines()
            )
            known = [row.split() for row in rows if row.startswith(given[0].lower() + " ")]
            given[0] = self.chance.choice(known[0][1:]).title() if known else given[0]

    def _initial(self, one: Json) -> None:
        if one["name"][0].get("given"):
            one["name"][0]["given"][0] = one["name"][0]["given"][0][:1]

    def _family_slip(self, one: Json) -> None:
        if one["name"][0].get("family"):
            one["name"][0]["family"] = self.slip(one["name"][0]["family"])

    def _family_other(self, one: Json) -> None:
        one["name"][0]["family"] = self._family().title()

    def _swapped(self, one: Json) -> None:
        name = one["name"][0]
        if name.get("given") and name.get("family"):
            name["family"], name["given"] = name["given"][0], [name["family"]]

    def _birth_slip(self, one: Json) -> None:
        if len(one.get("birthDate", "")) == 10:
            changed = one["birthDate"][:4] + self._digit(one["birthDate"][4:])
            if "01" <= changed[5:7] <= "12" and "01" <= changed[8:] <= "28":
                one["birthDate"] = changed

    def _birth_turned(self, one: Json) -> None:
        year, _, rest = one.get("birthDate", "").partition("-")
        if rest and rest[3:] <= "12":
            one["birthDate"] = f"{year}-{rest[3:]}-{rest[:2]}"

    def _birth_missing(self, one: Json) -> None:
        if self.chance.random() < 0.5:
            one.pop("birthDate", None)
        elif "birthDate" in one:
            one["birthDate"] = one["birthDate"][:4]

    def _birth_other(self, one: Json) -> None:
        one["birthDate"] = self._day(self.chance.randrange(1930, 2022))

    def _number_slip(self, one: Json) -> None:
        for item in one.get("identifier", ()):
            item["value"] = self._digit(item["value"])

    def _number_missing(self, one: Json) -> None:
        one.pop("identifier", None)

    def _number_other(self, one: Json) -> None:
        for item in one.get("identifier", ()):
            item["value"] = self._number()

    def _phone_other(self, one: Json) -> None:
        if one.get("telecom"):
            one["telecom"][0]["value"] = self._phone()

    def _phone_slip(self, one: Json) -> None:
        if one.get("telecom"):
            one["telecom"][0]["value"] = "+1" + self._digit(one["telecom"][0]["value"][2:])

    def _contact_missing(self, one: Json) -> None:
        one.pop("telecom", None)

    def _moved(self, one: Json) -> None:
        one["address"] = [self._address()]

    def _line_slip(self, one: Json) -> None:
        for item in one.get("address", ()):
            item["line"][0] = self.slip(item["line"][0])

    def _line_turned(self, one: Json) -> None:
        for item in one.get("address", ()):
            item["line"].reverse()

    def _postal_slip(self, one: Json) -> None:
        for item in one.get("address", ()):
            item["postalCode"] = self._digit(item["postalCode"])

    def _city_slip(self, one: Json) -> None:
        for item in one.get("address", ()):
            item["city"] = self.slip(item["city"])

    def _address_missing(self, one: Json) -> None:
        one.pop("address", None)

    def _gender_wrong(self, one: Json) -> None:
        one["gender"] = "male" if one.get("gender") == "female" else "female"

    def _email_other(self, one: Json) -> None:
        for item in one.get("telecom", ())[1:]:
            item["value"] = f"{self._family()}{self.chance.randrange(900)}@post.example"

    def _house_other(self, one: Json) -> None:
        for item in one.get("address", ()):
            _, _, street = item["line"][0].partition(" ")
            item["line"][0] = f"{self.chance.randrange(1, 400)} {street}"

    def _house_missing(self, one: Json) -> None:
        for item in one.get("address", ()):
            item["line"][0] = item["line"][0].lstrip("0123456789 ")

    def _city_other(self, one: Json) -> None:
        for item in one.get("address", ()):
            item["city"] = self._address()["city"]

    def _postal_other(self, one: Json) -> None:
        for item in one.get("address", ()):
            item["postalCode"] = self._address()["postalCode"]
