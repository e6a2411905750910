"""What to do about one patient now: the decision at the moment of dialling. Pure: facts in, one answer with its reason.

Each rule is a function of its own that answers None where it has nothing against it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import takewhile
from typing import TypeAlias
from zoneinfo import ZoneInfo

from agent.campaigns.consents import Said, consented
from agent.campaigns.contacts import FINAL, MACHINE, SKIPPED, UNMADE, Contact
from agent.campaigns.definition import Campaign, Step
from agent.campaigns.hours import Open, next_open, opening
from agent.campaigns.members import Member
from agent.campaigns.needs import not_needed
from agent.campaigns.numbers import numbers_for
from agent.campaigns.preferences import barred, medium_of
from agent.campaigns.zones import zones_of
from fhirserver.kernel.json import JsonObject

_LONGEST_PAUSE = 60
"""Minutes between attempts that the carrier does not take, at last."""
_UNDELIVERED = timedelta(minutes=5)
"""After a message that did not arrive, what comes next need not wait for an answer to it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known about one member: ``about`` are the resources it is about, ``upcoming`` the patient's
    appointments to come, ``contacts`` all with the patient, the latest first, over all campaigns."""

    now: datetime
    member: Member
    patient: JsonObject | None
    consents: Sequence[JsonObject] = ()
    flags: Sequence[JsonObject] = ()
    contacts: Sequence[Contact] = ()
    about: Sequence[JsonObject] = ()
    upcoming: Sequence[JsonObject] = ()
    filled: Sequence[JsonObject] = ()
    """QuestionnaireResponses that the patient completed since it was due."""

    @property
    def attempts(self) -> tuple[Contact, ...]:
        """Those made for this member, the latest first; answers of the patient are none."""
        return tuple(c for c in self.contacts if c.request == self.member.reference and c.name)

    @property
    def answers(self) -> tuple[Contact, ...]:
        return tuple(c for c in self.contacts if c.request == self.member.reference and not c.name)


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for everybody: the campaign, the practice's zone, the practice's hours for calls (zone, begin, end),
    and the channels that are off, with the reason."""

    campaign: Campaign
    zone: str
    call_hours: tuple[str, time, time] | None = None
    off: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Go:
    """Reach out now: by which channel, to which number (empty where it needs none)."""

    channel: str
    number: str
    step: Step
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Later:
    """Look again at ``until``."""

    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more is done: ``outcome`` is a code of outreach-outcome, ``done`` whether the patient was tried."""

    outcome: str
    why: str
    tried: bool = False


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What became of an attempt is not known yet."""

    contact: Contact


Decision: TypeAlias = Go | Later | Over | Unsettled


def decide(facts: Facts, terms: Terms) -> Decision:
    """What to do now."""
    for rule in _BEFORE:
        if (found := rule(facts, terms)) is not None:
            return found
    usable, why = _usable(facts, terms)
    if usable is None:
        tried = bool([c for c in facts.attempts if c.counts])
        if (until := _answer_until(facts, terms)) is not None:
            return Later(until, _WAITS)
        return Over("unreached", why, True) if tried else Over(_leading(why), why)
    return _when(facts, terms, usable)


_WAITS = "waits for an answer to the last attempt"


def _answer_until(facts: Facts, terms: Terms) -> datetime | None:
    """Until when what was written last may still be answered; None where nothing was, or it is over."""
    last = next((one for one in facts.attempts if one.counts), None)
    if last is None or last.outcome != "sent" or last.to in _wrong_numbers(facts):
        return None
    until = min(last.sent + _pause_after(last, terms), _ends(facts, terms))
    return until if until > facts.now else None


def _pause_after(one: Contact, terms: Terms) -> timedelta:
    steps = (step.then_minutes for step in terms.campaign.channels if step.channel == one.channel)
    return timedelta(minutes=next(steps, 1440))


Rule: TypeAlias = Callable[[Facts, Terms], Decision | None]


