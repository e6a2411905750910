"""What deciding may look at, and what is fixed while it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Issue, refuse
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Fact, Key
from fhirserver.world.entity import Entity
from fhirserver.world.policy import default_policy
from fhirserver.world.rules import Policy
from fhirserver.world.sources import Source

Matches = Mapping[str, Sequence[Key]]
Guard = Callable[[JsonObject, JsonObject, Statement], None]
"""Refuses a change of a resource: what it was (empty for none), what it would be (empty where deleted), who says so."""
Validate = Callable[[JsonObject], Sequence[Issue]]


@dataclass(slots=True)
class State:
    """What deciding may look at: the touched entities and facts, and the end of the log."""

    position: int
    serial: int
    entities: dict[Key, Entity] = field(default_factory=dict)
    facts: dict[tuple[str, str], Fact] = field(default_factory=dict)
    merged: Mapping[str, str] = field(default_factory=dict)
    """``Type/id`` of what is merged, and of what into."""


@dataclass(frozen=True, slots=True)
class Policies:
    """The fixed part: the sources by id, how a changed resource is validated, and the policy in force."""

    sources: Mapping[str, Source]
    validate: Validate
    policy: Policy = field(default_factory=default_policy)
    guards: Mapping[str, Guard] = field(default_factory=dict)
    """By resource type: what may not become of the world, whoever's word would make it so."""

    def source(self, id: str) -> Source:
        if id not in self.sources:
            raise refuse(Category.FORBIDDEN, "forbidden", f"Source '{id}' is not in the settings")
        return self.sources[id]
