"""What the campaign pages show of a campaign: how far it is, whom it reached how, who was left out and why. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fhirserver.console.campaign_board import CampaignBoard, Contact, Member, Order
from fhirserver.console.charts import Bars, Stacks, bars, columns, stacks
from fhirserver.kernel.instants import instant, parse_instant
from fhirserver.world.outreach import REACHED, RUN

CHANNELS = ("call", "sms", "chat", "form")
NEXT = 10
"""Members that are due next, as many as are shown."""
_MOST_COLUMNS = 48
_STEPS = (5, 15, 60, 180, 360, 1440, 10_080)
"""Minutes of a column of the attempts over time."""
_STATES = {
    "in-progress": "running",
    "requested": "beginning",
    "on-hold": "paused",
    "completed": "finished",
    "cancelled": "cancelled",
    "failed": "failed",
}
WORDS = {
    "done": "done",
    "reached": "reached",
    "transferred": "handed to a person",
    "declined": "declined",
    "opted-out": "wants no more of it",
    "no-consent": "no consent",
    "no-number": "no number",
    "no-record": "no record",
    "not-needed": "no longer needed",
    "outside-dates": "outside the dates",
    "unreached": "not reached",
    "no-answer": "no answer",
    "voicemail-left": "message left",
    "wrong-number": "wrong number",
    "not-placed": "not made",
    "skipped": "way left out",
    "": "open",
}


@dataclass(frozen=True, slots=True)
class Card:
    """One campaign as a line of the list."""

    id: str
    title: str
    goal: str
    state: str
    since: str
    audience: int
    tried: int
    reached: int
    open: int

    @property
    def over(self) -> int:
        return self.audience - self.open

    @property
    def share(self) -> int:
        """How much of it is over, in percent."""
        return round(100 * self.over / self.audience) if self.audience else 0


@dataclass(frozen=True, slots=True)
class Group:
    """Members with one outcome. ``tried``: somebody tried to reach them."""

    outcome: str
    words: str
    count: int


@dataclass(frozen=True, slots=True)
class Shown:
    """One campaign as its page shows it."""

    card: Card
    order: Order | None
    funnel: Bars
    attempts: Stacks
    outcomes: Bars
    ended: Sequence[Group]
    left_out: Sequence[Group]
    next: Sequence[Member]
    waits: Sequence[str] = ()
    """Why runs that are under way do not go on as they would."""


def card(board: CampaignBoard, id: str) -> Card:
    """One campaign in few figures."""
    members = board.of(id)
    contacts = board.contacts_of(members)
    definition, control = board.definitions.get(id), board.control(id)
    runs = [one for one in board.orders.values() if one.campaign == id]
    return Card(
        id,
        definition.title if definition else id,
        definition.goal if definition else "",
        state_of(control, runs),
        max((one.since for one in runs), default=""),
        len(members),
        len({one.member for one in contacts}),
        sum(one.outcome in REACHED for one in members),
        sum(one.status == "active" for one in members),
    )


def state_of(control: Order | None, runs: Sequence[Order]) -> str:
    """The state in a word; that of the runs where nobody controls them."""
    if control is not None:
        return _STATES.get(control.status, control.status)
    going = {one.status for one in runs}
    return next((_STATES[status] for status in _STATES if status in going), "not started")


def shown(board: CampaignBoard, id: str) -> Shown:
    """Everything about one campaign."""
    members = board.of(id)
    contacts = board.contacts_of(members)
    tried = {one.member for one in contacts}
    made = card(board, id)
    order = board.control(id)
    return Shown(
        made,
        order,
        _funnel(members, tried),
        _over_time(contacts),
        _outcomes(contacts),
        _groups([one for one in members if one.status != "active" and one.id in tried]),
        _groups([one for one in members if one.status != "active" and one.id not in tried]),
        sorted((one for one in members if one.status == "active"), key=lambda one: one.next)[:NEXT],
        _waits(board, id),
    )


def _waits(board: CampaignBoard, id: str) -> list[str]:
    going = (one for one in board.orders.values() if one.campaign == id and one.kind == RUN)
    return sorted({one.why for one in going if one.status == "in-progress" and one.why})


def people(board: CampaignBoard, id: str, outcome: str, tried: bool) -> list[Member]:
    """The members of a group, by patient."""
    members = board.of(id)
    reached = {one.member for one in board.contacts_of(members)}
    found = (
        m for m in members if m.outcome == outcome and m.status != "active" and (m.id in reached) is tried
    )
    return sorted(found, key=lambda one: one.patient)


def _funnel(members: Sequence[Member], tried: set[str]) -> Bars:
    left_out = sum(one.status != "active" and one.id not in tried for one in members)
    counts: Mapping[tuple[str, str], int] = {
        ("audience", "items"): len(members),
        ("not left out", "items"): len(members) - left_out,
        ("tried", "items"): len(tried),
        ("reached", "items"): sum(one.outcome in REACHED for one in members),
        ("done", "items"): sum(one.outcome == "done" for one in members),
    }
    return columns("funnel", "From the audience to what was done", counts, "items")


def _outcomes(contacts: Sequence[Contact]) -> Bars:
    counts = Counter((one.channel, one.outcome or "open") for one in contacts)
    codes = [code for code, _ in Counter(code for _, code in counts.elements()).most_common()]
    return bars("outcomes", "What came of the attempts, by channel", counts, codes, whole=False)


def _groups(members: Sequence[Member]) -> list[Group]:
    counts = Counter(one.outcome for one in members)
    return [
        Group(name, WORDS.get(name, name.replace("-", " ")), count) for name, count in counts.most_common()
    ]


def _over_time(contacts: Sequence[Contact]) -> Stacks:
    """Attempts in as few columns as can be read, by channel."""
    title = "Attempts over time, by channel"
    times = sorted(parse_instant(one.sent) for one in contacts if one.sent)
    if not times:
        return stacks("attempts", title, [], {}, CHANNELS)
    step = _step(times[0], times[-1])
    first = _floor(times[0], step)
    labels = []
    while first <= times[-1]:
        labels.append(instant(first)[:16].replace("T", " "))
        first += step
    counts = Counter(
        (instant(_floor(parse_instant(one.sent), step))[:16].replace("T", " "), one.channel)
        for one in contacts
        if one.sent
    )
    return stacks("attempts", title, labels, counts, CHANNELS)


def _step(first: datetime, last: datetime) -> timedelta:
    length = last - first
    fitting = (timedelta(minutes=m) for m in _STEPS if length / timedelta(minutes=m) < _MOST_COLUMNS)
    return next(fitting, timedelta(minutes=_STEPS[-1]))


def _floor(at: datetime, step: timedelta) -> datetime:
    return at - (at - datetime.min.replace(tzinfo=at.tzinfo)) % step
