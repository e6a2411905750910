"""Webhooks: whose they are, whether they are new, which record they name."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.rest.ehr import make_inward
from adapters.rest.mapping import Signature
from adapters.rest.reading import load_mapping
from adapters.rest.webhook import Forged, Unreadable, Webhook, key_of, verify
from fhirserver.kernel.instants import FixedClock

KEY = Ed25519PrivateKey.generate()
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
AT = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


@pytest.fixture
def webhook() -> Webhook:
    mapping = load_mapping("elation")
    assert mapping.webhook is not None
    return Webhook(mapping.webhook, make_inward(mapping, {"practice": "1"}, FixedClock(AT)))


def event(**members: object) -> bytes:
    return json.dumps(
        {"event_id": 9, "resource": "patients", "action": "saved", "data": {"id": 12}, **members}
    ).encode()


def signed(body: bytes, key: Ed25519PrivateKey = KEY) -> dict[str, str]:
    return {"el8-ed25519-signature": base64.b64encode(key.sign(body)).decode()}


KEYS = [key_of("ed25519", PUBLIC)]


def test_a_signed_event_names_its_record(webhook):
    body = event()
    notice = webhook.read(signed(body), body, KEYS)
    assert (notice.event, notice.type, notice.id) == ("9", "Patient", "12")
    slot = event(resource="appointments", data={"id": 5, "time_slot_type": "appointment_slot"})
    assert webhook.read(signed(slot), slot, KEYS).type == "Slot"
    other = event(resource="letters")
    assert webhook.read(signed(other), other, KEYS).type == "", "of a kind that is not mapped"


def test_the_same_event_again_is_not_new(webhook):
    body = event()
    notice = webhook.read(signed(body), body, KEYS)
    assert webhook.is_new(notice)
    webhook.done(notice)
    assert not webhook.is_new(webhook.read(signed(body), body, KEYS))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"el8-ed25519-signature": "no base64!"},
        {"el8-ed25519-signature": "AAAA"},
        signed(event(), Ed25519PrivateKey.generate()),
        signed(event(event_id=10)),
    ],
)
def test_what_the_vendor_did_not_sign_is_refused(webhook, headers):
    with pytest.raises(Forged):
        webhook.read(headers, event(), KEYS)


def test_without_a_key_nothing_is_signed(webhook):
    body = event()
    for keys in ([], [b""], [key_of("ed25519", "rubbish!")]):
        with pytest.raises(Forged):
            webhook.read(signed(body), body, keys)


@pytest.mark.parametrize("body", [b"no json", b"[]", b'{"resource": "patients"}'])
def test_what_cannot_be_understood_is_said(webhook, body):
    with pytest.raises(Unreadable):
        webhook.read(signed(body), body, KEYS)


def test_hmac_with_a_time_is_refused_when_it_is_old():
    rules = Signature("hmac-sha256", "X-Signature", "hex", "sha256=", "X-Time")
    body, now = b"{}", AT.timestamp()

    def headers(at: float) -> dict[str, str]:
        stamp = f"{at:.0f}"
        made = hmac.new(b"secret", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {"x-signature": f"sha256={made}", "x-time": stamp}

    verify(rules, headers(now - 10), body, [b"other", b"secret"], now, 300)
    with pytest.raises(Forged, match="time"):
        verify(rules, headers(now - 1000), body, [b"secret"], now, 300)
    with pytest.raises(Forged, match="wrong"):
        verify(rules, {**headers(now - 10), "x-time": f"{now:.0f}"}, body, [b"secret"], now, 300)
    with pytest.raises(Forged, match="wrong"):
        verify(rules, headers(now), body, [b""], now, 300)
