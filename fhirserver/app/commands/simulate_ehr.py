"""``credence simulate-ehr``."""

from __future__ import annotations


def run(arguments: list[str]) -> int:
    """Run the simulated EHR until it is stopped."""
    from adapters.simulator.__main__ import parse
    from adapters.simulator.server import run as serve

    serve(parse(arguments))
    return 0
