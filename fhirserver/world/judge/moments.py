"""Appointments and slots: was that time offered by the agent and taken by the caller?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.judge import Finding, Quote, Turn, Verdict
from fhirserver.world.judge.hearing import AGENT, CALLER, Talk
from fhirserver.world.judge.reading import quote
from fhirserver.world.spoken.answers import Answer, answer, versions
from fhirserver.world.spoken.days import day_wishes, days_named
from fhirserver.world.spoken.times import bare_hours, times
from fhirserver.world.spoken.words import fold, plain

_PLACES = (
    ("first", 0), ("earlier", 0), ("earliest", 0), ("former", 0), ("second", 1), ("third", 2), ("last", -1),
    ("latest", -1), ("later", -1), ("latter", -1),
)  # fmt: skip
_ELSE = re.compile(r"\b(?:any|some)thing else\b", re.I)
_DONE = re.compile(
    r"\b(?:booked|scheduled|confirmed|all set|i've (?:got|put|moved|changed|set)|i have (?:you|moved|booked|"
    r"put)|is now|you're (?:set|in)|"
    r"we'll see you|see you|put you down|moved (?:it|you|your))\b"
)
_TAKEN = re.compile(
    r"\b(?:not available|isn't available|unavailable|taken|booked up|fully booked|no openings|don't have|"
    r"nothing|can't do)\b"
)
_BUT = re.compile(
    r"\b(?:but (?!that|it|yes|okay|fine|sure)|instead|rather|except|could (?:we|you|i) (?:do|make|have)|"
    r"can (?:we|you) (?:do|make))\b"
)
_AGAINST = re.compile(
    r"\b(?:doesn't|don't|won't|can't|cannot|not|isn't|no good|conflict|busy|working|instead|rather|"
    r"too (?:early|late|soon|far)|any(?:thing)? (?:else|other|later|earlier)|"
    r"something (?:earlier|later|else)|different|another (?:day|time))\b"
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of day on a day, and where in the text it stands."""

    day: date
    at: time
    start: int

    @property
    def when(self) -> tuple[date, time]:
        return (self.day, self.at)


def moments(text: str, today: date, context: date | None = None) -> list[Moment]:
    """The moments a text names: each time of day with the day named last before it, else the next day after,
    else the day that the talk is about (``context``)."""
    days = [d for d in days_named(text, today) if d.value.is_one_day]
    out = []
    for found in times(text):
        before = [d for d in days if d.start <= found.start]
        after = [d for d in days if d.start > found.start]
        day = before[-1] if before else after[0] if after else None
        if day is not None:
            out.append(Moment(day.value.first, found.value, found.start))
        elif context is not None:
            out.append(Moment(context, found.value, found.start))
    return out


@dataclass(frozen=True, slots=True)
class _Said:
    """An agent's turn that names moments, with the caller's answer to it."""

    turn: Turn
    moments: tuple[Moment, ...]
    reply: Answer | None
    reply_turn: Turn | None
    index: int


def _agent_turns(talk: Talk) -> Iterator[_Said]:
    context: tuple[date, int] | None = None
    for i, turn in enumerate(talk.turns):
        today = turn.at.astimezone(talk.zone).date()
        recent = context[0] if context and i - context[1] <= 3 else None
        named = [d for d in days_named(_final(turn), today) if d.value.is_one_day]
        if turn.speaker == AGENT:
            found = tuple(moments(turn.text, today, recent if not named else None))
            if found:
                yield _Said(turn, found, *_answer_to(talk.turns, i, found, today), i)
        if named:
            context = (named[-1].value.first, i)


def _final(turn: Turn) -> str:
    """What a caller's turn says after its corrections; an agent's as it is."""
    if turn.speaker == AGENT:
        return turn.text
    parts = versions(turn.text)
    return parts[0].text if parts else turn.text


def _answer_to(
    turns: Sequence[Turn], index: int, put: Sequence[Moment], today: date
) -> tuple[Answer | None, Turn | None]:
    if _ELSE.search(turns[index].text):
        return None, None
    for turn in turns[index + 1 :]:
        if turn.speaker != CALLER:
            break
        said = _moved(turn, put, today) or answer(turn.text)
        if said is not None:
            return said, turn
    return None, None


def _moved(turn: Turn, put: Sequence[Moment], today: date) -> Answer | None:
    """No, where the reply names another time or day than was put, as ``yes, but at three`` does."""
    final = versions(turn.text)
    text = final[0].text if final else turn.text
    at = {f.value for f in times(text)}
    days = [d.value for d in day_wishes(text, today)]
    if not at and not days:
        return Answer.NO if _BUT.search(plain(turn.text)) and answer(turn.text) is Answer.YES else None
    fits = [m for m in put if (not at or m.at in at) and (not days or any(d.holds(m.day) for d in days))]
    return Answer.NO if not fits else None


