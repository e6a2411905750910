"""``python -m adapters.simulator.hl7``: see :mod:`adapters.simulator.hl7`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from adapters.simulator.hl7.faults import Faults
from adapters.simulator.hl7.server import Options, serve


def parse(arguments: Sequence[str] | None = None) -> Options:
    """The options that the command line means."""
    parser = argparse.ArgumentParser(
        prog="python -m adapters.simulator.hl7", description="A simulated HL7v2 EHR."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--port", type=int, default=2576, help="where it listens for messages (MLLP); 0: a free one"
    )
    parser.add_argument(
        "--control-port", type=int, default=8096, help="where it is controlled (HTTP); 0: a free one"
    )
    parser.add_argument(
        "--tell", default="", metavar="HOST:PORT", help="the listener that is told of changes"
    )
    parser.add_argument("--data", type=Path, help="the file of its records; without it they are in memory")
    for one in fields(Faults):
        if one.name != "chance":
            kind = int if one.name == "seed" else float
            parser.add_argument(f"--{one.name.replace('_', '-')}", type=kind, default=one.default)
    given = vars(parser.parse_args(arguments))
    faults = Faults(**{one.name: given.pop(one.name) for one in fields(Faults) if one.name != "chance"})
    return Options(**given, faults=faults)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parse()))
