"""What a client may say of Subscriptions and topics: found sound at the write, and the status is the server's.

A client asks for (``requested``) or stops (``off``) a Subscription; that it is active or in error is found out by the
server. https://hl7.org/fhir/R4/subscription-definitions.html#Subscription.status
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Final

from fhirserver.access.guarded import GuardedStore
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.subscription.sight import check_permitted
from fhirserver.interactions.subscription.topic import read_topic
from fhirserver.interactions.subscription.topic_form import is_topic, topic_of
from fhirserver.interactions.subscription.trigger import interest_of, understood
from fhirserver.interactions.subscription.vocabulary import CONTENTS, PAYLOAD_CONTENT
from fhirserver.interactions.subscription.wanted import Wanted, read_subscription
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse

Patch = Callable[[JsonObject], JsonObject]
TYPES: Final = frozenset({"Subscription", "Basic"})
_FHIR_JSON: Final = ("application/fhir+json", "application/json")
_BY_SERVER: Final = frozenset({"active", "error"})


async def governed(context: Context, content: JsonObject) -> JsonObject:
    """The content as it may be stored. Refuses (422) what could not be served, naming the element."""
    if content.get("resourceType") not in TYPES:
        return content
    await ready(context)
    return governed_now(context, content)


async def ready(context: Context) -> None:
    """Know the topics and search parameters there are now."""
    await context.topics.refresh()
    await context.store.parameters.refresh()
    await context.conformance.catch_up()


async def governing(context: Context, type: str, change: Patch) -> Patch:
    """A patch whose result is governed, whatever it is made on."""
    if type in TYPES:
        await ready(context)
    return governing_now(context, type, change)


def governing_now(context: Context, type: str, change: Patch) -> Patch:
    """As :func:`governing`, on what is known already."""
    if type not in TYPES:
        return change
    # A patch may change what it is made on in place.
    return lambda before: governed_now(context, change(copy.deepcopy(before)), before)


def governed_now(context: Context, content: JsonObject, before: JsonObject | None = None) -> JsonObject:
    """As :func:`governed`, on what is known already. ``before``: what a patch was made on."""
    if content.get("resourceType") == "Subscription":
        return _subscription(context, content, before)
    if is_topic(content):
        check_topic(context, topic_of(content))
    return content


def check_topic(context: Context, topic: JsonObject) -> None:
    """Refuse (422) a topic that could not be served."""
    read, issues = read_topic(topic)
    if issues:
        raise Refusal(Category.UNPROCESSABLE, issues)
    understood(context, read)


def _subscription(context: Context, content: JsonObject, before: JsonObject | None) -> JsonObject:
    wanted = read_subscription(content, context.base_url)
    stated = _status(wanted, before, context.base_url)
    if stated != "off":
        _check(context, wanted)
    made = {name: value for name, value in content.items() if stated != "requested" or name != "error"}
    return {**made, "status": stated}


def _status(wanted: Wanted, before: JsonObject | None, base: str) -> str:
    """The status that is stored: ``active`` and ``error`` are kept where they are, and never given by a client."""
    if wanted.status not in _BY_SERVER:
        return wanted.status
    if before is not None and before.get("status") == wanted.status:
        same = read_subscription(before, base).asks == wanted.asks
        return wanted.status if same else "requested"
    if wanted.status == "error":
        text = "That a Subscription is in error is found out by the server; ask for it with 'requested'"
        raise refuse(Category.UNPROCESSABLE, "business-rule", text, "Subscription.status")
    return "requested"


def _check(context: Context, wanted: Wanted) -> None:
    issues = [*context.channels.issues(wanted), *_payload(wanted)]
    interest = None
    try:
        interest = interest_of(context, wanted, context.topics.find(wanted.topic) if wanted.topic else None)
    except Refusal as refusal:
        issues = [*refusal.issues, *issues]
    if interest is not None and isinstance(context.store, GuardedStore):
        check_permitted(context.store, interest)
    if issues:
        raise Refusal(Category.UNPROCESSABLE, issues)


def _payload(wanted: Wanted) -> list[Issue]:
    issues = []
    mime = wanted.mime.partition(";")[0].strip().lower()
    if wanted.content not in CONTENTS:
        text = f"{PAYLOAD_CONTENT.rpartition('/')[2]} is {', '.join(CONTENTS)}"
        issues.append(Issue("value", text, ("Subscription.channel.payload.extension[0]",)))
    if mime and mime not in _FHIR_JSON and wanted.channel != "email":
        text = "Notifications are application/fhir+json"
        issues.append(Issue("not-supported", text, ("Subscription.channel.payload",)))
    version = _parameter(wanted.mime, "fhirversion")
    if version and not version.startswith("4.0"):
        text = "Notifications are of FHIR 4.0"
        issues.append(Issue("not-supported", text, ("Subscription.channel.payload",)))
    return issues


def _parameter(mime: str, name: str) -> str:
    for part in mime.split(";")[1:]:
        key, _, value = part.strip().partition("=")
        if key.lower() == name:
            return value.strip('"')
    return ""
