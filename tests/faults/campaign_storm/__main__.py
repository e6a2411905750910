"""``python -m tests.faults.campaign_storm``: the whole storm, with a table and an exit code."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults.campaign_storm.drill import Outcome, Plan, Storm, shown

_RULES = (
    "twice for one attempt", "without a name", "in quiet hours", "not allowed", "over the limit of 1 d",
    "over the limit of 7 d", "over the attempts", "too close", "after opting out", "never tried", "not on record",
    "another number on record", "told as made and never made",
)  # fmt: skip
_COUNTS = (
    "to be reached", "tried", "texted", "called", "answer", "delivered", "failed", "answered", "wrote", "rang",
    "opted out", "on the border of quiet hours", "on record", "on record and never made",
)  # fmt: skip


def table(outcome: Outcome, plan: Plan) -> str:
    """What came of it, for people."""
    verdict = outcome.verdict
    lines = [
        f"{plan.patients} patients, seed {plan.seed}, {outcome.seconds / 60:.1f} minutes at {plan.pace:g}x "
        f"({outcome.days:.1f} days), {outcome.kills} kills: "
        + ", ".join(f"{kind} {n}" for kind, n in sorted(outcome.killed.items())),
        "members: " + ", ".join(f"{status} {count}" for status, count in outcome.members.items()),
        "",
        *(f"  {name:<32}{verdict.counts[name]:>8}" for name in _COUNTS if verdict.counts[name]),
        "",
        *(f"  {'✗' if verdict.faults[name] else '✓'} {name:<30}{verdict.faults[name]:>8}" for name in _RULES),
    ]
    for kind, examples in verdict.examples.items():
        lines += [f"    {kind}: {example}" for example in examples]
    if outcome.trouble:
        lines.append(f"trouble: {outcome.trouble}")
    return "\n".join(lines)


def main() -> int:
    """0: every rule held."""
    plan = Plan()
    parser = argparse.ArgumentParser(prog="tests.faults.campaign_storm")
    for name in ("patients", "kills", "workers", "lines", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(plan, name))
    parser.add_argument("--per-minute", type=int, default=plan.per_minute)
    parser.add_argument("--pace", type=float, default=plan.pace)
    parser.add_argument("--minutes", type=float, default=plan.minutes)
    parser.add_argument("--hasty", action="store_true", help="attempts follow each other closely, on one day")
    parser.add_argument("--keep", type=Path, help="a folder for data and logs, which stay there")
    given = vars(parser.parse_args())
    keep = given.pop("keep")
    folder = keep or Path(tempfile.mkdtemp(prefix="credence-storm-"))
    folder.mkdir(parents=True, exist_ok=True)
    chosen = Plan(**given)
    try:
        outcome = asyncio.run(Storm(chosen, folder, shown).run())
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{table(outcome, chosen)}")
    return 1 if outcome.verdict.faults or outcome.trouble else 0


if __name__ == "__main__":
    sys.exit(main())
