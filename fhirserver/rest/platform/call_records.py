"""A call or conversation as its FHIR record has it: the Communication, and what belongs to that.

https://hl7.org/fhir/R4/communication.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.live_calls import LiveCall, LiveEvent
from fhirserver.rest.platform.fhir import Fhir, Params
from fhirserver.rest.platform.rights import Asked
from fhirserver.rest.platform.shapes import Instant, Link, Told
from fhirserver.store.transcripts import KIND, TRANSCRIPT
from fhirserver.world.judge.transcript import InvalidTranscript, evidence
from fhirserver.world.outreach import CHANNEL, CONTACT, coded, is_outbound
from fhirserver.world.vocabulary import CALLER_VOICE, ESCALATION_STAGE, MOMENT, RECORDING

_MODES = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
Channel: TypeAlias = Literal["phone", "chat", "sms"]
Direction: TypeAlias = Literal["inbound", "outbound"]
Status: TypeAlias = Literal[
    "preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown"
]
_CODES: dict[Channel, tuple[str, ...]] = {
    "phone": ("PHONE",),
    "chat": ("WRITTEN", "ONLINEWRIT"),
    "sms": ("SMSWRIT",),
}
_CHANNELS: dict[str, Channel] = {code: name for name, codes in _CODES.items() for code in codes}
_STATED: dict[str, Channel] = {"call": "phone", "sms": "sms", "form": "sms", "chat": "chat"}
"""What the channel of a contact means here; it goes before the medium, which is `WRITTEN` for all that is read."""
_OUT = f'(identifier eq "{CONTACT}|" or recipient:Patient._id pr true)'
"""The same as :func:`is_outbound`, as a `_filter`."""
_SUMMARY = "summary"


class CallListed(Told):
    """A call or conversation. `id` is that of its Communication; `why` says why nobody was reached, or what came of a
    call out; `live` is its id while it is under way."""

    id: str
    channel: Channel | None = None
    direction: Direction
    status: Status
    why: str = ""
    started: Instant | None = None
    ended: Instant | None = None
    communication: Link
    patient: Link | None = None
    live: str = ""


class CallDetail(CallListed):
    """What belongs to it. `quality` is a MeasureReport, `emotion` the Observations of the caller's voice, `recording`
    a Media, whose sound is at `sound`; `escalations` are the Tasks that ask for a person."""

    transcript: Link | None = None
    summary: Link | None = None
    composition: Link | None = None
    quality: Link | None = None
    recording: Link | None = None
    sound: str = ""
    emotion: list[Link] = []
    escalations: list[Link] = []


class CallMoment(Told):
    """Something that happened, in order. `kind` is `turn` for words of a conversation that is over, and of `speaker`;
    `emotion` for how the caller's voice sounded; else one of those of a live call (docs/voice.md)."""

    at: Instant
    kind: str
    speaker: str = ""
    text: str = ""
    turn: int = 0


class Timeline(Told):
    """What happened on a call. `live`: more may follow."""

    live: bool
    moments: list[CallMoment]


def criteria(
    patient: str, status: str, direction: str, channel: Channel | None, since: str, until: str
) -> Params:
    """The search for calls, the latest first; what is empty asks for nothing."""
    codes = [code for codes in _CODES.values() for code in codes]
    asked = [("medium", ",".join(f"{_MODES}|{code}" for code in codes)), ("_sort", "-sent")]
    optional = (
        ("_filter", _through(channel) if channel else ""),
        ("subject", patient),
        ("status", status),
        ("_filter", _OUT if direction == "outbound" else ""),
        ("_filter", f"not {_OUT}" if direction == "inbound" else ""),
        ("sent", f"ge{since}" if since else ""),
        ("sent", f"lt{until}" if until else ""),
    )
    return [*asked, *(pair for pair in optional if pair[1])]


def _through(channel: Channel) -> str:
    """A `_filter` for a channel: it is stated, or nothing is and the medium is its own."""
    stated = _either("category", CHANNEL, (code for code, name in _STATED.items() if name == channel))
    other = _either("category", CHANNEL, _STATED)
    return f"{stated} or ({_either('medium', _MODES, _CODES[channel])} and not {other})"


def _either(parameter: str, system: str, codes: Iterable[str]) -> str:
    return "(" + " or ".join(f'{parameter} eq "{system}|{code}"' for code in codes) + ")"


def listed(asked: Asked, call: JsonObject, live: str = "") -> CallListed:
    """A Communication in the list."""
    return CallListed(**_members(asked, call, live))


async def detailed(asked: Asked, call: JsonObject, live: str = "") -> CallDetail:
    """A Communication with all that belongs to it, as far as who asks may see it."""
    fhir, own = asked.fhir, f"Communication/{call['id']}"
    documents = (await fhir.search("DocumentReference", [("related", own)])).resources
    media = (await fhir.search("Media", [("identifier", f"{RECORDING}|{call['id']}")])).resources
    reports = (await fhir.search("MeasureReport", [("evaluated-resource", own)])).resources
    voices = (await fhir.search("Observation", [("focus", own), ("code", f"{CALLER_VOICE}|")])).resources
    tasks = await _tasks(asked, own)
    composition = await _composition(fhir, call, own)
    return CallDetail(
        **_members(asked, call, live),
        transcript=_link(asked, next(_of_kind(documents, TRANSCRIPT), None)),
        summary=_link(asked, next(_of_kind(documents, _SUMMARY), None)),
        composition=_link(asked, composition),
        quality=_link(asked, next(iter(reports), None)),
        recording=_link(asked, next(iter(media), None)),
        sound=f"{asked.base.removesuffix('/platform')}/recordings/{call['id']}.wav" if media else "",
        emotion=[link for one in voices if (link := _link(asked, one))],
        escalations=[link for one in tasks if _is_escalation(one) and (link := _link(asked, one))],
    )


