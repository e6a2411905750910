"""``python -m tests.faults.hl7_kill_9 --rounds 20``: every message that was acknowledged is there, exactly once.

Each round sends from 16 connections, kills the server with ``kill -9`` at a random instant, starts it again and has
every sender go on with the message that it had no answer to, as HL7 senders do; some send again what was answered
already. With ``--workers 2`` two rounds of three kill one worker only, which its parent starts again, while the senders
go on. At the end the log is read: each control id was taken in once, with one effect, in the order of its sender;
and ``credence rebuild --verify`` must give the same bytes.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from adapters.hl7v2.intake.record import RECEIVED
from fhirserver.storage.sqlite.storage import SqliteStorage
from tests.hl7_feed import FeedServer, Wire, adt, code_of

CONNECTIONS = 16
LONGEST = 60.0
"""Seconds of sending after which something is killed at the latest."""


@dataclass(slots=True)
class Sender:
    """One sender with one connection: the next message goes out when the one before is answered."""

    number: int
    chance: random.Random
    patients: int = 5
    next: int = 0
    acknowledged: list[str] = field(default_factory=list)
    resent: int = 0
    problems: list[str] = field(default_factory=list)

    def message(self, number: int) -> tuple[str, bytes]:
        id = f"S{self.number}N{number}"
        return id, adt(id, f"P{self.number}x{number % self.patients}", family=f"Family{number}")

    def run(self, server: FeedServer, over: threading.Event) -> None:
        """Send until the round is over, and connect again whenever the connection ends."""
        while not over.is_set():
            try:
                with server.connect() as wire:
                    self._go_on(wire, over)
            except OSError:
                time.sleep(0.02)

    def _go_on(self, wire: Wire, over: threading.Event) -> None:
        if self.acknowledged:
            self._again(wire)
        while not over.is_set():
            id, raw = self.message(self.next)
            self._answered(code_of(wire.send(raw)), id)
            self.acknowledged.append(id)
            self.next += 1

    def _again(self, wire: Wire) -> None:
        """Send something again that was acknowledged: the answer is the same and nothing else happens."""
        number = self.chance.randrange(len(self.acknowledged))
        id, raw = self.message(number)
        self._answered(code_of(wire.send(raw)), id)
        self.resent += 1

    def _answered(self, code: str, id: str) -> None:
        if code != f"AA {id}":
            self.problems.append(f"{id} was answered {code}")


@dataclass(slots=True)
class Outcome:
    """What a drill saw. ``problems`` must be empty."""

    rounds: int = 0
    workers_killed: int = 0
    acknowledged: int = 0
    resent: int = 0
    unanswered: int = 0
    problems: list[str] = field(default_factory=list)
    rebuild: str = ""


class Drill:
    """The rounds on one data folder."""

    def __init__(self, directory: Path, seed: int, workers: int = 1):
        self.server = FeedServer(directory, workers=workers)
        self.chance = random.Random(seed)
        self.senders = [Sender(n, random.Random(self.chance.random())) for n in range(CONNECTIONS)]
        self.outcome = Outcome()

    def run(self, rounds: int) -> Outcome:
        self.server.start()
        for _ in range(rounds):
            worker = self.server.workers > 1 and self.chance.random() < 2 / 3
            self._send(self._kill_worker if worker else self._kill)
            self.outcome.rounds += 1
            if not worker:
                self.server.start()
        self._send(lambda over: time.sleep(1.0))
        self.server.stop()
        asyncio.run(self._compare())
        self.outcome.rebuild = self.server.rebuild_and_verify()
        return self.outcome

    def _kill(self, over: threading.Event) -> None:
        self._wait()
        over.set()
        self.server.kill()

    def _kill_worker(self, over: threading.Event) -> None:
        """Kill any of the workers; the senders go on until some more messages were acknowledged."""
        self._wait()
        victim = self.chance.choice(psutil.Process(self.server.pid).children())
        victim.kill()
        self.outcome.workers_killed += 1
        self._wait()

    def _wait(self) -> None:
        """Until some more messages were acknowledged, and a moment: machines differ in speed."""
        wanted = sum(sender.next for sender in self.senders) + self.chance.randint(60, 200)
        deadline = time.monotonic() + LONGEST
        while sum(sender.next for sender in self.senders) < wanted and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(self.chance.uniform(0, 0.1))

    def _send(self, meanwhile: Callable[[threading.Event], None]) -> None:
        over = threading.Event()
        threads = [threading.Thread(target=one.run, args=(self.server, over)) for one in self.senders]
        for thread in threads:
            thread.start()
        try:
            meanwhile(over)
        finally:
            over.set()
        for thread in threads:
            thread.join()

    async def _compare(self) -> None:
        outcome = self.outcome
        effects, order = await self._log()
        for sender in self.senders:
            outcome.problems += sender.problems
            outcome.acknowledged += len(sender.acknowledged)
            outcome.resent += sender.resent
            known = {*sender.acknowledged, sender.message(sender.next)[0]}
            mine = [id for id in order if id.startswith(f"S{sender.number}N")]
            outcome.unanswered += len(set(mine) - set(sender.acknowledged))
            outcome.problems += [
                f"{id} was acknowledged and is gone" for id in sender.acknowledged if id not in effects
            ]
            outcome.problems += [f"{id} was taken in {effects[id]} times" for id in mine if effects[id] != 1]
            outcome.problems += [f"{id} was never sent" for id in mine if id not in known]
            if mine != sorted(mine, key=lambda id: int(id.partition("N")[2])):
                outcome.problems.append(f"the messages of sender {sender.number} are not in their order")

    async def _log(self) -> tuple[Counter[str], list[str]]:
        """How often each control id was taken in together with an effect, and in which order."""
        storage = SqliteStorage(self.server.data / "credence.db")
        await storage.open()
        order: list[str] = []
        position = 0
        try:
            while commits := await storage.read_log(position, 500):
                position = commits[-1].position
                for commit in commits:
                    ids = [e["value"]["control"] for e in commit.events if e.get("kind") == RECEIVED]
                    if ids and not any(event["e"] == "asserted" for event in commit.events):
                        self.outcome.problems.append(f"{ids} without an effect")
                    order += ids
        finally:
            await storage.close()
        return Counter(order), order


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    arguments.add_argument("--workers", type=int, default=1)
    options = arguments.parse_args()
    print(f"kill -9 under HL7v2 messages: {options.rounds} rounds, seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="credence-hl7-kill-") as directory:
        drill = Drill(Path(directory), options.seed, options.workers)
        try:
            outcome = drill.run(options.rounds)
        finally:
            drill.server.kill()
    print(
        f"{outcome.rounds} rounds, of which {outcome.workers_killed} killed one worker only; "
        f"{outcome.acknowledged} messages acknowledged, {outcome.resent} of them sent again, "
        f"{outcome.unanswered} taken in without an answer"
    )
    print(outcome.rebuild)
    for problem in outcome.problems[:50]:
        print(f"PROBLEM {problem}")
    print(f"problems: {len(outcome.problems)}")
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
