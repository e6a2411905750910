"""Did it hold? Everything is read from the EHR's own log of accepted writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WRITEBACK = "https://credence.health/fhir/identifier/writeback"
MEMBER_ID = "W987654321"
NEW_PHONE = "8675309"


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
