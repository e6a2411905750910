"""What the carrier saw: one JSON object a line, on disk before anything else happens."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhirserver.kernel.instants import SystemClock, instant


class ContactLog:
    """Entries have ``at`` (the day's time), ``real`` (the machine's seconds), ``what``, ``number`` and more.

    ``what``: ``called`` and ``texted`` are contacts as they are asked for, with ``sid`` and ``order``; ``answered``,
    ``ended``, ``delivered``, ``failed`` tell what came of one; ``wrote`` and ``rang`` are what people do themselves,
    ``taken`` that the agent's side has answered that.
    """

    def __init__(self, path: Path):
        self._file = path.open("ab", buffering=0)

    def note(self, what: str, number: str, **more: Any) -> None:
        """Durable when it returns."""
        entry = {
            "at": instant(SystemClock().now()),
            "real": time.time(),
            "what": what,
            "number": number,
            **more,
        }
        self._file.write(json.dumps(entry).encode() + b"\n")
        os.fdatasync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def read_log(path: Path) -> Iterator[dict[str, Any]]:
    """The entries in order; one that was being written when the machine stopped is left out."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)
