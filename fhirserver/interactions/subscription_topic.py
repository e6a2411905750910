"""``SubscriptionTopic`` under R4: topics in the shape of R4B and R5, kept as Basic (ADR 14).

https://hl7.org/fhir/uv/subscriptions-backport/components.html#subscription-topics-in-r4
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from fhirserver.access.principals import require
from fhirserver.interactions.bundles import bundle, search_entry
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.subscription.governing import check_topic
from fhirserver.interactions.subscription.topic_form import basic_of, is_topic, topic_of
from fhirserver.interactions.subscription.vocabulary import TOPIC_TYPE
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.search.values import fold

Dispatch = Callable[[Context, Request], Awaitable[Result]]
_OF_THE_EDGE: Final = frozenset({"_format", "_pretty", "_count", "_summary"})


async def subscription_topic(context: Context, request: Request, dispatch: Dispatch) -> Result:
    """Read, search, create, update or delete a topic. What it becomes is written and read as a Basic."""
    if request.operation or request.compartment is not None:
        raise refuse(Category.NOT_FOUND, "not-supported", "There is nothing at this URL", "http.url")
    if request.method in ("GET", "HEAD") and not request.id:
        require(request.principal, "read")
        return await _search(context, request)
    basic = replace(request, type="Basic", body=await _body(context, request))
    if request.id and request.method != "PUT":
        await _refuse_other(context, request)
    return _as_topic(await dispatch(context, basic))


async def _body(context: Context, request: Request) -> JsonObject | None:
    """The topic of a write as a Basic."""
    if request.method in ("GET", "HEAD", "DELETE"):
        return None
    if request.method not in ("POST", "PUT"):
        refusal = refuse(Category.NOT_ALLOWED, "not-supported", "A topic is stated whole", "http.method")
        refusal.headers["Allow"] = "GET, HEAD, POST, PUT, DELETE"
        raise refusal
    topic = request.json()
    if topic.get("resourceType") != TOPIC_TYPE:
        text = f"The URL says {TOPIC_TYPE}, the body another resourceType"
        raise refuse(Category.INVALID, "invalid", text, "resourceType")
    check_topic(context, topic)
    return basic_of(topic)


async def _refuse_other(context: Context, request: Request) -> None:
    """Refuse (404) a Basic that is something else."""
    version = await context.store.read("Basic", request.id)
    if version is not None and version.content and not is_topic(loads(version.content)):
        raise refuse(Category.NOT_FOUND, "not-found", f"{TOPIC_TYPE}/{request.id} is not known", TOPIC_TYPE)


def _as_topic(result: Result) -> Result:
    """The answer about a Basic as one about a topic."""
    if result.body:
        json = loads(result.body)
        if isinstance(json, dict) and is_topic(json):
            result.body = dumps(topic_of(json))
    for name in ("Location", "Content-Location"):
        if name in result.headers:
            result.headers[name] = result.headers[name].replace("/Basic/", f"/{TOPIC_TYPE}/")
    return replace(result, version=None)


async def _search(context: Context, request: Request) -> Result:
    """The topics that fit, all on one page: there are few."""
    await context.topics.refresh()
    found = context.topics.resources()
    for name, value in request.params:
        if name in _OF_THE_EDGE:
            continue
        test = _SEARCHED.get(name)
        if test is None:
            raise _unknown(name)
        found = [one for one in found if any(test(one, part) for part in value.split(","))]
    entries = [
        search_entry(f"{context.base_url}/{TOPIC_TYPE}/{one['id']}", dumps(one), b"match") for one in found
    ]
    return Result(
        200, bundle("searchset", entries, [("self", f"{context.base_url}/{TOPIC_TYPE}")], len(found))
    )


def _unknown(name: str) -> Refusal:
    known = ", ".join(sorted(_SEARCHED))
    text = f"{TOPIC_TYPE} has no search parameter '{name[:64]}'; it has: {known}"
    return refuse(Category.INVALID, "not-supported", text, f"http.{name[:64]}")


def _triggered_by(topic: JsonObject, type: str) -> bool:
    triggers = [*(topic.get("resourceTrigger") or ()), *(topic.get("eventTrigger") or ())]
    return any(str(one.get("resource", "")).rpartition("/")[2] == type for one in triggers)


_SEARCHED: Final[dict[str, Callable[[JsonObject, str], bool]]] = {
    "_id": lambda topic, value: topic.get("id") == value,
    "url": lambda topic, value: topic.get("url") == value,
    "version": lambda topic, value: topic.get("version") == value,
    "status": lambda topic, value: topic.get("status") == value,
    "title": lambda topic, value: fold(str(topic.get("title", ""))).startswith(fold(value)),
    "name": lambda topic, value: fold(str(topic.get("name", ""))).startswith(fold(value)),
    "resource": _triggered_by,
}