def _gives_up(said: _Said, moment: Moment) -> bool:
    """Whether the agent's turn speaks of giving that moment up rather than of taking it."""
    text = fold(said.turn.text)
    before = text[: moment.start]
    words = list(re.finditer(r"\b(?:from|to|cancel\w*|for|book\w*|new|instead|now|see you)\b", before))
    if "cancel" in text and not re.search(r"\b(?:book|schedule|new (?:one|appointment)|instead|move)", text):
        return True
    if words and words[-1][0].startswith("cancel"):
        return True
    relevant = [w[0] for w in words if w[0] in ("from", "to") or w[0].startswith("cancel")]
    return bool(relevant) and (
        relevant[-1] == "from" or (relevant[-1].startswith("cancel") and words[-1][0] == "for")
    )


def _replied(said: _Said, extra: tuple[Quote, ...] = ()) -> tuple[Quote, ...]:
    reply = (quote(said.reply_turn),) if said.reply_turn else ()
    return (*extra, quote(said.turn), *reply)


def assess_moment(start: datetime, talk: Talk, giving_up: bool) -> Verdict:
    """Whether the caller agreed to take (or to give up) the appointment at ``start``."""
    local = start.astimezone(talk.zone)
    wanted = (local.date(), local.time().replace(tzinfo=None))
    speaking = list(_agent_turns(talk))
    naming = [(s, m) for s in speaking for m in s.moments if m.when == wanted]
    relevant = [(s, m) for s, m in naming if _gives_up(s, m) == giving_up]
    deed = "giving up" if giving_up else "taking"
    if not relevant:
        reason = f"The agent never spoke of {deed} the appointment at that time."
        return Verdict(Finding.DOUBTFUL, 0.8, reason, tuple(quote(s.turn) for s, _ in naming[-1:]))
    verdict = _answered(relevant, speaking, talk, giving_up)
    return _unless_undone(verdict, relevant[-1][0], talk, giving_up)


Named = list[tuple[_Said, Moment]]


def _answered(relevant: Named, speaking: list[_Said], talk: Talk, giving_up: bool) -> Verdict:
    agreed = [(s, m) for s, m in relevant if s.reply is Answer.YES and not _alternatives(s, m, giving_up)]
    refused = [(s, m) for s, m in relevant if s.reply is Answer.NO]
    if agreed and not (refused and refused[-1][0].index > agreed[-1][0].index):
        said, moment = agreed[-1]
        return _settled(
            said,
            moment,
            _replied(said),
            0.95,
            "The agent named that time and the caller said yes.",
            speaking,
            giving_up,
        )
    picked = _picked(relevant, talk)
    if picked is not None and not (refused and refused[-1][0].index > picked[0].index):
        said, choice = picked
        quotes = (quote(said.turn), quote(choice))
        moment = next(m for s, m in relevant if s is said)
        return _settled(
            said,
            moment,
            quotes,
            0.85,
            "The agent offered that time and the caller chose it.",
            speaking,
            giving_up,
        )
    if refused:
        return Verdict(
            Finding.CONTRADICTED, 0.9, "The caller said no to that time.", _replied(refused[-1][0])
        )
    asked = _asked_for(relevant, speaking, talk, giving_up)
    if asked is not None:
        return asked
    reason = "The agent named that time, but no clear yes of the caller is found."
    return Verdict(Finding.DOUBTFUL, 0.8, reason, _replied(relevant[-1][0]))


def _settled(
    said: _Said,
    moment: Moment,
    quotes: tuple[Quote, ...],
    sure: float,
    reason: str,
    speaking: list[_Said],
    giving_up: bool,
) -> Verdict:
    other = _agreed_later(said, moment, speaking, giving_up)
    if other is not None:
        words = "The caller agreed to it at first and to another time later."
        return Verdict(Finding.CONTRADICTED, 0.85, words, (*quotes, *_replied(other)))
    return Verdict(Finding.VERIFIED, sure, reason, quotes)


def _alternatives(said: _Said, moment: Moment, giving_up: bool) -> list[Moment]:
    """Other moments the same question offered: a bare yes to several says nothing."""
    same = [m for m in said.moments if _gives_up(said, m) == giving_up]
    return [m for m in same if m.when != moment.when]


_INSTEAD = re.compile(
    r"\b(?:instead|move[ds]?|change[ds]?|switch\w*|reschedul\w*|rather|make (?:that|it)|new time|"
    r"update[ds]?|actually)\b"
)


def _agreed_later(said: _Said, moment: Moment, speaking: list[_Said], giving_up: bool) -> _Said | None:
    """A later yes to another time in place of this one (a second appointment says nothing of the first)."""
    for later in speaking:
        if later.index <= said.index or later.reply is not Answer.YES or giving_up:
            continue
        taking = [m for m in later.moments if not _gives_up(later, m)]
        dropped = [m for m in later.moments if _gives_up(later, m)]
        if any(m.when == moment.when for m in dropped) and (taking or dropped):
            return later
        if taking and all(m.when != moment.when for m in taking) and _INSTEAD.search(fold(later.turn.text)):
            return later
    return None


