"""Subscriptions from the write to the subscriber, which is a process of its own that speaks HTTP."""

from __future__ import annotations

import pytest

from tests.facade import expressions, patient
from tests.subscriber_process import SubscriberProcess
from tests.subscribing import (
    criteria_subscription,
    encounter,
    encounter_topic,
    eventually,
    numbers,
    status_of,
    subscribable,
    topic_subscription,
)


@pytest.fixture
def subscriber(tmp_path):
    with SubscriberProcess(tmp_path / "subscriber") as process:
        yield process


@pytest.fixture
async def server(tmp_path):
    async with subscribable(tmp_path) as server:
        await server.admin.put(patient("p1"))
        await server.admin.put(encounter_topic())
        yield server


async def subscribed(client, subscription):
    """The id of a Subscription that is active."""
    answer = await client.post(subscription)
    assert answer.status_code == 201, answer.text
    id = answer.json()["id"]

    async def active():
        return (await client.get(f"Subscription/{id}")).json()["status"] == "active"

    await eventually(active)
    return id


def notified(subscriber, path="/", kind="event-notification"):
    return [one.json for one in subscriber.received(path) if one.body and status_of(one.json)["type"] == kind]


async def test_a_topic_subscription_is_handshaken_and_told_of_events_in_order(server, subscriber):
    id = await subscribed(server.ehr, topic_subscription(f"{subscriber.url}/a"))
    (handshake,) = notified(subscriber, kind="handshake")
    assert status_of(handshake)["events-since-subscription-start"] == "0"
    await server.ehr.put(encounter("e1", "in-progress"))
    await server.ehr.put(encounter("e1", "finished"))
    await server.ehr.put(encounter("e1", "finished", reasonCode=[{"text": "again"}]))  # it was already
    await server.ehr.put(encounter("e2", "finished"))
    await eventually(lambda: numbers(notified(subscriber)) == [1, 2])
    first = notified(subscriber)[0]
    assert first["type"] == "history"
    status = status_of(first)
    assert status["subscription"]["reference"].endswith(f"Subscription/{id}")
    assert status["events"][0]["focus"]["reference"].endswith("/Encounter/e1")
    focus, more = first["entry"][1], first["entry"][-1]
    assert focus["resource"]["status"] == "finished" and "reasonCode" not in focus["resource"]
    assert focus["request"] == {"method": "PUT", "url": "Encounter/e1"}
    assert more["resource"]["resourceType"] == "Patient" and more["request"]["method"] == "GET"


async def test_r4_criteria_without_payload_are_a_post_of_nothing(server, subscriber):
    await subscribed(server.ehr, criteria_subscription(f"{subscriber.url}/r4", "Patient?gender=female"))
    await server.ehr.put(patient("a", gender="male"))
    await server.ehr.put(patient("b", gender="female"))
    await eventually(lambda: subscriber.received("/r4"))
    (hook,) = subscriber.received("/r4")
    assert (hook.method, hook.body, hook.path) == ("POST", b"", "/r4")


async def test_r4_criteria_with_payload_put_the_resource_at_its_place(server, subscriber):
    subscription = criteria_subscription(
        f"{subscriber.url}/r4", "Patient?gender=female", "application/fhir+json"
    )
    await subscribed(server.ehr, subscription)
    await server.ehr.put(patient("b", gender="female"))
    await eventually(lambda: subscriber.received("/r4"))
    (hook,) = subscriber.received("/r4")
    assert (hook.method, hook.path) == ("PUT", "/r4/Patient/b")
    assert hook.json["gender"] == "female"


async def test_what_is_empty_or_id_only_holds_no_resource(server, subscriber):
    for content in ("empty", "id-only"):
        await subscribed(server.ehr, topic_subscription(f"{subscriber.url}/{content}", content=content))
    await server.ehr.put(encounter("e1", "finished"))
    await eventually(lambda: notified(subscriber, "/empty") and notified(subscriber, "/id-only"))
    (empty,), (ids,) = notified(subscriber, "/empty"), notified(subscriber, "/id-only")
    assert len(empty["entry"]) == 1 and "focus" not in status_of(empty)["events"][0]
    assert [one.get("resource") for one in ids["entry"][1:]] == [None, None]
    assert status_of(ids)["events"][0]["focus"]["reference"].endswith("Encounter/e1")
    assert b"finished" not in subscriber.received("/id-only")[-1].body


async def test_filters_let_through_what_they_say(server, subscriber):
    await server.ehr.put(patient("p2"))
    filters = ("Encounter?patient=Patient/p2",)
    await subscribed(server.ehr, topic_subscription(f"{subscriber.url}/f", filters=filters))
    await server.ehr.put(encounter("e1", "finished", "p1"))
    await server.ehr.put(encounter("e2", "finished", "p2"))
    await eventually(lambda: notified(subscriber, "/f"))
    (told,) = notified(subscriber, "/f")
    assert told["entry"][1]["resource"]["id"] == "e2"


