"""What a call left in FHIR, as its page shows it: also what others wrote in other ways."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.emotion.timeline import timeline
from agent.live.escalation_record import COMPLETED, About, Escalation, audit, task
from agent.memory import Memory, Setting
from agent.quality import quality as judged
from agent.quality import report
from agent.signals import Emotion
from fhirserver.console.call_outcome import (
    Measure,
    deed,
    escalation,
    moods,
    note,
    quality,
    sections,
    stated,
    turns_of,
)
from fhirserver.ports.judge import Turn
from fhirserver.world.vocabulary import TRANSCRIPT_TURNS

AT = datetime(2026, 11, 28, 9, 47, tzinfo=UTC)
CALL = "Communication/c"
ABOUT = About(CALL, "Patient/p", {"display": "agent"})


def test_the_moods_that_the_agent_wrote_are_read() -> None:
    felt = [
        Emotion(AT + timedelta(seconds=s), label, "functional", 0.5, v, 0.0)
        for s, label, v in ((9, "angry", -0.8), (3, "calm", 0.25))
    ]
    observed = timeline(felt, CALL, "", "", {"display": "agent"})
    assert observed is not None
    read = moods(observed)
    assert [(m.label, m.valence, m.arousal) for m in read] == [("calm", 0.25, 0.5), ("angry", -0.8, 0.5)]
    assert read[0].at == AT + timedelta(seconds=3)


def test_an_observation_of_anything_else_has_no_moods() -> None:
    blood: Any = {"component": [{"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}}]}
    assert moods(blood) == moods({}) == []


def test_the_quality_that_the_agent_wrote_is_read() -> None:
    said = "May I have your date of birth?"
    turns = [Turn(n, "agent", said, AT + timedelta(seconds=9 * n)) for n in range(1, 5)]
    made = judged(turns, [], Memory(Setting(), AT))
    found = quality(report(made, CALL, "", AT, AT))
    assert found is not None and found.score == made.score
    assert len(found.measures) == len(made.measures)
    assert sum(one.lost for one in found.measures) == 100 - made.score
    assert Measure("The caller spoke over the agent", "0", 0) in found.measures
    assert found.measures[0].value == "0.00 s"
    assert quality({"group": [{"measureScore": {"value": 3}}]}) is None


def test_an_escalation_is_read_with_its_wrap_up() -> None:
    one = Escalation("safety_concern", "emergency words", AT, score=100)
    one.reach(COMPLETED, AT, "ana")
    one.note, one.disposition = "Called 911.", "sent_to_emergency"
    found = escalation(task(one, ABOUT, AT))
    assert found is not None
    assert (found.stage, found.reason, found.score) == ("completed", "emergency words", "100")
    assert (found.operator, found.note, found.disposition) == ("ana", "Called 911.", "sent to emergency")
    assert escalation({"resourceType": "Task", "code": {"text": "fax"}}) is None


def test_what_people_did_is_said_in_words() -> None:
    assert (
        deed(audit("take_over", "ana", ABOUT, AT)).who,
        deed(audit("take_over", "ana", ABOUT, AT)).what,
    ) == (
        "ana",
        "took the call over",
    )
    assert deed({}).what == "accessed it"


def test_a_summary_loses_its_marks_whoever_wrote_it() -> None:
    div = '<div xmlns="x"><ul><li>Asked &amp; <b>answered</b></li><li class="x">2 &lt; 3</li></ul></div>'
    entry = {"reference": "Coverage/c", "extension": [{"url": TRANSCRIPT_TURNS, "valueString": "4, 7,x"}]}
    (section,) = sections({"section": [{"title": "Facts", "text": {"div": div}, "entry": [entry]}]})
    assert section.lines == ["Asked & answered", "2 < 3"]
    assert (section.facts[0].reference, section.facts[0].turns) == ("Coverage/c", [4, 7])
    assert sections({}) == [] and turns_of({}) == []


def document(kind: str, data: str) -> Any:
    system = "https://credence.health/fhir/CodeSystem/document-kind"
    return {
        "category": [{"coding": [{"system": system, "code": kind}]}],
        "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "data": data}}],
    }


def test_the_words_of_a_summary_are_found_among_the_documents() -> None:
    words = base64.b64encode(b"Reason\n- none\n").decode()
    assert note([document("transcript", words), document("summary", words)]) == "Reason\n- none\n"
    assert note([document("summary", "%%%")]) == "" == note([])


def test_what_was_stated_is_told_by_resource_without_the_record_of_the_call() -> None:
    def said(id: str, target: str, turns: str) -> Any:
        extension = [{"url": TRANSCRIPT_TURNS, "valueString": turns}]
        entity = [{"role": "source", "what": {"reference": CALL}, "extension": extension}]
        activity = {"coding": [{"code": "assert"}]}
        return {"id": id, "target": [{"reference": target}], "entity": entity, "activity": activity}

    found = stated(
        [
            said("1", "Coverage/c/_history/1", "8,10"),
            said("2", "DocumentReference/d/_history/1", ""),
            said("3", "Coverage/c/_history/2", "12"),
        ],
        CALL,
    )
    assert [(one.reference, [s.provenance for s in one.statements]) for one in found] == [
        ("Coverage/c", ["1", "3"])
    ]
    assert [s.turns for s in found[0].statements] == [[8, 10], [12]]
    assert found[0].statements[0].activity == "assert"