async def past(asked: Asked, call: JsonObject) -> list[CallMoment]:
    """What the record of a call says happened on it, in order."""
    fhir, own = asked.fhir, f"Communication/{call['id']}"
    documents = (await fhir.search("DocumentReference", [("related", own)])).resources
    voices = (await fhir.search("Observation", [("focus", own), ("code", f"{CALLER_VOICE}|")])).resources
    moments = [*_turns(next(_of_kind(documents, TRANSCRIPT), None)), *(m for v in voices for m in _moods(v))]
    return sorted(moments, key=lambda moment: moment.at)


def moment_of(event: LiveEvent) -> CallMoment:
    """An event of a live call."""
    return CallMoment(at=event.at, kind=event.kind, text=event.text, turn=event.turn)


def live_only(asked: Asked, call: LiveCall) -> CallDetail:
    """A call that is under way and not on record yet."""
    return CallDetail(
        id=call.id,
        channel="phone",
        direction="inbound",
        status="in-progress",
        started=call.started,
        communication=Link(reference="", url=""),
        patient=asked.link(call.patient),
        live=call.id,
    )


def _members(asked: Asked, call: JsonObject, live: str) -> JsonObject:
    own = f"Communication/{call['id']}"
    over = call.get("status") == "completed"
    return {
        "id": call["id"],
        "channel": _channel(call),
        "direction": "outbound" if is_outbound(call) else "inbound",
        "status": call.get("status", "unknown"),
        "why": str(call.get("statusReason", {}).get("text", "")),
        "started": _moment(call.get("sent")),
        "ended": _moment(call.get("received")) if over else None,
        "communication": asked.link(own),
        "patient": asked.link(str(call.get("subject", {}).get("reference", ""))),
        "live": live,
    }


def _channel(call: JsonObject) -> Channel | None:
    if stated := _STATED.get(coded(call.get("category", ()), CHANNEL)):
        return stated
    codings = (c for medium in call.get("medium", ()) for c in medium.get("coding", ()))
    codes = (_CHANNELS.get(str(c.get("code"))) for c in codings if c.get("system") == _MODES)
    return next((code for code in codes if code), None)


def _moment(text: object) -> datetime | None:
    """A dateTime as a moment; None for one that has no time."""
    try:
        return parse_instant(text) if isinstance(text, str) and "T" in text else None
    except ValueError:
        return None


def _link(asked: Asked, resource: JsonObject | None) -> Link | None:
    return asked.link(f"{resource['resourceType']}/{resource['id']}") if resource else None


async def _tasks(asked: Asked, own: str) -> Sequence[JsonObject]:
    """The Tasks about a call, for those who may see Tasks."""
    if asked.principal.permissions is not None:
        return ()
    return (await asked.fhir.search("Task", [("focus", own)])).resources


def _is_escalation(task: JsonObject) -> bool:
    return any(
        coding.get("system") == ESCALATION_STAGE
        for coding in task.get("businessStatus", {}).get("coding", ())
    )


async def _composition(fhir: Fhir, call: JsonObject, own: str) -> JsonObject | None:
    if not call.get("received"):
        return None
    found = await fhir.search("Composition", [("date", str(call["received"]))])
    return next((one for one in found.resources if own in _details(one)), None)


def _details(composition: JsonObject) -> set[str]:
    events = composition.get("event", ())
    return {str(detail.get("reference")) for event in events for detail in event.get("detail", ())}


def _of_kind(documents: Sequence[JsonObject], kind: str) -> Iterator[JsonObject]:
    for document in documents:
        codings = (c for category in document.get("category", ()) for c in category.get("coding", ()))
        if any(c.get("system") == KIND and c.get("code") == kind for c in codings):
            yield document


def _turns(document: JsonObject | None) -> Iterator[CallMoment]:
    if document is None:
        return
    try:
        heard = evidence(document)
    except InvalidTranscript:
        return
    for turn in heard.turns:
        yield CallMoment(at=turn.at, kind="turn", speaker=turn.speaker, text=turn.text, turn=turn.number)


def _moods(observation: JsonObject) -> Iterator[CallMoment]:
    """How the caller's voice sounded, moment by moment."""
    for part in observation.get("component", ()):
        codings = part.get("code", {}).get("coding", ())
        labels = any(c.get("system") == CALLER_VOICE and c.get("code") == "label" for c in codings)
        told = (one.get("valueInstant") for one in part.get("extension", ()) if one.get("url") == MOMENT)
        at = _moment(next(told, None))
        if labels and at is not None:
            text = part.get("valueString") or part.get("valueCodeableConcept", {}).get("text", "")
            yield CallMoment(at=at, kind="emotion", speaker="caller", text=str(text))