async def test_events_wait_for_a_subscriber_that_fails_and_come_in_order(server, subscriber):
    id = await subscribed(server.ehr, topic_subscription(f"{subscriber.url}/a", max_count=2))
    subscriber.fault("status", status=503, path="/a")
    for number in range(5):
        await server.ehr.put(encounter(f"e{number}", "finished"))

    async def status():
        return (await server.ehr.get(f"Subscription/{id}")).json()

    async def in_error():
        return (await status())["status"] == "error"

    await eventually(in_error)
    assert (await status())["error"]
    asked = (await server.ehr.get(f"Subscription/{id}/$status")).json()
    told = status_of(asked)
    assert (told["status"], told["events-since-subscription-start"]) == ("error", "5")
    assert told["lag-events"] == 5 and told["lag-seconds"] > 0
    subscriber.heal()

    def taken():
        return numbers([one.json for one in subscriber.received("/a") if one.status == 200])

    await eventually(lambda: taken() == [1, 2, 3, 4, 5])

    async def active():
        return (await status())["status"] == "active"

    await eventually(active)
    assert "error" not in await status()
    assert all(len(status_of(one)["events"]) <= 2 for one in notified(subscriber))


async def test_a_subscription_is_off_and_comes_back_when_it_is_asked_for_again(server, subscriber):
    subscription = {**topic_subscription(f"{subscriber.url}/a"), "id": "s1"}
    assert (await server.ehr.put(subscription)).json()["status"] == "requested"

    async def stands(status):
        return (await server.ehr.get("Subscription/s1")).json()["status"] == status

    await eventually(lambda: stands("active"))
    await server.ehr.put({**subscription, "status": "off"})
    await server.ehr.put(encounter("unseen", "finished"))
    await server.ehr.put(subscription)
    await eventually(lambda: stands("active"))
    await server.ehr.put(encounter("seen", "finished"))
    await eventually(lambda: notified(subscriber))
    assert [one["entry"][1]["resource"]["id"] for one in notified(subscriber)] == ["seen"]
    assert len(notified(subscriber, kind="handshake")) == 2


async def test_one_that_says_it_is_gone_is_off(server, subscriber):
    id = await subscribed(server.ehr, topic_subscription(f"{subscriber.url}/a"))
    subscriber.fault("status", status=410, path="/a")
    await server.ehr.put(encounter("e1", "finished"))

    async def off():
        return (await server.ehr.get(f"Subscription/{id}")).json()["status"] == "off"

    await eventually(off)


async def test_a_subscription_ends_when_it_said(server, subscriber):
    answer = await server.ehr.post(topic_subscription(f"{subscriber.url}/a", end="2020-12-31T12:00:00Z"))

    async def off():
        return (await server.ehr.get(f"Subscription/{answer.json()['id']}")).json()["status"] == "off"

    await eventually(off)


async def test_silence_is_filled_with_heartbeats(server, subscriber):
    await subscribed(server.ehr, topic_subscription(f"{subscriber.url}/a", heartbeat=1))
    await eventually(lambda: len(notified(subscriber, kind="heartbeat")) >= 2)
    assert status_of(notified(subscriber, kind="heartbeat")[0])["status"] == "active"


async def test_events_of_the_past_are_told_again(server, subscriber):
    id = await subscribed(server.ehr, topic_subscription(f"{subscriber.url}/a", content="empty"))
    for number in range(1, 5):
        await server.ehr.put(encounter(f"e{number}", "finished"))
    await eventually(lambda: len(numbers(notified(subscriber))) == 4)
    asked = "eventsSinceNumber=2&eventsUntilNumber=3&content=full-resource"
    again = (await server.ehr.get(f"Subscription/{id}/$events?{asked}")).json()
    assert status_of(again)["type"] == "query-event"
    assert numbers([again]) == [2, 3]
    assert [one["resource"]["id"] for one in again["entry"][1:3]] == ["e2", "e3"]


async def test_a_merge_is_an_event_of_the_log(server, subscriber):
    topic = "https://credence.health/fhir/SubscriptionTopic/patient-merged"
    await subscribed(server.ana, topic_subscription(f"{subscriber.url}/m", topic))
    await server.ehr.put(patient("p2"))
    merge = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "source-patient", "valueReference": {"reference": "Patient/p2"}},
            {"name": "target-patient", "valueReference": {"reference": "Patient/p1"}},
        ],
    }
    answer = await server.ana("POST", "Patient/$merge", merge)
    assert answer.status_code == 200, answer.text
    await eventually(lambda: notified(subscriber, "/m"))
    assert status_of(notified(subscriber, "/m")[0])["events"][0]["focus"]["reference"].endswith("Patient/p1")


