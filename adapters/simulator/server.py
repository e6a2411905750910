"""The simulated EHR as a process of its own."""

from __future__ import annotations

import asyncio
import socket

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adapters.simulator.app import ABORT, SimulatedEhr, create_app
from adapters.simulator.options import Options


class AbortableProtocol(HttpToolsProtocol):
    """HTTP whose application may close the connection without an answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[ABORT] = self.transport.abort  # type: ignore[literal-required]


def run(options: Options) -> None:
    """Serve until interrupted. Prints the address when it listens."""
    app = create_app(options)
    try:
        asyncio.run(_serve(app, options))
    except KeyboardInterrupt:
        pass
    finally:
        app.close()


async def _serve(app: SimulatedEhr, options: Options) -> None:
    listening, address = listen(options)
    print(f"Simulated EHR on {address}", flush=True)
    await web_server(app).serve(sockets=[listening])
    await app.settle()


def listen(options: Options) -> tuple[socket.socket, str]:
    """The socket that the options name, and the address of the EHR on it."""
    listening = socket.create_server((options.host, options.port), backlog=512)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted connections inherit it
    host, port = listening.getsockname()[:2]
    return listening, f"http://{host}:{port}/fhir"


def web_server(app: SimulatedEhr) -> uvicorn.Server:
    """What serves it."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=AbortableProtocol,
            lifespan="off",
            log_level="warning",
            access_log=False,
            date_header=False,
        )
    )