def _unless_undone(verdict: Verdict, last: _Said, talk: Talk, giving_up: bool) -> Verdict:
    """A yes that the caller takes back afterwards is none."""
    if verdict.finding is not Finding.VERIFIED:
        return verdict
    for turn in talk.turns[last.index + 1 :]:
        if turn.speaker == CALLER and turn is not last.reply_turn and _undoes(plain(turn.text), giving_up):
            return Verdict(
                Finding.CONTRADICTED,
                0.8,
                "The caller took it back afterwards.",
                (*verdict.quotes, quote(turn)),
            )
    return verdict


_UNDO_TAKING = re.compile(
    r"\b(?:(?:don't|do not) (?:book|schedule|move|make|change)|cancel (?:it|that|the (?:new )?appointment)|"
    r"never ?mind|forget (?:it|that)|"
    r"won't work after all|(?:can't|cannot) (?:do|make) (?:it|that)(?: \w+)? after all|scratch that|"
    r"keep (?:the|my) (?:old|original|"
    r"current|existing)|leave it (?:as|where|the way)|changed my mind)\b"
)
_UNDO_GIVING_UP = re.compile(
    r"\b(?:(?:don't|do not) cancel|never ?mind|forget (?:it|that)|keep (?:it|that|the appointment|"
    r"my appointment)|scratch that|"
    r"leave it (?:as|where|the way)|changed my mind|i'll (?:still )?(?:come|be there|keep it))\b"
)


def _undoes(said: str, giving_up: bool) -> bool:
    return (_UNDO_GIVING_UP if giving_up else _UNDO_TAKING).search(said) is not None


def _picked(relevant: Named, talk: Talk) -> tuple[_Said, Turn] | None:
    for said, moment in reversed(relevant):
        for choice in talk.turns[said.index + 1 : said.index + 4]:
            if choice.speaker != CALLER:
                break
            today = choice.at.astimezone(talk.zone).date()
            if _chooses(choice.text, said, moment, today):
                return said, choice
    return None


def _chooses(text: str, said: _Said, moment: Moment, today: date) -> bool:
    final = versions(text)
    text = final[0].text if final else text
    spoken = plain(text)
    if answer(text) is Answer.UNSURE or _AGAINST.search(spoken):
        return False
    days = [d.value for d in day_wishes(text, today)]
    place = next(
        (p for word, p in _PLACES if re.search(rf"\b(?:the|your) {word}\b(?! (?:at|of)\b)", spoken)), None
    )
    exact = [f.value for f in times(text)]
    if place is not None and not exact and len(said.moments) > 1 and place < len(said.moments):
        return said.moments[place].when == moment.when
    at = exact or ([] if days else bare_hours(text))
    fits = [
        m
        for m in said.moments
        if (not days or any(d.holds(m.day) for d in days)) and (not at or _same_hour(m.at, at))
    ]
    if (days or at) and {m.when for m in fits} == {moment.when}:
        return True
    if days or at:
        return False
    for word, place in _PLACES:
        if len(said.moments) > 1 and re.search(rf"\b{word}\b", spoken) and place < len(said.moments):
            return said.moments[place].when == moment.when
    return False


def _same_hour(offered: time, said: Sequence[time]) -> bool:
    return any(
        offered == one or (one.minute == offered.minute and one.hour % 12 == offered.hour % 12)
        for one in said
    )


def _asked_for(relevant: Named, speaking: list[_Said], talk: Talk, giving_up: bool) -> Verdict | None:
    """The caller asked for that very time, and the agent said that it is done."""
    for said, moment in relevant:
        text = fold(said.turn.text)
        if not _DONE.search(text) or _TAKEN.search(text) or _alternatives(said, moment, giving_up):
            continue
        wish = _wished(talk, said.index, moment)
        objects = said.reply is Answer.NO
        if wish is not None and not objects:
            reason = "The caller asked for that time and the agent said that it is done."
            return _settled(said, moment, (quote(wish), quote(said.turn)), 0.75, reason, speaking, giving_up)
    return None


def _wished(talk: Talk, before: int, moment: Moment) -> Turn | None:
    """The caller's turn, shortly before, that names the time and (there or earlier) the day."""
    for turn in reversed(talk.turns[max(0, before - 3) : before]):
        if turn.speaker != CALLER:
            continue
        final = versions(turn.text)
        text = final[0].text if final else turn.text
        today = turn.at.astimezone(talk.zone).date()
        days = [d.value for d in day_wishes(text, today)]
        at = [f.value for f in times(text)]
        if at and _same_hour(moment.at, at) and len(set(at)) == 1 and all(d.holds(moment.day) for d in days):
            return turn
        if at or days:
            return None
    return None


def start_of(resource: JsonObject) -> datetime | None:
    """``start`` of an Appointment or a Slot."""
    try:
        return parse_instant(str(resource.get("start", "")))
    except ValueError:
        return None
