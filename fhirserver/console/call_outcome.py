"""What a call left in FHIR, as its page shows it: moods, summary, quality, escalation, and what was stated."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import unescape

from fhirserver.console.call_view import Mood
from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.store.transcripts import KIND
from fhirserver.world.vocabulary import CALL_QUALITY, CALLER_VOICE, ESCALATION_STAGE, MOMENT, TRANSCRIPT_TURNS

RECORD = frozenset(
    {"Communication", "DocumentReference", "Composition", "MeasureReport", "Media", "AuditEvent"}
)
"""Types by which a call is recorded; what it states about anything else was stated on it."""
_ITEM = re.compile(r"<li[^>]*>(.*?)</li>", re.DOTALL)
_MARK = re.compile(r"<[^>]*>")


def moods(observation: JsonObject) -> list[Mood]:
    """The moments of an Observation of the caller's voice, in order; nothing of any other Observation."""
    found: dict[str, dict[str, object]] = {}
    for part in observation.get("component", ()):
        code, at = _code(part.get("code", {}), CALLER_VOICE), _moment(part)
        if code and at:
            found.setdefault(at, {})[code] = _value(part)
    return [
        Mood(
            parse_instant(at),
            str(one.get("label", "")),
            str(one.get("tier", "")),
            float(str(one["valence"])),
            float(str(one.get("arousal", 0))),
        )
        for at, one in sorted(found.items())
        if "valence" in one
    ]


def _moment(part: JsonObject) -> str:
    extensions = part.get("extension", ())
    return next((str(one.get("valueInstant", "")) for one in extensions if one.get("url") == MOMENT), "")


def _value(part: JsonObject) -> object:
    if "valueQuantity" in part:
        return part["valueQuantity"].get("value", 0)
    return part.get("valueString") or part.get("valueCodeableConcept", {}).get("text", "")


def _code(concept: JsonObject, system: str) -> str:
    codings = concept.get("coding", ())
    return next((str(one.get("code", "")) for one in codings if one.get("system") == system), "")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something captured, with the turns it rests on."""

    reference: str
    turns: Sequence[int]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of the summary with its lines."""

    title: str
    lines: Sequence[str]
    facts: Sequence[Fact] = ()


def sections(composition: JsonObject) -> list[Section]:
    """The sections of a summary; marks in its narrative are left out, whoever wrote it."""
    return [
        Section(
            str(one.get("title", "")),
            [_plain(item) for item in _ITEM.findall(str(one.get("text", {}).get("div", "")))],
            [Fact(str(entry.get("reference", "")), turns_of(entry)) for entry in one.get("entry", ())],
        )
        for one in composition.get("section", ())
    ]


def _plain(html: str) -> str:
    return unescape(_MARK.sub("", html)).strip()


def turns_of(element: JsonObject) -> list[int]:
    """The turns that an element's extension names."""
    told = (
        one.get("valueString", "")
        for one in element.get("extension", ())
        if one.get("url") == TRANSCRIPT_TURNS
    )
    return [int(number) for number in ",".join(map(str, told)).split(",") if number.strip().isdigit()]


def note(documents: Iterable[JsonObject]) -> str:
    """The words of the summary among a call's documents, for a call without a Composition."""
    for document in documents:
        kinds = [_code(category, KIND) for category in document.get("category", ())]
        if "summary" in kinds:
            return _text(document)
    return ""


