"""The demo with sound: what its caller answers, what it shows of a call, what must hold of it."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest

from agent.channels.script import Script, parse
from agent.simulator.moods import MOODS
from agent.simulator.person import check
from agent.wording import Wording
from fhirserver.app.commands import demo
from fhirserver.app.demo import story, telephone
from fhirserver.app.demo.checks import latency_checks
from fhirserver.app.demo.phone_report import Conversation, keep_recording, spark
from fhirserver.world.spoken.say import say_id, say_phone

MEMBER, GROUP = "W987654321", "4455"


def caller() -> Script:
    """The demo's caller, who has already said hello."""
    steps = parse((files("fhirserver.app.demo") / "caller_sound.txt").read_text("utf-8").splitlines())
    check(steps, MOODS)
    script = Script(steps)
    script.next("")
    return script


def read_back(payer: str = "Aetna", member: str = MEMBER, group: str = GROUP) -> str:
    told = f", group {say_id(group)}" if group else ", no group number"
    return Wording("the clinic").line("read_coverage", payer=payer, member=say_id(member), group=told)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (read_back(), "Yes, that's right."),
        (read_back(member="W98765432"), "No, the member ID is wrong."),
        (read_back(group="455"), "No, the group number is wrong."),
        (read_back(group=""), "No, the group number is wrong."),
        (read_back(payer="Cigna"), "No, the company is wrong."),
        (f"I have {say_phone('5558675308')}. Is that right?", "No."),
        (f"I have {say_phone('5558675309')}. Is that right?", "Yes."),
    ],
)
def test_the_caller_says_no_to_what_was_heard_wrongly(said: str, answer: str) -> None:
    assert caller().next(said) == answer


def test_the_caller_agrees_only_to_the_move_that_was_asked_for() -> None:
    words = Wording("the clinic")
    wrong = words.line(
        "confirm_move", old="Thursday, December third at nine AM", new="Tuesday, December first"
    )
    right = words.line(
        "confirm_move", old="Thursday, December third at nine AM", new="Monday, November thirtieth"
    )
    person = caller()
    assert [person.next(wrong), person.next(wrong), person.next(right)] == [
        "No. Next Monday morning.",
        "No. Next Monday morning.",
        "Yes please.",
    ]


def test_the_caller_has_an_answer_whenever_the_agent_asks_again() -> None:
    person = caller()
    for line in ("identity_failed", "ask_name", "ask_birth", "ask_birth_again", "ask_payer", "ask_member",
                 "ask_group", "which_part", "ask_phone", "say_again", "still_there", "offer_person"):  # fmt: skip
        for _ in range(2):
            assert person.next(Wording("the clinic").line(line)) not in ("[silence]", "[hangup]", None), line


def conversation() -> tuple[Conversation, list[str], list[str]]:
    lines: list[str] = []
    down: list[str] = []
    shown = Conversation(
        lambda mark, text, style: lines.append(f"{mark.strip()}: {text}"), lambda: down.append("!")
    )
    return shown, lines, down


def test_what_the_agent_says_and_hears_is_shown_and_the_ehr_goes_down_at_identification() -> None:
    shown, lines, down = conversation()
    told: list[dict[str, Any]] = [
        {"kind": "agent", "text": "How can I help?"},
        {"kind": "partial", "text": "move"},
        {"kind": "caller", "text": "move my visit"},
        {"kind": "identified", "text": "Patient/1"},
        {"kind": "emotion", "text": "frustrated", "valence": -0.6, "arousal": 0.7, "tier": "light touch"},
        {"kind": "record", "text": "Communication/abc: end: finished"},
    ]
    for event in told:
        shown.told(event)
    assert lines == [
        "agent: How can I help?",
        'caller: heard: "move my visit"',
        "identified: Patient/1",
        "voice: frustrated: arousal 0.70, valence -0.60; light touch",
    ]
    assert (down, shown.felt, shown.record) == (["!"], [(-0.6, "frustrated")], "abc")


def test_the_emotion_line_rises_and_falls() -> None:
    assert spark([-1.0, 0.0, 1.0, -7.0]) == "▁▅█▁"


def test_a_call_without_a_recording_leaves_none() -> None:
    assert keep_recording({"recording": ""}) is None


GOOD = {"greeting": 0.02, "replies": [0.5, 0.6], "barge_ins": [0.2]}
FELT = [(0.0, "calm"), (-0.7, "frustrated")]


@pytest.mark.parametrize(
    ("figures", "felt", "failed"),
    [
        (GOOD, FELT, ""),
        (GOOD | {"greeting": None}, FELT, "The greeting was heard at once"),
        (GOOD | {"replies": [0.5, 4.0]}, FELT, "Every reply came soon"),
        (GOOD | {"replies": []}, FELT, "Every reply came soon"),
        (GOOD | {"barge_ins": []}, FELT, "Spoken over, the agent stopped"),
        (GOOD, [(0.0, "calm"), (0.0, "calm")], "The voice was heard to become upset"),
        (GOOD, [(-0.7, "frustrated")], "The voice was heard to become upset"),
        (GOOD, [], "The voice was heard to become upset"),
    ],
)
def test_what_must_hold_of_a_call(
    figures: dict[str, Any], felt: list[tuple[float, str]], failed: str
) -> None:
    assert [one.text for one in latency_checks(figures, felt) if not one.held] == ([failed] if failed else [])


@pytest.mark.parametrize(
    ("arguments", "needed", "voice"),
    [
        ([], (), "en-us+m1"),
        (["--text"], (), ""),
        ([], ("no_such_module",), ""),
        (["--voice", "en-us"], (), "en-us"),
    ],
)
def test_where_something_is_missing_for_sound_the_call_is_in_writing(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], needed: tuple[str, ...], voice: str
) -> None:
    played: list[str] = []
    monkeypatch.setattr(telephone, "NEEDED", needed)
    monkeypatch.setattr(story, "play", lambda keep, voice: played.append(voice) or 0)
    assert demo.run(arguments) == 0
    assert played == [voice]
