"""New insurance: payer, member id and group, read back and corrected until the caller says yes."""

from __future__ import annotations

import re

from agent.cards.saying import Further, further, told
from agent.hearing import Heard
from agent.memory import Done
from agent.policy.desk import Desk
from agent.policy.slots import basis
from agent.requests import CONFIRMED, MENTIONED, AddCoverage
from agent.results import Result, Written
from agent.signals import UNREAD
from fhirserver.world.spoken.answers import Answer, versions
from fhirserver.world.spoken.characters import runs
from fhirserver.world.spoken.identifiers import identifiers
from fhirserver.world.spoken.names import mentions
from fhirserver.world.spoken.numbers import cardinal
from fhirserver.world.spoken.payers import NOT_PAYER, PAYERS, payer_in
from fhirserver.world.spoken.say import say_id
from fhirserver.world.spoken.words import fold, plain, tokens

_NO_GROUP = re.compile(
    r"\b(?:no group|don't (?:have|see|know)|there (?:isn't|is no|is none)|isn't (?:one|any)|none|"
    r"not (?:on|there)|"
    r"no there|without|skip|not sure|can't find)\b|^(?:no|nope|none)$"
)
_GROUP = re.compile(r"\bgroup\b(?:\s*(?:number|id|no|is|it's|:|#|,))*", re.I)
_HEDGE = re.compile(r",?\s*\bi (?:think|believe|guess|suppose)\b", re.I)
"""Words whose ``I`` is no letter of an id."""
_MEMBER = re.compile(
    r"\b(?:member|subscriber|policy|id|i d)\b(?:\s*(?:number|id|i d|no|is|it's|:|#|,))*", re.I
)


def _parts(text: str) -> tuple[str, str, str]:
    """The text apart: before any label, after ``member``, after ``group``."""
    marks = sorted(
        [(m.start(), m.end(), "member") for m in _MEMBER.finditer(text)]
        + [(m.start(), m.end(), "group") for m in _GROUP.finditer(text)]
    )
    pieces = {"": text[: marks[0][0]] if marks else text, "member": "", "group": ""}
    for i, (_, end, label) in enumerate(marks):
        stop = marks[i + 1][0] if i + 1 < len(marks) else len(text)
        pieces[label] += " " + text[end:stop]
    return pieces[""], pieces["member"], pieces["group"]


def _last_id(text: str, least: int) -> str:
    found = identifiers(text, least)
    return found[-1].value if found else ""