async def test_what_its_owner_may_not_read_is_not_sent(server, subscriber):
    """The principal 'writer' may subscribe and not read: it learns that something happened, and nothing more."""
    topical = {**topic_subscription(f"{subscriber.url}/t"), "id": "t"}
    plain = {**criteria_subscription(f"{subscriber.url}/r", "Encounter", "application/fhir+json"), "id": "r"}
    for subscription in (topical, plain):
        assert (await server.writer.put(subscription)).status_code == 201
    await server.ehr.put(encounter("a-visit", "finished"))
    await eventually(lambda: notified(subscriber, "/t"))
    (told,) = notified(subscriber, "/t")
    assert len(told["entry"]) == 1
    assert status_of(told)["events"][0].keys() == {"events", "event-number", "timestamp"}
    assert b"a-visit" not in subscriber.received("/t")[-1].body

    async def taken():
        return status_of((await server.admin.get("Subscription/r/$status")).json())["lag-events"] == 0

    await eventually(taken)
    assert subscriber.received("/r") == []
    again = (await server.admin.get("Subscription/t/$events")).json()
    assert status_of(again)["events"][0]["focus"]["reference"].endswith("Encounter/a-visit")


async def test_how_one_stands_is_told_to_its_owner_and_who_looks_after_all(server, subscriber):
    mine = await subscribed(server.ehr, topic_subscription(f"{subscriber.url}/a"))
    for path in ("$status", "$events", "$get-ws-binding-token"):
        assert (await server.lab.get(f"Subscription/{mine}/{path}")).status_code == 403, path
    assert (await server.ana.get(f"Subscription/{mine}/$status")).status_code == 200
    assert (await server.lab.get("Subscription/$status")).json().get("entry", []) == []
    assert len((await server.ehr.get("Subscription/$status")).json()["entry"]) == 1


async def test_one_that_hangs_or_is_down_delays_no_other(server, subscriber):
    hangs = {**topic_subscription(f"{subscriber.url}/hangs", timeout=30), "id": "hangs"}
    await server.ehr.put(hangs)
    await server.ehr.put({**topic_subscription("http://127.0.0.1:40009/down"), "id": "down"})
    await subscribed(server.ehr, topic_subscription(f"{subscriber.url}/quick"))
    subscriber.fault("hang", path="/hangs")
    for number in range(20):
        await server.ehr.put(encounter(f"e{number}", "finished"))
        await eventually(lambda: len(numbers(notified(subscriber, "/quick"))) == number + 1, 5)  # noqa: B023
    (told,) = (await server.ehr.get("Subscription/$status?id=hangs")).json()["entry"]
    assert status_of({"entry": [told]})["lag-events"] == 20


async def test_the_status_of_several_is_asked_on_the_type(server, subscriber):
    for id, status in (("a", "requested"), ("b", "off"), ("c", "requested")):
        await server.ehr.put({**topic_subscription(f"{subscriber.url}/{id}"), "id": id, "status": status})

    async def told(query):
        answer = await server.ehr.get(f"Subscription/$status?{query}")
        assert answer.status_code == 200, answer.text
        found = [status_of({"entry": [one]}) for one in answer.json().get("entry", ())]
        return [(one["subscription"]["reference"][-1], one["status"]) for one in found]

    async def active():
        return await told("status=active") == [("a", "active"), ("c", "active")]

    await eventually(active)
    assert await told("") == [("a", "active"), ("b", "off"), ("c", "active")]
    assert await told("id=a,b&status=off") == [("b", "off")]
    assert (await server.ehr.get("Subscription/$status?status=happy")).status_code == 400
    assert (await server.ehr.get("Subscription/$status?id=none")).status_code == 404
    assert (await server.ehr.get("Subscription/none/$events")).status_code == 404
    assert (await server.ehr.get("Subscription/a/$events?eventsSinceNumber=x")).status_code == 400
    assert (await server.ehr.get("Subscription/a/$events?content=all")).status_code == 400


async def test_what_was_sent_carries_its_number_its_key_and_a_signature(server, subscriber):
    id = await subscribed(server.ehr, topic_subscription(f"{subscriber.url}/a"))
    await server.ehr.put(encounter("e1", "finished"))
    await eventually(lambda: notified(subscriber))
    sent = subscriber.received("/a")[-1].headers
    assert sent["x-credence-subscription"] == id and sent["x-credence-event-number"] == "1"
    assert sent["idempotency-key"] and sent["x-credence-signature"]


async def test_a_client_cannot_say_that_it_is_active(server, subscriber):
    answer = await server.ehr.post({**topic_subscription(f"{subscriber.url}/a"), "status": "active"})
    assert answer.json()["status"] == "requested"
    refused = await server.ehr.post({**topic_subscription(f"{subscriber.url}/a"), "status": "error"})
    assert (refused.status_code, expressions(refused)) == (422, ["Subscription.status"])