def alive(facts: Facts, terms: Terms) -> Decision | None:
    """There is a patient, whose record is in use, and who lives."""
    patient = facts.patient
    if patient is None:
        return Over("no-record", "there is no such patient")
    if patient.get("deceasedBoolean") or patient.get("deceasedDateTime"):
        return Over("deceased", "the patient is recorded as deceased")
    if patient.get("active") is False:
        return Over("inactive", "the patient's record is not active")
    return None


def settled(facts: Facts, terms: Terms) -> Decision | None:
    """Nothing is under way."""
    unsettled = next((one for one in facts.attempts if one.is_open), None)
    return Unsettled(unsettled) if unsettled else None


def reached(facts: Facts, terms: Terms) -> Decision | None:
    """It is not done yet."""
    for one in (*facts.answers, *facts.attempts):
        if one.outcome in FINAL:
            return Over(one.outcome, f"{_WORDS.get(one.outcome, one.outcome)} ({one.channel})", True)
    if facts.filled and any(one.channel == "form" for one in facts.attempts):
        return Over("done", "the form was filled in", True)
    if not terms.campaign.machine.retry and any(c.outcome in MACHINE for c in facts.attempts):
        return Over("unreached", "an answering machine took the call", True)
    return None


_WORDS = {
    "done": "done with the patient",
    "reached": "the patient was reached",
    "transferred": "handed to a person",
    "declined": "the patient declined",
    "opted-out": "the patient wants no more of it",
    "not-needed": "nothing is missing",
}


def needed(facts: Facts, terms: Terms) -> Decision | None:
    """What it is about still has to be said."""
    why = not_needed(terms.campaign.need, facts.member.patient, facts.about, facts.upcoming, facts.now)
    if not why:
        return None
    tried = any(c.counts for c in facts.attempts)
    outcome = "done" if tried and why == CONFIRMED else "not-needed"
    return Over(outcome, why, tried)


CONFIRMED = "the appointment is confirmed"


def in_time(facts: Facts, terms: Terms) -> Decision | None:
    """It is not too late: within the hours after it was due, and the dates of the campaign."""
    tried = any(c.counts for c in facts.attempts)
    if facts.now >= _ends(facts, terms):
        return Over("unreached" if tried else "expired", "its time is over", tried)
    first = terms.campaign.dates.first
    if first and facts.now < (start := _midnight(first, terms.campaign.zone)):
        return Later(start, f"the campaign begins on {first.isoformat()}")
    return None


def _ends(facts: Facts, terms: Terms) -> datetime:
    expires = facts.member.due + timedelta(hours=terms.campaign.expires_hours)
    last = terms.campaign.dates.last
    return min(expires, _midnight(last + timedelta(days=1), terms.campaign.zone)) if last else expires


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(zone))


_BEFORE: tuple[Rule, ...] = (settled, reached, alive, needed, in_time)


def _usable(facts: Facts, terms: Terms) -> tuple[tuple[Step, str] | None, str]:
    """The first channel that is left, with its number; and why the others are not."""
    whys = []
    made = [c for c in facts.attempts if c.counts]
    if len(made) >= terms.campaign.attempts:
        return None, f"tried {len(made)} times, as often as may be"
    for step in terms.campaign.channels:
        number, why = _channel(facts, terms, step, made)
        if not why:
            return (step, number), ""
        whys.append(f"{step.channel}: {why}")
    return None, "; ".join(whys)


def _channel(facts: Facts, terms: Terms, step: Step, made: Sequence[Contact]) -> tuple[str, str]:
    """The number to reach by a channel, and why not, where it may not be used."""
    if why := terms.off.get(step.channel) or _skipped(facts, step.channel):
        return "", why
    tried = sum(c.channel == step.channel for c in made)
    if tried >= step.attempts:
        return "", f"tried {tried} of {step.attempts}"
    consent = _consent(facts, step.channel, terms.campaign.purpose)
    if consent is Said.DENY:
        return "", "consent denied"
    if consent is Said.NOTHING and terms.campaign.consent == "required":
        return "", "no consent"
    if step.channel == "chat":
        return "", barred(facts.flags, "chat", "")
    wrong = _wrong_numbers(facts)
    numbers = [n for n in numbers_for(facts.patient or {}, step.channel) if n not in wrong]
    if not numbers:
        return "", "wrong number" if wrong else "no number"
    whys = {number: barred(facts.flags, step.channel, number) for number in numbers}
    free = next((number for number in numbers if not whys[number]), "")
    return free, "" if free else whys[numbers[0]]


