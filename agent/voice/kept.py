"""The recordings that were kept, for those who play them: needs nothing that makes sound."""

from __future__ import annotations

import re
from pathlib import Path

from fhirserver.kernel.json import InvalidJson, loads
from fhirserver.ports.recordings import Loudness

_NAME = re.compile(r"[A-Za-z0-9.-]{1,64}")


class KeptRecordings:
    """A folder with ``<call>.wav`` and, for a picture of it, ``<call>.json``; both may be missing."""

    def __init__(self, folder: Path):
        self._folder = folder

    def file(self, call: str) -> Path | None:
        """Where the sound of a call is."""
        path = self.path(call, "wav")
        return path if path is not None and path.is_file() else None

    def loudness(self, call: str) -> Loudness | None:
        """The course of its loudness; None also where the file is not one of ours."""
        path = self.path(call, "json")
        try:
            drawn = loads(path.read_bytes()) if path is not None else {}
            sides = (tuple(float(level) for level in drawn[side]) for side in ("caller", "agent"))
            return Loudness(float(drawn["seconds"]), *sides)
        except (OSError, InvalidJson, KeyError, TypeError, ValueError):
            return None

    def path(self, call: str, ending: str) -> Path | None:
        """Where something of a call belongs; None for what is no FHIR id."""
        return self._folder / f"{call}.{ending}" if _NAME.fullmatch(call) else None
