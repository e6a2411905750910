"""``credence serve``."""

from __future__ import annotations

import argparse
import logging
import sys

from fhirserver.app.commands.options import parser, settings
from fhirserver.app.workers import Workers, automatic, this_program


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
    _log()
    if given.worker is not None:
        from fhirserver.app.serving import serve_handed

        serve_handed(chosen, given.worker, given.channel)
        return 0
    count = chosen.workers or automatic()
    if chosen.storage == "memory" and count > 1:
        print("credence: [storage] kind 'memory' has one worker: processes share no memory", file=sys.stderr)
        return 2
    if count == 1:
        from fhirserver.app.serving import serve_alone

        serve_alone(chosen)
        return 0
    return Workers([*this_program(), "serve", *arguments], count, chosen.host, chosen.port).run()


def _log() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for name in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
