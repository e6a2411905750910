"""``credence serve``."""

from __future__ import annotations

import argparse
import sys

from fhirserver.app.collecting import not_while_importing
from fhirserver.app.commands.options import parser, settings
from fhirserver.app.observing.logs import configure
from fhirserver.app.observing.traces import Traces
from fhirserver.app.parent import become_parent
from fhirserver.app.setting_kinds import WrongSetting
from fhirserver.app.settings import Settings
from fhirserver.app.workers import automatic


def run(arguments: list[str]) -> int:
    """Run the server until it is stopped."""
    options = parser("serve", "Run the FHIR server.")
    options.add_argument("--host", help="address to listen on (default: [server] host)")
    options.add_argument("--port", type=int, help="port to listen on (default: [server] port)")
    options.add_argument(
        "--workers",
        type=int,
        help="processes that serve, 0 for one per processor (default: [server] workers)",
    )
    options.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    options.add_argument("--channel", type=int, help=argparse.SUPPRESS)
    given = options.parse_args(arguments)
    chosen = settings(given)
    part = "serve" if given.worker is None else f"serve-{given.worker}"
    configure(chosen.log, part)
    count = chosen.workers or automatic()
    if given.worker is None and count > 1:
        if chosen.storage == "memory":
            print(
                "credence: [storage] kind 'memory' has one worker: processes share no memory", file=sys.stderr
            )
            return 2
        become_parent(chosen.path, chosen.host, chosen.port, count, arguments, chosen.log)
    try:
        with Traces(chosen.traces, part):
            _serve(chosen, given)
    except WrongSetting as wrong:
        print(f"credence: [traces] {wrong}", file=sys.stderr)
        return 2
    return 0


def _serve(chosen: Settings, given: argparse.Namespace) -> None:
    """In this process: alone, or as the worker that the command line says."""
    with not_while_importing():
        from fhirserver.app.serving import serve_alone, serve_handed
    if given.worker is None:
        serve_alone(chosen)
    else:
        serve_handed(chosen, given.worker, given.channel)
