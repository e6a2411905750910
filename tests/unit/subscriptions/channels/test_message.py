"""message: FHIR messages to a subscriber that is a process of its own."""

from __future__ import annotations

import dataclasses

import pytest

from fhirserver.kernel.json import dumps, loads
from fhirserver.model.validation import validate
from fhirserver.model.xml import read_xml, write_xml
from subscriptions.channels.channel import Delivery, Target, Undeliverable
from subscriptions.channels.message import EVENT, Message
from subscriptions.channels.sending import Sender
from tests.contracts.channel_contract import PHI, ChannelContract
from tests.unit.subscriptions.channels.conftest import LOOPBACK
from tests.unit.subscriptions.channels.test_rest_hook import SECRET, Hook

BASE = "https://credence.example/fhir"
NOTIFICATION = {
    "resourceType": "Bundle",
    "id": PHI,
    "type": "history",
    "timestamp": "2026-11-28T12:00:00.000Z",
}


class Endpoint(Hook):
    """The subscriber process with a FHIR base."""

    def target(self, **changes: object) -> Target:
        target = Target(
            "s1", "message", f"{self.process.url}/fhir", content_type="application/fhir+json", secret=SECRET
        )
        return dataclasses.replace(target, **changes)  # type: ignore[arg-type]

    def delivery(self, number: int, **of_target: object) -> Delivery:
        body, target = dumps(NOTIFICATION), self.target(**of_target)
        return Delivery(target, body, "application/fhir+json", number, "event-notification", f"s1-{number}")

    def bad_targets(self) -> list[Target]:
        return [*super().bad_targets(), self.target(content_type="text/plain")]


@pytest.fixture
async def channel():
    channel = Message(Sender(LOOPBACK), BASE)
    yield channel
    await channel.close()


@pytest.fixture
def other_side(subscriber):
    return Endpoint(subscriber)


class TestMessage(ChannelContract):
    """The contract."""


async def test_a_notification_is_wrapped_as_messaging_has_it(channel, other_side):
    await channel.deliver(other_side.delivery(3))
    [came] = other_side.process.received()
    assert (came.method, came.path) == ("POST", "/fhir/$process-message")
    message = loads(came.body)
    assert [issue for issue in validate(message) if issue.severity == "error"] == []
    header, content = (entry["resource"] for entry in message["entry"])
    assert message["type"] == "message" and header["eventUri"] == EVENT
    assert header["source"]["endpoint"] == BASE
    assert header["destination"] == [{"endpoint": f"{other_side.process.url}/fhir"}]
    assert header["focus"] == [{"reference": message["entry"][1]["fullUrl"]}]
    assert content == NOTIFICATION


async def test_xml_where_it_is_asked_for_from_either_form(channel, other_side):
    target = other_side.target(content_type="application/fhir+xml")
    for body, media in (
        (dumps(NOTIFICATION), "application/fhir+json"),
        (write_xml(NOTIFICATION), "application/fhir+xml"),
    ):
        await channel.deliver(Delivery(target, body, media, 3, "event-notification", "s1-3"))
    for came in other_side.process.received():
        assert came.headers["content-type"] == "application/fhir+xml"
        assert read_xml(came.body)["entry"][1]["resource"] == NOTIFICATION


async def test_what_has_no_content_is_a_header_alone(channel, other_side):
    """An R4 subscription that asked for no payload."""
    await channel.deliver(
        Delivery(other_side.target(content_type=""), b"", "", 3, "event-notification", "s1-3")
    )
    [came] = other_side.process.received()
    message = loads(came.body)
    assert [issue for issue in validate(message) if issue.severity == "error"] == []
    [header] = (entry["resource"] for entry in message["entry"])
    assert header["resourceType"] == "MessageHeader" and "focus" not in header


async def test_attempts_at_one_delivery_are_one_message(channel, other_side):
    for number in (1, 1, 2):
        await channel.deliver(other_side.delivery(number))
    messages = [loads(came.body) for came in other_side.process.received()]
    headers = [message["entry"][0]["resource"]["id"] for message in messages]
    assert headers[0] == headers[1] != headers[2]
    assert len({message["id"] for message in messages}) == 3


def response(code: str) -> dict[str, object]:
    header = {"resourceType": "MessageHeader", "response": {"identifier": "x", "code": code}}
    return {"resourceType": "Bundle", "type": "message", "entry": [{"resource": header}]}


@pytest.mark.parametrize("render", [dumps, write_xml])
async def test_the_response_message_is_heard(channel, other_side, render):
    for code, retryable in (("transient-error", True), ("fatal-error", False)):
        other_side.process.fault("status", status=200, body=render(response(code)).decode())
        with pytest.raises(Undeliverable, match=code) as caught:
            await channel.deliver(other_side.delivery(1))
        assert caught.value.retryable is retryable
    other_side.process.fault("status", status=200, body=render(response("ok")).decode())
    await channel.deliver(other_side.delivery(1))


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", "<x/>", "<", '{"entry":[]}', '{"entry":{"0":1}}', "null", "1"]
)
async def test_any_other_answer_of_2xx_is_that_it_was_taken(channel, other_side, body):
    other_side.process.fault("status", status=202, body=body)
    await channel.deliver(other_side.delivery(1))
