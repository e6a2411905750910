"""``credence demo``."""

from __future__ import annotations

import argparse


def run(arguments: list[str]) -> int:
    """Play the demo; ``--keep`` leaves the server running at its end."""
    parser = argparse.ArgumentParser(
        prog="credence demo", description="Play the whole story on this machine."
    )
    parser.add_argument("--keep", action="store_true", help="leave the server running and say what to open")
    parser.add_argument("--text", action="store_true", help="the call in writing, without sound")
    parser.add_argument(
        "--voice", default="en-us+m1", help="the caller's voice, of espeak-ng (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    from fhirserver.app.demo.story import play
    from fhirserver.app.demo.telephone import missing

    lacking = [] if options.text else missing()
    if lacking:
        print(
            f"No sound: {', '.join(lacking)} not installed (credence[voice,espeak]). The call is in writing."
        )
    return play(options.keep, "" if options.text or lacking else options.voice)
