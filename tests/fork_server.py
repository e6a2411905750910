"""The process from which those that tests start are forked: it has imported what they would import.

``python -P fork_server.py DESCRIPTOR``: over that socket come the words of a command, its environment, its folder, and
its three standard streams; the answer is the new process's id. It becomes the child of whoever asked (who is a
"subreaper" meanwhile, see prctl(2)), so that it is waited for and killed as any other. Never with a thread in it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import time
from typing import Any, NoReturn

IMPORTED = (
    "adapters.simulator.server",
    "fhirserver.app.cli",
    "fhirserver.app.commands.init",
    "fhirserver.app.commands.serve",
    "fhirserver.app.commands.voice",
    "fhirserver.app.forms",
    "fhirserver.app.serving",
    "fhirserver.app.voice.application",
)


def main() -> None:
    """Serve until whoever started this is gone; in a forked process, run its command."""
    asked = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this is told, and goes
    gc.disable()
    for name in IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    gc.enable()
    while (told := _next(asked)) is not None:
        order, streams = told
        if (child := _fork(asked, order, streams)) is not None:
            asked.sendall(b"%d\n" % child)
            continue
        asked.close()
        _become(order, streams)
        _run(order["words"])
    os._exit(0)


def _next(asked: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    size, streams, _, _ = socket.recv_fds(asked, 4, 3)
    if not size:
        return None
    left, text = int.from_bytes(size, "big"), b""
    while len(text) < left:
        text += asked.recv(left - len(text))
    return json.loads(text), list(streams)


def _fork(asked: socket.socket, order: dict[str, Any], streams: list[int]) -> int | None:
    """The new process's id; none within it. The one between ends at once, so that it has another parent."""
    reading, writing = os.pipe()
    between = os.fork()
    if between:
        os.close(writing)
        for stream in streams:
            os.close(stream)
        os.waitpid(between, 0)
        with os.fdopen(reading) as told:
            return int(told.read())
    os.close(reading)
    if child := os.fork():
        os.write(writing, b"%d" % child)
        os._exit(0)
    os.close(writing)
    return None


def _become(order: dict[str, Any], streams: list[int]) -> None:
    """What a new process has: streams, folder, environment, signals, and what modules decide once for each."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if order["session"]:
        os.setsid()
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)

    from fhirserver.kernel import correlation, wall

    correlation._process = f"{os.urandom(6).hex()}-"
    wall.WALL, wall.PROBLEM = wall._of_environment()


def _run(words: list[str]) -> NoReturn:
    """``words``: ``-m MODULE …``, or ``credence …``."""
    if words[0] == "-m":
        sys.argv = words[1:]
        sys.path.insert(0, os.getcwd())  # as Python does for -m
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        sys.exit(0)
    sys.argv = words
    from fhirserver.app.cli import main as credence

    sys.exit(credence())


if __name__ == "__main__":
    main()
