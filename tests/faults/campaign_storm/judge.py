"""What is held against the carrier's own log: who was contacted when, and who should have been. Pure.

Of Credence nothing is asked but, at the very end, whether its record agrees with the log. Those who share a number are
judged together: the carrier cannot know who of them was meant, so each allows what is allowed to one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from fhirserver.kernel.instants import parse_instant
from tests.faults.campaign_storm.residents import Resident

CHANNELS = {"called": "call", "texted": "sms"}
OUT_OF_ALL = ("called", "texted")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the campaign says, as the judge understands it. ``grace``: by how much of the machine's time a contact may
    reach the carrier after the moment at which it was decided, for hours and wishes that change meanwhile."""

    begin: datetime
    quiet: tuple[time, time]
    per_day: int
    per_week: int
    attempts: int
    channels: Mapping[str, int]
    """How often by each channel."""
    spacing: timedelta = timedelta(minutes=60)
    grace: timedelta = timedelta(minutes=5)
    """Of the day's time."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One entry of the log that is a contact."""

    at: datetime
    channel: str
    number: str
    order: str
    sid: str


@dataclass(slots=True)
class Verdict:
    """What was found: the counts for the table, and each fault with its kind, at most some of each kept."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def fault(self, kind: str, what: str) -> None:
        self.faults[kind] += 1
        if len(self.examples[kind]) < 5:
            self.examples[kind].append(what)


def contacts_in(log: Iterable[Mapping[str, Any]]) -> list[Contact]:
    """The contacts in the order in which the carrier saw them."""
    return [
        Contact(parse_instant(e["at"]), CHANNELS[e["what"]], e["number"], e.get("order", ""), e["sid"])
        for e in log
        if e["what"] in CHANNELS
    ]


class Judge:
    """Judges one log of one town."""

    def __init__(self, residents: Sequence[Resident], terms: Terms, log: Sequence[Mapping[str, Any]]):
        self._terms, self._log = terms, log
        self._contacts = contacts_in(log)
        self._residents = residents
        self._of_number: dict[str, list[Resident]] = defaultdict(list)
        self._homes: dict[str, list[Resident]] = defaultdict(list)
        for one in residents:
            self._homes[one.household].append(one)
            for number in one.numbers:
                self._of_number[number].append(one)
        self._by_home: dict[str, list[Contact]] = defaultdict(list)
        for contact in self._contacts:
            for home in {one.household for one in self._of_number[contact.number]}:
                self._by_home[home].append(contact)
        self.verdict = Verdict()

    def judge(self) -> Verdict:
        """Every rule over every contact."""
        self.verdict.counts.update(e["what"] for e in self._log)
        for contact in self._contacts:
            self._quiet_hours(contact)
            self._consent(contact)
        self._once()
        self._after_opting_out()
        for home, people in self._homes.items():
            self._limits(people, self._by_home[home])
            self._tried(people, self._by_home[home])
        return self.verdict

    # one contact

    def _quiet_hours(self, contact: Contact) -> None:
        begin, end = self._terms.quiet
        for zone in {one.zone for one in self._of_number[contact.number]}:
            local = contact.at.astimezone(ZoneInfo(zone))
            if not end <= local.time() < begin:
                late = timedelta(hours=local.hour - begin.hour, minutes=local.minute - begin.minute)
                kind = "on the border of quiet hours" if timedelta() <= late < self._terms.grace else ""
                if kind:
                    self.verdict.counts[kind] += 1
                else:
                    self.verdict.fault("in quiet hours", f"{contact.number} {local.isoformat()} {zone}")

    def _consent(self, contact: Contact) -> None:
        decided = contact.at - self._terms.grace
        allowed = [
            one
            for one in self._of_number[contact.number]
            if one.may_be_reached(contact.channel, decided, self._terms.begin)
        ]
        if not allowed:
            whys = [(o.consent, o.flag, o.deceased, o.active) for o in self._of_number[contact.number]]
            self.verdict.fault("not allowed", f"{contact.channel} {contact.number} {contact.at} {whys}")

    # all contacts

    def _once(self) -> None:
        seen: dict[str, Contact] = {}
        for contact in self._contacts:
            if not contact.order:
                self.verdict.fault("without a name", f"{contact.channel} {contact.number}")
            elif contact.order in seen:
                self.verdict.fault("twice for one attempt", f"{contact.order} {contact.number}")
            seen[contact.order] = contact

    def _after_opting_out(self) -> None:
        """From the moment at which the wish was taken, nothing more by that channel to that number; a wish said on a
        call is for calls."""
        taken: dict[tuple[str, str], datetime] = {}
        for entry in self._log:
            if entry["what"] == "taken" and entry.get("body") == "STOP":
                taken.setdefault((entry["number"], "sms"), parse_instant(entry["at"]))
            elif entry["what"] == "taken" and "not call me" in str(entry.get("body", "")):
                taken.setdefault((entry["number"], "call"), parse_instant(entry["at"]))
        self.verdict.counts["opted out"] = len(taken)
        for contact in self._contacts:
            since = taken.get((contact.number, contact.channel))
            if since is not None and contact.at > since + self._terms.grace:
                self.verdict.fault(
                    "after opting out", f"{contact.channel} {contact.number} {contact.at} > {since}"
                )

    # households

    def _limits(self, people: Sequence[Resident], contacts: Sequence[Contact]) -> None:
        """Of each patient so many in a day and a week, earlier campaigns included, and of this one in all."""
        terms, many = self._terms, len(people)
        earlier = [terms.begin - timedelta(hours=h) for one in people for h in one.earlier]
        every = sorted([*earlier, *(c.at for c in contacts)])
        for days, most in ((1, terms.per_day), (7, terms.per_week)):
            length = timedelta(days=days) - terms.grace
            for n, at in enumerate(every):
                within = [one for one in every[n + 1 :] if one - at < length]
                if at >= terms.begin - timedelta(days=7) and len(within) + 1 > most * many:
                    self.verdict.fault(
                        f"over the limit of {days} d", f"{people[0].household} {at}: {len(within) + 1}"
                    )
                    break
        counts = Counter(c.channel for c in contacts)
        for channel, most in terms.channels.items():
            if counts[channel] > most * many:
                self.verdict.fault("over the attempts", f"{people[0].household} {channel}: {counts[channel]}")
        if len(contacts) > terms.attempts * many:
            self.verdict.fault("over the attempts", f"{people[0].household}: {len(contacts)}")
        if many == 1:
            self._spaced(contacts)

    def _spaced(self, contacts: Sequence[Contact]) -> None:
        for before, after in pairwise(contacts):
            if after.at - before.at < self._terms.spacing - self._terms.grace:
                self.verdict.fault("too close", f"{after.number} {before.at} {after.at}")

    def _tried(self, people: Sequence[Resident], contacts: Sequence[Contact]) -> None:
        """Whoever may be reached was tried, unless those they share a number with have said that it is enough."""
        eligible = [one for one in people if self._could_be_tried(one)]
        self.verdict.counts["to be reached"] += len(eligible)
        self.verdict.counts["tried"] += min(len(eligible), len(contacts))
        if eligible and not contacts:
            self.verdict.fault("never tried", f"{eligible[0].id} {eligible[0].consent}")
        elif len(people) == 1:
            return
        elif len(contacts) < len(eligible) and not self._said_no(people):
            self.verdict.fault("never tried", f"{people[0].household}: {len(contacts)} of {len(eligible)}")

    def _could_be_tried(self, one: Resident) -> bool:
        begin = self._terms.begin
        by = [c for c in self._terms.channels if one.may_be_reached(c, begin, begin)]
        full = len([h for h in one.earlier if h < 7 * 24]) >= self._terms.per_week
        soon_over = one.consent == "ends"  # a machine that is busy may not come to them in so few hours
        return bool(one.numbers and by) and not full and not soon_over

    def _said_no(self, people: Sequence[Resident]) -> bool:
        numbers = {number for one in people for number in one.numbers}
        noes = ("STOP", "Wrong number")
        return any(
            e["number"] in numbers
            and ((e["what"] == "wrote" and (e.get("body") in noes or "not call me" in str(e.get("body"))))
                 or (e["what"] == "ended" and e.get("how") in ("wrong", "opt-out")))
            for e in self._log
        )  # fmt: skip


def agreement(
    verdict: Verdict, contacts: Sequence[Contact], recorded: Mapping[str, Mapping[str, Any]]
) -> None:
    """Hold the record against the log: ``recorded`` are the Communications by the name of their attempt. What the
    carrier saw is on record with number and channel; what it never saw is not told as if it had been made."""
    seen = {one.order: one for one in contacts}
    for order, contact in seen.items():
        made = recorded.get(order)
        if made is None:
            verdict.fault("not on record", f"{order} {contact.number}")
        elif (to := made.get("recipient", [{}])[0].get("display")) != contact.number:
            verdict.fault("another number on record", f"{order} {to} {contact.number}")
    for order, made in recorded.items():
        if order not in seen:
            verdict.counts["on record and never made"] += 1
            if made.get("status") == "completed":
                verdict.fault("told as made and never made", order)
    verdict.counts["on record"] = len(recorded)
