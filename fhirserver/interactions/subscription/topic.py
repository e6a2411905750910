"""A SubscriptionTopic as it is worked with. https://hl7.org/fhir/R5/subscriptiontopic.html

R4B and R5 say nearly the same; what differs (``modifier`` that also holds comparators, a URL or a bare name for a
resource) is read either way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Issue
from fhirserver.model.definitions import definitions

_DEFINITIONS: Final = "http://hl7.org/fhir/StructureDefinition/"
INTERACTIONS: Final = frozenset({"create", "update", "delete"})
_RESULTS: Final = {"test-passes": True, "test-fails": False}
COMPARATORS: Final = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


@dataclass(frozen=True, slots=True)
class ResourceTrigger:
    """A change of a resource that may be an event. ``previous`` and ``current`` are search criteria, or empty.

    On a create the test of the previous state comes out as ``for_create`` says, on a delete that of the current as
    ``for_delete`` says.
    """

    resource: str
    interactions: frozenset[str] = INTERACTIONS
    previous: str = ""
    current: str = ""
    for_create: bool = True
    for_delete: bool = False
    require_both: bool = False
    fhirpath: str = ""


@dataclass(frozen=True, slots=True)
class EventTrigger:
    """Events of the log about resources of a type, as (system, code)."""

    resource: str
    events: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class CanFilterBy:
    """By what subscribers may narrow a topic. ``allowed``: comparators and modifiers; where empty, all there are."""

    parameter: str
    resource: str = ""
    definition: str = ""
    allowed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Shape:
    """What goes with a focus of a type: includes, reverse includes, and queries that a client may run."""

    resource: str
    includes: tuple[str, ...] = ()
    revincludes: tuple[str, ...] = ()
    queries: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. ``json`` is the SubscriptionTopic it was read from."""

    url: str
    version: str = ""
    status: str = "active"
    triggers: tuple[ResourceTrigger, ...] = ()
    events: tuple[EventTrigger, ...] = ()
    filters: tuple[CanFilterBy, ...] = ()
    shapes: tuple[Shape, ...] = ()
    json: JsonObject = field(default_factory=dict, compare=False, repr=False)

    @property
    def resources(self) -> frozenset[str]:
        """The types that a focus may have."""
        return frozenset([*(one.resource for one in self.triggers), *(one.resource for one in self.events)])

    def shape(self, resource: str) -> Shape:
        """What goes with a focus of this type."""
        return next((one for one in self.shapes if one.resource == resource), Shape(resource))


class Reading:
    """Reads a topic, and keeps what is wrong with it."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []

    def wrong(self, path: str, text: str, code: str = "value") -> None:
        self.issues.append(Issue(code, text, (f"SubscriptionTopic.{path}",)))

    def resource(self, value: object, path: str, needed: bool = True) -> str:
        """A resource type, named by itself or by the URL of its definition."""
        name = str(value or "").removeprefix(_DEFINITIONS)
        if name in definitions().resource_types or (not name and not needed):
            return name
        self.wrong(path, "A resource type of R4 is needed here", "value" if name else "required")
        return ""


def read_topic(json: JsonObject) -> tuple[Topic, list[Issue]]:
    """The topic in a SubscriptionTopic, and every issue with it; with an issue the topic is not whole."""
    reading = Reading()
    for name in ("url", "status"):
        if not json.get(name):
            reading.wrong(name, f"A topic needs a {name}", "required")
    triggers = [_trigger(reading, one, f"resourceTrigger[{n}]") for n, one in _items(json, "resourceTrigger")]
    events = [_event(reading, one, f"eventTrigger[{n}]") for n, one in _items(json, "eventTrigger")]
    if not triggers and not events:
        reading.wrong("resourceTrigger", "A topic needs a resourceTrigger or an eventTrigger", "required")
    topic = Topic(
        str(json.get("url", "")),
        str(json.get("version", "")),
        str(json.get("status", "")),
        tuple(triggers),
        tuple(events),
        tuple(_filter(reading, one, f"canFilterBy[{n}]") for n, one in _items(json, "canFilterBy")),
        tuple(
            _shape(reading, one, f"notificationShape[{n}]") for n, one in _items(json, "notificationShape")
        ),
        json,
    )
    return topic, reading.issues


def _items(json: JsonObject, name: str) -> Iterable[tuple[int, JsonObject]]:
    found = json.get(name) or ()
    return enumerate(one for one in found if isinstance(one, dict))


def _trigger(reading: Reading, json: JsonObject, path: str) -> ResourceTrigger:
    interactions = frozenset(json.get("supportedInteraction") or INTERACTIONS)
    if interactions - INTERACTIONS:
        reading.wrong(f"{path}.supportedInteraction", "A supportedInteraction is create, update or delete")
    query = json.get("queryCriteria") or {}
    return ResourceTrigger(
        reading.resource(json.get("resource"), f"{path}.resource"),
        interactions,
        str(query.get("previous", "")),
        str(query.get("current", "")),
        _result(reading, query, "resultForCreate", True, path),
        _result(reading, query, "resultForDelete", False, path),
        query.get("requireBoth") is True,
        str(json.get("fhirPathCriteria", "")),
    )


def _result(reading: Reading, query: JsonObject, name: str, otherwise: bool, path: str) -> bool:
    value = query.get(name)
    if value is not None and value not in _RESULTS:
        reading.wrong(f"{path}.queryCriteria.{name}", f"{name} is test-passes or test-fails")
    return _RESULTS.get(str(value), otherwise)


def _event(reading: Reading, json: JsonObject, path: str) -> EventTrigger:
    event = json.get("event") or {}
    codings = [(str(one.get("system", "")), str(one.get("code", ""))) for one in event.get("coding", ())]
    if not codings:
        reading.wrong(f"{path}.event", "The event is told by a coding", "required")
    return EventTrigger(reading.resource(json.get("resource"), f"{path}.resource"), frozenset(codings))


def _filter(reading: Reading, json: JsonObject, path: str) -> CanFilterBy:
    if not json.get("filterParameter"):
        reading.wrong(f"{path}.filterParameter", "A filterParameter is needed", "required")
    allowed = [*(json.get("comparator") or ()), *(json.get("modifier") or ())]
    return CanFilterBy(
        str(json.get("filterParameter", "")),
        reading.resource(json.get("resource"), f"{path}.resource", needed=False),
        str(json.get("filterDefinition", "")),
        frozenset("eq" if one == "=" else str(one) for one in allowed),
    )


def _shape(reading: Reading, json: JsonObject, path: str) -> Shape:
    return Shape(
        reading.resource(json.get("resource"), f"{path}.resource"),
        tuple(json.get("include") or ()),
        tuple(json.get("revInclude") or ()),
        tuple(one for one in json.get("extension") or () if "related-query" in str(one.get("url", ""))),
    )
