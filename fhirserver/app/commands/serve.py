"""``credence serve``."""

from __future__ import annotations

import logging
from typing import Any

from fhirserver.app.commands.options import parser, settings
from fhirserver.app.settings import Settings


def run(arguments: list[str]) -> int:
    """Run the server until it is stopped."""
    options = parser("serve", "Run the FHIR server.")
    options.add_argument("--host", help="address to listen on (default: [server] host)")
    options.add_argument("--port", type=int, help="port to listen on (default: [server] port)")
    serve(settings(options.parse_args(arguments)))
    return 0


def serve(chosen: Settings) -> None:
    """Serve with uvicorn on uvloop and httptools."""
    import uvicorn

    from fhirserver.app.wiring import make_application

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for name in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    application: Any = make_application(chosen)
    config = uvicorn.Config(
        application,
        host=chosen.host,
        port=chosen.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run()
