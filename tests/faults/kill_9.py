"""``python -m tests.faults.kill_9 --rounds 200``: nothing acknowledged is lost, nothing is half done.

Each round starts the server on the same data, writes to it from several clients (creates, updates,
transactions), kills it with ``kill -9`` at a random instant, starts it again and compares what it holds with
what it had acknowledged. Now and then it is killed already while it recovers. At the end everything is
compared once more, and ``credence rebuild --verify`` must give the same bytes.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.witness import Witness
from tests.faults.writers import Acknowledged, Writer, connect
from tests.server_process import ServerProcess

WRITERS = 8
LONGEST = 1.2
"""Seconds of writing after which the server is dead at the latest."""


@dataclass(slots=True)
class Outcome:
    """What a drill saw. ``problems`` must be empty."""

    rounds: int = 0
    acknowledged: Counter[str] = field(default_factory=Counter)
    doubtful: Counter[str] = field(default_factory=Counter)
    killed_in_recovery: int = 0
    problems: list[str] = field(default_factory=list)
    rebuild: str = ""


class Drill:
    """The rounds on one data folder. ``seed`` repeats the choices, not the instants."""

    def __init__(self, directory: Path, seed: int, workers: int = 1):
        self.server = ServerProcess(directory, workers=workers)
        self.chance = random.Random(seed)
        self.acknowledged = Acknowledged()
        self.outcome = Outcome()
        self._number = 0

    async def run(self, rounds: int, said: bool = False) -> Outcome:
        """Run the rounds, then look at everything once more."""
        self.server.start()
        for number in range(rounds):
            await self.round()
            self.outcome.rounds = number + 1
            if said and (number + 1) % 10 == 0:
                print(
                    f"  {number + 1} rounds, {self.outcome.acknowledged.total()} writes acknowledged",
                    flush=True,
                )
            if self.outcome.problems:
                break
        await self._look(None)
        self.server.stop()
        self.outcome.rebuild = self.server.rebuild_and_verify()
        return self.outcome

    async def round(self) -> None:
        """Write, kill, start again, compare."""
        writers = self._writers()
        await self._write_until_killed(writers)
        self._start_again()
        await self._look(writers)

    def _writers(self) -> list[Writer]:
        first = self._number
        self._number += WRITERS
        seeds = (self.chance.random() for _ in range(WRITERS))
        return [Writer(first + n, self.acknowledged, random.Random(seed)) for n, seed in enumerate(seeds)]

    async def _write_until_killed(self, writers: list[Writer]) -> None:
        async with connect(self.server) as client:
            tasks = [asyncio.create_task(writer.write(client)) for writer in writers]
            await asyncio.sleep(self.chance.uniform(0.02, LONGEST))
            self.server.kill()
            done = await asyncio.gather(*tasks)
        for writer, problem in zip(writers, done, strict=True):
            self.outcome.acknowledged.update(writer.counts)
            self.outcome.doubtful.update([writer.doubt.kind] if writer.doubt else [])
            self.outcome.problems += [problem] if problem else []

    def _start_again(self) -> None:
        if self.chance.random() < 0.2:
            self.server.launch()
            time.sleep(self.chance.uniform(0.0, 1.0))
            self.server.kill()
            self.outcome.killed_in_recovery += 1
        self.server.start()

    async def _look(self, writers: list[Writer] | None) -> None:
        """Compare what the writers of this round wrote, or everything there ever was."""
        async with connect(self.server) as client:
            witness = Witness(client, self.acknowledged)
            for writer in writers or ():
                self.outcome.problems += await witness.settle(writer.doubt)
            touched = None if writers is None else {path for writer in writers for path in writer.touched}
            self.outcome.problems += await witness.compare(touched)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    arguments.add_argument("--workers", type=int, default=1, help="processes that serve the data")
    options = arguments.parse_args()
    started = time.monotonic()
    print(f"kill -9: {options.rounds} rounds, seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="credence-kill-") as directory:
        drill = Drill(Path(directory), options.seed, options.workers)
        try:
            outcome = asyncio.run(drill.run(options.rounds, said=True))
        finally:
            drill.server.kill()
    print(
        f"{outcome.rounds} rounds in {time.monotonic() - started:.0f} s; {outcome.killed_in_recovery} "
        f"died recovering too"
    )
    print(f"acknowledged: {dict(outcome.acknowledged)}; without an answer: {dict(outcome.doubtful)}")
    print(outcome.rebuild)
    for problem in outcome.problems[:50]:
        print(f"PROBLEM {problem}")
    print(f"problems: {len(outcome.problems)}")
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
