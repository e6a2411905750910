"""What clients may write: refused where it could not be served, with the element named; the status is the server's."""

from __future__ import annotations

import pytest

from tests.facade import entry, expressions, facade, patient
from tests.subscribing import (
    ENCOUNTER_TOPIC,
    criteria_subscription,
    encounter_topic,
    eventually,
    extension,
    subscribable,
    topic_subscription,
)

HERE = "http://127.0.0.1:40009/hook"
CHANNEL = "Subscription.channel"


@pytest.fixture
async def server(tmp_path):
    async with subscribable(tmp_path) as server:
        await server.admin.put(encounter_topic())
        yield server


def changed(subscription, **channel):
    return {**subscription, "channel": {**subscription["channel"], **channel}}


OF_TOPIC = topic_subscription(HERE)


@pytest.mark.parametrize(
    ("subscription", "where"),
    [
        (topic_subscription(HERE, "http://example.org/topics/unknown"), ["Subscription.criteria"]),
        (criteria_subscription(HERE, "Patient?nme=x"), ["Subscription.criteria"]),
        (criteria_subscription(HERE, "Patient?birthdate=soon"), ["Subscription.criteria"]),
        (criteria_subscription(HERE, "Patient?_sort=name"), ["Subscription.criteria"]),
        (criteria_subscription(HERE, "Patent?name=x"), ["Subscription.criteria"]),
        (criteria_subscription(HERE, "nothing at all"), ["Subscription.criteria"]),
        (criteria_subscription("", "Patient"), [f"{CHANNEL}.endpoint"]),
        (criteria_subscription("gopher://x", "Patient"), [f"{CHANNEL}.endpoint"]),
        (changed(OF_TOPIC, type="sms"), [f"{CHANNEL}.type"]),
        (changed(OF_TOPIC, header=["Host: elsewhere"]), [f"{CHANNEL}.header"]),
        (
            changed(
                OF_TOPIC,
                _type={
                    "extension": [extension("channel-type", valueCoding={"system": "urn:x", "code": "zulip"})]
                },
            ),
            [f"{CHANNEL}.type.extension[0]"],
        ),
        (changed(OF_TOPIC, payload="application/fhir+xml"), [f"{CHANNEL}.payload"]),
        (changed(OF_TOPIC, payload="application/fhir+json; fhirVersion=4.3"), [f"{CHANNEL}.payload"]),
        (topic_subscription(HERE, content="everything"), [f"{CHANNEL}.payload.extension[0]"]),
        (topic_subscription(HERE, filters=("colour=red",)), ["Subscription.criteria.extension[0]"]),
        (
            changed(topic_subscription(HERE, "http://unknown", filters=()), type="sms", payload="text/plain"),
            ["Subscription.criteria", f"{CHANNEL}.type", f"{CHANNEL}.payload"],
        ),
    ],
)
async def test_what_could_not_be_served_is_refused_and_named(server, subscription, where):
    subscription = {**subscription, "channel": {k: v for k, v in subscription["channel"].items() if v != ""}}
    refused = await server.ehr.post(subscription)
    assert (refused.status_code, expressions(refused)) == (422, where), refused.text
    in_batch = await server.ehr.transaction(entry("POST", "Subscription", subscription))
    assert in_batch.status_code == 422
    paths = [path.removeprefix("Subscription.") for path in where]
    assert [one.partition("resource")[2].lstrip(".") or one for one in expressions(in_batch)] == paths, (
        expressions(in_batch)
    )
    assert await server.ehr.ids("Subscription") == []


async def test_loopback_is_refused_unless_a_setting_allows_it(tmp_path):
    async with facade(tmp_path) as server:
        refused = await server.ehr.post(criteria_subscription("https://127.0.0.1/hook", "Patient"))
        assert (refused.status_code, expressions(refused)) == (422, [f"{CHANNEL}.endpoint"])
        assert "loopback" in refused.text
        plain = await server.ehr.post(criteria_subscription("http://example.org/hook", "Patient"))
        assert "https" in plain.text and plain.status_code == 422


async def test_one_that_is_off_may_be_kept_though_it_could_not_be_served(server):
    off = {**topic_subscription(HERE, "http://unknown"), "status": "off"}
    assert (await server.ehr.post(off)).status_code == 201


async def stands(server, status):
    async def so():
        return (await server.ehr.get("Subscription/s")).json()["status"] == status

    await eventually(so)


async def test_a_patch_may_ask_again_but_not_make_it_active(server):
    await server.ehr.put({**criteria_subscription(HERE, "Patient"), "id": "s"})
    await stands(server, "active")

    async def patched(status, path="/status"):
        operations = [{"op": "replace", "path": path, "value": status}]
        return await server.ehr("PATCH", "Subscription/s", operations, "application/json-patch+json")

    assert (await patched("another", "/reason")).json()["status"] == "active"
    assert (await patched("off")).json()["status"] == "off"
    assert (await patched("active")).json()["status"] == "requested"
    await stands(server, "active")
    assert (await patched("error")).status_code == 422
    assert (await patched("Patient?nme=1", "/criteria")).status_code == 422
    moved = await patched(f"{HERE}/elsewhere", "/channel/endpoint")
    assert moved.json()["status"] == "requested"


