"""``python -m adapters.simulator.hl7 --token T --tell HOST:PORT``: see :mod:`adapters.simulator.hl7`."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.simulator.hl7.faults import Faults, InvalidFaults, with_rate
from adapters.simulator.hl7.options import Options
from adapters.simulator.hl7.server import run

_NUMBERS = ("port", "control_port", "seed", "patients", "practitioners", "days")


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Options from command line arguments; exits with a message when they are wrong."""
    parser = argparse.ArgumentParser(
        "python -m adapters.simulator.hl7",
        description="A simulated EHR that speaks HL7v2 over MLLP, with faults.",
    )
    parser.add_argument("--token", required=True, help="bearer token for the control port")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--tell", type=_address, metavar="HOST:PORT", help="the listener that is told of its changes"
    )
    parser.add_argument("--data", type=Path, help="SQLite file; without it everything is kept in memory")
    parser.add_argument("--application", default="SIMEHR", help="its MSH-3")
    parser.add_argument("--facility", default="SIMHOSP", help="its MSH-4, and the authority of its numbers")
    parser.add_argument("--today", type=date.fromisoformat, help="the day before the first slots")
    parser.add_argument("--zone", type=_zone, default=ZoneInfo("UTC"), help="its time zone")
    parser.add_argument("--forgets", action="store_true", help="do twice what is sent twice")
    parser.add_argument("--feed-timeout", type=float, default=10.0, help="seconds to wait for an answer")
    for field in dataclasses.fields(Options):
        if field.name in _NUMBERS:
            parser.add_argument(_flag(field.name), type=int, default=field.default)
    group = parser.add_argument_group("faults", "rates are 0..1, times are seconds")
    group.add_argument("--rate", type=float, help="every rate that is not given itself")
    for field in dataclasses.fields(Faults):
        if field.name != "seed":
            group.add_argument(_flag(field.name), type=float, help=f"default {field.default:g}")
    values = vars(parser.parse_args(arguments))
    names = ["rate", *(field.name for field in dataclasses.fields(Faults))]
    given = {name: values[name] if name == "seed" else values.pop(name) for name in names}
    try:
        faults = Faults(**with_rate({name: value for name, value in given.items() if value is not None}))
    except InvalidFaults as error:
        parser.error(str(error))
    return Options(**values, faults=faults)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError("an address and a port, such as 127.0.0.1:2575")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        raise argparse.ArgumentTypeError("a time zone such as Europe/Vienna") from None


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


if __name__ == "__main__":
    run(parse())
