"""What begins runs: a moment, a cron expression, a change in the world. Each firing has a name and begins one run."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

from agent.campaigns.definition import ByCron, ByEvent, Campaign, Once
from agent.campaigns.events import Events
from agent.campaigns.ledger import Ledger, by_campaign, identified
from agent.campaigns.runs import RUN, Run, new_run
from fhirserver.kernel.instants import Clock

log = logging.getLogger("credence.campaigns")
_MOST = 10_000


class Triggers:
    """Fires those of campaigns that are going on."""

    def __init__(self, ledger: Ledger, clock: Clock):
        self._ledger, self._clock = ledger, clock
        self._fired: set[str] = set()
        self._events = Events(ledger, clock)

    async def fire(self, control: Run, campaign: Campaign) -> None:
        """Begin what is due. Raises :class:`Unreachable`."""
        now = self._clock.now()
        for number, trigger in enumerate(campaign.triggers):
            if isinstance(trigger, ByEvent):
                run = await self._begin(control, campaign, number, "events", control.due or now)
                await self._events.follow(run, control, campaign, trigger)
            elif (due := due_of(trigger, control.due or now, now)) is not None:
                await self._begin(control, campaign, number, f"{due:%Y%m%dT%H%MZ}", due)

    async def _begin(self, control: Run, campaign: Campaign, number: int, what: str, due: datetime) -> str:
        """The key of the run, which is begun unless it was."""
        key = f"{control.key.partition('.')[2]}.{number}.{what}"
        name = f"{control.campaign}.{key}"
        if name not in self._fired:
            made = new_run(
                control.campaign, key, control.definition, campaign.goal, number,
                control.resource.get("requester", {}), due, self._clock.now(),
            )  # fmt: skip
            made |= {"partOf": [{"reference": control.reference}]}
            await self._ledger.make(made, identified(RUN, name), by_campaign(control.campaign))
            if len(self._fired) >= _MOST:
                self._fired.clear()
            self._fired.add(name)
        return name


def due_of(trigger: Once | ByCron, started: datetime, now: datetime) -> datetime | None:
    """The moment for which a run is due, None where none is: the last one that is not past its grace and not from
    before the campaign was ``started``."""
    if isinstance(trigger, Once):
        at = trigger.at or started
        return at.astimezone(UTC) if at <= now else None
    last = last_occurrence(trigger, now)
    if last is None or last < started or now - last > timedelta(minutes=trigger.grace_minutes):
        return None
    return last


def last_occurrence(trigger: ByCron, now: datetime) -> datetime | None:
    """The last one at or before ``now``, in UTC."""
    minute = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    local = minute.astimezone(ZoneInfo(trigger.zone))
    try:
        found = next(CronSim(trigger.expression, local, reverse=True))
    except StopIteration:
        return None
    at = found.astimezone(UTC)
    return at if at <= now else None


def next_occurrence(trigger: ByCron, now: datetime) -> datetime | None:
    try:
        found = next(CronSim(trigger.expression, now.astimezone(ZoneInfo(trigger.zone))))
    except StopIteration:
        return None
    return found.astimezone(UTC)
