"""The machine: Python, the extras, the clock, and the speech that needs no key."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.util import find_spec

from fhirserver.app.checkup.finding import Finding, error, good, warning
from fhirserver.kernel.instants import parse_instant

EXTRAS = {
    "voice": ("numpy", "pocketsphinx", "soxr", "webrtcvad"),
    "espeak": ("espeakng_loader",),
    "speaker": ("pyannote",),
}
"""The modules that an extra of the package brings."""
LEAST = (3, 11)
MOST_SKEW = 5.0
"""Seconds between this clock and another's beyond which it is said; signatures and tokens bear some minutes."""
WRONG_SKEW = 120.0

Installed = Callable[[str], bool]


def installed(module: str) -> bool:
    """Whether it can be imported; nothing is."""
    return find_spec(module) is not None


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """The interpreter."""
    words = ".".join(map(str, version))
    if version[:2] < LEAST:
        return error("python", words, "install Python 3.11 or newer")
    return good("python", words)


def extras(asked: frozenset[str], here: Installed = installed) -> Iterator[Finding]:
    """Which extras are there; one that is ``asked`` for and missing is a warning: the server runs without."""
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if not here(module)]
        if not missing:
            yield good(f"extra {extra}", "installed")
        elif extra in asked:
            todo = f"pip install 'credence[{extra}]'"
            yield warning(f"extra {extra}", f"not installed ({', '.join(missing)})", todo)
        else:
            yield good(f"extra {extra}", "not installed, not needed")


def local_speech(asked: bool, here: Installed = installed) -> Finding:
    """Whether calls can be heard and answered without a key."""
    missing = [e for e in ("voice", "espeak") if not all(here(module) for module in EXTRAS[e])]
    if not missing:
        return good(
            "local speech", "available (demo grade)" + ("" if asked else ", not among [speech] providers")
        )
    if not asked:
        return good("local speech", "not available, not among [speech] providers")
    todo = f"pip install 'credence[{','.join(missing)}]', or name another provider in [speech] providers"
    return error("local speech", "not available, and among [speech] providers", todo)


def clock_and_log(now: datetime, recorded: str) -> Finding:
    """This clock beside the newest commit of the log, which cannot be of the future."""
    ahead = (parse_instant(recorded) - now).total_seconds() if recorded else 0.0
    if ahead > 1.0:
        words = f"{ahead:.0f} s behind the newest commit of the log"
        return error("clock", words, "set the machine's clock (chrony, systemd-timesyncd)")
    return good("clock", now.strftime("%Y-%m-%d %H:%M:%S UTC"))


def clock_and_other(now: datetime, other: datetime, whose: str) -> Finding | None:
    """This clock beside that of a server; None where they agree."""
    skew = abs((now - other).total_seconds())
    if skew <= MOST_SKEW:
        return None
    made = error if skew > WRONG_SKEW else warning
    return made(
        "clock", f"{skew:.0f} s from {whose}'s", "set the machine's clock (chrony, systemd-timesyncd)"
    )
