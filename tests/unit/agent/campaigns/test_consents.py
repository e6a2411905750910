"""What Consents permit and deny."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.campaigns.consents import CATEGORY, CHANNEL, PURPOSE, Said, consented

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def consent(type: str = "permit", **more: Any) -> dict[str, Any]:
    provision = {"type": type, **more.pop("provision", {})}
    return {
        "resourceType": "Consent",
        "status": "active",
        "category": [{"coding": [{"system": CATEGORY, "code": "outreach"}]}],
        "dateTime": "2026-01-01",
        "provision": provision,
        **more,
    }


def channel(*codes: str) -> dict[str, Any]:
    return {"code": [{"coding": [{"system": CHANNEL, "code": code}]} for code in codes]}


def purpose(code: str, system: str = PURPOSE) -> dict[str, Any]:
    return {"purpose": [{"system": system, "code": code}]}


@pytest.mark.parametrize(
    ("consents", "said"),
    [
        ([], Said.NOTHING),
        ([consent()], Said.PERMIT),
        ([consent("deny")], Said.DENY),
        ([consent(status="inactive")], Said.NOTHING),
        ([consent(status="draft")], Said.NOTHING),
        ([consent(status="rejected")], Said.DENY),
        ([consent(category=[{"coding": [{"system": "x", "code": "research"}]}])], Said.NOTHING),
        ([consent(provision=channel("sms"))], Said.PERMIT),
        ([consent(provision=channel("call"))], Said.NOTHING),
        ([consent(provision=channel("call", "sms"))], Said.PERMIT),
        ([consent(provision=purpose("confirm"))], Said.PERMIT),
        ([consent(provision=purpose("rebook"))], Said.NOTHING),
        ([consent(provision=purpose("TREAT", "http://terminology.hl7.org/x"))], Said.NOTHING),
        ([consent(provision={"period": {"end": "2026-11-30"}})], Said.NOTHING),
        ([consent(provision={"period": {"end": "2026-12-01"}})], Said.PERMIT),
        ([consent(provision={"period": {"end": "2026-12"}})], Said.PERMIT),
        ([consent(provision={"period": {"end": "2026"}})], Said.PERMIT),
        ([consent(provision={"period": {"end": "2025"}})], Said.NOTHING),
        ([consent(provision={"period": {"start": "2026-12-02"}})], Said.NOTHING),
        ([consent(provision={"provision": [{"type": "deny", **channel("sms")}]})], Said.DENY),
        ([consent(provision={"provision": [{"type": "deny", **channel("call")}]})], Said.PERMIT),
        ([consent("deny", provision={"provision": [{"type": "permit", **channel("sms")}]})], Said.PERMIT),
        ([consent(), consent("deny", dateTime="2026-02-01")], Said.DENY),
        ([consent(dateTime="2026-02-01"), consent("deny")], Said.PERMIT),
        ([consent(), consent("deny")], Said.DENY),
        ([consent(dateTime="2026-12-02")], Said.NOTHING),
        ([consent(provision=channel("sms"), dateTime="2026-05-01"), consent("deny")], Said.PERMIT),
    ],
)
def test_a_message_to_confirm(consents: list[dict[str, Any]], said: Said) -> None:
    assert consented(consents, "sms", "confirm", NOW) is said


def test_hearsay_permits_nothing_and_still_denies() -> None:
    url = "https://credence.health/fhir/StructureDefinition/confidence"
    meta = {"meta": {"extension": [{"url": url, "valueDecimal": Decimal("0.3")}]}}
    assert consented([consent(**meta)], "sms", "confirm", NOW) is Said.NOTHING
    assert consented([consent("deny", **meta)], "sms", "confirm", NOW) is Said.DENY


CONSENTS = st.builds(
    lambda type, status, code, date: consent(type, status=status, provision=channel(code), dateTime=date),
    st.sampled_from(["permit", "deny"]),
    st.sampled_from(["active", "inactive", "rejected"]),
    st.sampled_from(["sms", "call"]),
    st.sampled_from(["2026-01-01", "2026-02-01", "2026-03-01"]),
)


@given(st.lists(CONSENTS, max_size=6), st.randoms())
def test_the_order_in_which_they_are_found_does_not_matter(
    consents: list[dict[str, Any]], random: Any
) -> None:
    mixed = random.sample(consents, len(consents))
    assert consented(mixed, "sms", "confirm", NOW) is consented(consents, "sms", "confirm", NOW)


@given(st.lists(CONSENTS, max_size=6))
def test_a_denial_from_today_always_counts(consents: list[dict[str, Any]]) -> None:
    said = consented([*consents, consent("deny", dateTime="2026-12-01")], "sms", "confirm", NOW)
    assert said is Said.DENY
