"""The latest calls and conversations, with what is worth knowing of each before it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fhirserver.console.call_outcome import Quality, escalation, quality
from fhirserver.console.call_view import clock
from fhirserver.console.desk import Desk
from fhirserver.console.sessions import Session
from fhirserver.interactions.people import name_of
from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject

PAGE = 50
_MODES = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
_MEDIUM = ("medium", ",".join(f"{_MODES}|{code}" for code in ("PHONE", "WRITTEN", "SMSWRIT", "ONLINEWRIT")))


@dataclass(frozen=True, slots=True)
class Listed:
    """A call in few words; what is not known is empty."""

    id: str
    sent: str
    kind: str
    status: str
    caller: str
    patient: str
    name: str
    about: str
    lasted: str

    @property
    def who(self) -> str:
        return self.name or self.caller or "number withheld"


@dataclass(frozen=True, slots=True)
class Row:
    """A call in the list."""

    call: Listed
    quality: Quality | None
    escalated: bool
    recorded: bool


async def listed(desk: Desk, call: JsonObject) -> Listed:
    """What a Communication says of the call."""
    patient = str(call.get("subject", {}).get("reference", ""))
    known = patient.startswith("Patient/")
    sent, received = str(call.get("sent", "")), str(call.get("received", ""))
    return Listed(
        call["id"],
        sent,
        next((str(one["text"]) for one in call.get("category", ()) if one.get("text")), "Call"),
        str(call.get("status", "")),
        str(call.get("sender", {}).get("display", "")),
        patient.partition("/")[2] if known else "",
        await name_of(desk.context.store, patient) if known else "",
        str(call.get("topic", {}).get("text", "")),
        _lasted(sent, received) if call.get("status") == "completed" else "",
    )


def _lasted(sent: str, received: str) -> str:
    try:
        return clock((parse_instant(received) - parse_instant(sent)).total_seconds())
    except (ValueError, TypeError):
        return ""


async def rows(desk: Desk, session: Session, before: str) -> list[Row]:
    """The latest calls, of those begun before ``before`` (empty: of all). Raises what the search refuses."""
    past = [("sent", f"lt{before}")] if before else []
    params = [_MEDIUM, ("_sort", "-sent"), ("_count", str(PAGE)), *past]
    calls = await desk.search(session, "Communication", *params)
    if not calls:
        return []
    them = ",".join(f"Communication/{one['id']}" for one in calls)
    judged = _by_call(
        await desk.search(session, "MeasureReport", ("evaluated-resource", them)), "evaluatedResource"
    )
    asked = _by_call(await desk.search(session, "Task", ("focus", them)), "focus")
    recordings = desk.context.recordings
    return [
        Row(
            await listed(desk, call),
            next((found for one in judged.get(call["id"], ()) if (found := quality(one))), None),
            any(escalation(one) for one in asked.get(call["id"], ())),
            recordings is not None and recordings.file(call["id"]) is not None,
        )
        for call in calls
    ]


def _by_call(resources: Sequence[JsonObject], element: str) -> Mapping[str, Sequence[JsonObject]]:
    """Resources by the id of the call that their element names."""
    found: dict[str, list[JsonObject]] = {}
    for one in resources:
        named = one.get(element, ())
        for reference in named if isinstance(named, list) else [named]:
            found.setdefault(str(reference.get("reference", "")).partition("/")[2], []).append(one)
    return found
