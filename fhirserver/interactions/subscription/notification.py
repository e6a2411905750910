"""Notifications in R4's form: a history Bundle whose first entry is the status as a Parameters.

https://hl7.org/fhir/uv/subscriptions-backport/notifications.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from fhirserver.interactions.exchange import Context
from fhirserver.interactions.subscription.record import Event, Lag
from fhirserver.interactions.subscription.sight import Sight
from fhirserver.interactions.subscription.topic import Shape, Topic
from fhirserver.interactions.subscription.vocabulary import NOTIFICATION_PROFILE, STATUS_PROFILE
from fhirserver.interactions.subscription.wanted import Wanted
from fhirserver.kernel.ids import new_id
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.storage import Key, Version
from fhirserver.search.expression import Query
from fhirserver.search.parse import parse

_METHODS: Final = {"create": "POST", "update": "PUT", "delete": "DELETE"}
_ANSWERS: Final = {"create": "201", "update": "200", "delete": "204"}
ERROR_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/subscription-error"


@dataclass(frozen=True, slots=True)
class Happening:
    """An event with what may be told of it. ``focus`` is None where the reader may not see it."""

    event: Event
    focus: Version | None = None
    context: tuple[Version, ...] = ()
    shape: Shape = field(default_factory=lambda: Shape(""))


async def happenings(sight: Sight, topic: Topic | None, of: Sequence[Event]) -> list[Happening]:
    """The events with their focus as it was then and what goes with it as it is now, as far as they may be seen."""
    found = []
    for event in of:
        focus = await sight.focus(event)
        if focus is None:
            found.append(Happening(event))
            continue
        shape = topic.shape(event.type) if topic else Shape(event.type)
        found.append(Happening(event, focus, await _beside(sight, shape, focus), shape))
    return found


async def _beside(sight: Sight, shape: Shape, focus: Version) -> tuple[Version, ...]:
    query = shape_query(sight.context, shape)
    return () if query is None or focus.deleted else await sight.beside(query, focus)


def shape_query(context: Context, shape: Shape) -> Query | None:
    """The includes of a shape as the search has them; those that it does not know are left out.

    R4B's ``Encounter:patient&iterate=Patient.link`` is an include and one more that iterates.
    """
    pairs: list[tuple[str, str]] = []
    for name, values in (("_include", shape.includes), ("_revinclude", shape.revincludes)):
        for value in values:
            first, *rest = value.split("&")
            pairs.append((name, _include(shape, first, name)))
            pairs += [(f"{name}:iterate", one.partition("=")[2].replace(".", ":")) for one in rest]
    known = [pair for pair in pairs if _understood(context, shape.resource, [pair])]
    return _parsed(context, shape.resource, known) if known else None


def _include(shape: Shape, value: str, name: str) -> str:
    return value if ":" in value or name == "_revinclude" else f"{shape.resource}:{value}"


def _understood(context: Context, type: str, pairs: list[tuple[str, str]]) -> bool:
    try:
        _parsed(context, type, pairs)
    except Refusal:
        return False
    return True


def _parsed(context: Context, type: str, pairs: list[tuple[str, str]]) -> Query:
    known = context.store.parameters.current
    return parse(type, pairs, base=context.base_url, terminology=context.terminology, known=known)


def versions_told(of: Sequence[Happening], content: str) -> list[Version]:
    """The versions that a notification of these events names or holds, each once."""
    if content == "empty":
        return []
    told = [version for one in of if one.focus is not None for version in (one.focus, *one.context)]
    return list({version[:3]: version for version in told}.values())


# --- the status


def status_parameters(
    context: Context,
    wanted: Wanted,
    kind: str,
    number: int,
    of: Sequence[Happening] = (),
    content: str = "empty",
    lag: Lag | None = None,
) -> JsonObject:
    """The status of a subscription as a Parameters of the backport's profile."""
    base = context.base_url
    given: list[JsonObject] = [
        {"name": "subscription", "valueReference": {"reference": f"{base}/Subscription/{wanted.id}"}}
    ]
    if wanted.topic:
        given.append({"name": "topic", "valueCanonical": wanted.topic})
    given.append({"name": "status", "valueCode": wanted.status})
    given.append({"name": "type", "valueCode": kind})
    given.append({"name": "events-since-subscription-start", "valueString": str(number)})
    given += [_event(base, one, content) for one in of]
    if wanted.error and wanted.status in ("error", "off"):
        given.append({"name": "error", "valueCodeableConcept": _error(wanted.error)})
    if lag is not None:
        given.append({"name": "lag-events", "valueInteger": lag.events})
        given.append({"name": "lag-seconds", "valueDecimal": Decimal(str(round(lag.seconds, 3)))})
    return {
        "resourceType": "Parameters",
        "id": new_id(),
        "meta": {"profile": [STATUS_PROFILE]},
        "parameter": given,
    }


