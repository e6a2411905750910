"""The small parent of several workers, as a process that has nothing else in it.

``credence serve`` reads the settings, for which it imports much of the server; what then only hands connections on
takes the place of that process, with its id and its descriptors, and with less than half of its memory.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

from fhirserver.app.observing.folder import figures_kept
from fhirserver.app.observing.logs import configure
from fhirserver.app.observing.settings import LogSettings
from fhirserver.app.workers import Workers, this_program

_NAME = "credence serve"
"""By which it is found among the processes of a machine."""
_PROGRAM = "from fhirserver.app.parent import main; main()"


def become_parent(
    path: Path, host: str, port: int, count: int, arguments: Sequence[str], log: LogSettings
) -> NoReturn:
    """Go on as the parent of ``count`` workers. ``path`` is that of the data, ``arguments`` those of ``serve``."""
    levels = {**asdict(log), "levels": dict(log.levels)}
    told = {"path": str(path), "host": host, "port": port, "count": count, "log": levels}
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-c", _PROGRAM, _NAME, json.dumps(told), *arguments])  # noqa: S606


def main() -> NoReturn:
    """What runs in its place."""
    os.umask(0o077)
    told, arguments = json.loads(sys.argv[2]), sys.argv[3:]
    configure(LogSettings(**told["log"]), "serve")
    with figures_kept(Path(told["path"])):
        command = [*this_program(), "serve", *arguments]
        code = Workers(command, told["count"], told["host"], told["port"]).run()
    sys.exit(code)
