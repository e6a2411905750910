"""The engine: whoever is due is looked at, and reached where every rule allows it. Any number of them may run at once.

It keeps nothing that matters: what is under way is read from FHIR, an attempt is claimed before it is made
(:mod:`agent.campaigns.claims`), and one that a dead process left open is asked after, never made again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import time as time_of_day
from datetime import timedelta

from agent.campaigns.channels import Channel
from agent.campaigns.claims import Claims, errand_of
from agent.campaigns.contacts import Contact
from agent.campaigns.decision import Decision, Facts, Go, Later, Over, Terms, Unsettled, decide
from agent.campaigns.definition import Campaign
from agent.campaigns.facts import Found, facts_of, number_flags, wants_of
from agent.campaigns.filling import Filling
from agent.campaigns.ledger import Ledger, by_campaign
from agent.campaigns.library import Definitions
from agent.campaigns.members import Member, later, over, readable
from agent.campaigns.operators import Attendance, Attends
from agent.campaigns.pacing import Pace, calls_for, why_calls_wait
from agent.campaigns.preferences import barred
from agent.campaigns.runs import Run, run_of, waiting
from agent.campaigns.seen_open import IN_FLIGHT, LEFT_OPEN, SeenOpen
from agent.campaigns.staff import follow_up
from agent.campaigns.triggers import Triggers
from agent.campaigns.waiting import Aside
from agent.campaigns.wording import opening_words
from agent.errand import Errand, NotPlaced
from agent.tools.client import FhirClient, Unreachable
from agent.tools.provenance import CANONICAL, Speaker
from fhirserver.kernel.instants import Clock, SystemClock, instant
from fhirserver.kernel.measures import Counter

log = logging.getLogger("credence.campaigns")

ATTEMPTS = Counter("credence_campaign_attempts_total", "Attempts to reach patients, by channel", ("channel",))

_TROUBLED = timedelta(minutes=30)
"""After so long a member whom something is wrong with is looked at again."""
EVERY = 1.0
"""Seconds between two looks when nothing is due."""
_PAGE = 50
_AT_ONCE = 8
"""Members that are looked at at once."""
_LONG_WAIT = timedelta(minutes=10)
"""For an operator, where more wait than one process remembers."""


@dataclass(frozen=True)
class Practice:
    """What all campaigns share."""

    name: str
    zone: str
    call_hours: tuple[str, time_of_day, time_of_day] | None = None


class Engine:
    """``channels`` are those of this process; what needs another is left to the process that has it. ``operators``
    knows who is free for calls; without it calls of campaigns that need one wait."""

    def __init__(
        self,
        client: FhirClient,
        practice: Practice,
        channels: Mapping[str, Channel],
        clock: Clock | None = None,
        speaker: Speaker | None = None,
        operators: Attends | None = None,
        in_flight: float = IN_FLIGHT,
    ):
        self._client, self._practice, self._channels = client, practice, channels
        self._clock, self._operators = clock or SystemClock(), operators
        self._there: Attendance | None = None
        speaker = speaker or Speaker()
        self.ledger = Ledger(client, self._clock, speaker)
        self._claims = Claims(client, self._clock, speaker)
        self._definitions = Definitions(client)
        self._filling = Filling(self.ledger, self._clock)
        self._triggers = Triggers(self.ledger, self._clock)
        self._paces: dict[str, Pace] = {}
        self._hands: dict[str, asyncio.Task[None]] = {}
        self._seen = SeenOpen(in_flight)
        self._looking = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Until cancelled."""
        troubled = False
        try:
            while True:
                try:
                    busy = await self.turn()
                    troubled = False
                except Unreachable as error:
                    if not troubled:
                        log.warning("campaigns wait: the FHIR server does not answer (%s)", error)
                    busy, troubled = False, True
                except Exception as error:  # whatever one campaign meets, the others go on
                    log.error("a turn of the campaigns failed: %s", type(error).__name__)
                    busy = False
                if not busy:
                    await asyncio.sleep(EVERY)
        finally:
            for task in self._hands.values():
                task.cancel()

    async def turn(self) -> bool:
        """Look once at everything that is due; whether there may be more at once. Raises :class:`Unreachable`."""
        controls = await self._tasks("campaign", "in-progress")
        for control in controls:
            await self._apart(control, self._triggers.fire)
        busy = False
        for run in await self._tasks("campaign-run", "requested,in-progress"):
            busy = bool(await self._apart(run, self._go_on)) or busy
        return busy

    async def _apart(self, run: Run, work: Callable[[Run, Campaign], Awaitable[bool | None]]) -> bool | None:
        """Work on one campaign; whatever it meets, the others go on. Raises :class:`Unreachable`."""
        try:
            campaign = await self._definitions.of(run)
            return None if campaign is None else await work(run, campaign)
        except Unreachable:
            raise
        except Exception as error:
            log.error("a campaign cannot go on: %s", type(error).__name__)
            return False

    async def _tasks(self, code: str, status: str) -> list[Run]:
        params = [("code", f"{CANONICAL}/CodeSystem/task-code|{code}"), ("status", status)]
        return [run_of(task) for task in await self._client.search("Task", params)]

    async def _go_on(self, run: Run, campaign: Campaign) -> bool:
        if run.status == "requested" and (run.due is None or run.due <= self._clock.now()):
            return await self._filling.fill(run, campaign)
        if run.status != "in-progress":
            return False
        if await self._filling.again(run, campaign):
            return True
        if await self._attended(run, campaign):
            return True
        most = self._room(run.campaign, campaign)
        if most == 0:
            return False
        due = await self._due(run, self._pace(run.campaign, campaign).aside)
        looked = await asyncio.gather(*(self._alone(one, run, campaign) for one in due[:most]))
        if not due:
            await self._filling.finish(run, campaign, self._hands)
        return any(looked)

    def _room(self, id: str, campaign: Campaign) -> int:
        """How many may be looked at: as many as could be reached now."""
        frees = [
            self._free(id, campaign, step.channel)
            for step in campaign.channels
            if step.channel in self._channels
        ]
        waits = bool(
            why_calls_wait(campaign.pacing, self._there)
        )  # some may be over, or have no need of a call
        most = max(sum(frees), _AT_ONCE if waits else 0)
        return min(self._pace(id, campaign).left(self._clock.now()), most, _PAGE)

    def _free(self, id: str, campaign: Campaign, channel: str) -> int:
        free, pace = self._channels[channel].free, self._pace(id, campaign)
        return calls_for(pace, free, self._there, self._paces.values()) if channel == "call" else free

    def _pace(self, id: str, campaign: Campaign) -> Pace:
        pace = self._paces.setdefault(id, Pace(campaign.pacing))
        pace.pacing = campaign.pacing
        return pace

    async def _attended(self, run: Run, campaign: Campaign) -> bool:
        """Know who is free for its calls, and have its Task say why they wait; whether that was written down."""
        if "call" not in self._channels or all(step.channel != "call" for step in campaign.channels):
            return False
        if campaign.pacing.operators and self._operators is not None:
            self._there = await self._operators.look()
        why = why_calls_wait(campaign.pacing, self._there)
        if not why:
            self._pace(run.campaign, campaign).aside.clear()
        if why == run.why:
            return False
        return await self.ledger.put(
            waiting(run, why, self._clock.now()), run.version, by_campaign(run.campaign)
        )

    async def _due(self, run: Run, aside: Aside) -> list[Member]:
        now = self._clock.now()
        params = [
            ("based-on", run.reference),
            ("status", "active"),
            ("occurrence", f"le{instant(now)}"),
            ("_sort", "occurrence"),
            ("_count", str(_PAGE + len(self._hands) + len(aside))),
        ]
        found = [readable(one) for one in await self.ledger.page("CommunicationRequest", params)]
        busy = self._hands
        return [
            o for o in found if o is not None and o.reference not in busy and not aside.has(o.reference, now)
        ]

    async def _alone(self, one: Member, run: Run, campaign: Campaign) -> bool:
        """Look at one; whatever is wrong with it, the others go on. Raises :class:`Unreachable`."""
        try:
            return await self._look(one, run, campaign)
        except Unreachable:
            raise
        except Exception as error:
            log.error("a member of a campaign cannot be looked at: %s", type(error).__name__)
            until = self._clock.now() + _TROUBLED
            return await self.ledger.put(later(one, until, "trouble"), one.version, by_campaign(run.campaign))

    async def _look(self, one: Member, run: Run, campaign: Campaign) -> bool:
        """Decide about one member and act on it; whether anything was done."""
        async with self._looking:
            found = await facts_of(self._client, one, self._clock, wants_of(campaign))
            if found is None or found.run.status != "in-progress" or found.facts.member.status != "active":
                return False
            decision = decide(found.facts, Terms(campaign, self._practice.zone, self._practice.call_hours))
            return await self._act(decision, found, run, campaign)

    async def _act(self, decision: Decision, found: Found, run: Run, campaign: Campaign) -> bool:
        one, by = found.facts.member, by_campaign(run.campaign)
        if isinstance(decision, Go):
            return await self._reach(decision, found.facts, run, campaign)
        if isinstance(decision, Unsettled):
            return await self._settle(decision.contact, one, by)
        if isinstance(decision, Later):
            return await self.ledger.put(later(one, decision.until, decision.why), one.version, by)
        return await self._close(decision, one, run, campaign)

    async def _close(self, decision: Over, one: Member, run: Run, campaign: Campaign) -> bool:
        status = "completed" if decision.tried else "revoked"
        closed = over(one, status, decision.outcome, decision.why)
        if not await self.ledger.put(closed, one.version, by_campaign(run.campaign)):
            return False
        wrong = "wrong number" in decision.why
        if wrong or (campaign.follow_up and decision.outcome == "unreached"):
            task, unless = follow_up(one, decision.why, self.ledger.speaker.reference(), self._clock.now())
            await self.ledger.make(task, unless, by_campaign(run.campaign))
        return True

    async def _settle(self, contact: Contact, one: Member, by: str) -> bool:
        """Ask after an attempt that a process left open, once it is old enough not to be just under way."""
        waits = contact.sent + LEFT_OPEN
        channel = self._channels.get(contact.channel)
        if self._clock.now() < waits or channel is None or not self._seen.long_enough(contact):
            until = max(waits, self._clock.now() + timedelta(minutes=1))
            return await self.ledger.put(later(one, until, "an attempt is under way"), one.version, by)
        try:
            settled = await channel.settle(contact)
        except NotPlaced as failed:
            log.warning("an attempt that was left open could not be asked after: %s", failed)
            settled = None
        if settled is None:
            until = self._clock.now() + timedelta(minutes=1)
            return await self.ledger.put(later(one, until, "an attempt is under way"), one.version, by)
        return await self.ledger.settle(contact, settled, by)

    async def _reach(self, go: Go, facts: Facts, run: Run, campaign: Campaign) -> bool:
        channel = self._channels.get(go.channel)
        if channel is None:
            return await self._leave(facts.member, run)
        flags = await number_flags(self._client, go.channel, go.number) if go.number else []
        if barred(flags, go.channel, go.number):
            flagged = replace(facts, flags=[*facts.flags, *flags])
            terms = Terms(campaign, self._practice.zone, self._practice.call_hours)
            again = decide(flagged, terms)
            return await self._act(again, Found(run, flagged), run, campaign)
        if self._free(run.campaign, campaign, go.channel) <= 0:
            return await self._wait_for_operators(facts.member, run, campaign, go.channel)
        pace = self._pace(run.campaign, campaign)
        if pace.left(self._clock.now()) <= 0:
            return False
        pace.made(self._clock.now())
        errand = errand_of(facts, go, campaign)
        words = opening_words(campaign, go, facts, self._practice)
        reference = await self._claimed(errand, go, words, pace, run)
        if not reference:
            return True
        ATTEMPTS.add(go.channel)
        made = replace(errand, communication=reference)
        self._hands[facts.member.reference] = asyncio.create_task(
            self._made(channel, made, go.number, words, facts.member, run, campaign), name="attempt"
        )
        return True

    async def _claimed(self, errand: Errand, go: Go, words: str, pace: Pace, run: Run) -> str:
        """The attempt's Communication, empty where another had it. A call has its line, and its share of the operators,
        from before it is claimed: others are decided about meanwhile."""
        reserved = go.channel == "call" and errand.request not in pace.calls
        if reserved:
            pace.calls.add(errand.request)
        reference = ""
        try:
            reference = await self._claims.claim(errand, go.number, by_campaign(run.campaign), words)
        finally:
            if reserved and not reference:
                pace.calls.discard(errand.request)
        return reference

    async def _wait_for_operators(self, one: Member, run: Run, campaign: Campaign, channel: str) -> bool:
        """Whoever waits for an operator is not to keep others from being looked at, who need none."""
        why = why_calls_wait(campaign.pacing, self._there) if channel == "call" else ""
        now = self._clock.now()
        if why and not self._pace(run.campaign, campaign).aside.put(one.reference, now):
            await self.ledger.put(later(one, now + _LONG_WAIT, why), one.version, by_campaign(run.campaign))
        return False

    async def _leave(self, one: Member, run: Run) -> bool:
        """Another process has the channel: not to be looked at here again at once."""
        until = self._clock.now() + timedelta(minutes=1)
        put = later(one, until, "waits for a process that has the channel")
        return await self.ledger.put(put, one.version, by_campaign(run.campaign))

    async def _made(
        self,
        channel: Channel,
        errand: Errand,
        number: str,
        words: str,
        one: Member,
        run: Run,
        campaign: Campaign,
    ) -> None:
        """One attempt, to its end; then the member is looked at again."""
        pace = self._pace(run.campaign, campaign)
        try:
            ending = await channel.reach(errand, number, words)
            if ending is not None:
                await ending
        except NotPlaced as failed:
            log.warning("an attempt was not made: %s", failed)
        except Exception as error:  # its record stays open, and is asked after later
            log.error("an attempt failed: %s", type(error).__name__)
        finally:
            pace.calls.discard(one.reference)
            self._hands.pop(one.reference, None)
        try:
            await self._alone(one, run, campaign)
        except Unreachable:
            log.info("a member is looked at again later: the FHIR server does not answer")

    @property
    def in_hand(self) -> int:
        """Attempts that are being made."""
        return len(self._hands)

    async def close(self, patience: float = 5.0) -> None:
        """Let attempts that are being made come to an end."""
        tasks = list(self._hands.values())
        if tasks:
            await asyncio.wait(tasks, timeout=patience)
        for task in tasks:
            task.cancel()
