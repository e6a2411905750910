"""What the caller of a scenario knows, and whether what the agent says agrees with it."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from agent.evaluation.practice import ZONE, practice
from agent.evaluation.scenario import InvalidScenario, Scenario, day_of
from agent.evaluation.values import birth_forms, phone_forms, postal_forms, spelled_id
from fhirserver.world.spoken.dates import MONTHS
from fhirserver.world.spoken.days import WEEKDAYS
from fhirserver.world.spoken.say import say_digits, say_id, say_ordinal, say_phone, say_time
from fhirserver.world.spoken.words import plain
from fhirserver.world.spoken.write import read_aloud


class Facts:
    """The facts of one scenario: what the practice has on record, overlaid by what the scenario says."""

    def __init__(self, scenario: Scenario):
        self._facts: Mapping[str, Any] = scenario.facts
        self._person = practice().people.get(scenario.patient)
        self._births = [day_of(d) for d in _listed(self._facts.get("birth_said"))]
        self._whens = [str(w) for w in _listed(self._facts.get("when"))]
        self._where = scenario.name
        mine = [v[1] for v in practice().visits.values() if v[0] == scenario.patient and v[1] > scenario.now]
        named = practice().visits.get(self.text("visit", ""))
        self.visit: datetime | None = named[1] if named else (mine[0] if len(mine) == 1 else None)

    def text(self, key: str, default: str | None = None) -> str:
        """A fact as text. Raises :class:`InvalidScenario` where the caller is asked what no fact tells."""
        value = self._facts.get(key, default)
        if value is None:
            raise InvalidScenario(
                f"{self._where}: the caller was asked for '{key}', which 'facts' does not have"
            )
        return str(value)

    @property
    def printed(self) -> Mapping[str, Any]:
        """What stands on the caller's insurance card: what they know of it, overlaid by ``card``."""
        known = {key: self._facts[key] for key in ("payer", "member", "group") if key in self._facts}
        return {**known, **self._facts.get("card", {})}

    @property
    def kin(self) -> str:
        return self.text("kin", "")

    @property
    def person(self) -> bool:
        return self.text("person", "no") in ("yes", "True")

    @property
    def name(self) -> str:
        return self.text("name", self._person.name if self._person else None)

    @property
    def born(self) -> date:
        return day_of(self.text("born", self._person.born.isoformat() if self._person else None))

    def birth(self, rng: random.Random) -> str:
        """The birth date as the caller says it; ``birth_said`` are said first, in order."""
        day = self._births.pop(0) if self._births else self.born
        return rng.choice(birth_forms(day))

    def wrong_birth(self, rng: random.Random) -> str:
        wrong = self.born.replace(day=self.born.day % 27 + 1)
        return rng.choice(birth_forms(wrong)[:2])

    def when(self, rng: random.Random) -> str:
        """When the caller wants to come; several wishes are said one after another."""
        if not self._whens:
            return self.text("when")
        return self._whens.pop(0) if len(self._whens) > 1 else self._whens[0]

    @property
    def slots(self) -> list[datetime]:
        """The times the caller would take, the best first."""
        return [
            datetime.fromisoformat(str(s)).replace(tzinfo=ZONE) for s in _listed(self._facts.get("slots"))
        ]

    def spoken(self, key: str, rng: random.Random) -> str:
        """A fact in a form in which it is said."""
        address = self._facts.get("address", {})
        if key == "member":
            return spelled_id(self.text("member"), rng)
        if key == "group":
            return spelled_id(self.text("group"), rng)
        if key == "phone":
            return rng.choice(phone_forms(self.text("phone")))
        if key == "address":
            postal = rng.choice(postal_forms(address["postal"]))
            return f"{address['line']}, {address['city']}, {address['state']} {postal}"
        if key in ("line", "city"):
            return str(address[key])
        if key == "postal":
            return rng.choice(postal_forms(address["postal"]))
        return self.text(key)

    def fill(self, text: str, rng: random.Random) -> str:
        """``{name}``, ``{birth}``, ``{when}`` and other facts in a sentence."""

        def value(match: re.Match[str]) -> str:
            key = match[1]
            if key in ("birth", "when"):
                return self.birth(rng) if key == "birth" else self.when(rng)
            return self.name if key == "name" else self.spoken(key, rng)

        return re.sub(r"\{(\w+)\}", value, text)

    # listening

    def offered(self, said: str) -> datetime | None:
        """The best time the caller would take among those the agent named."""
        return next((s for s in self.slots if _names(said, s)), None)

    def another(self, said: str, slot: datetime) -> datetime | None:
        """Some other time that was named with it on the same day."""
        candidates = [slot.replace(hour=h, minute=m) for h in range(8, 18) for m in (0, 30)]
        return next((c for c in candidates if c != slot and _names(said, c)), None)

    def days_in(self, said: str) -> int:
        """How many days the agent named."""
        return len(set(re.findall("|".join(WEEKDAYS), read_aloud(said).lower())))

    def wrong_in(self, said: str, rng: random.Random) -> str | None:
        """What is wrong in a read-back, said right; None where all is right; empty where it was not heard."""
        folded = said.lower()
        if "member id" in folded:
            payer = self.text("payer", "")
            if payer and plain(payer) not in plain(said):
                return payer
            member = self.text("member")
            if f"member id {member}".lower() in folded:  # written as it stands
                return self._wrong_group(folded, rng)
            return self._wrong(said, "member", say_id(member)) or self._wrong_group(folded, rng)
        if "zip code" in folded:
            return None if self._is_address(folded) else self.spoken("address", rng)
        if re.search(r"(?:move|book|that's|appointment)", folded):
            return self._wrong_slot(said)
        return self._wrong(said, "phone", say_phone(self.text("phone")))

    def _is_address(self, folded: str) -> bool:
        """Whether house number, street, city and postal code are those of the new address."""
        address = self._facts["address"]
        house, _, street = address["line"].lower().partition(" ")
        numbers = all(say_digits(value) in folded for value in (house, address["postal"]) if value.isdigit())
        return numbers and all(words in folded for words in (street, address["city"].lower()))

    def _wrong(self, said: str, key: str, right: str) -> str | None:
        """Nothing may stand beside the value: a letter too many is wrong as well."""
        beside = (
            r"(?:^|.*\b(?:id|have) )" + re.escape(plain(right)) + r"(?: (?:group|no group|is that)\b.*|$)"
        )
        return None if re.match(beside, plain(said)) else right

    def _wrong_group(self, folded: str, rng: random.Random) -> str | None:
        group = self.text("group", "")
        if not group or plain(say_id(group)) in plain(folded) or f"group {group}".lower() in folded:
            return None
        return f"the group number is {self.spoken('group', rng)}"

    def _wrong_slot(self, said: str) -> str | None:
        if "cancel" in said.lower():
            return None if self.visit is None or _names(said, self.visit) else ""
        if self.offered(said) is not None:
            return None
        return self.when(random.Random(0)) if self._facts.get("when") else ""  # noqa: S311


def _names(said: str, at: datetime) -> bool:
    """Whether the agent named this day and, after it, this time."""
    folded = plain(read_aloud(said))
    day = f"{MONTHS[at.month - 1]} {say_ordinal(at.day)}"
    clock = plain(say_time(at.time()))
    for match in re.finditer(re.escape(day) + r"\b", folded):
        rest = folded[match.end() :]
        following = re.search("|".join(WEEKDAYS), rest)
        if re.search(rf"\b(?<!oh ){re.escape(clock)}\b", rest[: following.start()] if following else rest):
            return True
    return False


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]
