"""A new phone number or address, read back until the caller says yes."""

from __future__ import annotations

import re

from agent.hearing import Heard
from agent.memory import Done
from agent.policy.desk import Desk
from agent.policy.slots import basis
from agent.requests import CONFIRMED, MENTIONED, ChangeAddress, ChangePhone, Request
from agent.results import Result, Written
from fhirserver.world.spoken.addresses import SpokenAddress, address
from fhirserver.world.spoken.answers import versions
from fhirserver.world.spoken.identifiers import digit_strings, phones
from fhirserver.world.spoken.say import say_digits, say_phone
from fhirserver.world.spoken.words import plain


class ReadBack:
    """What both share: collect, read back, write."""

    kind = ""
    line = ""

    def __init__(self) -> None:
        self.state = self.kind
        self.finished = False
        self.turns: list[int] = []

    def begin(self, desk: Desk, heard: Heard) -> None:
        self.listen(heard)
        self.turns.append(heard.turn)
        self._next(desk)

    def listen(self, heard: Heard) -> bool:
        raise NotImplementedError

    @property
    def whole(self) -> bool:
        raise NotImplementedError

    def request(self, desk: Desk, confidence: str, turns: list[int]) -> Request | None:
        raise NotImplementedError

    def ask(self, desk: Desk) -> None:
        raise NotImplementedError

    def forget(self) -> None:
        raise NotImplementedError

    def _next(self, desk: Desk) -> None:
        self.state = "read_back" if self.whole else self.kind
        self.ask(desk)

    def hear(self, desk: Desk, heard: Heard) -> bool:
        if self.state == "writing":
            return True
        taken = self._take(desk, heard)
        if taken:
            self.turns.append(heard.turn)
        return taken

    def _take(self, desk: Desk, heard: Heard) -> bool:
        if self.listen(heard):
            self._next(desk)
            return True
        if self.state != "read_back":
            return False
        if heard.yes:
            self._write(desk, CONFIRMED, [*self.turns, heard.turn])
            return True
        if heard.no:
            self.forget()
            self.state = self.kind
            desk.say("say_again")
            return True
        return False

    def _write(self, desk: Desk, confidence: str, turns: list[int]) -> None:
        request = self.request(desk, confidence, turns)
        if request is not None:
            self.state = "writing"
            desk.run(request, self)

    def result(self, desk: Desk, result: Result) -> None:
        self.finished = True
        if isinstance(result, Written):
            desk.say(f"{self.kind}_recorded")
            text = f"I recorded your new {self.line}"
            desk.done(Done(self.kind, text, result.reference, checked_later=True, turns=tuple(self.turns)))
        else:
            desk.memory.follow_up.append(f"The new {self.line} could not be recorded; ask the caller again.")
            desk.say("write_failed")

    def abandon(self, desk: Desk) -> None:
        """What was mentioned and not confirmed is worth keeping, lower on the ladder."""
        if self.whole and self.state != "writing":
            self._write(desk, MENTIONED, self.turns)


class Phone(ReadBack):
    """A phone number with its use."""

    kind = "phone"
    line = "phone number"

    def __init__(self) -> None:
        super().__init__()
        self.number = self.buffer = ""
        self.use = "mobile"

    def listen(self, heard: Heard) -> bool:
        use = re.search(r"\b(?:home|land ?line|work|office|business)\b", heard.plain)
        if use:
            self.use = "home" if use[0].startswith(("home", "land")) else "work"
        for version in versions(heard.text):
            found = phones(version.text)
            if found:
                self.number, self.buffer = found[-1].value, ""
                return True
        return self._joined(heard)

    def _joined(self, heard: Heard) -> bool:
        """A number given in pieces over several turns."""
        if self.number:
            return False
        self.buffer += "".join(f.value for f in digit_strings(heard.text, 2))
        found = phones(say_digits(self.buffer)) if self.buffer else []
        if found:
            self.number, self.buffer = found[-1].value, ""
        return bool(found) or (bool(self.buffer) and len(self.buffer) < 10)

    @property
    def whole(self) -> bool:
        return bool(self.number)

    def forget(self) -> None:
        self.number = self.buffer = ""

    def ask(self, desk: Desk) -> None:
        if self.whole:
            desk.say("read_phone", number=say_phone(self.number))
        else:
            desk.say("go_on" if self.buffer else "ask_phone")

    def request(self, desk: Desk, confidence: str, turns: list[int]) -> Request | None:
        if desk.memory.patient is None:
            return None
        stated = basis(desk, turns, confidence)
        return ChangePhone(desk.memory.patient.reference, self.number, self.use, stated)


class Address(ReadBack):
    """A home address part by part."""

    kind = "address"
    line = "address"

    def __init__(self) -> None:
        super().__init__()
        self.address = SpokenAddress()
        self.asked = ""

    def listen(self, heard: Heard) -> bool:
        before = self.address
        for version in reversed(versions(heard.text)):
            self.address = self.address.merged(address(version.text))
        said = plain(heard.text)
        if (
            self.asked == "city"
            and not self.address.city
            and 0 < len(said.split()) <= 4
            and said.replace(" ", "").isalpha()
        ):
            self.address = self.address.merged(SpokenAddress(city=heard.text.strip(" .,").title()))
        return self.address != before

    @property
    def whole(self) -> bool:
        return self.address.is_whole

    def forget(self) -> None:
        self.address = SpokenAddress()

    def ask(self, desk: Desk) -> None:
        if self.whole:
            desk.say("read_address", address=spoken_address(self.address))
            return
        parts = (
            ("line", self.address.line),
            ("city", self.address.city),
            ("postal", self.address.postal_code),
        )
        missing = [name for name, value in parts if not value]
        self.asked = "address" if len(missing) == 3 else missing[0]
        desk.say(f"ask_{self.asked}")

    def request(self, desk: Desk, confidence: str, turns: list[int]) -> Request | None:
        if desk.memory.patient is None:
            return None
        return ChangeAddress(desk.memory.patient.reference, self.address, basis(desk, turns, confidence))


def spoken_address(at: SpokenAddress) -> str:
    """An address as it is read back: the house number and the ZIP code digit by digit."""
    house, _, street = at.line.partition(" ")
    number = say_digits(house) if house.isdigit() else house
    region = f"{at.city}, {at.state}" if at.state else at.city
    return f"{number} {street}, {region}, ZIP code {say_digits(at.postal_code.replace('-', ''))}"
