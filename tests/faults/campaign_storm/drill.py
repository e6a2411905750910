"""The drill itself: seed, begin, kill, wait until nobody is left, and judge."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from fhirserver.kernel.instants import instant
from fhirserver.kernel.wall import VARIABLE, Wall, read_wall
from tests.faults.campaign_storm.campaign import Watcher, start, terms
from tests.faults.campaign_storm.judge import Judge, Verdict, agreement, contacts_in
from tests.faults.campaign_storm.residents import town
from tests.faults.campaign_storm.site import Site

BEGIN = datetime(2026, 12, 1, 14, 0, tzinfo=UTC)
"""Nine in New York, four in the morning in Honolulu; a Tuesday."""
NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
"""Noon in New York, seven in the morning in Honolulu: all is over before it is night anywhere."""
_LOOK = 1.0
_STILL = 20.0
"""Seconds without anything going on, and nobody left, after which it is over."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``minutes``: of the machine's time, after which it is given up. ``hasty``: a campaign whose attempts follow each
    other closely, on one day."""

    patients: int = 10_000
    kills: int = 20
    pace: float = 100.0
    workers: int = 2
    lines: int = 20
    per_minute: int = 600
    seed: int = 1
    minutes: float = 40.0
    hasty: bool = False

    @property
    def begin(self) -> datetime:
        return NOON if self.hasty else BEGIN


@dataclass(slots=True)
class Outcome:
    verdict: Verdict
    seconds: float
    days: float
    kills: int
    killed: dict[str, int]
    members: dict[str, int]
    trouble: str = ""


class Storm:
    """One run in a folder."""

    def __init__(self, plan: Plan, folder: Path, show: Callable[[str], None]):
        self.plan, self.folder, self._show = plan, folder, show
        self._chance = random.Random(plan.seed)
        self.site = Site(folder, plan.begin, plan.pace, plan.workers, plan.lines, plan.seed)
        self._killed: dict[str, int] = {}
        self._wall = Wall()

    async def run(self) -> Outcome:
        """From the seed to the verdict."""
        residents, people = town(self.plan.patients, self.plan.seed)
        begun = time.monotonic()
        count = await self.site.seed(residents)
        self._show(
            f"{count} resources are in the world after {time.monotonic() - begun:.0f} s; the day begins"
        )
        try:
            self.site.open(people)
            self._wall = read_wall(self.site.environment[VARIABLE])
            watcher = Watcher(self.site.server)
            begun = time.monotonic()
            start(self.site.server, self.plan.lines, self.plan.per_minute, self.plan.hasty)
            trouble = await self._weather(watcher, begun)
            seconds = time.monotonic() - begun
            members = watcher.members()
            log = self.site.town.entries()
            verdict = Judge(residents, terms(self.plan.begin, self.plan.pace, self.plan.hasty), log).judge()
            agreement(verdict, contacts_in(log), watcher.recorded())
            watcher.close()
        finally:
            self.site.close()
        days = seconds * self.plan.pace / 86_400
        return Outcome(verdict, seconds, days, self.site.kills, self._killed, members, trouble)

    async def _weather(self, watcher: Watcher, begun: float) -> str:
        """Kill, and wait until all is over; what was wrong with that."""
        plan, still = self.plan, 0.0
        deadline = begun + plan.minutes * 60
        killing = asyncio.create_task(self._kill(begun))
        try:
            while time.monotonic() < deadline:
                await asyncio.sleep(_LOOK)
                members = await asyncio.to_thread(watcher.members)
                standing = await asyncio.to_thread(self._standing)
                self._tell(members, standing, begun)
                open = members.get("active", 1) or standing.get("going_on", 1)
                still = 0.0 if open or not killing.done() or not sum(members.values()) else still + _LOOK
                if still >= min(_STILL, 2 + plan.patients / 200):
                    return ""
                if killing.done() and killing.exception() is not None:
                    return f"the killer failed: {killing.exception()}"
            return f"not over after {plan.minutes:.0f} minutes"
        finally:
            killing.cancel()

    def _standing(self) -> dict[str, Any]:
        try:
            return self.site.town.standing()
        except httpx.HTTPError:
            return {}

    def _tell(self, members: dict[str, int], standing: dict[str, Any], begun: float) -> None:
        now = datetime.fromtimestamp(self._wall.at(time.time()), UTC)
        over, left = members.get("completed", 0) + members.get("revoked", 0), members.get("active", 0)
        share = over / (over + left) if over + left else 0.0
        bar = ("█" * round(share * 30)).ljust(30, "·")
        self._show(
            f"{bar} {over}/{over + left}  {instant(now)[5:16].replace('T', ' ')}  "
            f"{standing.get('texted', 0)} messages, {standing.get('called', 0)} calls, {self.site.kills} kills, "
            f"{time.monotonic() - begun:.0f} s"
        )

    # kills

    async def _kill(self, begun: float) -> None:
        """So many kills at random moments, the first soon: work must be under way at most of them."""
        kinds: tuple[Callable[[], Any], ...] = (
            self._server, self._voice, self._worker, self._voice, self._before, self._server, self._after,
        )  # fmt: skip
        share = self.plan.patients / 10_000 * 600 / max(self.plan.kills, 1) + 3
        for n in range(self.plan.kills):
            await asyncio.sleep(self._chance.uniform(0.3, 1.7) * share)
            kind = kinds[n % len(kinds)]
            await asyncio.to_thread(kind)
            name = kind.__name__.strip("_")
            self._killed[name] = self._killed.get(name, 0) + 1

    def _pause(self) -> None:
        time.sleep(self._chance.uniform(0, 2))

    def _server(self) -> None:
        """All that serve."""
        self.site.kill_server()
        self._pause()
        self.site.server.start()

    def _worker(self) -> None:
        if self.plan.workers > 1:
            self.site.kill_worker()
        else:
            self._server()

    def _voice(self) -> None:
        """The engine and the telephone."""
        self.site.kill_voice()
        self._pause()
        self.site.start_voice()

    def _before(self) -> None:
        """Between its claim and its dialling: the carrier has been asked and has done nothing."""
        self._held("before")

    def _after(self) -> None:
        """Between dialling and knowing of it: the carrier has done it, and the answer never comes."""
        self._held("after")

    def _held(self, when: str) -> None:
        url = f"{self.site.town.url}/admin/hold"
        before = self._standing().get("held", 0)
        httpx.post(url, json={"when": when}, timeout=20, trust_env=False)
        until = time.monotonic() + 20
        while time.monotonic() < until and self._standing().get("held", 0) == before:
            time.sleep(0.02)
        self._voice()


def shown(text: str) -> None:
    """A line that takes the place of the last one on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)
