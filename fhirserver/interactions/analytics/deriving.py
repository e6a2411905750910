"""What a commit means for the rows. Pure: the same commits in the same order make the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from fhirserver.interactions.analytics.rows import MEMBER, SAID, TALK, WRITEBACK, Rows, seconds
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.log import Commit
from fhirserver.store.transcripts import conversation_of
from fhirserver.world.domain_events import CAMPAIGN, Changed, meanings
from fhirserver.world.judge.transcript import InvalidTranscript, evidence
from fhirserver.world.outreach import CHANNEL, OUTCOME, is_outbound
from fhirserver.world.vocabulary import ACTIVITY, CALL_QUALITY, CALLER_VOICE, ESCALATION_STAGE, TASK_CODE

TYPES: Final = frozenset(
    {
        *("Appointment", "Communication", "CommunicationRequest", "Coverage", "DocumentReference"),
        *("MeasureReport", "Observation", "Patient", "Task", "RelatedPerson", "AllergyIntolerance"),
        *("MedicationStatement", "Consent", "Condition", "QuestionnaireResponse"),
    }
)
"""Types of resources that tell of conversations, or are spoken of in them."""
_RECORD: Final = frozenset(
    {
        *("Communication", "CommunicationRequest", "DocumentReference", "MeasureReport", "Observation"),
        *("Task", "Appointment", "QuestionnaireResponse"),
    }
)
"""Of these no statement is a captured fact: they are the record itself, or what the agent does."""
_MODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
_DONE: Final = {
    "appointment.booked": "booked",
    "appointment.rescheduled": "rescheduled",
    "appointment.cancelled": "cancelled",
    "appointment.confirmed": "confirmed",
}
_RULINGS: Final = {"verify": "verified", "doubt": "doubtful", "approve": "approved", "reject": "rejected"}
_OVER: Final = frozenset({"completed", "not-done", "stopped", "entered-in-error"})


def derive(rows: Rows, commit: Commit, changes: Sequence[Changed]) -> None:
    """Take up a commit: what it changed, and what it ruled."""
    talk = _conversation(commit)
    for change, meaning in zip(changes, meanings(changes), strict=True):
        of_type = _BY_TYPE.get(change.type)
        if of_type is not None and change.after is not None:
            of_type(rows, commit, change, change.after)
        if talk and (done := _DONE.get(meaning.type)):
            rows.count(TALK, talk, done)
    if talk:
        _captured(rows, commit, talk)
    _ruled(rows, commit)


def _conversation(commit: Commit) -> str:
    """The id of the Communication that what is said rests on; empty for none."""
    named = (str(one.get("what", {}).get("reference", "")) for one in commit.statement.entity)
    return next((one.split("/")[1] for one in named if one.startswith("Communication/")), "")


def _captured(rows: Rows, commit: Commit, talk: str) -> None:
    said = [one for one in commit.events if one["e"] == "asserted"]
    if said and rows.get(TALK, talk) is not None:
        rows.put(SAID, str(commit.position), talk=talk)
        facts = {(one["type"], one["id"]) for one in said if one["type"] in TYPES - _RECORD}
        rows.count(TALK, talk, "captured", len(facts)) if facts else None


def _ruled(rows: Rows, commit: Commit) -> None:
    """Rulings on claims count for the conversation in which they were made."""
    for event in commit.events:
        if event["e"] == "decided":
            for one in event["decisions"]:
                _rule(rows, one.get("claim"), _RULINGS.get(one["kind"], ""))
        elif event["e"] == "asserted" and _is_correction(commit):
            against = {claim[1] for claims in event.get("supersedes", {}).values() for claim in claims}
            for position in sorted(against):
                _rule(rows, position, "corrected")


def _rule(rows: Rows, position: object, word: str) -> None:
    row = rows.get(SAID, str(position)) if word else None
    if row is not None:
        rows.count(TALK, row["talk"], word)


def _is_correction(commit: Commit) -> bool:
    return "correct" in _codes([commit.statement.activity or {}], ACTIVITY)


def _communication(rows: Rows, commit: Commit, change: Changed, after: JsonObject) -> None:
    channel = _channel(after)
    if not channel:
        return
    known = rows.get(TALK, change.id) or {}
    started = str(after.get("sent") or known.get("started") or commit.recorded)
    ended = str(after.get("received", "")) if change.status in _OVER else ""
    members = {
        "day": started[:10],
        "channel": channel,
        "direction": "outbound" if is_outbound(after) else "inbound",
        "agent": str(known.get("agent") or _agent(commit, after)),
        "campaign": _campaign(rows, after),
        "status": change.status,
        "outcome": next(iter(_codes([after.get("statusReason", {})], OUTCOME)), ""),
        "started": started,
    }
    rows.put(TALK, change.id, **members)
    if ended and change.status == "completed":
        rows.put(TALK, change.id, duration=seconds(started, ended))


def _channel(communication: JsonObject) -> str:
    """call, sms, chat, or form; empty for a Communication that is no conversation of the agent's."""
    if stated := _codes(communication.get("category", ()), CHANNEL):
        return stated[0]
    modes = _codes(communication.get("medium", ()), _MODE)
    if "PHONE" in modes:
        return "call"
    if "SMSWRIT" in modes:
        return "sms"
    return "chat" if {"WRITTEN", "ONLINEWRIT"} & set(modes) else ""


