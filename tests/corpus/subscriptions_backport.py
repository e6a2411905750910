"""The examples of the subscriptions backport: Subscriptions and topics are accepted, notifications have their form.

A server and a subscriber run as processes. Each Subscription is sent as it is, once its topic is there; each example
of a notification is compared, name by name and type by type, with what the server sent in the same case.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.validation import validate
from tests.corpus.fsh import aliases_of, instances
from tests.corpus.suite import Case
from tests.server_process import ServerProcess
from tests.subscriber_process import SubscriberProcess
from tests.subscribing import status_of, topic_subscription

SETTINGS = "\n[subscriptions]\nallow_private = true\nallow_http = true\n"
TOPIC = "http://fhirserver.org/topics/patient-admission"
_NOTIFICATIONS = {
    "empty": "empty_notification_bundle_example.json",
    "id-only": "id_only_notification_bundle_example.json",
    "full-resource": "full_resource_notification_bundle_example.json",
}
_SECONDS = 30.0


def run(folder: Path) -> Iterator[Case]:
    """One case per example."""
    with tempfile.TemporaryDirectory(prefix="credence-backport-") as data:
        server = ServerProcess(Path(data) / "server", settings=SETTINGS)
        subscriber = SubscriberProcess(Path(data) / "subscriber")
        with (
            server,
            subscriber,
            httpx.Client(base_url=server.base, headers=server.headers, timeout=60) as client,
        ):
            yield from _topics(folder, client)
            yield from _subscriptions(folder, client)
            yield from _notifications(folder, client, subscriber)


def _topic(url: str) -> JsonObject:
    return {
        "resourceType": "SubscriptionTopic",
        "id": f"admission-{abs(hash(url)) % 10**8}",
        "url": url,
        "status": "active",
        "resourceTrigger": [{"resource": "Encounter", "supportedInteraction": ["create"]}],
        "canFilterBy": [{"resource": "Encounter", "filterParameter": "patient"}],
    }


def _topics(folder: Path, client: httpx.Client) -> Iterator[Case]:
    """The two of the guide: a SubscriptionTopic and a Basic. Parameters that R4 does not have must be named."""
    common = (folder / "backport-ig" / "Common.fsh").read_text()
    text = (folder / "backport-ig" / "BackportTopics.fsh").read_text()
    for name, type, content in instances(text, {**aliases_of(common), **aliases_of(text)}):
        answer = client.put(f"/{type}/{content['id']}", json=content)
        passed = answer.status_code in (200, 201)
        again = client.get(f"/SubscriptionTopic/{content['id']}").json() if passed else {}
        triggers = again.get("resourceTrigger") or [{}]
        criteria = "queryCriteria" in triggers[0] and "fhirPathCriteria" in triggers[0]
        yield f"{name} ({type})", passed and criteria, answer.text[:300]


def _subscriptions(folder: Path, client: httpx.Client) -> Iterator[Case]:
    for path in sorted(folder.glob("*ubscription_*.json")):
        subscription = loads(path.read_bytes())
        if subscription["resourceType"] != "Subscription":
            continue
        topic = _topic(subscription["criteria"])
        client.put(f"/SubscriptionTopic/{topic['id']}", json=topic).raise_for_status()
        if "_type" in subscription["channel"]:
            yield from _unknown_channel(path.name, client, subscription)
            del subscription["channel"]["_type"]
        answer = client.post("/Subscription", json=subscription)
        stored = answer.json()
        kept = all(
            stored.get(name) == subscription[name] for name in ("criteria", "_criteria", "channel", "end")
        )
        yield path.name, answer.status_code == 201 and kept, answer.text[:300]


def _unknown_channel(name: str, client: httpx.Client, subscription: JsonObject) -> Iterator[Case]:
    """The guide: "A server SHALL reject the subscription request if a client requests an unsupported channel"."""
    answer = client.post("/Subscription", json=subscription)
    where = [issue.get("expression") for issue in answer.json().get("issue", ())]
    right = answer.status_code == 422 and where == [["Subscription.channel.type.extension[0]"]]
    yield f"{name}: a channel that is not supported is rejected", right, answer.text[:300]


def _notifications(folder: Path, client: httpx.Client, subscriber: SubscriberProcess) -> Iterator[Case]:
    topic = _topic(TOPIC)
    client.put(f"/SubscriptionTopic/{topic['id']}", json=topic).raise_for_status()
    for content in _NOTIFICATIONS:
        subscription = topic_subscription(f"{subscriber.url}/{content}", TOPIC, content, heartbeat=1)
        answer = client.put(f"/Subscription/{content}", json={**subscription, "id": content})
        answer.raise_for_status()
    _wait(lambda: all(_sent(subscriber, content, "heartbeat") for content in _NOTIFICATIONS))
    visit = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR"}
    encounter: JsonObject = {"resourceType": "Encounter", "status": "in-progress", "class": visit}
    client.post("/Encounter", json=encounter).raise_for_status()
    _wait(lambda: all(_sent(subscriber, content, "event-notification") for content in _NOTIFICATIONS))
    for kind, file in (("handshake", "handshake"), ("heartbeat", "heartbeat")):
        yield _compared(folder / f"{file}_bundle_example.json", _sent(subscriber, "id-only", kind)[0])
    for content, name in _NOTIFICATIONS.items():
        yield _compared(folder / name, _sent(subscriber, content, "event-notification")[0])
    status = loads(client.get("/Subscription/id-only/$status").content)
    example = loads((folder / "subscription_status_example.json").read_bytes())
    theirs, ours = _shape(_without_events(example)), _shape(status)
    lacking = sorted(theirs - ours)
    yield "subscription_status_example.json", not lacking and not _errors(status), f"lacks {lacking[:5]}"


def _without_events(bundle: JsonObject) -> JsonObject:
    """The status without the event that the guide's example shows; R4 leaves it to the server."""
    parameters = bundle["entry"][0]["resource"]
    parameters["parameter"] = [one for one in parameters["parameter"] if one["name"] != "notification-event"]
    return bundle


