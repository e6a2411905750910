"""The moods of a call as an Observation, by the server's own rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agent.emotion.timeline import NOTE, timeline
from agent.signals import Emotion
from fhirserver.kernel.json import dumps, loads
from fhirserver.model.validation import validate

START = datetime(2026, 11, 28, 9, tzinfo=UTC)
FELT = [
    Emotion(START, "calm", "functional", 0.27, 0.0, 0.0),
    Emotion(START + timedelta(seconds=9), "angry, worsening", "full empathy", 0.8123, -0.7, -0.5),
]
AGENT = {"display": "Credence voice agent"}


def test_it_is_valid_and_says_what_it_is_not() -> None:
    made = timeline(FELT, "Communication/c1", "Patient/eve", "DocumentReference/t1", AGENT)
    assert made is not None
    written = loads(dumps(made))
    assert validate(written) == []
    assert made["focus"] == [{"reference": "Communication/c1"}] and made["derivedFrom"] == [
        {"reference": "DocumentReference/t1"}
    ]
    assert made["note"] == [{"text": NOTE}] and "Not a clinical finding" in NOTE
    assert "interpretation" not in made
    assert {c["system"] for c in made["code"]["coding"]} == {
        "https://credence.health/fhir/CodeSystem/caller-voice"
    }


def test_every_turn_has_its_components_and_its_moment() -> None:
    made = timeline(FELT, "Communication/c1", "Patient/eve", "", AGENT)
    assert made is not None
    last = made["component"][4:]
    assert [part["code"]["coding"][0]["code"] for part in last] == ["label", "tier", "arousal", "valence"]
    assert (
        last[0]["valueString"] == "angry, worsening"
        and last[1]["valueCodeableConcept"]["text"] == "full empathy"
    )
    assert str(last[2]["valueQuantity"]["value"]) == "0.812"
    assert {part["extension"][0]["valueInstant"] for part in last} == {"2026-11-28T09:00:09.000Z"}
    assert made["effectivePeriod"] == {"start": "2026-11-28T09:00:00.000Z", "end": "2026-11-28T09:00:09.000Z"}


def test_without_a_patient_or_a_record_it_is_valid_as_well() -> None:
    made = timeline(FELT, "", "", "", AGENT)
    assert made is not None and validate(loads(dumps(made))) == []
    assert not {"subject", "focus", "derivedFrom"} & made.keys()


def test_a_call_without_moods_leaves_nothing() -> None:
    assert timeline([], "Communication/c1", "Patient/eve", "", AGENT) is None