def _agent(commit: Commit, communication: JsonObject) -> str:
    """The version of the agent that held it, else what the agent is called."""
    stated = [str(one) for one in communication.get("instantiatesUri", ())]
    if stated:
        return stated[0].partition("Library/")[2] or stated[0]
    who = (one.get("who", {}) for one in commit.statement.agent)
    return next((str(one.get("display") or one.get("reference", "")) for one in who), commit.statement.source)


def _campaign(rows: Rows, communication: JsonObject) -> str:
    for one in communication.get("basedOn", ()):
        type, _, id = str(one.get("reference", "")).partition("/")
        member = rows.get(MEMBER, id) if type == "CommunicationRequest" else None
        if member is not None:
            return str(member["campaign"])
    return ""


def _request(rows: Rows, commit: Commit, change: Changed, after: JsonObject) -> None:
    campaign = _codes(after.get("category", ()), CAMPAIGN)
    if campaign:
        known = rows.get(MEMBER, change.id) or {}
        rows.put(
            MEMBER,
            change.id,
            day=str(known.get("day") or commit.recorded[:10]),
            campaign=campaign[0],
            status=change.status,
            outcome=next(iter(_codes(after.get("category", ()), OUTCOME)), ""),
        )


def _report(rows: Rows, commit: Commit, change: Changed, after: JsonObject) -> None:
    talk = _referred(after.get("evaluatedResource", ()), "Communication")
    if not talk or rows.get(TALK, talk) is None:
        return
    names = {"score": "score", "reply-latency-p95": "reply_p95"}
    for group in after.get("group", ()):
        for code in _codes([group.get("code", {})], CALL_QUALITY):
            value = group.get("measureScore", {}).get("value")
            if code in names and value is not None:
                rows.put(TALK, talk, **{names[code]: float(value)})


def _mood(rows: Rows, commit: Commit, change: Changed, after: JsonObject) -> None:
    talk = _referred(after.get("focus", ()), "Communication")
    if not talk or rows.get(TALK, talk) is None:
        return
    felt = [
        float(part["valueQuantity"]["value"])
        for part in after.get("component", ())
        if "valence" in _codes([part.get("code", {})], CALLER_VOICE)
        and "value" in part.get("valueQuantity", {})
    ]
    if felt:
        third = max(1, len(felt) // 3)
        trend = _mean(felt[-third:]) - _mean(felt[:third])
        rows.put(TALK, talk, valence=round(_mean(felt), 3), trend=round(trend, 3))


def _document(rows: Rows, commit: Commit, change: Changed, after: JsonObject) -> None:
    """When the agent's first word was said."""
    talk = conversation_of(after).partition("/")[2]
    row = rows.get(TALK, talk) if talk else None
    if row is None or "first_word" in row:
        return
    try:
        turns = evidence(after).turns
    except InvalidTranscript:
        return
    first = next((turn.at for turn in turns if turn.speaker == "agent"), None)
    if first is not None:
        rows.put(TALK, talk, first_word=seconds(str(row["started"]), first.isoformat()))


def _task(rows: Rows, commit: Commit, change: Changed, after: JsonObject) -> None:
    codes = _codes([after.get("code", {})], TASK_CODE)
    if "escalation" in codes:
        stage = _codes([after.get("businessStatus", {})], ESCALATION_STAGE)
        talk = str(after.get("focus", {}).get("reference", "")).partition("Communication/")[2]
        if talk and stage and rows.get(TALK, talk) is not None:
            rows.put(TALK, talk, escalated=True)
            rows.put(TALK, talk, person=True) if stage[0] != "requested" else None
    elif "writeback" in codes:
        _writeback(rows, commit, change, after)


def _writeback(rows: Rows, commit: Commit, change: Changed, after: JsonObject) -> None:
    known = rows.get(WRITEBACK, change.id) or {}
    asked = str(known.get("asked") or commit.recorded)
    sink = str(after.get("owner", {}).get("identifier", {}).get("value", ""))
    rows.put(WRITEBACK, change.id, day=asked[:10], asked=asked, sink=sink, status=change.status)
    if change.becomes("completed"):
        rows.put(WRITEBACK, change.id, delay=seconds(asked, commit.recorded))


_BY_TYPE: Final[dict[str, Callable[[Rows, Commit, Changed, JsonObject], None]]] = {
    "Communication": _communication,
    "CommunicationRequest": _request,
    "DocumentReference": _document,
    "MeasureReport": _report,
    "Observation": _mood,
    "Task": _task,
}


def _codes(concepts: Iterable[JsonObject], system: str) -> list[str]:
    codings = (coding for concept in concepts for coding in concept.get("coding", ()))
    return [str(one.get("code", "")) for one in codings if one.get("system") == system]


def _referred(references: Iterable[JsonObject], type: str) -> str:
    named = (str(one.get("reference", "")).split("/") for one in references)
    return next((parts[1] for parts in named if parts[0] == type and len(parts) > 1), "")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