class Insurance:
    """Collects a coverage, reads it back, records it at the confidence it was given with."""

    kind = "insurance"

    def __init__(self) -> None:
        self.state = "insurance"
        self.finished = False
        self.payer = self.member = self.group = self.buffer = ""
        self.asked = ""
        self.group_done = False
        self.turns: list[int] = []
        self.further = Further()

    def begin(self, desk: Desk, heard: Heard) -> None:
        if heard.picture:
            self.look(desk, heard)
            return
        self._listen(desk, heard)
        self.turns.append(heard.turn)
        self._next(desk)

    def look(self, desk: Desk, heard: Heard) -> None:
        """The caller has shown a card: what was read of it is read back, what was not is asked for."""
        if heard.text == UNREAD:
            desk.memory.follow_up.append("A picture that was sent could not be read; look at it.")
            desk.say("picture_unread")
        else:
            desk.say("picture_read")
            self.further = further(heard.text)
            payer, member, group = told(heard.text)
            self.payer, self.member = payer or self.payer, member or self.member
            self.group, self.buffer = group or self.group, ""
            self.group_done = self.group_done or bool(self.group)
        self.turns.append(heard.turn)
        self._next(desk)

    def _known(self, desk: Desk) -> tuple[str, ...]:
        return tuple(c.payer for c in desk.memory.context.coverages if c.payer)

    def _listen(self, desk: Desk, heard: Heard) -> bool:
        before = (self.payer, self.member, self.group)
        for version in reversed(versions(heard.text)):
            self._take(desk, version.text)
        return before != (self.payer, self.member, self.group)

    def _take(self, desk: Desk, text: str) -> None:
        text = _HEDGE.sub(" ", text)
        lead, member_part, group_part = _parts(text)
        self.payer = self._payer(desk, text, lead) or self.payer
        self.group = (
            _last_id(group_part, 2) or (_last_id(text, 2) if self._bare_group(text) else "") or self.group
        )
        self.group_done = self.group_done or bool(self.group)
        member = _last_id(member_part, 5)
        if (
            not member
            and not group_part
            and self.asked in ("member", "read_back")
            and not self._bare_group(text)
        ):
            member = _last_id(text, 5)
        if not member and self.asked == "" and not group_part:
            member = _last_id(lead, 7)
        self.member = member or self.member
        if self.member:
            self.buffer = ""

    def _payer(self, desk: Desk, text: str, lead: str) -> str:
        """Once a payer is known, only a different one that is named outright replaces it."""
        if self.payer or self.asked not in ("payer", ""):
            named = [n for n in (*self._known(desk), *PAYERS) if mentions(text, n)]
            if named:
                return named[0]
            return payer_in(text) if self.asked == "fix_payer" else ""
        found = payer_in(lead, self._known(desk))
        if not found and self.asked == "payer" and len(plain(text).split()) <= 5 and not identifiers(text, 3):
            words = [w for w in text.strip(" .,!").split() if fold(w.strip(",.")) not in NOT_PAYER]
            counted = sum(
                cardinal(tokens(word), 0) is not None for word in words
            )  # "eight nine" is no company
            found = "" if counted > 1 else " ".join(w.title() if w.islower() else w for w in words)
        return found if not found or plain(found) not in _FILLERS else ""

    def _bare_group(self, text: str) -> bool:
        return self.asked == "group" and not _MEMBER.search(text)

    def _next(self, desk: Desk) -> None:
        self.state = "insurance"
        if not self.payer:
            self.asked = "payer"
        elif not self.member:
            self.asked = "member"
        elif not self.group_done:
            self.asked = "group"
        else:
            self.asked, self.state = "read_back", "read_back"
        self.ask(desk)

    def ask(self, desk: Desk) -> None:
        if self.asked == "read_back":
            id = str if desk.memory.setting.written else say_id
            group = f", group {id(self.group)}" if self.group else ", no group number"
            group += "".join(f", {text}" for text in _told(self.further))
            desk.say("read_coverage", payer=self.payer, member=id(self.member), group=group)
        elif self.asked.startswith("fix"):
            desk.say("which_part")
        else:
            desk.say("ask_" + (self.asked or "payer"))

    def hear(self, desk: Desk, heard: Heard) -> bool:
        if self.state == "writing":
            return True
        taken = (
            self._heard_confirmation(desk, heard)
            if self.asked == "read_back"
            else self._heard_part(desk, heard)
        )
        if taken:
            self.turns.append(heard.turn)
        return taken

    def _heard_part(self, desk: Desk, heard: Heard) -> bool:
        if self._listen(desk, heard):
            self._next(desk)
            return True
        if self.asked == "group" and _NO_GROUP.search(heard.plain):
            self.group_done = True
            self._next(desk)
            return True
        if self.asked == "member" and self._half(desk, heard):
            return True
        if self.asked.startswith("fix"):
            return self._fix(desk, heard)
        return False

    def _half(self, desk: Desk, heard: Heard) -> bool:
        """A half-given id waits for its rest."""
        pieces = [p.chars for run in runs(heard.text, frozenset({"digits", "letters"})) for p in run]
        said = "".join(pieces)
        if not said or heard.answer is Answer.UNSURE:
            return False
        self.buffer += said
        if len(self.buffer) >= 5 and any(c.isdigit() for c in self.buffer):
            self.member, self.buffer = self.buffer, ""
            self._next(desk)
        else:
            desk.say("go_on")
        return True

    def _fix(self, desk: Desk, heard: Heard) -> bool:
        wrong = next((k for k, p in _PARTS.items() if re.search(p, heard.plain)), "")
        if not wrong:
            return False
        self.group_done = self.group_done and wrong != "group"
        setattr(self, wrong, "")
        self._next(desk)
        return True

    def _heard_confirmation(self, desk: Desk, heard: Heard) -> bool:
        if self._listen(desk, heard):
            self.ask(desk)
            return True
        if heard.yes:
            self._write(desk, CONFIRMED, [*self.turns, heard.turn])
            return True
        if heard.no:
            self.asked = "fix"
            if not self._fix(desk, heard):
                self.ask(desk)
            return True
        return False

    def _write(self, desk: Desk, confidence: str, turns: list[int]) -> None:
        if desk.memory.patient is None:
            return
        self.state = "writing"
        stated = basis(desk, turns, confidence)
        desk.run(
            AddCoverage(
                desk.memory.patient.reference, self.payer, self.member, self.group, stated, self.further
            ),
            self,
        )

    def result(self, desk: Desk, result: Result) -> None:
        self.finished = True
        if isinstance(result, Written):
            desk.say("coverage_recorded")
            text = f"I recorded your new {self.payer} insurance"
            desk.done(Done("insurance", text, result.reference, checked_later=True, turns=tuple(self.turns)))
        else:
            desk.memory.follow_up.append("New insurance could not be recorded; ask the caller again.")
            desk.say("write_failed")

    def abandon(self, desk: Desk) -> None:
        """What was mentioned and not confirmed is worth keeping, lower on the ladder."""
        if self.payer and self.member and self.state != "writing":
            self._write(desk, MENTIONED, self.turns)


def _told(further: Further) -> list[str]:
    """What only a card tells, as it is read back."""
    names = (("plan", "plan"), ("effective", "valid from"), ("rx_bin", "Rx BIN"), ("rx_pcn", "Rx PCN"))
    told = [f"{words} {value}" for name, words in names if (value := getattr(further, name))]
    return [*told, f"Rx group {further.rx_group}"] if further.rx_group else told


_FILLERS = frozenset(
    ("yes", "no", "okay", "ok", "sure", "sorry", "um", "uh", "hello", "what", "please", "insurance")
)
_PARTS = {
    "payer": r"\b(?:company|insurance|payer|carrier|name|plan)\b",
    "group": r"\bgroup\b",
    "member": r"\b(?:member|id|number)\b",
}
