"""The watch over a call: what it sees on it, when it asks for a person, and what the session does then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from practice import NOW

from agent.brain import Brain
from agent.call import Event
from agent.effects import Escalate, RunTool, Say, Transfer
from agent.memory import Memory, Setting
from agent.policy.dialogue import Dialogue
from agent.records import PatientRecord
from agent.results import Failed, PatientsFound
from agent.safety.watch import Watch
from agent.session import Session
from agent.signals import Alarm, Answered, Emotion, Operator, Ringing, Silence, ToolResult, Utterance


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def memory(**known: object) -> Memory:
    return replace(Memory(Setting(), NOW), **known)  # type: ignore[arg-type]


def see(watch: Watch, *events: Event, known: Memory | None = None) -> list[Alarm]:
    return [alarm for event in events for alarm in watch.see(event, known or memory())]


def kinds(watch: Watch) -> set[str]:
    return {one.kind for one in watch.risk.seen}


def caller(text: str, seconds: float = 0, turn: int = 1) -> Event:
    return Event(after(seconds), "caller", text, turn)


def agent(text: str, seconds: float = 0, turn: int = 1) -> Event:
    return Event(after(seconds), "agent", text, turn)


def test_danger_that_was_not_heard_well_raises_no_alarm_before_it_is_heard_again() -> None:
    watch = Watch()
    unsure = replace(caller("chest pain"), detail=Utterance(NOW, "chest pain", None, 0.4))
    assert see(watch, unsure) == [] and kinds(watch) == {"danger_unclear"}
    [alarm] = see(watch, replace(unsure, at=after(9), turn=3))
    assert alarm.hard and alarm.reason == "emergency words"


@pytest.mark.parametrize(
    ("event", "known", "kind"),
    [
        (Event(NOW, "emotion", "angry", detail=Emotion(NOW, "angry", valence=-0.8)), memory(), "negative_emotion"),
        (Event(NOW, "emotion", "sad", detail=Emotion(NOW, "sad", valence=0, trend=-0.4)), memory(), "falling_mood"),
        (Event(NOW, "result", "Failed", detail=Failed("no")), memory(), "tool_failure"),
        (Event(NOW, "speakers", "changed"), memory(), "changed_speaker"),
        (Event(NOW, "speakers", "second"), memory(), "second_speaker"),
        (caller("hello"), memory(identity_failures=1), "identity"),
        (caller("hello"), memory(third_party="my mother"), "third_party"),
        (caller("hello"), memory(patient=PatientRecord("s", ((("Sam",), "B"),), date(2015, 7, 9))), "minor"),
    ],
)  # fmt: skip
def test_what_is_seen_counts(event: Event, known: Memory, kind: str) -> None:
    watch = Watch()
    see(watch, event, event, known=known)
    assert kinds(watch) == {kind}
    if kind in ("identity", "third_party", "minor"):
        assert len(watch.risk.seen) == 1, "known once, however often it is looked at"


@pytest.mark.parametrize(
    ("event", "known"),
    [
        (Event(NOW, "emotion", "calm", detail=Emotion(NOW, "calm", valence=0.2)), memory()),
        (Event(NOW, "result", "PatientsFound", detail=PatientsFound(())), memory()),
        (
            caller("hello"),
            memory(patient=PatientRecord("s", ((("Sam",), "B"),), date(2015, 7, 9)), third_party="my son"),
        ),
        (caller("hello"), memory(patient=PatientRecord("e", ((("Eve",), "B"),), date(1982, 3, 3)))),
    ],
)
def test_what_is_ordinary_does_not_count_as_a_minor_or_a_failure(event: Event, known: Memory) -> None:
    watch = Watch()
    see(watch, event, known=known)
    assert not kinds(watch) & {"minor", "tool_failure", "negative_emotion", "falling_mood"}


def test_the_same_question_three_times_is_a_loop_in_whatever_wording() -> None:
    watch = Watch()
    said = [
        "What is your date of birth?",
        "Sorry. What is your birth date, please? ",
        "What's your date of birth?",
    ]
    assert see(watch, agent(said[0]), agent("Which day suits you best?"), agent(said[0])) == []
    (alarm,) = see(watch, agent(said[2], turn=9))
    assert (alarm.reason, alarm.hard) == ("looping", False)
    assert watch.risk.seen[-1].turn == 9
    assert see(watch, agent(said[0])) == [], "asked for a person once"


def test_a_caller_who_says_the_same_again_and_again_is_a_loop_but_a_yes_is_not() -> None:
    watch = Watch()
    see(watch, *(caller("yes", turn=n) for n in range(9)))
    assert kinds(watch) == set()
    see(watch, *(caller("I need my test results now", turn=n) for n in range(3)))
    assert kinds(watch) == {"looping"}


def test_a_reply_that_takes_long_is_a_long_wait() -> None:
    watch = Watch()
    see(watch, caller("hello", 0), agent("One moment.", 3), caller("and?", 5), agent("Here it is.", 14))
    assert [(one.kind, one.at) for one in watch.risk.seen] == [("long_wait", after(14))]


def test_enough_risk_asks_for_a_person_once_with_the_weightiest_reason() -> None:
    watch = Watch()
    abuse = [caller(f"you idiot {n}", n, n) for n in range(3)]
    assert see(watch, *abuse) == []
    alarms = see(watch, Event(after(4), "result", "Failed", detail=Failed("x")))
    (alarm,) = [*alarms]
    assert alarm.reason.startswith("risk of 7")
    assert not alarm.hard
    assert see(watch, caller("you idiot again", 5)) == []


@pytest.mark.parametrize("said", ["I have chest pain", "I want to kill myself", "I'll shoot you"])
def test_danger_stops_the_agent(said: str) -> None:
    watch = Watch()
    (alarm,) = see(watch, caller(said))
    assert alarm.hard
    assert alarm.words
    assert watch.priority(NOW) == "safety_concern"


# what the session does


def opened(brain: Brain | None = None) -> Session:
    session = Session(brain or Dialogue(Setting(), NOW))
    session.handle(Ringing(NOW, ""))
    session.handle(Answered(NOW))
    return session


def test_a_soft_alarm_keeps_the_agent_talking() -> None:
    session = opened()
    assert session.handle(Alarm(NOW, "looping")) == (Escalate("looping"),)
    assert session.over == ""
    assert any(isinstance(e, Say) for e in session.handle(Utterance(NOW, "I want to cancel my appointment")))


def test_a_hard_alarm_says_its_words_and_hands_the_call_over_once() -> None:
    session = opened()
    said, asked, over = session.handle(Alarm(NOW, "threat words", "A person will help.", hard=True))
    assert isinstance(said, Say)
    assert (said.text, said.shielded) == ("A person will help.", True)
    assert (asked, over) == (Escalate("threat words", True), Transfer("threat words"))
    assert session.over == "escalate: threat words"
    assert session.handle(Alarm(NOW, "threat words", "A person will help.", hard=True)) == ()
    assert session.transcript.turns[-1].text == "A person will help."


def test_with_a_person_on_the_line_even_a_hard_alarm_only_tells() -> None:
    session = opened()
    session.handle(Operator(NOW, "take_over"))
    assert session.handle(Alarm(NOW, "threat words", "x", hard=True)) == (Escalate("threat words"),)
    assert session.over == ""


def test_while_a_person_has_the_call_the_agent_says_nothing_and_what_it_began_goes_on() -> None:
    session = opened()
    started = session.handle(Utterance(NOW, "My name is Eve Bradtke, cancel my appointment, 3/3/1982"))
    tool = next(e for e in started if isinstance(e, RunTool))
    session.handle(Operator(NOW, "take_over"))
    for signal in (
        Silence(NOW),
        Silence(NOW),
        Silence(NOW),
        ToolResult(NOW, tool.id, PatientsFound(())),
        Emotion(NOW, "angry", "hold space"),
    ):
        assert not [e for e in session.handle(signal) if not isinstance(e, RunTool)]
    assert session.over == ""
    said = session.handle(Operator(NOW, "say", "This is Ana."))
    assert said == (Say("This is Ana.", session.transcript.turns[-1].number),)
    assert session.transcript.turns[-1].speaker == "operator"


def test_a_person_ends_the_call() -> None:
    session = opened()
    session.handle(Operator(NOW, "take_over"))
    session.handle(Operator(NOW, "finish"))
    assert session.over == "end: operator"


def test_handing_back_what_nobody_holds_changes_nothing() -> None:
    assert opened().handle(Operator(NOW, "hand_back")) == ()
