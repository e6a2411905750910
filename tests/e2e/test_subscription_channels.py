"""Mails and messages from the write to the other side."""

from __future__ import annotations

import dataclasses

import pytest

from fhirserver.kernel.json import loads
from subscriptions.channels.mail import Smtp
from tests.facade import expressions, facade, patient
from tests.mail_server_process import MailServerProcess
from tests.subscriber_process import SubscriberProcess
from tests.subscribing import (
    ON_LOOPBACK,
    criteria_subscription,
    encounter,
    encounter_topic,
    eventually,
    numbers,
    status_of,
    topic_subscription,
)


@pytest.fixture
def mailbox(tmp_path):
    with MailServerProcess(tmp_path / "mail") as process:
        yield process


@pytest.fixture
def subscriber(tmp_path):
    with SubscriberProcess(tmp_path / "subscriber") as process:
        yield process


@pytest.fixture
async def server(tmp_path, mailbox):
    smtp = Smtp("127.0.0.1", mailbox.port, "none", "credence@clinic.example", attachments=True)
    async with facade(tmp_path, subscriptions=ON_LOOPBACK, smtp=smtp) as server:
        await server.admin.put(patient("p1"))
        await server.admin.put(encounter_topic())
        yield server


def over(subscription, type, payload):
    subscription["channel"] |= {"type": type, "payload": payload}
    return subscription


async def subscribed(client, subscription):
    answer = await client.post(subscription)
    assert answer.status_code == 201, answer.text
    id = answer.json()["id"]

    async def active():
        return (await client.get(f"Subscription/{id}")).json()["status"] == "active"

    await eventually(active)
    return id


async def finish(client, name):
    await client.put(encounter(name, "in-progress"))
    await client.put(encounter(name, "finished"))


def notification(mail):
    """The attached Bundle."""
    _, attachment = mail.iter_parts()
    return loads(attachment.get_content())


async def test_a_topic_by_mail_with_the_notification_attached(server, mailbox):
    wanted = topic_subscription("mailto:ana@clinic.example", content="id-only", max_count=1)
    id = await subscribed(server.ehr, over(wanted, "email", "text/plain;attach=application/fhir+json"))
    for name in ("e1", "e2"):
        await finish(server.ehr, name)
    mails = await eventually(lambda: len(mailbox.mails()) == 3 and mailbox.mails())
    assert [one.mail["X-Credence-Notification-Type"] for one in mails] == [
        "handshake",
        *["event-notification"] * 2,
    ]
    assert {one.mail["X-Credence-Subscription"] for one in mails} == {id}
    assert numbers([notification(one.mail) for one in mails]) == [1, 2]


async def test_r4_criteria_by_mail_without_any_content(server, mailbox):
    await subscribed(
        server.ehr,
        over(
            criteria_subscription("mailto:ana@clinic.example", "Patient?active=true"), "email", "text/plain"
        ),
    )
    await server.ehr.put(patient("p2", active=True))
    [came] = await eventually(mailbox.mails)
    assert not came.mail.is_multipart() and "Okafor" not in came.mail.as_string()


async def test_a_topic_by_messages(server, subscriber):
    await subscribed(
        server.ehr, over(topic_subscription(f"{subscriber.url}/fhir"), "message", "application/fhir+json")
    )
    await finish(server.ehr, "e1")
    came = await eventually(lambda: len(subscriber.received()) == 2 and subscriber.received())
    contents = [one.json["entry"][1]["resource"] for one in came]
    assert [one.path for one in came] == ["/fhir/$process-message"] * 2
    assert [status_of(one)["type"] for one in contents] == ["handshake", "event-notification"]
    assert numbers(contents) == [1]


@pytest.mark.parametrize(
    ("type", "endpoint", "payload", "where"),
    [
        (
            "email",
            "mailto:ana@clinic.example%0d%0aBcc:x@y.example",
            "text/plain",
            "Subscription.channel.endpoint",
        ),
        ("email", "https://clinic.example", "text/plain", "Subscription.channel.endpoint"),
        ("message", "http://169.254.169.254/fhir", "application/fhir+json", "Subscription.channel.endpoint"),
        ("rest-hook", "ftp://clinic.example", "application/fhir+json", "Subscription.channel.endpoint"),
        ("websocket", "https://clinic.example", "application/fhir+json", "Subscription.channel.endpoint"),
    ],
)
async def test_what_can_never_be_served_is_refused_at_the_write(server, type, endpoint, payload, where):
    answer = await server.ehr.post(
        over(criteria_subscription(endpoint, "Patient?active=true"), type, payload)
    )
    assert answer.status_code == 422 and where in expressions(answer)


async def test_without_a_mail_server_there_is_no_email(tmp_path):
    async with facade(tmp_path, subscriptions=dataclasses.replace(ON_LOOPBACK)) as server:
        wanted = over(
            criteria_subscription("mailto:ana@clinic.example", "Patient?active=true"), "email", "text/plain"
        )
        answer = await server.ehr.post(wanted)
        assert answer.status_code == 422 and "Subscription.channel.type" in expressions(answer)
