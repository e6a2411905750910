"""message: the notification as a FHIR message to the subscriber's `$process-message`.

The Bundle of type `message` has a MessageHeader, whose `focus` is the notification Bundle, and that Bundle as it is.
The MessageHeader's id is the same at every attempt, as the receiver's sign that it has the message already.

https://hl7.org/fhir/R4/messaging.html, https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#fhir-messaging
"""

from __future__ import annotations

import uuid
from typing import Final

from fhirserver.kernel.instants import Clock, SystemClock, instant
from fhirserver.kernel.json import InvalidJson, JsonObject, dumps, loads
from fhirserver.model.xml import InvalidXml, read_xml
from subscriptions.channels.channel import Delivery, Target, Undeliverable
from subscriptions.channels.form import JSON, XML, in_form, is_xml, media_of, resource_of
from subscriptions.channels.rest_hook import endpoint_with
from subscriptions.channels.sending import Sender

EVENT: Final = "https://credence.health/fhir/MessageDefinition/subscription-notification"
OPERATION: Final = "$process-message"
_NAMES: Final = uuid.UUID("3b1c8f1e-5a0e-4f52-9d7a-6f0f6c1f6d11")


class Message:
    """Delivers FHIR messages by HTTP. ``source`` is this server's FHIR base, which the MessageHeader names."""

    def __init__(self, sender: Sender, source: str, clock: Clock | None = None):
        self._sender, self._source, self._clock = sender, source, clock or SystemClock()

    def refusal(self, target: Target) -> str | None:
        if media_of(target.content_type) not in (*XML, *JSON, ""):
            return "the payload of a message is application/fhir+json or application/fhir+xml"
        return self._sender.refusal(target.endpoint, target.headers)

    def discloses(self, target: Target) -> bool:
        return True

    async def deliver(self, delivery: Delivery) -> None:
        target = delivery.target
        why = self.refusal(target)
        if why is not None:
            raise Undeliverable(why, retryable=False)
        message = message_of(delivery, self._source, instant(self._clock.now()))
        media = media_of(target.content_type) or JSON[0]
        body = in_form(dumps(message), media)
        url = endpoint_with(target.endpoint, OPERATION)
        _check_response(await self._sender.send(delivery, "POST", url, body, media))

    async def close(self) -> None:
        await self._sender.close()


def message_of(delivery: Delivery, source: str, now: str) -> JsonObject:
    """The message Bundle around what is delivered, or the MessageHeader alone. ``now`` is an instant."""
    header, content = (f"urn:uuid:{uuid.uuid5(_NAMES, delivery.key + part)}" for part in ("", "#content"))
    entries = [{"fullUrl": header, "resource": _header(delivery, header, content, source)}]
    if delivery.body:
        entries.append({"fullUrl": content, "resource": resource_of(delivery.body)})
    return {
        "resourceType": "Bundle",
        "id": str(uuid.uuid4()),
        "type": "message",
        "timestamp": now,
        "entry": entries,
    }


def _header(delivery: Delivery, header: str, content: str, source: str) -> JsonObject:
    return {
        "resourceType": "MessageHeader",
        "id": header.removeprefix("urn:uuid:"),
        "eventUri": EVENT,
        "destination": [{"endpoint": delivery.target.endpoint}],
        "source": {"name": "Credence", "endpoint": source},
        "reason": {"text": delivery.kind},
        **({"focus": [{"reference": content}]} if delivery.body else {}),
    }


def _check_response(answer: bytes) -> None:
    """Raises Undeliverable where the answer is a message that says that ours was not processed.

    https://hl7.org/fhir/R4/valueset-response-code.html
    """
    code = _response_code(answer)
    if code == "transient-error":
        raise Undeliverable("its response message says 'transient-error'", retryable=True)
    if code == "fatal-error":
        raise Undeliverable("its response message says 'fatal-error'", retryable=False)


def _response_code(answer: bytes) -> str:
    try:
        said = read_xml(answer) if is_xml(answer) else loads(answer)
        return str(said["entry"][0]["resource"]["response"]["code"])
    except (InvalidJson, InvalidXml, KeyError, IndexError, TypeError):
        return ""
