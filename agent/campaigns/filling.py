"""Runs get their members, and end when nobody is left."""

from __future__ import annotations

import logging
from collections.abc import Container
from datetime import datetime, timedelta

from agent.campaigns.audience import BadSearch, group, people_of, put_members
from agent.campaigns.definition import ByEvent, Campaign
from agent.campaigns.ledger import Ledger, by_campaign, identified
from agent.campaigns.runs import RUN, Run, bare, noting, with_status
from fhirserver.kernel.instants import Clock, instant

log = logging.getLogger("credence.campaigns")
_LOOKED = "looked"
_IDLE = timedelta(seconds=30)


class Filling:
    """For the runs of one engine."""

    def __init__(self, ledger: Ledger, clock: Clock):
        self._ledger, self._clock = ledger, clock
        self._asked: dict[str, datetime] = {}

    async def fill(self, run: Run, campaign: Campaign) -> bool:
        """Take the audience as it is now, and begin. What was half done is done again, and makes nobody twice."""
        now, by = self._clock.now(), by_campaign(run.campaign)
        changed = with_status(run, "in-progress", now)
        if campaign.audience is not None and not self._by_event(run, campaign):
            try:
                people = await people_of(
                    self._ledger.client, campaign.audience, campaign.zone, run.due or now
                )
            except BadSearch as bad:
                log.error("the audience of a campaign cannot be found: the server refuses the search")
                return await self._ledger.put(with_status(run, "failed", now, str(bad)), run.version, by)
            due = max(run.due or now, now)
            await put_members(self._ledger.client, run, campaign, people, due, now, self._ledger.headers(by))
            made, _ = await self._ledger.make(
                group(run, campaign.goal, tuple(people)), identified(RUN, run.key), by
            )
            changed |= {"focus": {"reference": made}}
        changed = noting(run, changed, **{_LOOKED: instant(now)})
        return await self._ledger.put(changed, run.version, by)

    def _by_event(self, run: Run, campaign: Campaign) -> bool:
        return isinstance(campaign.triggers[run.trigger], ByEvent)

    async def again(self, run: Run, campaign: Campaign) -> bool:
        """A rolling audience is looked at again when that is due; whether it was."""
        audience, now = campaign.audience, self._clock.now()
        if audience is None or audience.mode != "rolling" or self._by_event(run, campaign):
            return False
        looked = run.noted.get(_LOOKED, "")
        if looked and datetime.fromisoformat(looked) + timedelta(minutes=audience.every_minutes) > now:
            return False
        by = by_campaign(run.campaign)
        people = await people_of(self._ledger.client, audience, campaign.zone, now)
        await put_members(self._ledger.client, run, campaign, people, now, now, self._ledger.headers(by))
        await self._ledger.put(noting(run, bare(run), **{_LOOKED: instant(now)}), run.version, by)
        return True

    async def finish(self, run: Run, campaign: Campaign, hands: Container[str]) -> None:
        """End a run of which nobody is active any more, and whose audience cannot grow."""
        now = self._clock.now()
        if now < self._asked.get(run.reference, now) or not self._may_end(run, campaign, now):
            return
        self._asked[run.reference] = now + _IDLE
        active = [("based-on", run.reference), ("status", "active")]
        if await self._ledger.count("CommunicationRequest", active) == 0:
            self._asked.pop(run.reference, None)
            await self._ledger.put(with_status(run, "completed", now), run.version, by_campaign(run.campaign))

    def _may_end(self, run: Run, campaign: Campaign, now: datetime) -> bool:
        grows = self._by_event(run, campaign) or (
            campaign.audience is not None and campaign.audience.mode == "rolling"
        )
        last = campaign.dates.last
        return not grows or (last is not None and now.date() > last + timedelta(days=1))
