"""The command line that simulated vendors share."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence

from adapters.simulator.vendor.faults import Faults, InvalidFaults


def parse(
    program: str, description: str, arguments: Sequence[str] | None = None, flags: Sequence[str] = ()
) -> tuple[argparse.Namespace, Faults]:
    """The options and the faults; exits with a message when they are wrong."""
    parser = argparse.ArgumentParser(program, description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: a free one, which is printed")
    parser.add_argument("--client-id", default="credence")
    parser.add_argument("--secret", required=True, help="the secret that tokens are given for")
    parser.add_argument("--practice", default="195900")
    parser.add_argument("--patients", type=int, default=12)
    parser.add_argument("--days", type=int, default=10, help="how many days ahead the calendar has slots")
    for flag in flags:
        parser.add_argument(f"--{flag}", action="store_true")
    group = parser.add_argument_group("faults", "rates are 0..1, times are seconds")
    for field in dataclasses.fields(Faults):
        flag = "--" + field.name.replace("_", "-")
        group.add_argument(flag, type=int if field.name == "seed" else float, default=field.default)
    options = parser.parse_args(arguments)
    try:
        faults = Faults(**{field.name: getattr(options, field.name) for field in dataclasses.fields(Faults)})
    except InvalidFaults as error:
        parser.error(str(error))
    return options, faults
