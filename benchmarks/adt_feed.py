"""An ordinary feed of ADT messages, as a hospital's registration sends it: seven segments or so, no two alike.

A patient's stay goes on message by message: registered or admitted, updated a few times, mostly with nothing new,
sometimes with a new phone or address, moved to another bed, discharged; then the next stay begins. Who the patient is,
and whether next of kin, allergies, diagnoses and insurance are known, follows from the patient's number.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

STAY = ("A04", "A08", "A01", "A08", "A08", "A02", "A08", "A03", "A08", "A31")
"""The messages of one stay."""
_STRUCTURES = {"A02": "ADT_A02", "A03": "ADT_A03", "A31": "ADT_A05"}
_BEGIN = datetime(2026, 11, 1, 6)
_FAMILY = (
    *("Miller", "Okafor", "Nguyen", "Garcia", "Smith", "Haddad"),
    *("Kowalski", "Ivanova", "Rossi", "Johansson", "Tanaka", "Silva"),
)
_GIVEN = (
    *("Jane", "Amara", "Linh", "Luis", "Omar", "Eva", "Olga", "Marco"),
    *("Freja", "Yuki", "Rui", "Ada", "Noah", "Mia", "Leo", "Zoe"),
)
_STREETS = ["Main", "Oak", "Elm", "Lake", "Hill", "Park", "Church", "Mill", "River", "Cedar"]
_CITIES = ("Springfield^IL^62701", "Decatur^IL^62521", "Peoria^IL^61602", "Normal^IL^61761")
_DOCTORS = tuple(
    f"{1000000000 + n}^{_FAMILY[n % 12]}^{_GIVEN[n % 16]}^^^Dr^MD^^NPI^L^^^NPI" for n in range(40)
)
_UNITS = tuple(
    f"{unit}^{room}^{bed}^NORTH" for unit in ("3W", "4E", "ICU") for room in range(20) for bed in "AB"
)
_ALLERGIES = ("7980^Penicillin^RXNORM", "2670^Codeine^RXNORM", "10831^Sulfamethoxazole^RXNORM")
_DIAGNOSES = ("I10^Essential hypertension^I10", "E11.9^Type 2 diabetes^I10", "J18.9^Pneumonia^I10")
_PAYERS = ("AETNA^Aetna", "BCBS^Blue Cross of Illinois", "UHC^United Healthcare")


class Person:
    """A patient by number: always the same one, but for what has changed by the ``step``-th message."""

    def __init__(self, number: int):
        self.number = number
        self.random = random.Random(number)
        pick = self.random.choice
        self.family, self.given, self.sex = pick(_FAMILY), pick(_GIVEN), pick("FM")
        year, month, day = (self.random.randrange(*limits) for limits in ((1930, 2020), (1, 13), (1, 29)))
        self.born = f"{year}{month:02}{day:02}"
        self.street, self.city = f"{self.random.randrange(1, 999)} {pick(_STREETS)} St", pick(_CITIES)
        self.doctor, self.unit = pick(_DOCTORS), pick(_UNITS)
        self.kin, self.allergic, self.diagnosed, self.insured = (
            self.random.random() < p for p in (0.6, 0.4, 0.5, 0.6)
        )
        self.allergy, self.diagnosis, self.payer = pick(_ALLERGIES), pick(_DIAGNOSES), pick(_PAYERS)
        self.changes = self.random.randrange(4)

    def segments(self, step: int, event: str, at: str) -> Iterator[str]:
        """The segments after the MSH."""
        stay, place = divmod(step, len(STAY))
        moved = stay * 2 + (place >= 4 and self.changes == 0)
        yield f"EVN|{event}|{at}|||REG{self.number % 9}"
        home, work = 5550000 + (self.number * 7 + moved) % 9999, 5550000 + self.number % 9999
        yield (
            f"PID|1||MR{self.number:07}^^^NORTH&1.2.3.4&ISO^MR~{self.born[2:]}{self.number:05}^^^SSA^SS||"
            f"{self.family}^{self.given}^{self.given[0]}^^^^L||{self.born}|{self.sex}|||"
            f"{self.street} {moved}^^{self.city}^USA^H||"
            f"^PRN^PH^^1^217^{home}|^WPN^PH^^1^309^{work}|"
            f"en^English^ISO639|M||AC{self.number:06}{stay:02}^^^NORTH^AN"
        )
        if self.kin:
            kin = f"{self.family}^{_GIVEN[self.number % 16]}"
            yield f"NK1|1|{kin}|SPO^Spouse^HL70063||^PRN^PH^^1^217^{5559999 - self.number % 9999}"
        yield self._visit(stay, place, event, at)
        if self.allergic:
            yield f"AL1|1|DA^Drug allergy^HL70127|{self.allergy}|MO^Moderate^HL70128|Hives"
        if self.diagnosed and place:
            yield f"DG1|1||{self.diagnosis}|||A"
        if self.insured:
            code, _, name = self.payer.partition("^")
            yield (
                f"IN1|1|{code}P^{name} PPO|{code}^^^NAIC|{name}||||G{self.number % 500}|||||||PPO|"
                f"{self.family}^{self.given}|SEL^Self^HL70063|{self.born}|||||||||||||||||||W{self.number:09}"
            )

    def _visit(self, stay: int, place: int, event: str, at: str) -> str:
        kind = "O" if place < 2 else "I"
        unit = "REG^1^1^NORTH" if place < 2 else _UNITS[(self.number + (place >= 5)) % len(_UNITS)]
        begun = stamp(self.number, stay * len(STAY))
        ended = at if place >= 7 and event == "A03" else ""
        fields = ["PV1", "1", kind, unit, "R", "", "", self.doctor, "", "", "MED"] + [""] * 8
        fields += [f"V{self.number:06}{stay:02}^^^NORTH^VN"] + [""] * 24 + [begun, ended]
        return "|".join(fields).rstrip("|")


def stamp(number: int, step: int) -> str:
    """When a patient's ``step``-th message was made: an hour after the one before."""
    return f"{_BEGIN + timedelta(seconds=number % 3600, hours=step % 640):%Y%m%d%H%M%S}"


def message(patient: int, step: int, id: str) -> bytes:
    """The ``step``-th message about a patient."""
    event, at = STAY[step % len(STAY)], stamp(patient, step)
    structure = _STRUCTURES.get(event, "ADT_A01")
    header = f"MSH|^~\\&|REG|NORTH|EHR|MAIN|{at}||ADT^{event}^{structure}|{id}|P|2.5.1||||||UNICODE UTF-8"
    return "".join(f"{one}\r" for one in (header, *Person(patient).segments(step, event, at))).encode()