async def test_a_source_with_little_confidence_can_stop_and_ask_again(server):
    """Whoever writes a Subscription, its status is not a matter of trust."""
    await server.ehr.put({**criteria_subscription(HERE, "Patient"), "id": "s"})
    await stands(server, "active")
    await server.lab.put({**criteria_subscription(HERE, "Patient"), "id": "s", "status": "off"})
    await stands(server, "off")
    await server.ehr.put({**criteria_subscription(HERE, "Patient"), "id": "s"})
    await stands(server, "active")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"url": None}, "url"),
        ({"status": None}, "status"),
        ({"resourceTrigger": None}, "resourceTrigger"),
        ({"resourceTrigger": [{"resource": "Encountre"}]}, "resourceTrigger[0].resource"),
        (
            {"resourceTrigger": [{"resource": "Encounter", "supportedInteraction": ["read"]}]},
            "resourceTrigger[0].supportedInteraction",
        ),
        (
            {"resourceTrigger": [{"resource": "Encounter", "queryCriteria": {"previous": "stats=x"}}]},
            "resourceTrigger[0].queryCriteria.previous",
        ),
        (
            {"resourceTrigger": [{"resource": "Encounter", "queryCriteria": {"resultForCreate": "maybe"}}]},
            "resourceTrigger[0].queryCriteria.resultForCreate",
        ),
        (
            {"resourceTrigger": [{"resource": "Encounter", "fhirPathCriteria": "status = "}]},
            "resourceTrigger[0].fhirPathCriteria",
        ),
        ({"canFilterBy": [{"resource": "Encounter"}]}, "canFilterBy[0].filterParameter"),
        ({"eventTrigger": [{"resource": "Encounter"}]}, "eventTrigger[0].event"),
    ],
)
async def test_a_topic_that_could_not_be_served_is_refused(server, change, where):
    topic = {name: value for name, value in {**encounter_topic(), **change}.items() if value is not None}
    refused = await server.admin.put(topic)
    assert (refused.status_code, expressions(refused)) == (422, [f"SubscriptionTopic.{where}"])


async def test_a_topic_is_served_as_one_and_as_a_basic(server):
    basic = (await server.ehr.get("Basic/encounter-complete")).json()
    assert basic["code"]["coding"] == [
        {"system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic"}
    ]
    assert "encounter-complete" in await server.ehr.ids(
        "Basic?code=http://hl7.org/fhir/fhir-types|SubscriptionTopic&_count=100"
    )
    answer = await server.ehr.get(f"SubscriptionTopic?url={ENCOUNTER_TOPIC}")
    (found,) = answer.json()["entry"]
    meta = found["resource"].pop("meta")
    assert found["resource"] == encounter_topic() and meta["versionId"] == "1"
    again = {**encounter_topic(), "title": "Another"}
    changed = await server.admin.put(again)
    assert changed.headers["content-location"].endswith("/SubscriptionTopic/encounter-complete/_history/2")
    assert (await server.ehr.get("SubscriptionTopic/encounter-complete")).json()["title"] == "Another"
    assert (await server.ehr.get("SubscriptionTopic?title=anoth")).json()["total"] == 1
    assert (await server.ehr.get("SubscriptionTopic?resource=Slot")).json()["total"] == 1
    assert (await server.ehr.get("SubscriptionTopic?colour=red")).status_code == 400
    assert (await server.admin("DELETE", "SubscriptionTopic/encounter-complete")).status_code == 204
    assert (await server.ehr.get("SubscriptionTopic/encounter-complete")).status_code == 410


async def test_what_is_no_topic_is_not_served_as_one(server):
    await server.ehr.put({"resourceType": "Basic", "id": "b", "code": {"text": "other"}})
    assert (await server.ehr.get("SubscriptionTopic/b")).status_code == 404
    assert (await server.admin("DELETE", "SubscriptionTopic/b")).status_code == 404
    wrong = await server.admin("PUT", "SubscriptionTopic/p", patient("p"))
    assert wrong.status_code == 400
    assert (await server.admin("PATCH", "SubscriptionTopic/b", [])).status_code == 405
    assert (await server.reader.put(encounter_topic())).status_code == 403


async def test_the_servers_own_topics_can_be_read_not_changed(server):
    topic = (await server.ehr.get("SubscriptionTopic/slot-freed")).json()
    assert topic["resourceTrigger"][0]["queryCriteria"]["current"] == "status=free"
    assert (await server.admin.put(topic)).status_code == 405
    assert (await server.admin("DELETE", "SubscriptionTopic/slot-freed")).status_code == 405


async def test_the_capability_statement_names_what_may_be_subscribed_to(server):
    statement = (await server.ehr.get("metadata")).json()
    (told,) = [one for one in statement["rest"][0]["resource"] if one["type"] == "Subscription"]
    topics = [one["valueCanonical"] for one in told["extension"]]
    assert ENCOUNTER_TOPIC in topics and "https://credence.health/fhir/SubscriptionTopic/slot-freed" in topics
    assert told["supportedProfile"] == [
        "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription"
    ]
    assert {one["name"] for one in told["operation"]} >= {"status", "events", "get-ws-binding-token"}
    await server.admin("DELETE", "SubscriptionTopic/encounter-complete")
    statement = (await server.ehr.get("metadata")).json()
    (told,) = [one for one in statement["rest"][0]["resource"] if one["type"] == "Subscription"]
    assert ENCOUNTER_TOPIC not in [one["valueCanonical"] for one in told["extension"]]


@pytest.mark.parametrize(
    ("resource", "status"),
    [
        ({"resourceType": "PractitionerRole", "code": [{"text": "GP"}]}, 201),
        ({"resourceType": "Basic", "code": "x"}, 422),
        ({"resourceType": "Basic", "code": {"coding": ["x"]}}, 422),
    ],
    ids=["a list", "a text", "a list of texts"],
)
async def test_what_is_no_topic_is_taken_for_none_whatever_its_code_is(server, resource, status):
    made = entry("POST", resource["resourceType"], resource)
    answer = await server.admin.transaction(made)
    assert answer.status_code == (200 if status == 201 else status), answer.text
