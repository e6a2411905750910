"""``python -m adapters.simulator --token T``: start a simulated EHR."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from adapters.simulator.faults import Faults, InvalidFaults
from adapters.simulator.habits import Habits, InvalidHabits, read_habits
from adapters.simulator.options import Options
from adapters.simulator.server import run

_NUMBERS = ("port", "seed", "weeks", "practitioners", "page_size")


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Options from command line arguments; exits with a message when they are wrong."""
    parser = argparse.ArgumentParser(
        "simulate-ehr", description="Serve a simulated EHR: FHIR R4 with faults."
    )
    parser.add_argument("--token", required=True, help="bearer token that clients must send")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--data", type=Path, help="SQLite file; without it everything is kept in memory")
    parser.add_argument("--bundles", type=Path, help="folder or .tar.xz of Synthea bundles")
    parser.add_argument("--today", type=date.fromisoformat, help="the day the calendar is made around")
    parser.add_argument("--utc-offset", default="-05:00", help="offset the calendar's times are written with")
    parser.add_argument(
        "--bare", action="store_true", help="know no If-None-Exist, answer writes without body"
    )
    for field in dataclasses.fields(Options):
        if field.name in _NUMBERS:
            parser.add_argument(_flag(field.name), type=int, default=field.default)
    group = parser.add_argument_group("faults", "rates are 0..1, times are seconds")
    for field in dataclasses.fields(Faults):
        if field.name != "seed":
            group.add_argument(_flag(field.name), type=float, default=field.default)
    habit = f"one of: {', '.join(field.name for field in dataclasses.fields(Habits))}"
    parser.add_argument("--habit", action="append", default=[], metavar="NAME=VALUE", help=habit)
    values = vars(parser.parse_args(arguments))
    names = [field.name for field in dataclasses.fields(Faults)]
    try:
        faults = Faults(**{name: values[name] if name == "seed" else values.pop(name) for name in names})
        habits = read_habits(values.pop("habit"))
    except (InvalidFaults, InvalidHabits) as error:
        parser.error(str(error))
    return Options(**values, habits=habits, faults=faults)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


if __name__ == "__main__":
    run(parse())