def _wait(ask: Callable[[], Any]) -> None:
    until = time.monotonic() + _SECONDS
    while not ask():
        assert time.monotonic() < until, "a notification did not come"
        time.sleep(0.05)


def _sent(subscriber: SubscriberProcess, path: str, kind: str) -> list[JsonObject]:
    bundles = [loads(one.body) for one in subscriber.received(f"/{path}")]
    return [one for one in bundles if status_of(one)["type"] == kind]


def _compared(path: Path, ours: JsonObject) -> Case:
    """Whether ours has all that the example has, and is a valid Bundle."""
    example = loads(path.read_bytes())
    lacking = sorted(_shape(example) - _shape(ours))
    errors = _errors(ours)
    return path.name, not lacking and not errors, f"lacks {lacking[:5]}; errors {errors[:3]}"


def _errors(resource: JsonObject) -> list[str]:
    return [issue.diagnostics for issue in validate(resource) if issue.severity == "error"]


def _shape(bundle: JsonObject) -> set[str]:
    """Every path of a bundle, parameters by name and type; of what it is about, only that it is there."""
    found: set[str] = {f"type={bundle['type']}"}
    for number, entry in enumerate(bundle["entry"]):
        at = f"entry[{min(number, 1)}]"
        found |= {f"{at}.{name}" for name in entry}
        found |= {f"{at}.request.{name}" for name in entry.get("request", {})}
        found |= {f"{at}.response.{name}" for name in entry.get("response", {})}
        if entry.get("resource", {}).get("resourceType") == "Parameters":
            found |= set(_parameters(entry["resource"]["parameter"], f"{at}.resource"))
            found |= {f"{at}.{profile}" for profile in entry["resource"]["meta"]["profile"]}
    return found | {f"meta.{profile}" for profile in bundle.get("meta", {}).get("profile", ())}


def _parameters(parameters: list[JsonObject], at: str) -> Iterator[str]:
    for one in parameters:
        kinds = [name for name in one if name.startswith("value")]
        yield f"{at}.{one['name']} {''.join(kinds)}"
        yield from _parameters(one.get("part", []), f"{at}.{one['name']}")
