"""A dry run: the decisions that would be made, over the people whom the audience finds now. Nobody is reached."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, time

from agent.campaigns.audience import BadSearch, people_of
from agent.campaigns.decision import Decision, Go, Later, Over, Terms, decide
from agent.campaigns.definition import ByCron, Campaign, Once
from agent.campaigns.facts import facts_about, wants_of
from agent.campaigns.members import member, new_member
from agent.campaigns.triggers import next_occurrence
from agent.tools.client import FhirClient
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.campaigns import Foreseen, Rehearsal

_AT_ONCE = 4


async def rehearse(
    client: FhirClient,
    campaign: Campaign,
    at: datetime,
    most: int,
    zone: str,
    call_hours: tuple[str, time, time] | None,
    off: Mapping[str, str],
) -> Rehearsal:
    """``off``: channels that cannot be used, and why. Raises Unreachable, and Refusal (422) for a search that the
    server refuses."""
    people = {}
    if campaign.audience is not None:
        try:
            people = dict(await people_of(client, campaign.audience, campaign.zone, at))
        except BadSearch as bad:
            raise refuse(Category.UNPROCESSABLE, "invalid", str(bad), "/audience/searches") from None
    terms = Terms(campaign, zone, call_hours, off)
    looking = asyncio.Semaphore(_AT_ONCE)

    async def foreseen(patient: str, about: tuple[str, ...]) -> Foreseen:
        made = new_member("rehearsal", "Task/none", campaign.purpose, patient, about, at, at) | {"id": "none"}
        async with looking:
            facts = await facts_about(client, member(made), at, wants_of(campaign))
        return _told(decide(facts, terms), patient, about, at)

    first = list(people.items())[:most]
    told = await asyncio.gather(*(foreseen(patient, about) for patient, about in first))
    counts = Counter(one.channel if one.what == "reach" else one.what for one in told)
    return Rehearsal(len(people), told, counts, _next(campaign, at), off_of(campaign, off))


def off_of(campaign: Campaign, off: Mapping[str, str]) -> dict[str, str]:
    """The channels of a campaign that cannot be used, and why."""
    used = {step.channel for step in campaign.channels}
    return {channel: why for channel, why in off.items() if channel in used}


def _told(decision: Decision, patient: str, about: tuple[str, ...], at: datetime) -> Foreseen:
    if isinstance(decision, Go):
        return Foreseen(patient, "reach", "", decision.channel, at, about, decision.zones)
    if isinstance(decision, Later):
        return Foreseen(patient, "wait", decision.why, "", decision.until, about)
    if isinstance(decision, Over):
        return Foreseen(patient, "leave out", decision.why, "", None, about)
    return Foreseen(patient, "settle", "an attempt is under way", "", None, about)


def _next(campaign: Campaign, at: datetime) -> list[datetime]:
    found = []
    for trigger in campaign.triggers:
        if isinstance(trigger, ByCron) and (following := next_occurrence(trigger, at)) is not None:
            found.append(following)
        elif isinstance(trigger, Once) and trigger.at is not None and trigger.at > at:
            found.append(trigger.at)
    return sorted(found)
