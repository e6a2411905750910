"""How a simulated EHR is started."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from adapters.simulator.hl7.faults import Faults


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of one simulated EHR.

    ``token`` is what clients of the control port must send; ``tell`` is where its feed goes, None for nowhere: the
    messages wait. ``data`` is its SQLite file, made and filled when it is absent; None keeps everything in memory.
    ``application`` and ``facility`` are its MSH-3 and MSH-4; the facility is also the authority of its numbers.
    ``today`` is the day before the first slots (default: the present day in ``zone``), ``days`` so many workdays.
    ``forgets``: it knows neither control ids nor others' numbers again, so what is sent twice is done twice.
    Ports of 0 take free ones; they are printed when it listens.
    """

    token: str
    host: str = "127.0.0.1"
    port: int = 2576
    control_port: int = 8096
    tell: tuple[str, int] | None = None
    data: Path | None = None
    application: str = "SIMEHR"
    facility: str = "SIMHOSP"
    seed: int = 1
    patients: int = 5
    practitioners: int = 3
    days: int = 5
    today: date | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    forgets: bool = False
    feed_timeout: float = 10.0
    faults: Faults = field(default_factory=Faults)
