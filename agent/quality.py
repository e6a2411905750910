"""How well a call went, 0 to 100: a point is lost for a measured reason, and the MeasureReport says which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from agent.memory import Memory
from agent.results import Failed
from agent.safety import loops
from agent.signals import BargeIn, Signal, ToolResult, Utterance
from agent.tools.provenance import CANONICAL
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.judge import Turn

DEAD_AIR_SECONDS = 2.5
"""Silence that is the agent's turn and lasts longer is dead air."""
_PROMPT_SECONDS = 1.0
MISSED = "missed-escalations"
MEASURE = f"{CANONICAL}/Measure/call-quality"
_UCUM = "http://unitsofmeasure.org"


@dataclass(frozen=True, slots=True)
class Sound:
    """A stretch in which a side was heard, in seconds since the call was answered; ``speaker``: caller, agent, operator
    (who speaks with a voice of their own)."""

    speaker: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure: its value with a UCUM unit (``s``, or ``1`` for a count), and the points it cost."""

    name: str
    text: str
    value: float
    unit: str
    lost: int


@dataclass(frozen=True, slots=True)
class Quality:
    """The score with all its measures, also those that cost nothing."""

    score: int
    measures: tuple[Measured, ...]

    def with_missed(self, count: int) -> Quality:
        """The same call, of which it is known now how often a person was asked for and nobody came."""
        kept = [one for one in self.measures if one.name != MISSED]
        return _scored((*kept, _measured(MISSED, count)))

    def of(self, name: str) -> Measured:
        """The measure of this name. Raises :class:`KeyError`."""
        found = next((one for one in self.measures if one.name == name), None)
        if found is None:
            raise KeyError(name)
        return found


_COSTS: dict[str, tuple[str, float, float, float, str]] = {
    "dead-air": ("Silence that was the agent's turn, beyond what is allowed", 0.0, 5.0, 25.0, "s"),
    "reply-latency-p95": ("Caller stops to agent starts, 95th percentile", _PROMPT_SECONDS, 10.0, 20.0, "s"),
    "barge-ins": ("The caller spoke over the agent", 2, 2.0, 10.0, "1"),
    "loops": ("A question asked too often", 0, 8.0, 24.0, "1"),
    "tool-failures": ("A look-up or a write failed", 0, 5.0, 15.0, "1"),
    "identity-attempts": ("Failed attempts to identify the caller", 0, 4.0, 12.0, "1"),
    "unanswered-wishes": ("What the caller wanted and did not get", 0, 15.0, 45.0, "1"),
    MISSED: ("A person was asked for and nobody came", 0, 30.0, 30.0, "1"),
}
"""By measure: words, how much is free, points for each unit beyond, the most it costs, UCUM unit."""


def quality(
    turns: Sequence[Turn],
    signals: Sequence[Signal],
    memory: Memory,
    sound: Sequence[Sound] = (),
    missed: int = 0,
) -> Quality:
    """Judge a call that is over. Without ``sound`` the times are those at which turns were told of.

    ``missed``: how often a person was asked for and nobody came.
    """
    waits = replies(sound) if sound else replies(_told(turns, signals))
    values: dict[str, float] = {
        "dead-air": sum(max(0.0, wait - DEAD_AIR_SECONDS) for wait in waits),
        "reply-latency-p95": percentile(waits, 0.95),
        "barge-ins": sum(isinstance(one, BargeIn) for one in signals),
        "loops": loops.count([(turn.speaker, turn.text) for turn in turns]),
        "tool-failures": sum(isinstance(s, ToolResult) and isinstance(s.result, Failed) for s in signals),
        "identity-attempts": memory.identity_failures,
        "unanswered-wishes": unanswered(memory),
        MISSED: missed,
    }
    return _scored(tuple(_measured(name, value) for name, value in values.items()))


def _scored(measures: tuple[Measured, ...]) -> Quality:
    return Quality(max(0, 100 - sum(one.lost for one in measures)), measures)


def _measured(name: str, value: float) -> Measured:
    text, free, each, most, unit = _COSTS[name]
    lost = round(min(most, each * max(0.0, value - free)))
    return Measured(name, text, round(float(value), 3), unit, lost)


def replies(sound: Sequence[Sound]) -> list[float]:
    """How long each reply let the caller wait, in seconds: from where the caller fell silent to the agent's sound."""
    waits: list[float] = []
    spoke = 0.0
    waiting = False
    for one in sorted(sound, key=lambda s: (s.start, s.end)):
        if one.speaker == "caller":
            spoke, waiting = max(spoke, one.end), True
        elif waiting:
            if one.speaker == "agent":
                waits.append(max(0.0, one.start - spoke))
            waiting = False
    return waits


def _told(turns: Sequence[Turn], signals: Sequence[Signal]) -> list[Sound]:
    """Sounds as far as turns and signals tell: the end of a caller's turn, the beginning of an agent's."""
    times = [turn.at for turn in turns] + [one.at for one in signals]
    if not times:
        return []
    first = min(times)

    def since(at: datetime) -> float:
        return (at - first).total_seconds()

    said = [
        Sound("caller", since(one.started or one.at), since(one.at))
        for one in signals
        if isinstance(one, Utterance)
    ]
    return said + [Sound("agent", since(t.at), since(t.at)) for t in turns if t.speaker != "caller"]


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; 0 for no values."""
    ranked = sorted(values)
    return ranked[max(0, ceil(share * len(ranked)) - 1)] if ranked else 0.0


def unanswered(memory: Memory) -> int:
    """How many different wishes were understood and not served; what an answer alone serves counts as served."""
    wishes = {reason for reason in memory.reasons if "asked about" not in reason}
    served = {done.kind for done in memory.done if done.kind != "confirm"}
    return max(0, len(wishes) - len(served))


def report(
    judged: Quality, communication: str, patient: str, started: datetime, ended: datetime
) -> JsonObject:
    """The MeasureReport of a call (https://hl7.org/fhir/R4/measurereport.html); the first group is the score."""
    made: JsonObject = {
        "resourceType": "MeasureReport",
        "status": "complete",
        "type": "individual",
        "measure": MEASURE,
        "date": instant(ended),
        "period": {"start": instant(started), "end": instant(ended)},
        "group": [_group("score", "Quality of the call", judged.score, "1")],
    }
    made["group"] += [_measure_group(one) for one in judged.measures]
    if patient:
        made["subject"] = {"reference": patient}
    if communication:
        made["evaluatedResource"] = [{"reference": communication}]
    return made


def _measure_group(one: Measured) -> JsonObject:
    cost = {"code": {"coding": [_coding("points-lost")]}, "count": one.lost}
    return _group(one.name, one.text, one.value, one.unit) | {"population": [cost]}


def _group(name: str, text: str, value: float, unit: str) -> JsonObject:
    shown = {"s": "s", "1": ""}[unit]
    score = {"value": value, "system": _UCUM, "code": unit} | ({"unit": shown} if shown else {})
    return {"code": {"coding": [_coding(name)], "text": text}, "measureScore": score}


def _coding(code: str) -> JsonObject:
    return {"system": f"{CANONICAL}/CodeSystem/call-quality", "code": code}