def _consent(facts: Facts, channel: str, purpose: str) -> Said:
    """What the patient's consents say. A link to a form is a text message: what is denied to these is denied to it, and
    who permits them permits it."""
    said = {consented(facts.consents, one, purpose, facts.now) for one in {channel, medium_of(channel)}}
    return next((one for one in (Said.DENY, Said.PERMIT) if one in said), Said.NOTHING)


def _skipped(facts: Facts, channel: str) -> str:
    """Why a channel cannot be used for this member, as it was found when it was tried; empty where it can."""
    found = (one for one in facts.attempts if one.channel == channel and one.outcome == SKIPPED)
    return next((one.why or "left out" for one in found), "")


def _wrong_numbers(facts: Facts) -> set[str]:
    """Where somebody else answered."""
    return {one.to for one in (*facts.attempts, *facts.answers) if one.outcome == "wrong-number"}


_LEADING = (
    ("opted out", "opted-out"),
    ("consent", "no-consent"),
    ("number", "no-number"),
)


def _leading(why: str) -> str:
    """The code for why nobody tried, where channels have several reasons: what the patient wants goes first."""
    return next((code for words, code in _LEADING if words in why), "left-out")


def _when(facts: Facts, terms: Terms, usable: tuple[Step, str]) -> Decision:
    """Now, or later: spacing, limits, hours."""
    step, number = usable
    zones = zones_of(facts.patient or {}, number, terms.zone)
    at, why = max(
        ((facts.now, ""), (facts.member.due, "not due yet"), *_spaced(facts, terms)), key=lambda one: one[0]
    )
    hours = opening((terms.campaign.quiet.begin, terms.campaign.quiet.end), terms.campaign.quiet.days, zones)
    if step.channel == "call" and terms.call_hours:
        hours = (*hours, Open(*terms.call_hours))
    opens = next_open(at, hours)
    tried = any(c.counts for c in facts.attempts)
    if opens is None or opens >= _ends(facts, terms):
        return Over("unreached" if tried else "expired", "there is no hour left in which it may be", tried)
    if opens > at:
        return Later(opens, f"quiet hours ({', '.join(zones)})")
    if at > facts.now:
        return Later(at, why)
    return Go(step.channel, number, step, zones)


def _spaced(facts: Facts, terms: Terms) -> Sequence[tuple[datetime, str]]:
    """The moments before which nothing more may go out, by the contacts there were."""
    limits = terms.campaign.limits
    made = [c for c in facts.contacts if c.counts]
    waits: list[tuple[datetime, str]] = []
    if made:
        waits.append(
            (made[0].sent + timedelta(minutes=limits.spacing_minutes), "too soon after the last contact")
        )
    unmade = list(takewhile(lambda one: one.outcome == UNMADE, facts.attempts))
    if unmade:
        pause = timedelta(minutes=min(2 ** (len(unmade) - 1), _LONGEST_PAUSE))
        waits.append((unmade[0].sent + pause, "the carrier did not take it"))
    own = [c for c in facts.attempts if c.counts]
    if own and own[0].outcome == "undelivered":
        waits.append((own[0].sent + _UNDELIVERED, "the message did not arrive"))
    elif own:
        waits.append((own[0].sent + _pause_after(own[0], terms), _WAITS))
    for days, most in ((1, limits.per_day), (7, limits.per_week), (30, limits.per_month)):
        if len(made) >= most:
            waits.append((made[most - 1].sent + timedelta(days=days), f"{most} contacts in {days} days"))
    return waits
