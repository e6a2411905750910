"""What differs from one sender to the next. Sites are read from files by ``site_file.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True, slots=True)
class Override:
    """What becomes of one field: dropped, or mapped by rows as in the maps (keys as in ``own.toml``)."""

    segment: str
    number: int
    rows: tuple[Mapping[str, str], ...]
    where: str = ""


@dataclass(frozen=True, eq=False)
class Site:
    """One sender's habits. ``name`` makes the systems of authorities that are not listed:
    ``urn:credence:hl7v2:<name>:<namespace>``. ``concept_maps`` are those stored on the server that stand for maps of
    codes; whoever converts puts what they say into ``codes`` before."""

    name: str = "default"
    time_zone: str = "UTC"
    authorities: Mapping[str, str] = field(default_factory=dict)
    coding_systems: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    concept_maps: Mapping[str, str] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    senders: tuple[tuple[str, str, Site], ...] = ()

    def for_sender(self, application: str, facility: str) -> Site:
        """The habits of one sender; of the first ``[[sender]]`` whose patterns match."""
        for wanted_application, wanted_facility, site in self.senders:
            if fnmatchcase(application, wanted_application) and fnmatchcase(facility, wanted_facility):
                return site
        return self
