"""The moods of a call as one R4 Observation: https://hl7.org/fhir/R4/observation.html.

It is about the sound of the call, so ``focus`` is the Communication (R4 allows it in no other place) and what it was
derived from is the transcript. It is no finding about a patient: category and codes are of our own system, there is
no interpretation, and a note says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from agent.signals import Emotion
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.world.vocabulary import CALLER_VOICE, MOMENT

NOTE = (
    "How the caller's voice sounded to the agent, used for the pace and tone of this call only. Computed from sound "
    "and words, relative to the caller's own first turns. Not a clinical finding; not used to identify anybody."
)
_UCUM = "http://unitsofmeasure.org"


def timeline(
    felt: Sequence[Emotion], communication: str, patient: str, transcript: str, agent: JsonObject
) -> JsonObject | None:
    """The Observation, or None where nothing was felt.

    ``communication``, ``patient`` and ``transcript`` are references and may be empty; ``agent`` is what
    :meth:`~agent.tools.provenance.Speaker.reference` gives. Each turn has four components (label, tier, arousal 0
    to 1, valence -1 to 1) with its moment as an extension.
    """
    if not felt:
        return None
    made: JsonObject = {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [_coding("call-quality", "Quality of a call")]}],
        "code": {"coding": [_coding("mood-timeline", "Mood of the caller's voice over a call")]},
        "effectivePeriod": {"start": instant(felt[0].at), "end": instant(felt[-1].at)},
        "issued": instant(felt[-1].at),
        "device": agent,
        "note": [{"text": NOTE}],
        "component": [part for one in felt for part in _components(one)],
    }
    if patient:
        made["subject"] = {"reference": patient}
    if communication:
        made["focus"] = [{"reference": communication}]
    if transcript:
        made["derivedFrom"] = [{"reference": transcript}]
    return made


def _components(one: Emotion) -> list[JsonObject]:
    at = [{"url": MOMENT, "valueInstant": instant(one.at)}]
    parts: list[JsonObject] = [
        {"code": _code("label"), "valueString": one.label},
        {"code": _code("tier"), "valueCodeableConcept": {"text": one.tier}},
        {"code": _code("arousal"), "valueQuantity": _number(one.arousal)},
        {"code": _code("valence"), "valueQuantity": _number(one.valence)},
    ]
    return [{"extension": at} | part for part in parts]


def _coding(code: str, display: str) -> JsonObject:
    return {"system": CALLER_VOICE, "code": code, "display": display}


def _code(code: str) -> JsonObject:
    return {"coding": [_coding(code, code.capitalize())]}


def _number(value: float) -> JsonObject:
    return {"value": Decimal(str(round(value, 3))), "system": _UCUM, "code": "1"}
