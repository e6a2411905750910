"""What an EHR's notifications say: only which records to look at. Their content is never believed.

https://hl7.org/fhir/R4/subscription.html#2.46.7, https://hl7.org/fhir/uv/subscriptions-backport/notifications.html
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.fhir.bundles import reference
from adapters.fhir.exchange import member, members
from fhirserver.kernel.json import InvalidJson, JsonObject, loads, too_deep

EVENT, HANDSHAKE, HEARTBEAT = "event-notification", "handshake", "heartbeat"


class InvalidNotice(ValueError):
    """The body is no notification; the message says why, without content."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification. ``number`` counts events since the subscription's start, where it is told.

    ``references`` are type and id of what has changed; empty where that is not told.
    """

    kind: str = EVENT
    subscription: str = ""
    number: int | None = None
    references: tuple[tuple[str, str], ...] = ()


def read_notice(method: str, path: str, body: bytes) -> Notice:
    """A notification from its request; ``path`` is what follows the endpoint's own address.

    R4 sends an empty POST, or writes the resource to ``endpoint/Type/id``; the backport sends a Bundle.
    Raises :class:`InvalidNotice`.
    """
    named = reference(path)
    if named is not None and method in ("PUT", "DELETE"):
        return Notice(references=(named,))
    if not body.strip():
        return Notice()
    content = _content(body)
    if content.get("resourceType") != "Bundle":
        found = reference(f"{content.get('resourceType', '')}/{content.get('id', '')}")
        return Notice(references=(found,) if found else ())
    return _of_bundle(content)


def _content(body: bytes) -> JsonObject:
    try:
        content = loads(body)
    except InvalidJson as error:
        raise InvalidNotice(str(error)) from None
    if too_deep(body) or not isinstance(content, dict) or not isinstance(content.get("resourceType"), str):
        raise InvalidNotice("the body is not a FHIR resource")
    return content


def _of_bundle(bundle: JsonObject) -> Notice:
    entries = members(bundle, "entry")
    status = member(entries[0], "resource") if entries else {}
    if status.get("resourceType") == "SubscriptionStatus":
        said = status
    elif status.get("resourceType") == "Parameters":
        said = _said(status)
    else:
        raise InvalidNotice("the first entry is no status of a subscription")
    kind = str(said.get("type", EVENT))
    texts = [*said["focus"], *_of_entries(entries[1:])] if "focus" in said else _of_r5(said, entries[1:])
    found = dict.fromkeys(each for text in texts if (each := reference(text)))
    number = said.get("eventsSinceSubscriptionStart", said.get("eventsInNotification"))
    return Notice(kind, str(member(said, "subscription").get("reference", "")), _number(number), tuple(found))


def _said(parameters: JsonObject) -> JsonObject:
    """The status in a Parameters resource, in the names of SubscriptionStatus."""
    said: JsonObject = {"focus": []}
    for each in members(parameters, "parameter"):
        name, value = each.get("name"), _value(each)
        if name == "notification-event":
            for part in members(each, "part"):
                if part.get("name") in ("focus", "additional-context"):
                    said["focus"].append(str(member(part, "valueReference").get("reference", "")))
        elif name == "events-since-subscription-start":
            said["eventsSinceSubscriptionStart"] = value
        elif name in ("type", "subscription"):
            said[name] = value
    return said


def _of_r5(status: JsonObject, entries: list[JsonObject]) -> list[str]:
    """https://hl7.org/fhir/R5/subscriptionstatus.html"""
    events = members(status, "notificationEvent")
    focus = [str(member(event, "focus").get("reference", "")) for event in events]
    return [*focus, *_of_entries(entries)]


def _of_entries(entries: list[JsonObject]) -> list[str]:
    """What the further entries are about: the records, and what belongs to them."""
    texts = [str(entry.get("fullUrl", "")) for entry in entries]
    return [*texts, *(str(member(entry, "request").get("url", "")) for entry in entries)]


def _value(parameter: JsonObject) -> object:
    return next((value for name, value in parameter.items() if name.startswith("value")), None)


def _number(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
