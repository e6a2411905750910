"""``python -m tests.faults.chaos``: see :mod:`tests.faults.chaos`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.faults.chaos.drill import SITES, Outcome, Plan, chaos

_COLUMNS = ("confirmed", "agreed", "refused", "learned", "duplicates", "lost")


def report(outcome: Outcome) -> str:
    """The figures, for people."""
    memory, verdict = outcome.memory, outcome.verdict
    cancelled = sum(one.status != "booked" for one in memory.bookings.values())
    clerks = sum(one.clerk for one in memory.bookings.values())
    approved = len(memory.approved)
    stated = len(memory.phones) + len(memory.members)
    kills = f"{outcome.kills} kills, {outcome.starts / max(1, outcome.kills):.1f} s to be back"
    lines = [
        f"worked     {outcome.seconds:.0f} s, {kills}, {outcome.unanswered} requests asked again",
        f"drained    in {outcome.drained:.0f} s after the faults ended",
        f"bookings   {len(memory.bookings)}: {memory.moves} moves, {cancelled} cancelled, {clerks} of them by clerks",
        f"desk       {len(memory.taken)} times taken before we booked them, {len(memory.walk_ins)} bookings in all, "
        f"{len(memory.desk) + len(memory.former)} numbers written down, {len(memory.births)} contradictions of which "
        f"{verdict.disagreements} are in review",
        f"agent      {stated} values stated, {approved} approved, {len(memory.corrected)} of these corrected; "
        f"{verdict.below} below their gate in an EHR",
        f"refused    {verdict.settled} writebacks, each to be seen by a person or settled since",
        f"call-backs {verdict.calls} open",
        "",
        "EHR       " + "".join(f"{name:>12}" for name in _COLUMNS),
    ]
    for name, figures in verdict.figures.items():
        lines.append(f"{name:<10}" + "".join(f"{getattr(figures, one):>12}" for one in _COLUMNS))
    lines += [
        "",
        f"duplicates {verdict.duplicates}   lost {verdict.lost}   below-gate writes {verdict.below}",
    ]
    lines += [f"rebuild    {outcome.rebuilt.splitlines()[-1]}"] if outcome.rebuilt else []
    return "\n".join([*lines, *(f"PROBLEM    {problem}" for problem in outcome.problems)])


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.faults.chaos", description=__doc__)
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--rate", type=float, default=0.2, help="of each kind of fault")
    options.add_argument("--kill-every", type=float, default=30.0, metavar="SECONDS")
    options.add_argument("--pause", type=float, default=0.8, help="seconds between two acts of the agent")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--sites", default=",".join(SITES), help="which EHRs take part")
    options.add_argument(
        "--drain", type=float, default=120.0, help="seconds that draining may go on without getting better"
    )
    options.add_argument("--keep", type=Path, help="a folder for all files, which stays")
    chosen = options.parse_args()
    plan = Plan(
        seconds=chosen.minutes * 60,
        rate=chosen.rate,
        kill_every=chosen.kill_every,
        pause=chosen.pause,
        seed=chosen.seed,
        sites=tuple(chosen.sites.split(",")),
        drain=chosen.drain,
    )
    if chosen.keep:
        chosen.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="credence-chaos-") as folder:
        outcome = asyncio.run(chaos(chosen.keep or Path(folder), plan))
    print(f"load       {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(report(outcome))
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