def _text(document: JsonObject) -> str:
    for content in document.get("content", ()):
        attachment = content.get("attachment", {})
        if str(attachment.get("contentType", "")).startswith("text/plain"):
            try:
                return base64.b64decode(str(attachment.get("data", "")), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return ""
    return ""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of the quality: what it is, its value with the unit, and the points it cost."""

    text: str
    value: str
    lost: int


@dataclass(frozen=True, slots=True)
class Quality:
    """The score, 0 to 100, with its measures."""

    score: int
    measures: Sequence[Measure] = ()


def quality(report: JsonObject) -> Quality | None:
    """The quality that a MeasureReport tells of; None for any other report."""
    score, measures = None, []
    for group in report.get("group", ()):
        code, value = _code(group.get("code", {}), CALL_QUALITY), group.get("measureScore", {})
        if code == "score":
            score = int(value.get("value", 0))
        elif code:
            measures.append(_measure(group, value))
    return Quality(score, measures) if score is not None else None


def _measure(group: JsonObject, value: JsonObject) -> Measure:
    number = float(value.get("value", 0))
    unit = value.get("unit", "")
    lost = sum(int(one.get("count", 0)) for one in group.get("population", ()))
    shown = f"{number:.2f} {unit}" if unit else f"{number:g}"
    return Measure(str(group.get("code", {}).get("text", "")), shown, lost)


@dataclass(frozen=True, slots=True)
class Escalation:
    """What the operators were asked for, and what came of it."""

    stage: str
    reason: str
    asked: str
    operator: str
    score: str
    signs: Sequence[str]
    note: str
    disposition: str


def escalation(task: JsonObject) -> Escalation | None:
    """The escalation that a Task is; None for any other Task."""
    stage = _code(task.get("businessStatus", {}), ESCALATION_STAGE)
    if not stage:
        return None
    inputs = list(task.get("input", ()))
    signs = [str(one["valueString"]) for one in inputs if "valueString" in one]
    return Escalation(
        stage,
        str(task.get("reasonCode", {}).get("text", "")),
        str(task.get("authoredOn", "")),
        str(task.get("owner", {}).get("display", "")),
        next((str(one["valueInteger"]) for one in inputs if "valueInteger" in one), ""),
        signs,
        "; ".join(str(one.get("text", "")) for one in task.get("note", ())),
        ", ".join(
            str(coding.get("code", "")).replace("_", " ")
            for one in task.get("output", ())
            for coding in one.get("valueCodeableConcept", {}).get("coding", ())
        ),
    )


@dataclass(frozen=True, slots=True)
class Did:
    """What a person did with the call, or its recording."""

    at: str
    who: str
    what: str


_DEEDS = {
    "listen": "listened in",
    "listen-recording": "played the recording",
    "guide": "told the agent what to say",
    "take_over": "took the call over",
    "hand_back": "handed the call back",
    "say": "spoke",
    "wrap_up": "wrapped the call up",
}


def deed(event: JsonObject) -> Did:
    """An AuditEvent in words."""
    kinds = [str(one.get("code", "")) for one in event.get("subtype", ())]
    what = next((_DEEDS[kind] for kind in kinds if kind in _DEEDS), ", ".join(kinds) or "accessed it")
    who = ", ".join(str(one.get("who", {}).get("display", "")) for one in event.get("agent", ()))
    return Did(str(event.get("recorded", "")), who, what)


@dataclass
class Stated:
    """A resource that was spoken of on the call: what is known of it now, and each statement about it."""

    reference: str
    about: str = ""
    statements: list[Statement] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Statement:
    """One commit about a resource; ``turns`` are those it rests on."""

    provenance: str
    recorded: str
    activity: str
    turns: Sequence[int]


def stated(provenances: Iterable[JsonObject], call: str) -> list[Stated]:
    """What was stated on a call (a reference), by resource, without the call's own record."""
    found: dict[str, Stated] = {}
    for one in provenances:
        for reference in _targets(one):
            if reference.partition("/")[0] not in RECORD:
                said = found.setdefault(reference, Stated(reference))
                said.statements.append(_statement(one, call))
    return list(found.values())


def _targets(provenance: JsonObject) -> Iterator[str]:
    """What a Provenance is about, without versions."""
    for target in provenance.get("target", ()):
        yield str(target.get("reference", "")).partition("/_history/")[0]


def _statement(provenance: JsonObject, call: str) -> Statement:
    evidence = (one for one in provenance.get("entity", ()) if one.get("what", {}).get("reference") == call)
    activity = provenance.get("activity", {})
    words = activity.get("text") or next(
        (str(one.get("display") or one.get("code", "")) for one in activity.get("coding", ())), ""
    )
    turns = sorted({number for one in evidence for number in turns_of(one)})
    return Statement(provenance["id"], str(provenance.get("recorded", "")), str(words), turns)
