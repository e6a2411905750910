"""The drill itself: begin, let everything fail, let it drain, and judge."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.chaos.acting import Agent, Clerk, Scene, repeat
from tests.faults.chaos.athena import Athena
from tests.faults.chaos.hospital import Hospital
from tests.faults.chaos.judge import Judge, Verdict
from tests.faults.chaos.memory import Memory
from tests.faults.chaos.north import North
from tests.faults.chaos.operator import Operator
from tests.faults.chaos.site import HOMES, PERSONS, Site
from tests.faults.chaos.world import World
from tests.server_process import ServerProcess

SITES: dict[str, Callable[[Path, int], Site]] = {"athena": Athena, "hospital": Hospital, "north": North}
BEGIN_SECONDS, QUIET_SECONDS = 120.0, 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """``seconds`` of work, ``bookings`` after which it ends anyway (0: none), ``kill_every`` seconds, ``rate`` of
    each kind of fault, ``pause`` between two acts of the agent, ``drain`` seconds at most afterwards without anything
    getting better."""

    seconds: float = 600.0
    bookings: int = 0
    kill_every: float = 30.0
    kills: int = 10_000
    rate: float = 0.2
    pause: float = 0.8
    slots: int = 320
    drain: float = 120.0
    seed: int = 1
    sites: tuple[str, ...] = tuple(SITES)


@dataclass(slots=True)
class Outcome:
    """What came of it; times are seconds."""

    memory: Memory
    verdict: Verdict
    seconds: float = 0.0
    drained: float = 0.0
    kills: int = 0
    starts: float = 0.0
    unanswered: int = 0
    rebuilt: str = ""
    problems: list[str] = field(default_factory=list)


class Drill:
    """One run over what is up already."""

    def __init__(self, plan: Plan, world: World, sites: Mapping[str, Site]):
        self.plan, self.world, self.sites = plan, world, sites
        self.memory = Memory()
        self._began = time.monotonic()
        self._until = 0.0
        self._operator: Operator | None = None
        self._fill_in = [one for one in (4, 5) if len(sites) > 1]

    def _at_work(self) -> bool:
        enough = self.plan.bookings and len(self.memory.bookings) >= self.plan.bookings
        return time.monotonic() < self._until and not (enough and self.world.kills >= self.plan.kills)

    async def run(self) -> Outcome:
        """Everything but ``rebuild --verify``, for which the server must have been stopped."""
        await self._know()
        say(f"{len(self.memory.world)} patients are one in the world; faults on")
        for site in self.sites.values():
            site.afflict(self.plan.rate)
        began = time.monotonic()
        self._until = began + self.plan.seconds
        await self._work()
        worked = time.monotonic() - began
        for site in self.sites.values():
            site.afflict(0.0)
        say("faults off; draining")
        verdict = await self._drain()
        drained = time.monotonic() - began - worked
        world = self.world
        problems = list(verdict.problems)
        return Outcome(
            self.memory, verdict, worked, drained, world.kills, world.starts, world.unanswered, "", problems
        )

    async def _know(self) -> None:
        """Until everybody has arrived, is one, and has free times."""
        wanted = {one for name in self.sites for one in HOMES[name]}
        async with asyncio.timeout(BEGIN_SECONDS) as patience:
            known = -1
            while self.memory.world.keys() != wanted or not await self._have_times():
                if len(self.memory.world) > known:
                    known = len(self.memory.world)
                    patience.reschedule(asyncio.get_running_loop().time() + BEGIN_SECONDS)
                await asyncio.sleep(0.5)
                for person in wanted - self.memory.world.keys():
                    who = PERSONS[person]
                    found = await self.world.search(
                        f"Patient?family={who.family}&given={who.given}&birthdate={who.born}"
                    )
                    if len(found) == 1 and await self._is_of_all(person, found[0]["id"]):
                        self.memory.world[person] = found[0]["id"]

    async def _is_of_all(self, person: int, id: str) -> bool:
        """Whether every EHR that has the person has spoken of this patient."""
        lineage = str(await self.world.read(f"Patient/{id}/$lineage"))
        return all(f":{name}'" in lineage or f"'{name}'" in lineage for name in self._homes(person))

    def _homes(self, person: int) -> list[str]:
        return [name for name in self.sites if person in HOMES[name]]

    async def _have_times(self) -> bool:
        found = [await site.openings(self.world) for site in self.sites.values()]
        return all(len(one) >= min(20, self.plan.slots // 2) for one in found)

    async def _work(self) -> None:
        scene = Scene(self.world, self.sites, self.memory, random.Random(self.plan.seed), self._at_work)
        agent = Agent(scene)
        operator = self._operator = Operator(scene)
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(repeat(scene, self.plan.pause, agent.step))
            group.create_task(repeat(scene, self.plan.pause * 2, operator.step))
            for site in self.sites.values():
                group.create_task(repeat(scene, self.plan.pause * 8, Clerk(scene, site).step))
            group.create_task(self._kill())
            group.create_task(self._tell())

    async def _kill(self) -> None:
        while self._at_work():
            await asyncio.sleep(self.plan.kill_every)
            if self.world.kills >= self.plan.kills or not self._at_work():
                continue
            if self.world.kills == 0:
                self._contradict()
            await self.world.kill()

    def _contradict(self) -> None:
        """Have two EHRs say different things about somebody, neither of which knows of the other."""
        both = [name for name in ("athena", "north") if name in self.sites]
        for person in self._fill_in if len(both) > 1 else ():
            dates = f"1961-0{person - 2}-11", f"1972-1{person - 4}-25"
            self.memory.births[person] = set(dates)
            for name, date in zip(both, dates, strict=True):
                self.sites[name].change_birth(person, date)

    async def _tell(self) -> None:
        while self._at_work():
            memory = self.memory
            passed = time.monotonic() - self._until + self.plan.seconds
            say(
                f"{passed:4.0f} s: {len(memory.bookings)} booked, {memory.moves} moved, "
                f"{len(memory.taken)} taken at the desk, {len(memory.approved)} approved, {self.world.kills} kills"
            )
            for _ in range(20):
                if self._at_work():
                    await asyncio.sleep(0.5)

    async def _drain(self) -> Verdict:
        """Until all is well and stays so, as long as it gets better."""
        judge = Judge(self.world, self.sites, self.memory)
        deadline, fewest = time.monotonic() + self.plan.drain, sys.maxsize
        while True:
            await self._confirm()
            verdict = await judge.verdict()
            if len(verdict.problems) < fewest:
                fewest, deadline = len(verdict.problems), time.monotonic() + self.plan.drain
            if not verdict.problems:
                await asyncio.sleep(QUIET_SECONDS)
                verdict = await judge.verdict()
            if not verdict.problems or time.monotonic() > deadline:
                return verdict
            say(f"{len(verdict.problems)} differences left, such as: {verdict.problems[0]}")
            await asyncio.sleep(3.0)

    async def _confirm(self) -> None:
        """What the agent said last is confirmed too."""
        assert self._operator is not None
        code = "https://credence.health/fhir/CodeSystem/task-code|review"
        await self._operator.confirm(await self.world.search(f"Task?code={code}&status=requested&_count=200"))


def say(text: str) -> None:
    """A line of progress, on the terminal's second channel."""
    print(text, file=sys.stderr, flush=True)


@asynccontextmanager
async def town(folder: Path, plan: Plan) -> AsyncIterator[Drill]:
    """The EHRs and the server, up."""
    async with contextlib.AsyncExitStack() as stack:
        sites: dict[str, Site] = {}
        for name in plan.sites:
            sites[name] = SITES[name](folder, plan.slots)
            stack.callback(sites[name].close)
        settings = "".join(site.settings() for site in sites.values())
        server = ServerProcess(folder / "server", settings=settings)
        stack.enter_context(server)
        world = World(server)
        stack.push_async_callback(world.close)
        yield Drill(plan, world, sites)


async def chaos(folder: Path, plan: Plan) -> Outcome:
    """Run it in a folder that is empty."""
    async with town(folder, plan) as drill:
        outcome = await drill.run()
        server = drill.world.server
    try:
        outcome.rebuilt = server.rebuild_and_verify()
    except Exception as error:
        outcome.problems.append(f"the log does not make the same world: {error}")
    return outcome
