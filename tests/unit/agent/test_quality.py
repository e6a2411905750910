"""How well a call went, and the summary with evidence: by tables, laws, and as FHIR that is valid."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from practice import ADA, EVE, NOW, play

from agent.composition import evidence, where
from agent.memory import Done, Memory, Setting
from agent.quality import Quality, Sound, percentile, quality, replies, unanswered
from agent.results import Failed, Taken
from agent.signals import BargeIn, Signal, ToolResult
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Issue
from fhirserver.model.validation import validate
from fhirserver.ports.judge import Turn


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def memory(**known: object) -> Memory:
    return replace(Memory(Setting(), NOW), **known)  # type: ignore[arg-type]


def judged(
    sound: list[Sound] | None = None, signals: list[Signal] | None = None, known: Memory | None = None
) -> Quality:
    return quality((), signals or [], known or memory(), sound or [])


@pytest.mark.parametrize(
    ("sound", "waits"),
    [
        ([], []),
        ([Sound("agent", 0, 2)], []),
        ([Sound("agent", 0, 2), Sound("caller", 3, 4), Sound("agent", 4.5, 6)], [0.5]),
        ([Sound("caller", 0, 1), Sound("caller", 3, 4), Sound("agent", 5, 6)], [1.0]),
        ([Sound("caller", 0, 4), Sound("agent", 3, 6)], [0.0]),
        ([Sound("caller", 0, 1), Sound("operator", 8, 9), Sound("agent", 10, 11)], []),
        (
            [Sound("caller", 0, 1), Sound("agent", 2, 3), Sound("agent", 9, 9.5), Sound("caller", 10, 11)],
            [1.0],
        ),
    ],
)
def test_how_long_replies_took(sound: list[Sound], waits: list[float]) -> None:
    assert replies(sound) == waits
    assert replies(sound[::-1]) == waits


@pytest.mark.parametrize(
    ("name", "got", "value", "lost"),
    [
        ("dead-air", judged([Sound("caller", 0, 1), Sound("agent", 5.5, 6)]), 2.0, 10),
        ("dead-air", judged([Sound("caller", 0, 1), Sound("agent", 3.5, 6)]), 0, 0),
        ("reply-latency-p95", judged([Sound("caller", 0, 1), Sound("agent", 3, 6)]), 2.0, 10),
        ("reply-latency-p95", judged([Sound("caller", 0, 1), Sound("agent", 1.8, 6)]), 0.8, 0),
        ("barge-ins", judged(signals=[BargeIn(NOW, "")] * 4), 4, 4),
        (
            "tool-failures",
            judged(signals=[ToolResult(NOW, 1, Failed("x")), ToolResult(NOW, 2, Taken())]),
            1,
            5,
        ),
        ("identity-attempts", judged(known=memory(identity_failures=2)), 2, 8),
        ("unanswered-wishes", judged(known=memory(reasons=["wanted to cancel an appointment"])), 1, 15),
    ],
)
def test_what_is_measured_and_what_it_costs(name: str, got: Quality, value: float, lost: int) -> None:
    assert (got.of(name).value, got.of(name).lost) == (value, lost)


def test_a_person_who_was_asked_for_and_never_came_costs_points() -> None:
    got = quality((), (), memory(), (), missed=1)
    assert (got.of("missed-escalations").value, got.of("missed-escalations").lost, got.score) == (1, 30, 70)
    assert judged().with_missed(1) == got
    assert judged().of("missed-escalations").lost == 0


UPSET = "this is ridiculous\nthis is ridiculous\nthis is ridiculous\nbye"


async def test_a_call_that_was_escalated_and_that_nobody_took_is_no_perfect_one() -> None:
    played = await play(UPSET, EVE)
    assert "escalate" in [event.kind for event in played.events]
    assert played.record.quality is not None
    assert played.record.quality.of("missed-escalations").value == 1
    (measured,) = played.server.of("MeasureReport")
    assert faults(measured) == []
    assert measured["group"][0]["measureScore"]["value"] <= 70


async def test_a_call_that_was_handed_over_has_missed_nothing_as_far_as_is_known() -> None:
    played = await play("let me talk to a real person please", EVE)
    assert played.record.quality is not None
    assert played.record.quality.of("missed-escalations").value == 0


def test_questions_asked_too_often_are_counted() -> None:
    turns = tuple(Turn(n, "agent", "What is your date of birth?", after(n)) for n in range(1, 5))
    assert quality(turns, (), memory()).of("loops").value == 2


@pytest.mark.parametrize(
    ("reasons", "done", "open"),
    [
        ([], [], 0),
        (["had a new address", "had a new address"], [], 1),
        (["had a new address", "had new insurance"], [Done("address", "x")], 1),
        (["asked about an appointment"], [], 0),
        (["had a new address"], [Done("address", "x"), Done("phone", "x")], 0),
    ],
)
def test_wishes_that_were_not_served(reasons: list[str], done: list[Done], open: int) -> None:
    assert unanswered(memory(reasons=reasons, done=done)) == open


_SOUNDS = st.builds(
    lambda who, start, length: Sound(who, start, start + length),
    st.sampled_from(["caller", "agent"]),
    st.floats(0, 600),
    st.floats(0, 60),
)


@given(st.lists(_SOUNDS, max_size=30), st.integers(0, 20), st.integers(0, 9))
def test_the_score_is_what_the_measures_leave_of_a_hundred(
    sound: list[Sound], barges: int, failures: int
) -> None:
    got = judged(sound, [BargeIn(NOW, "")] * barges, memory(identity_failures=failures))
    assert got.score == max(0, 100 - sum(one.lost for one in got.measures))
    assert 0 <= got.score <= 100
    assert all(one.value >= 0 and one.lost >= 0 for one in got.measures)
    worse = judged(sound, [BargeIn(NOW, "")] * (barges + 1), memory(identity_failures=failures + 1))
    assert worse.score <= got.score


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_one_of_the_values_and_enough_are_below_it(values: list[float], share: float) -> None:
    got = percentile(values, share)
    assert got in values
    assert sum(value <= got for value in values) >= share * len(values) - 1e-6


def faults(resource: JsonObject) -> list[Issue]:
    """What the server would say of it."""
    return [issue for issue in validate(loads(dumps(resource))) if issue.severity == "error"]


async def test_a_call_leaves_a_composition_and_a_measure_report_that_are_valid() -> None:
    script = "I moved\nAda Quinn, 12/12/1955\n400 Main Street, Springfield, Massachusetts, 01103\nyes\nno"
    played = await play(script, ADA)
    (summed,), (measured,) = played.server.of("Composition"), played.server.of("MeasureReport")
    assert faults(summed) + faults(measured) == []
    assert [one["title"] for one in summed["section"]] == [
        "Reason for call",
        "What was done",
        "Facts captured",
        "Follow-up",
    ]
    (entry,) = summed["section"][2]["entry"]
    assert entry["reference"] == "Patient/ada"
    turns = entry["extension"][0]["valueString"]
    heard = [t for t in played.record.turns if str(t.number) in turns.split(",")]
    assert any("400 Main Street" in t.text for t in heard)
    assert len(entry["extension"]) == 1, "what was written has no place in a sound"
    assert "said at" not in summed["section"][2]["text"]["div"]
    assert f"Patient/ada: turns {turns.replace(',', ', ')}" in summed["section"][2]["text"]["div"]
    assert summed["event"][0]["detail"] == [{"reference": played.record.communication}]
    assert measured["group"][0]["measureScore"]["value"] == 100
    assert measured["evaluatedResource"] == [{"reference": played.record.communication}]
    assert measured["subject"] == {"reference": "Patient/ada"}
    assert played.record.quality is not None
    assert played.record.quality.score == 100


async def test_a_call_of_nobody_known_has_no_subject_and_says_what_was_left_undone() -> None:
    played = await play("cancel my appointment\n[hangup]", EVE)
    (summed,), (measured,) = played.server.of("Composition"), played.server.of("MeasureReport")
    assert "subject" not in summed
    assert "subject" not in measured
    assert faults(summed) + faults(measured) == []
    assert played.record.quality is not None
    assert played.record.quality.of("unanswered-wishes").value == 1


def test_a_fact_is_found_in_the_sound_by_its_first_turn() -> None:
    turns = [Turn(n, "caller", "x", after(10.0 * n)) for n in range(1, 5)]
    done = [
        Done("phone", "I changed your phone number", "Patient/a", turns=(3, 2, 9)),
        Done("address", "I changed your address", "Patient/a"),
        Done("cancel", "I cancelled it", "Appointment/b", turns=(1,)),
    ]
    phone, address = evidence(memory(done=done), turns, NOW)
    assert (phone.turns, phone.offset) == ((2, 3), 20.0)
    assert (address.turns, address.offset) == ((), None)
    assert [fact.offset for fact in evidence(memory(done=done), turns, None)] == [None, None]
    assert where(phone) == "Patient/a: said at 0:20, turns 2, 3"
    assert where(replace(phone, offset=None)) == "Patient/a: turns 2, 3"
