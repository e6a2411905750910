"""``credence serve``."""

from __future__ import annotations

import argparse
import logging
import sys
from typing import Any

from fhirserver.app.commands.options import parser, settings
from fhirserver.app.settings import Settings
from fhirserver.app.workers import Workers, automatic, end_with_parent, listening_socket, this_program


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
    options.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    given = options.parse_args(arguments)
    chosen = settings(given)
    _log()
    if given.worker is not None:
        end_with_parent(given.parent)
        serve(chosen, given.worker)
        return 0
    count = chosen.workers or automatic()
    if chosen.storage == "memory" and count > 1:
        print("credence: [storage] kind 'memory' has one worker: processes share no memory", file=sys.stderr)
        return 2
    if count == 1:
        serve(chosen)
        return 0
    return Workers([*this_program(), "serve", *arguments], count, chosen.host, chosen.port).run()


def _log() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for name in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)


def serve(chosen: Settings, worker: int | None = None) -> None:
    """Serve with uvicorn on uvloop and httptools, alone or as one worker of several."""
    import uvicorn

    from fhirserver.app.wiring import Part, make_application
    from fhirserver.rest.protocol import FhirHttpProtocol

    part = Part.ALONE if worker is None else Part.FIRST if worker == 0 else Part.FURTHER
    application: Any = make_application(chosen, part)
    config = uvicorn.Config(
        application,
        host=chosen.host,
        port=chosen.port,
        loop="uvloop",
        http=FhirHttpProtocol,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    sockets = None if worker is None else [listening_socket(chosen.host, chosen.port, together=True)]
    uvicorn.Server(config).run(sockets)
