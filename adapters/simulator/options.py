"""How a simulated EHR is started."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from adapters.simulator.faults import Faults
from adapters.simulator.habits import Habits


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of one simulated EHR.

    ``data`` is its SQLite file, made and filled when it is absent; None keeps everything in memory.
    ``bundles`` is a folder or ``.tar.xz`` of Synthea bundles; None takes the demo patients of the package.
    ``today`` is the day around which the calendar is made (default: the present day at ``utc_offset``).
    ``bare`` makes it an EHR that knows no ``If-None-Exist`` and answers writes without a body.
    ``port`` 0 takes a free one; the address is printed when the server listens.
    """

    token: str
    host: str = "127.0.0.1"
    port: int = 8090
    data: Path | None = None
    bundles: Path | None = None
    seed: int = 1
    today: date | None = None
    utc_offset: str = "-05:00"
    weeks: int = 4
    practitioners: int = 3
    page_size: int = 100
    bare: bool = False
    habits: Habits = field(default_factory=Habits)
    faults: Faults = field(default_factory=Faults)
