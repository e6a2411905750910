"""Whether a change is an event: a topic's triggers, or R4 criteria, understood once and asked of each change."""

from __future__ import annotations

from dataclasses import dataclass

from fhirserver.interactions.exchange import Context
from fhirserver.interactions.subscription.filters import conditions_of
from fhirserver.interactions.subscription.matching import Condition, Seen, read_condition
from fhirserver.interactions.subscription.topic import EventTrigger, ResourceTrigger, Topic
from fhirserver.interactions.subscription.wanted import Wanted
from fhirserver.kernel.json import Json
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath import Environment, FhirPathError, Path, Typed, compile_path
from fhirserver.world.vocabulary import BASE

LOG_EVENT = f"{BASE}/CodeSystem/log-event"
CRITERIA = "Subscription.criteria"


@dataclass(frozen=True)
class Change:
    """What one commit did to one resource. ``current`` may be a deletion; ``previous`` is None on a create.

    ``kinds`` are the kinds of events that the log has of it; ``fresh`` is false where they made no new version.
    """

    current: Seen
    previous: Seen | None
    kinds: frozenset[str]
    fresh: bool = True

    @property
    def interaction(self) -> str:
        if self.current.version.deleted:
            return "delete"
        return "update" if self.previous is not None else "create"

    @property
    def focus(self) -> Seen:
        """The state that filters are asked of: the last there was."""
        return self.previous if self.interaction == "delete" and self.previous else self.current


@dataclass(frozen=True)
class Trigger:
    """A resource trigger, understood."""

    of: ResourceTrigger
    previous: Condition | None
    current: Condition | None
    fhirpath: Path | None

    async def fires(self, change: Change) -> bool:
        if change.interaction not in self.of.interactions:
            return False
        if (self.previous or self.current) and not await self._queried(change):
            return False
        return self.fhirpath is None or _true(self.fhirpath, change)

    async def _queried(self, change: Change) -> bool:
        tests = []
        if self.previous is not None:
            created = change.previous is None
            tests.append(
                self.of.for_create if created else await self.previous.holds(_known(change.previous))
            )
        if self.current is not None:
            deleted = change.interaction == "delete"
            tests.append(self.of.for_delete if deleted else await self.current.holds(change.current))
        return all(tests) if self.of.require_both else any(tests)


def _known(seen: Seen | None) -> Seen:
    assert seen is not None, "asked only where there is one"
    return seen


def _true(path: Path, change: Change) -> bool:
    """Whether FHIRPath criteria come out as true; what cannot be evaluated on a resource is not true of it."""
    current = [] if change.interaction == "delete" else [_typed(change.current)]
    previous = [] if change.previous is None else [_typed(change.previous)]
    variables: dict[str, Json | list[Typed]] = {"current": current, "previous": previous}
    focus = change.focus
    try:
        found = path.on(_typed(focus), Environment(variables=variables, resource=focus.json, seconds=1.0))
    except FhirPathError:
        return False
    return len(found) == 1 and found[0].value is True


def _typed(seen: Seen) -> Typed:
    return Typed(seen.json, seen.version.type)


@dataclass(frozen=True)
class Interest:
    """All that decides whether a change is an event for one subscription, by type of resource."""

    triggers: dict[str, list[Trigger]]
    events: dict[str, list[EventTrigger]]
    filters: dict[str, list[Condition]]
    criteria: Condition | None = None

    @property
    def types(self) -> frozenset[str]:
        own = [self.criteria.type] if self.criteria else []
        return frozenset([*self.triggers, *self.events, *own])

    async def wants(self, change: Change) -> bool:
        """Whether the change is an event."""
        if self.criteria is not None:
            met = (
                change.fresh and change.interaction != "delete" and await self.criteria.holds(change.current)
            )
            return bool(met)
        if not await self._triggered(change):
            return False
        for condition in self.filters.get(change.current.version.type, ()):
            if not await condition.holds(change.focus):
                return False
        return True

    async def _triggered(self, change: Change) -> bool:
        type = change.current.version.type
        if any((LOG_EVENT, kind) in one.events for one in self.events.get(type, ()) for kind in change.kinds):
            return True
        for one in self.triggers.get(type, ()) if change.fresh else ():
            if await one.fires(change):
                return True
        return False


def interest_of(context: Context, wanted: Wanted, topic: Topic | None) -> Interest:
    """What a Subscription is interested in. Refuses (422) what cannot be understood, naming the element."""
    if not wanted.topic:
        if not wanted.type:
            text = "The criteria are neither Type?search nor the canonical URL of a topic"
            raise refuse(Category.UNPROCESSABLE, "value", text, CRITERIA)
        return Interest({}, {}, {}, _criteria(context, wanted))
    if topic is None:
        text = "There is no active SubscriptionTopic with this canonical URL here"
        raise refuse(Category.UNPROCESSABLE, "not-found", text, CRITERIA)
    filters = conditions_of(context, topic, wanted.filters)
    triggers, events = understood(context, topic)
    return Interest(triggers, events, filters)


def _criteria(context: Context, wanted: Wanted) -> Condition:
    if wanted.type not in definitions().resource_types:
        text = f"'{wanted.type[:64]}' is not an R4 resource type"
        raise refuse(Category.UNPROCESSABLE, "value", text, CRITERIA)
    if wanted.filters:
        text = "Filter criteria narrow a topic; R4 criteria are a search of their own"
        raise refuse(Category.UNPROCESSABLE, "business-rule", text, f"{CRITERIA}.extension[0]")
    return read_condition(context, wanted.type, wanted.query, CRITERIA)


def understood(
    context: Context, topic: Topic
) -> tuple[dict[str, list[Trigger]], dict[str, list[EventTrigger]]]:
    """The triggers of a topic by type. Raises a refusal with every issue in them."""
    triggers: dict[str, list[Trigger]] = {}
    issues: list[Issue] = []
    for number, one in enumerate(topic.triggers):
        path = f"SubscriptionTopic.resourceTrigger[{number}]"
        try:
            triggers.setdefault(one.resource, []).append(_trigger(context, one, path))
        except Refusal as refusal:
            issues += refusal.issues
    if issues:
        raise Refusal(Category.UNPROCESSABLE, issues)
    events: dict[str, list[EventTrigger]] = {}
    for event in topic.events:
        events.setdefault(event.resource, []).append(event)
    return triggers, events


def _trigger(context: Context, one: ResourceTrigger, path: str) -> Trigger:
    query = f"{path}.queryCriteria"
    previous = (
        read_condition(context, one.resource, one.previous, f"{query}.previous") if one.previous else None
    )
    current = read_condition(context, one.resource, one.current, f"{query}.current") if one.current else None
    return Trigger(one, previous, current, _compiled(one, f"{path}.fhirPathCriteria"))


def _compiled(one: ResourceTrigger, at: str) -> Path | None:
    if not one.fhirpath:
        return None
    try:
        return compile_path(one.fhirpath, one.resource, strict=False)
    except FhirPathError as error:
        raise refuse(Category.UNPROCESSABLE, "invalid", f"The FHIRPath is wrong: {error}", at) from None
