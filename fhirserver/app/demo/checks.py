"""Did it hold? Everything is read from the EHR's own log of accepted writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from fhirserver.app.demo.world import World

WRITEBACK = "https://credence.health/fhir/identifier/writeback"
MEMBER_ID = "W987654321"
NEW_PHONE = "8675309"
PAYER = "Aetna"
GROUP = "4455"
AGENT = "urn:credence:source:voice-agent"
_ZONE = ZoneInfo("America/New_York")
_MONDAY, _THURSDAY = 0, 3
_GREETING, _REPLY_P95, _BARGE_IN = 1.0, 2.5, 1.0
"""Seconds that no machine should need; what was measured is shown."""
_CALM, _UPSET = -0.1, -0.3


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that had to hold, whether it did, and what was seen."""

    text: str
    held: bool
    seen: str


def below_gate_before_approval(writes: Sequence[dict[str, Any]]) -> Check:
    """Before the operator's approval the EHR must not have heard of the insurance."""
    found = [write for write in writes if write["type"] == "Coverage"]
    return Check("The insurance is not in the EHR before it is approved", not found, f"{len(found)} writes")


def final_checks(writes: Sequence[dict[str, Any]], moved_to: str, old_start: str) -> list[Check]:
    """The confirmed changes once each, nothing else."""
    booked = [w for w in writes if w["type"] == "Appointment" and w["method"] == "POST"]
    cancelled = [w for w in writes if w["type"] == "Appointment" and w["method"] == "PUT"]
    coverages = [w for w in writes if w["type"] == "Coverage"]
    keys = Counter(
        key for w in writes if w["method"] == "POST" for key in w["identifiers"] if WRITEBACK in key
    )
    twice = [key for key, times in keys.items() if times > 1]
    others = [w for w in writes if w["type"] not in ("Appointment", "Coverage")]
    return [
        Check("The new appointment was written once", _is(booked, moved_to, "booked"), _times(booked)),
        Check(
            "The old appointment was cancelled once",
            _is(cancelled, old_start, "cancelled"),
            _times(cancelled),
        ),
        Check("The approved insurance was written once", _is_coverage(coverages), _times(coverages)),
        Check(
            "No write arrived twice, though connections were cut after success",
            not twice,
            f"{len(twice)} repeated",
        ),
        Check(
            "Nothing below a gate: the new phone number was not written",
            not _mentions(writes),
            "searched every body",
        ),
        Check("Nothing else was written", not others, f"{len(others)} other writes"),
    ]


def heard_checks(world: World, moved_to: str, old: dict[str, Any]) -> list[Check]:
    """What was said on the call is right in the world: as it was written, before anybody verified it."""
    status = world.read(f"Appointment/{old['id']}")["status"]
    coverages = [
        world.read(f"Coverage/{one['id']}/_history/1") for one in world.search("Coverage", _source=AGENT)
    ]
    seen = [
        f"{_payer(one)} {one.get('subscriberId')}, group {_group(one)}, {_confidence(one)}"
        for one in coverages
    ]
    right = [f"{PAYER} {MEMBER_ID}, group {GROUP}, 0.5"]
    new = datetime.fromisoformat(moved_to).astimezone(_ZONE)
    before = datetime.fromisoformat(old["start"]).astimezone(_ZONE)
    asked = new.weekday() == _MONDAY and new.hour < 12 and before.weekday() == _THURSDAY
    return [
        Check("Thursday's appointment is on a Monday morning now", asked, f"{new:%A %H:%M}"),
        Check("The old appointment is cancelled in the world", status == "cancelled", status),
        Check("The insurance came into the world as it was said, at 0.5", seen == right, "; ".join(seen)),
    ]


def latency_checks(figures: dict[str, Any], felt: Sequence[tuple[float, str]]) -> list[Check]:
    """The call as its recording has it, and the mood as it was heard."""
    replies, barge_ins = sorted(figures["replies"]), figures["barge_ins"]
    slow = replies[min(round(len(replies) * 0.95), len(replies) - 1)] if replies else 99.0
    greeting = figures["greeting"]
    lowest = min((valence for valence, _ in felt), default=0.0)
    first = felt[0][0] if felt else -1.0
    return [
        Check(
            "The greeting was heard at once", greeting is not None and greeting < _GREETING, f"{greeting} s"
        ),
        Check("Every reply came soon", slow < _REPLY_P95, f"{len(replies)} replies, p95 {slow:.2f} s"),
        Check(
            "Spoken over, the agent stopped",
            bool(barge_ins) and max(barge_ins) < _BARGE_IN,
            ", ".join(f"{one:.2f} s" for one in barge_ins) or "not spoken over",
        ),
        Check(
            "The voice was heard to become upset",
            first > _CALM and lowest <= _UPSET,
            f"valence {first:+.2f} at first, {lowest:+.2f} at the lowest",
        ),
    ]


def _confidence(resource: dict[str, Any]) -> str:
    return str(resource["meta"]["extension"][0]["valueDecimal"])


def _payer(coverage: dict[str, Any]) -> str:
    return str(coverage.get("payor", [{}])[0].get("display", ""))


def _group(coverage: dict[str, Any]) -> str:
    return str(coverage.get("class", [{}])[0].get("value", ""))


def _is(writes: Sequence[dict[str, Any]], start: str, status: str) -> bool:
    return len(writes) == 1 and (writes[0]["body"].get("start"), writes[0]["body"]["status"]) == (
        start,
        status,
    )


def _is_coverage(writes: Sequence[dict[str, Any]]) -> bool:
    return len(writes) == 1 and writes[0]["body"].get("subscriberId") == MEMBER_ID


def _mentions(writes: Sequence[dict[str, Any]]) -> bool:
    return any(NEW_PHONE in str(write["body"]).replace("-", "") for write in writes)


def _times(writes: Sequence[dict[str, Any]]) -> str:
    return f"{len(writes)} write{'s' if len(writes) != 1 else ''}"
