"""What tests of subscriptions have in common: Subscriptions, topics, and waiting for what a follower does."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from fhirserver.app.subscription_settings import SubscriptionSettings
from fhirserver.kernel.json import JsonObject
from tests.facade import Facade, facade

EXTENSION = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-"
ON_LOOPBACK = SubscriptionSettings(allow_private=True, allow_http=True, attempts=3, retry_cap=0.2)
PATIENCE = 20.0
ENCOUNTER_TOPIC = "http://example.org/topics/encounter-complete"


@contextlib.asynccontextmanager
async def subscribable(
    folder: Path, storage: str = "memory", chosen: SubscriptionSettings = ON_LOOPBACK
) -> AsyncIterator[Facade]:
    """A server that may send to this machine."""
    async with facade(folder, storage, subscriptions=chosen) as server:
        yield server


async def eventually(ask: Callable[[], Any | Awaitable[Any]], seconds: float = PATIENCE) -> Any:
    """What is asked for, once it is true; fails when it does not come to be."""
    until = time.monotonic() + seconds
    while True:
        found = ask()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        assert time.monotonic() < until, "it did not come to be"
        await asyncio.sleep(0.02)


def extension(name: str, **value: Any) -> JsonObject:
    """One of the backport's extensions: ``extension("max-count", valuePositiveInt=5)``."""
    return {"url": f"{EXTENSION}{name}", **value}


def topic_subscription(
    endpoint: str,
    topic: str = ENCOUNTER_TOPIC,
    content: str = "full-resource",
    filters: tuple[str, ...] = (),
    **more: Any,
) -> JsonObject:
    """A backport Subscription by rest-hook. ``more``: ``heartbeat``, ``max_count``, ``timeout``, ``id``, ``end``."""
    channel: JsonObject = {
        "type": "rest-hook",
        "endpoint": endpoint,
        "payload": "application/fhir+json",
        "_payload": {"extension": [extension("payload-content", valueCode=content)]},
    }
    limits = []
    if "heartbeat" in more:
        limits.append(extension("heartbeat-period", valueUnsignedInt=more.pop("heartbeat")))
    if "max_count" in more:
        limits.append(extension("max-count", valuePositiveInt=more.pop("max_count")))
    if "timeout" in more:
        limits.append(extension("timeout", valueUnsignedInt=more.pop("timeout")))
    if limits:
        channel["extension"] = limits
    made: JsonObject = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "a test",
        "criteria": topic,
        "channel": channel,
        **more,
    }
    if filters:
        made["_criteria"] = {"extension": [extension("filter-criteria", valueString=one) for one in filters]}
    return made


def criteria_subscription(endpoint: str, criteria: str, payload: str = "", **more: Any) -> JsonObject:
    """An R4 Subscription by rest-hook."""
    channel: JsonObject = {"type": "rest-hook", "endpoint": endpoint}
    if payload:
        channel["payload"] = payload
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "a test",
        "criteria": criteria,
        "channel": channel,
        **more,
    }


def encounter_topic(**more: Any) -> JsonObject:
    """A topic for encounters that come to be finished, after the backport's own example."""
    return {
        "resourceType": "SubscriptionTopic",
        "id": "encounter-complete",
        "url": ENCOUNTER_TOPIC,
        "status": "active",
        "resourceTrigger": [
            {
                "description": "An encounter was completed.",
                "resource": "Encounter",
                "supportedInteraction": ["create", "update"],
                "queryCriteria": {
                    "previous": "status:not=finished",
                    "resultForCreate": "test-passes",
                    "current": "status=finished",
                    "resultForDelete": "test-fails",
                    "requireBoth": True,
                },
            }
        ],
        "canFilterBy": [
            {"resource": "Encounter", "filterParameter": "patient"},
            {"resource": "Encounter", "filterParameter": "length", "modifier": ["gt", "lt"]},
        ],
        "notificationShape": [{"resource": "Encounter", "include": ["Encounter:patient"]}],
        **more,
    }


def encounter(id: str, status: str, patient: str = "p1", **more: Any) -> JsonObject:
    """An Encounter of a patient."""
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


def status_of(bundle: JsonObject) -> JsonObject:
    """The status of a notification: values by name, with its events as a list of such."""
    return _named(bundle["entry"][0]["resource"]["parameter"])


def _named(parts: list[JsonObject]) -> JsonObject:
    found: JsonObject = {"events": []}
    for part in parts:
        if part["name"] == "notification-event":
            found["events"].append(_named(part["part"]))
        else:
            found[part["name"]] = next(value for key, value in part.items() if key != "name")
    return found


def numbers(bundles: list[JsonObject]) -> list[int]:
    """The numbers of all events told, in order of arrival."""
    return [int(event["event-number"]) for one in bundles for event in status_of(one)["events"]]
