"""``credence demo``."""

from __future__ import annotations

import argparse


def run(arguments: list[str]) -> int:
    """Play the demo; ``--keep`` leaves the server running at its end."""
    parser = argparse.ArgumentParser(
        prog="credence demo", description="Play the whole story on this machine."
    )
    parser.add_argument("--keep", action="store_true", help="leave the server running and say what to open")
    options = parser.parse_args(arguments)
    from fhirserver.app.demo.story import play

    return play(options.keep)
