"""The simulated EHR as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket

import uvicorn

from adapters.hl7v2.mllp.limits import Limits
from adapters.hl7v2.mllp.server import Listener
from adapters.simulator.hl7.books import Books
from adapters.simulator.hl7.control import Control
from adapters.simulator.hl7.faults import FaultPlan
from adapters.simulator.hl7.feed import Feed
from adapters.simulator.hl7.hospital import Hospital
from adapters.simulator.hl7.options import Options
from adapters.simulator.hl7.reception import Desk, Dropped
from adapters.simulator.hl7.seed import populate


def run(options: Options) -> None:
    """Serve until interrupted. Prints the ports as one line of JSON when it listens."""
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("credence.hl7").addFilter(_is_no_fault)
    books = Books(options.data)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(books, options))
    finally:
        books.close()


def _is_no_fault(record: logging.LogRecord) -> bool:
    """Not of a connection that is cut on purpose."""
    return Dropped.__name__ not in record.getMessage()


async def _serve(books: Books, options: Options) -> None:
    hospital, plan = Hospital(options, books), FaultPlan(options.faults)
    populate(hospital)
    feed = Feed(books, plan, options.tell, options.feed_timeout)
    desk = Desk(hospital, plan, feed.wake)
    control = Control(hospital, plan, feed, desk)
    listener = Listener("simulated EHR", desk, options.host, options.port, Limits())
    listening = asyncio.create_task(_listen(listener, plan))
    ready = asyncio.create_task(listener.ready.wait())
    await asyncio.wait({listening, ready}, return_when=asyncio.FIRST_COMPLETED)
    if listening.done():
        listening.result()
    with socket.create_server((options.host, options.control_port), backlog=128) as bound:
        ports = {"mllp": listener.port, "control": bound.getsockname()[1]}
        print(json.dumps(ports), flush=True)
        config = uvicorn.Config(control.app, lifespan="off", log_level="warning", access_log=False)
        server = asyncio.create_task(uvicorn.Server(config).serve(sockets=[bound]))
        tasks = {server, listening, asyncio.create_task(feed.run())}
        await _until_ended(server, tasks)


async def _until_ended(server: asyncio.Task[None], tasks: set[asyncio.Task[None]]) -> None:
    """Until the server ends; a task that fails ends all."""
    try:
        waiting = set(tasks)
        while server in waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(listener: Listener, plan: FaultPlan) -> None:
    """Listen, but for the times when it is down: then the port is closed."""
    while True:
        running = asyncio.create_task(listener.run())
        down = asyncio.create_task(plan.wait_until_down())
        try:
            await asyncio.wait({running, down}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
        finally:
            running.cancel()
            down.cancel()
            await asyncio.gather(running, down, return_exceptions=True)
        await plan.wait_until_up()