def _error(text: str) -> JsonObject:
    return {"coding": [{"system": ERROR_SYSTEM, "code": "no-response"}], "text": text}


def _event(base: str, one: Happening, content: str) -> JsonObject:
    parts: list[JsonObject] = [
        {"name": "event-number", "valueString": str(one.event.number)},
        {"name": "timestamp", "valueInstant": one.event.recorded},
    ]
    if content != "empty" and one.focus is not None:
        parts.append({"name": "focus", "valueReference": _reference(base, one.focus)})
        parts += [
            {"name": "additional-context", "valueReference": _reference(base, more)} for more in one.context
        ]
        parts += [_related(base, one, query) for query in one.shape.queries]
    return {"name": "notification-event", "part": parts}


def _reference(base: str, version: Version) -> JsonObject:
    return {"reference": f"{base}/{version.type}/{version.id}"}


def _related(base: str, one: Happening, query: JsonObject) -> JsonObject:
    """A query that a client may run, with ``[id]`` filled in."""
    parts: list[JsonObject] = []
    for extension in query.get("extension") or ():
        if extension.get("url") == "queryType":
            parts.append({"name": "query-type", "valueCoding": extension.get("valueCoding", {})})
        elif extension.get("url") == "query":
            text = str(extension.get("valueString", "")).replace("[id]", one.event.id)
            parts.append({"name": "query", "valueString": text})
    return {"name": "related-query", "part": parts}


# --- the bundle


def notification(
    context: Context,
    wanted: Wanted,
    kind: str,
    number: int,
    of: Sequence[Happening] = (),
    content: str = "",
) -> JsonObject:
    """A notification bundle. ``kind`` is ``handshake``, ``heartbeat``, ``event-notification`` or ``query-event``."""
    base, content = context.base_url, content or wanted.content
    status = status_parameters(context, wanted, kind, number, of, content)
    entries: list[JsonObject] = [
        {
            "fullUrl": f"urn:uuid:{status['id']}",
            "resource": status,
            "request": {"method": "GET", "url": f"{base}/Subscription/{wanted.id}/$status"},
            "response": {"status": "200"},
        }
    ]
    return {
        "resourceType": "Bundle",
        "id": new_id(),
        "meta": {"profile": [NOTIFICATION_PROFILE]},
        "type": "history",
        "timestamp": context.store.now(),
        "entry": [*entries, *(_entries(base, of, content) if content != "empty" else ())],
    }


def _entries(base: str, of: Sequence[Happening], content: str) -> list[JsonObject]:
    """Each focus as it was at its event, then what goes with them, each once."""
    focused = [_focus_entry(base, one, one.focus, content) for one in of if one.focus is not None]
    told = {Key(one.focus.type, one.focus.id) for one in of if one.focus is not None}
    more: dict[Key, Version] = {}
    for one in of:
        more.update({Key(each.type, each.id): each for each in one.context})
    others = [version for key, version in more.items() if key not in told]
    return [*focused, *(_context_entry(base, one, content) for one in others)]


def _focus_entry(base: str, one: Happening, focus: Version, content: str) -> JsonObject:
    kind, place = one.event.interaction, f"{focus.type}/{focus.id}"
    entry: dict[str, Any] = {"fullUrl": f"{base}/{place}"}
    if content == "full-resource" and not focus.deleted:
        entry["resource"] = loads(focus.content)
    entry["request"] = {"method": _METHODS[kind], "url": focus.type if kind == "create" else place}
    entry["response"] = _response(_ANSWERS[kind], focus)
    return entry


def _response(status: str, version: Version) -> JsonObject:
    return {"status": status, "etag": f'W/"{version.version}"', "lastModified": version.recorded}


def _context_entry(base: str, version: Version, content: str) -> JsonObject:
    place = f"{version.type}/{version.id}"
    entry: dict[str, Any] = {"fullUrl": f"{base}/{place}"}
    if content == "full-resource":
        entry["resource"] = loads(version.content)
    return {**entry, "request": {"method": "GET", "url": place}, "response": _response("200", version)}
