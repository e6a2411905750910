"""What an expression may ask of the world outside the resource, and the state of one evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Protocol, TypeAlias

from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.fhirpath.errors import FhirPathError
from fhirserver.model.fhirpath.values import Items, Typed

Given: TypeAlias = Mapping[str, list[Json]]
MAX_STEPS = 2_000_000
"""How many items one evaluation may touch in its loops before it is stopped."""
UNTIMED_STEPS = 1_000
"""Steps before the clock is looked at."""


class Terminology(Protocol):
    """The terminology questions of https://hl7.org/fhir/R4/fhirpath.html#functions; None is "cannot tell"."""

    def member_of(self, item: Typed, value_set: str) -> bool | None: ...

    def subsumes(self, left: Typed, right: Typed) -> bool | None: ...


class Terminologies(Protocol):
    """What ``%terminologies`` offers. ``coded`` is a code, Coding or CodeableConcept, ``parameters`` those of the
    operation by name. None is "there is no answer". https://hl7.org/fhir/R5/fhirpath.html#txapi"""

    def expand(self, value_set: str | JsonObject, parameters: Given) -> JsonObject | None: ...

    def lookup(self, coded: Typed, parameters: Given) -> JsonObject | None: ...

    def validate_vs(
        self, value_set: str | JsonObject, coded: Typed, parameters: Given
    ) -> JsonObject | None: ...

    def validate_cs(
        self, code_system: str | JsonObject, coded: Typed, parameters: Given
    ) -> JsonObject | None: ...

    def outcome(self, system: str, left: Typed, right: Typed, parameters: Given) -> str | None:
        """As ``$subsumes``."""
        ...

    def translate(
        self, concept_map: str | JsonObject, coded: Typed, parameters: Given
    ) -> JsonObject | None: ...


@dataclass(frozen=True, slots=True)
class Environment:
    """Services and constants; every one may be absent, and what needs it then says so.

    ``resolver`` takes the text of a reference and gives the resource or None. ``conforms`` takes a value
    and the canonical url of a profile and gives None for an unknown profile. ``variables`` are further
    ``%names``: a JSON value each, or a list of :class:`Typed`. ``root_resource`` is the container when the
    resource evaluated is contained in it. ``trace`` receives what ``trace()`` is called with.
    An evaluation that loops for more than ``seconds`` is stopped.
    """

    resolver: Callable[[str], JsonObject | None] | None = None
    terminology: Terminology | None = None
    terminologies: Terminologies | None = None
    conforms: Callable[[Json, str], bool | None] | None = None
    clock: Clock = field(default_factory=SystemClock)
    variables: Mapping[str, Json | list[Typed]] = field(default_factory=dict)
    resource: JsonObject | None = None
    root_resource: JsonObject | None = None
    trace: Callable[[str, list[Typed]], None] | None = None
    seconds: float = 5.0


DEFAULT = Environment()


class Frame:
    """The state of one evaluation; never shared between two."""

    __slots__ = ("context", "deadline", "environment", "index", "now", "root", "steps", "total", "variables")

    def __init__(self, root: Typed, environment: Environment):
        self.environment = environment
        self.root = root
        self.context: Items = [root]
        self.index: int | None = None
        self.total: Items = []
        self.variables: dict[str, Items] = {}
        self.steps = 0
        self.deadline: float | None = None
        self.now: datetime | None = None

    def spend(self, steps: int) -> None:
        """Count work; raises when an evaluation does more than it may."""
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise FhirPathError("the evaluation takes too many steps")
        if self.steps > UNTIMED_STEPS:
            self._check_time()

    def _check_time(self) -> None:
        if self.deadline is None:
            self.deadline = monotonic() + self.environment.seconds
        elif monotonic() > self.deadline:
            raise FhirPathError("the evaluation takes too long")

    def instant(self) -> datetime:
        """The instant of this evaluation: the same whenever it is asked."""
        if self.now is None:
            self.now = self.environment.clock.now()
        return self.now

    @property
    def resource(self) -> JsonObject | None:
        """The resource that holds the context: what ``%resource`` is."""
        if self.environment.resource is not None:
            return self.environment.resource
        value = self.root.value
        return value if isinstance(value, dict) else None
