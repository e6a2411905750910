"""Campaigns as whoever commands them sees them: checked, rehearsed, started, held, and how far they have come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from fhirserver.kernel.json import JsonObject

ACTIONS = ("pause", "resume", "cancel")


class Problem(NamedTuple):
    """What is wrong with a definition, and where: a JSON Pointer (https://www.rfc-editor.org/rfc/rfc6901)."""

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a campaign stands: ``none`` (never started), ``in-progress``, ``on-hold``, ``completed``, ``cancelled``.
    ``control`` is the reference of the Task that says so, ``definition`` of the version it goes by."""

    status: str
    control: str = ""
    definition: str = ""
    started: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would happen with one patient: ``what`` is ``reach``, ``wait``, ``settle`` or ``leave out``."""

    patient: str
    what: str
    why: str = ""
    channel: str = ""
    at: datetime | None = None
    about: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A dry run. ``people`` are at most as many as were asked for, ``counts`` are over those; ``found`` is everyone.
    ``off``: channels of the campaign that cannot be used, and why."""

    found: int
    people: Sequence[Foreseen]
    counts: Mapping[str, int]
    next_runs: Sequence[datetime] = ()
    off: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign has come. ``states``: members by ``waiting`` or their outcome; ``channels``: attempts by
    channel and what became of them; ``next`` when the next is due; ``runs`` those of late, the latest first."""

    standing: Standing
    members: int
    states: Mapping[str, int]
    channels: Mapping[str, Mapping[str, int]]
    next: datetime | None = None
    runs: Sequence[JsonObject] = ()
    tasks: int = 0


@dataclass(frozen=True, slots=True)
class MemberView:
    """One patient of a campaign: references, when it is looked at next, and why not before, or why not at all."""

    request: str
    patient: str
    status: str
    outcome: str
    why: str
    next: str
    run: str
    about: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class MemberPage:
    items: Sequence[MemberView]
    next: str = ""
    """The cursor of the next page; empty at the end."""


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """What is written for a definition: the Library that holds it, the PlanDefinition that FHIR readers see."""

    resources: Sequence[JsonObject] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Template:
    """A campaign that is shipped: its document may be kept as it is."""

    id: str
    title: str
    description: str
    document: JsonObject


class Campaigns(Protocol):
    """All raise :class:`~fhirserver.kernel.outcomes.Refusal` for what may not or cannot be done."""

    def templates(self) -> Sequence[Template]:
        """Those that are shipped."""
        ...

    def check(self, document: JsonObject) -> Sequence[Problem]:
        """What is wrong with a definition; nothing for one that is right."""
        ...

    def plan(self, id: str, title: str, document: JsonObject, status: str) -> JsonObject:
        """The PlanDefinition of a definition that is right."""
        ...

    async def rehearse(self, document: JsonObject, most: int, at: datetime | None = None) -> Rehearsal:
        """Who would be reached when, who not and why; nobody is."""
        ...

    async def start(self, id: str, by: str, key: str = "") -> str:
        """Carry out the campaign as it is defined now; the Task's reference. The same key again starts nothing."""
        ...

    async def change(self, id: str, action: str, by: str) -> Standing:
        """Do one of :data:`ACTIONS`; it holds before the next attempt."""
        ...

    async def stop(self, id: str, patient: str, by: str) -> int:
        """Leave one patient out from now on; how many outreaches that ended."""
        ...

    async def standing(self, id: str) -> Standing: ...

    async def progress(self, id: str) -> Progress: ...

    async def members(
        self, id: str, state: str = "", patient: str = "", limit: int = 50, cursor: str = ""
    ) -> MemberPage: ...
