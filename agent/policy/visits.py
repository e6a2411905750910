"""Cancelling an appointment with its reason, and confirming that one will be kept."""

from __future__ import annotations

import re

from agent.hearing import Heard
from agent.memory import Done
from agent.policy.choosing import pick_appointment, spoken_appointment
from agent.policy.desk import Desk
from agent.policy.slots import basis, forget
from agent.records import AppointmentRecord
from agent.requests import Cancel, Confirm
from agent.results import Failed, Result, Taken, Written
from fhirserver.world.spoken.names import mentions
from fhirserver.world.spoken.say import say_list

_BECAUSE = re.compile(r"\b(?:because|since|due to|as i|cause|reason is|the reason|so that)\b", re.I)
_CODES = (
    ("pat-fb", r"\b(?:feel(?:ing)? (?:much |a lot )?better|recovered|fine now|no longer sick)\b"),
    (
        "pat-lt",
        r"\b(?:no (?:ride|car|transport\w*)|car (?:broke|trouble|is broken)|can't get there|"
        r"transport\w*|ride)\b",
    ),
    ("pat-uto", r"\b(?:afford|expensive|too much money|cost|pay out of pocket)\b"),
    ("pat-mv", r"\b(?:mov(?:ed|ing)|relocat\w+)\b"),
    ("pat-mt", r"\b(?:lost my (?:insurance|coverage)|insurance (?:ended|ran out|was terminated))\b"),
)


def reason_code(text: str) -> str:
    """The code of HL7's appointment-cancellation-reason list for a reason in words; ``pat`` for any other."""
    folded = text.lower()
    return next((code for code, pattern in _CODES if re.search(pattern, folded)), "pat")


class ChosenVisit:
    """What cancelling and confirming share: finding the one appointment that is meant."""

    kind = ""

    def __init__(self) -> None:
        self.state = "choose_appointment"
        self.finished = False
        self.those: list[AppointmentRecord] = []
        self.one: AppointmentRecord | None = None
        self.turns: list[int] = []

    def begin(self, desk: Desk, heard: Heard) -> None:
        """Find the appointment in what was already said."""
        self.turns.append(heard.turn)
        self.those = desk.memory.upcoming
        if not self.those:
            self.finished = True
            desk.say("no_appointment")
            desk.memory.reasons.append("no upcoming appointment")
            return
        pointed = pick_appointment(desk.memory, heard, self.those) if len(self.those) > 1 else self.those
        named = [a for a in self.those if a.practitioner_name and mentions(heard.text, a.practitioner_name)]
        self.found(desk, heard, pointed or named)

    def found(self, desk: Desk, heard: Heard, pointed: list[AppointmentRecord]) -> None:
        if len(pointed or self.those) > 1:
            self.those = pointed or self.those
            self.ask(desk)
            return
        self.one = (pointed or self.those)[0]
        self.chosen(desk, heard)

    def chosen(self, desk: Desk, heard: Heard) -> None:
        raise NotImplementedError

    def ask(self, desk: Desk) -> None:
        listed = [spoken_appointment(desk.memory, a) for a in self.those[:4]]
        desk.say("which_appointment", list=say_list(listed, "and"))

    def hear(self, desk: Desk, heard: Heard) -> bool:
        if self.state == "writing":
            return True
        if self.state == "choose_appointment":
            hits = pick_appointment(desk.memory, heard, self.those)
            if len(hits) != 1:
                return False
            self.turns.append(heard.turn)
            self.found(desk, heard, hits)
            return True
        taken = self.heard_rest(desk, heard)
        if taken:
            self.turns.append(heard.turn)
        return taken

    def heard_rest(self, desk: Desk, heard: Heard) -> bool:
        raise NotImplementedError

    def result(self, desk: Desk, result: Result) -> None:
        self.finished = True
        if isinstance(result, Written):
            self.written(desk, result)
        elif isinstance(result, Taken):
            desk.hand_over("stale", "the appointment was changed meanwhile")
        elif isinstance(result, Failed):
            desk.memory.follow_up.append(f"The {self.kind} could not be recorded; do it by hand.")
            desk.say("write_failed")

    def written(self, desk: Desk, written: Written) -> None:
        raise NotImplementedError

    def abandon(self, desk: Desk) -> None:
        """Nothing is done without a yes."""


class CancelVisit(ChosenVisit):
    """Asks for the reason, reads back, cancels."""

    kind = "cancel"

    def __init__(self) -> None:
        super().__init__()
        self.reason = ""

    def chosen(self, desk: Desk, heard: Heard) -> None:
        because = _BECAUSE.search(heard.text)
        if because:
            self.reason = heard.text[because.start() :].strip(" .")
        self.state = "read_back" if self.reason else "reason"
        self.ask(desk)

    def ask(self, desk: Desk) -> None:
        if self.state == "reason":
            desk.say("ask_reason")
        elif self.state == "read_back" and self.one:
            desk.say("confirm_cancel", old=spoken_appointment(desk.memory, self.one))
        else:
            super().ask(desk)

    def heard_rest(self, desk: Desk, heard: Heard) -> bool:
        if self.state == "reason":
            self.reason = heard.text.strip(" .")
            self.state = "read_back"
            self.ask(desk)
            return True
        if heard.yes and self.one and desk.memory.patient:
            self.state = "writing"
            turns = [*self.turns, heard.turn]
            desk.fill("writing")
            code = reason_code(self.reason)
            request = Cancel(
                desk.memory.patient.reference, self.one.id, self.reason, code, basis(desk, turns)
            )
            desk.run(request, self)
            return True
        if heard.no:
            self.finished = True
            desk.say("kept")
            return True
        return False

    def written(self, desk: Desk, written: Written) -> None:
        if self.one:
            old = spoken_appointment(desk.memory, self.one)
            desk.say("cancelled", old=old)
            desk.done(
                Done(
                    "cancel",
                    f"I cancelled your appointment on {old}",
                    written.reference,
                    turns=tuple(self.turns),
                )
            )
            forget(desk, self.one)


class ConfirmVisit(ChosenVisit):
    """Tells when the appointment is and asks whether the caller will be there."""

    kind = "confirm"

    def chosen(self, desk: Desk, heard: Heard) -> None:
        self.state = "will_you_come"
        self.ask(desk)

    def ask(self, desk: Desk) -> None:
        if self.state == "will_you_come" and self.one:
            desk.say("ask_confirm", old=spoken_appointment(desk.memory, self.one))
        elif self.state == "not_coming":
            desk.say("not_coming")
        else:
            super().ask(desk)

    def heard_rest(self, desk: Desk, heard: Heard) -> bool:
        if self.state == "not_coming":
            self.finished = heard.no
            if heard.no:
                desk.say("kept")
            return heard.no
        if heard.no:
            self.state = "not_coming"
            desk.say("not_coming")
            return True
        if heard.yes and self.one and desk.memory.patient:
            self.state = "writing"
            request = Confirm(
                desk.memory.patient.reference, self.one.id, basis(desk, [*self.turns, heard.turn])
            )
            desk.run(request, self)
            return True
        return False

    def written(self, desk: Desk, written: Written) -> None:
        if self.one:
            old = spoken_appointment(desk.memory, self.one)
            desk.say("confirmed")
            text = f"I noted that you will come on {old}"
            desk.done(Done("confirm", text, written.reference, turns=tuple(self.turns)))
