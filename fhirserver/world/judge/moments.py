"""Appointments and slots: was that time offered by the agent and taken by the caller?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.judge import Evidence, Finding, Quote, Turn, Verdict
from fhirserver.world.judge.reading import AGENT, CALLER, quote, reply_to
from fhirserver.world.spoken.answers import Answer
from fhirserver.world.spoken.days import day_wishes, days_named
from fhirserver.world.spoken.times import times
from fhirserver.world.spoken.words import plain

_PLACES = (
    ("first", 0),
    ("earlier", 0),
    ("earliest", 0),
    ("second", 1),
    ("third", 2),
    ("last", -1),
    ("latest", -1),
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of day on a day, and where in the text it stands."""

    day: date
    at: time
    start: int


def moments(text: str, today: date) -> list[Moment]:
    """The moments a text names: each time of day with the day named last before it, else the next day "
    "after."""
    days = [d for d in days_named(text, today) if d.value.is_one_day]
    out = []
    for found in times(text):
        before = [d for d in days if d.start <= found.start]
        after = [d for d in days if d.start > found.start]
        day = before[-1] if before else after[0] if after else None
        if day is not None:
            out.append(Moment(day.value.first, found.value, found.start))
    return out


@dataclass(frozen=True, slots=True)
class _Said:
    turn: Turn
    moments: tuple[Moment, ...]
    reply: Answer | None
    reply_turn: Turn | None
    index: int


def _agent_turns(turns: Sequence[Turn], zone: ZoneInfo) -> list[_Said]:
    out = []
    for i, turn in enumerate(turns):
        if turn.speaker == AGENT:
            found = tuple(moments(turn.text, turn.at.astimezone(zone).date()))
            if found:
                out.append(_Said(turn, found, *reply_to(turns, i), i))
    return out


def _gives_up(said: _Said, moment: Moment) -> bool:
    """Whether the agent's turn speaks of giving that moment up rather than of taking it."""
    text = said.turn.text.lower()
    if "cancel" in text:
        return True
    before = text[: moment.start]
    words = list(re.finditer(r"\b(?:from|to)\b", before))
    return "from" in before and bool(words) and words[-1][0] == "from"


def _replied(said: _Said, extra: tuple[Quote, ...] = ()) -> tuple[Quote, ...]:
    reply = (quote(said.reply_turn),) if said.reply_turn else ()
    return (*extra, quote(said.turn), *reply)


def assess_moment(start: datetime, evidence: Evidence, giving_up: bool) -> Verdict:
    """Whether the caller agreed to take (or to give up) the appointment at ``start``."""
    zone = ZoneInfo(evidence.zone)
    local = start.astimezone(zone)
    wanted = (local.date(), local.time().replace(tzinfo=None))
    speaking = _agent_turns(evidence.turns, zone)
    naming = [(s, m) for s in speaking for m in s.moments if (m.day, m.at) == wanted]
    relevant = [(s, m) for s, m in naming if _gives_up(s, m) == giving_up]
    deed = "giving up" if giving_up else "taking"
    if not relevant:
        reason = f"The agent never spoke of {deed} the appointment at that time."
        return Verdict(Finding.DOUBTFUL, 0.8, reason, tuple(quote(s.turn) for s, _ in naming[-1:]))
    return _answered(relevant, speaking, evidence, giving_up)


def _answered(
    relevant: list[tuple[_Said, Moment]], speaking: list[_Said], evidence: Evidence, giving_up: bool
) -> Verdict:
    agreed = [
        (s, m) for s, m in relevant if s.reply is Answer.YES and len(_alternatives(s, m, giving_up)) == 0
    ]
    refused = [(s, m) for s, m in relevant if s.reply is Answer.NO]
    if agreed:
        said, moment = agreed[-1]
        other = _agreed_later(said, moment, speaking, giving_up)
        if other is not None:
            reason = "The caller agreed to it at first and to another time later."
            return Verdict(Finding.CONTRADICTED, 0.85, reason, (*_replied(said), *_replied(other)))
        return Verdict(
            Finding.VERIFIED, 0.95, "The agent named that time and the caller said yes.", _replied(said)
        )
    picked = _picked(relevant, evidence)
    if picked is not None and not (refused and refused[-1][0].index > picked[0].index):
        said, choice = picked
        reason = "The agent offered that time and the caller chose it."
        return Verdict(Finding.VERIFIED, 0.85, reason, (quote(said.turn), quote(choice)))
    if refused:
        return Verdict(
            Finding.CONTRADICTED, 0.9, "The caller said no to that time.", _replied(refused[-1][0])
        )
    reason = "The agent named that time, but no clear yes of the caller is found."
    return Verdict(Finding.DOUBTFUL, 0.8, reason, _replied(relevant[-1][0]))


def _alternatives(said: _Said, moment: Moment, giving_up: bool) -> list[Moment]:
    """Other moments the same question offered: a bare yes to several says nothing."""
    same = [m for m in said.moments if _gives_up(said, m) == giving_up]
    return [m for m in same if (m.day, m.at) != (moment.day, moment.at)]


def _agreed_later(said: _Said, moment: Moment, speaking: list[_Said], giving_up: bool) -> _Said | None:
    """A later yes to another time, in place of this one (a second appointment names none of the first)."""
    for later in speaking:
        if later.index <= said.index or later.reply is not Answer.YES or giving_up:
            continue
        taking = [m for m in later.moments if not _gives_up(later, m)]
        dropped = [m for m in later.moments if _gives_up(later, m)]
        if any((m.day, m.at) == (moment.day, moment.at) for m in dropped) and taking:
            return later
    return None


def _picked(relevant: list[tuple[_Said, Moment]], evidence: Evidence) -> tuple[_Said, Turn] | None:
    zone = ZoneInfo(evidence.zone)
    for said, moment in reversed(relevant):
        choice = next((t for t in evidence.turns[said.index + 1 :] if t.speaker == CALLER), None)
        if choice is None:
            continue
        today = choice.at.astimezone(zone).date()
        if _chooses(choice.text, said, moment, today):
            return said, choice
    return None


def _chooses(text: str, said: _Said, moment: Moment, today: date) -> bool:
    days = [d.value for d in day_wishes(text, today)]
    at = [f.value for f in times(text)]
    fits = [
        m for m in said.moments if (not days or any(d.holds(m.day) for d in days)) and (not at or m.at in at)
    ]
    if (days or at) and [(m.day, m.at) for m in fits] == [(moment.day, moment.at)]:
        return True
    spoken = plain(text)
    for word, place in _PLACES:
        if re.search(rf"\b{word}\b", spoken) and place < len(said.moments):
            chosen = said.moments[place]
            return (chosen.day, chosen.at) == (moment.day, moment.at)
    return False


def start_of(resource: JsonObject) -> datetime | None:
    """``start`` of an Appointment or a Slot."""
    try:
        return parse_instant(str(resource.get("start", "")))
    except ValueError:
        return None
