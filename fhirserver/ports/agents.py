"""The agent as it is set up by data: what is asked of it by those who may not know the agent's own rooms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from fhirserver.kernel.json import JsonObject

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a document. ``pointer``: where, as a JSON Pointer (RFC 6901). ``severity`` is :data:`ERROR`,
    or :data:`WARNING` for what may be meant and is taken."""

    pointer: str
    detail: str
    severity: str = ERROR


@dataclass(frozen=True, slots=True)
class GraphState:
    """A state of a context graph as it comes out of a document, with what was left to the ordinary graph."""

    name: str
    kind: str
    after: tuple[str, ...]
    needs_identity: bool
    says: str = ""
    max_turns: int = 0
    form_after: int = 0
    changed: bool = False
    """Whether the document says something of it."""
    own: bool = False
    """Whether it is one of the document's own, an annotation apart."""


@dataclass(frozen=True, slots=True)
class PlayedScenario:
    """One scenario of a dry run. ``wrong`` says why it did not succeed; ``transcript`` is in order, ``Agent: …``;
    ``walk``: the states of the context graph that the conversation came to, in order."""

    scenario: str
    success: bool
    ended: str
    wrong: tuple[str, ...]
    wrong_writes: tuple[str, ...]
    disclosures: tuple[str, ...]
    turns: int
    transcript: tuple[str, ...]
    walk: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DryRun:
    """What became of it. ``unfinished``: scenarios for which there was no time."""

    played: tuple[PlayedScenario, ...]
    unfinished: tuple[str, ...]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether all succeeded, and all were played."""
        return not self.unfinished and all(one.success for one in self.played)


@dataclass(frozen=True, slots=True)
class Looked:
    """For which slots an explanation is wanted: free ones that begin in ``[first, last)``, or those of ``slots`` (ids).

    ``zone``: the practice's time zone where the rules name none. ``now``: when the agent would look.
    """

    first: datetime
    last: datetime
    now: datetime
    zone: str
    practitioner: str = ""
    patient: str = ""
    moves: str = ""
    most: int = 200
    slots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplainedSlot:
    """A slot, and each rule that takes it away with its reason; without any it may be offered."""

    slot: str
    start: datetime
    end: datetime
    practitioner: str
    practitioner_name: str
    location: str
    removed_by: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """``more``: there were more slots than were asked for. ``zone``: in which the rules were applied."""

    slots: tuple[ExplainedSlot, ...]
    zone: str
    more: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    """By rule, how many of the slots it takes away."""


class Agents(Protocol):
    """The checks and trials of the agent's own documents."""

    def check(self, kind: str, document: JsonObject) -> Sequence[Fault]:
        """All that is wrong with a document of a kind (``agent``, ``scheduling-rules``, ``phone-number``,
        ``chat-service``); without an error it can be put into force."""
        ...

    def graph(self, document: JsonObject) -> Sequence[GraphState]:
        """The context graph of an agent's document; the ordinary one where the document is none."""
        ...

    def scenarios(self) -> Sequence[tuple[str, str]]:
        """The names of the scenarios there are for a dry run, and what each is about."""
        ...

    async def dry_run(
        self, document: JsonObject, rules: JsonObject, scenarios: Sequence[str], given: str, seconds: float
    ) -> DryRun:
        """Play scenarios against an agent's document (and a rule set, which may be empty), on a server of its own with
        a practice that is made up. ``scenarios`` are names; ``given`` are further ones as a file has them (YAML).

        Raises :class:`~fhirserver.kernel.outcomes.Refusal`: (422) for scenarios that cannot be read, (503) while others
        are being played.
        """
        ...

    async def explain(self, rules: JsonObject, looked: Looked, principal: object) -> Explanation:
        """Which rule would take which slot away, and why, read from the calendar as ``principal`` may read it.

        Raises :class:`~fhirserver.kernel.outcomes.Refusal` where the calendar cannot be read.
        """
        ...
