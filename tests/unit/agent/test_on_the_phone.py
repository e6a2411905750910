"""A persona on the telephone: it answers what it has heard, when it has heard it."""

from __future__ import annotations

from dataclasses import replace

from agent.call import Event
from agent.evaluation.on_the_phone import PersonaOnPhone, aloud
from agent.evaluation.persona import Persona
from agent.evaluation.scenario import NOW, Meanwhile, Scenario, load
from agent.simulator.person import AgentHeard, Habits, HangUp, KeepSilent, Speak

SCENARIOS = {s.name: s for s in load()}
OPENING = "Thank you for calling Riverside Clinic. How can I help you today?"
QUIET = AgentHeard(False, 3.0, 3.0)


def scripted(*lines: str) -> Scenario:
    return replace(SCENARIOS["wrong-number-pizza"], script=lines)


def on_the_phone(scenario: Scenario, **more: object) -> PersonaOnPhone:
    return PersonaOnPhone(Persona(scenario, 1), **more)  # type: ignore[arg-type]


def says(person: PersonaOnPhone, text: str, kind: str = "agent") -> None:
    person.see(Event(NOW, kind, text))


def test_the_agent_is_heard_out_before_it_is_answered() -> None:
    person = on_the_phone(scripted("hello there"))
    assert person.step(0.5, AgentHeard(False, 0.0, -1.0)) is None, "nothing has been said"
    says(person, OPENING)
    assert person.step(2.0, AgentHeard(True, 0.6, 2.0)) is None
    assert person.step(3.2, QUIET) is None, "a breath after the last word"
    assert person.step(3.7, QUIET) == Speak("hello there")
    assert person.spoken == ["hello there"]


def test_nothing_is_answered_while_the_agent_is_at_work() -> None:
    person = on_the_phone(scripted("hello there"))
    says(person, OPENING)
    says(person, "FindPatients", "tool")
    assert person.step(4.0, QUIET) is None
    says(person, "PatientsFound", "result")
    assert person.step(4.1, QUIET) == Speak("hello there")


def test_silence_is_kept_until_the_agent_speaks_again() -> None:
    person = on_the_phone(scripted("[silence] I am here"))
    says(person, OPENING)
    assert person.step(4.0, QUIET) == KeepSilent()
    assert person.step(8.0, QUIET) is None
    says(person, "Are you still there?")
    assert person.step(12.0, AgentHeard(False, 11.0, 10.5)) == Speak("I am here")


def test_an_interruption_comes_after_its_words() -> None:
    scenario = SCENARIOS["cancel-simple"]
    scenario = replace(scenario, answers={"read_back": ("[barge 3] yes",)})
    person = on_the_phone(scenario)
    says(person, "So I'll cancel your appointment on Thursday. Is that right?")
    assert person.step(0.6, AgentHeard(True, 0.2, 0.6)) is None
    assert person.step(1.4, AgentHeard(True, 0.2, 1.4)) == Speak("yes", interrupts=True)


def test_something_is_said_while_a_tool_runs() -> None:
    person = on_the_phone(scripted("x"), meanwhile=(Meanwhile("SearchSlots", "are you there?"),))
    person.step(5.0, QUIET)
    says(person, "SearchSlots", "tool")
    assert person.step(5.1, QUIET) is None
    assert person.step(5.4, QUIET) == Speak("are you there?", interrupts=True)


def test_a_caller_who_hears_nothing_gives_up() -> None:
    person = on_the_phone(scripted("x"), habits=Habits(patience=5.0))
    assert person.step(4.0, AgentHeard(False, 0.0, -1.0)) is None
    assert person.step(6.0, AgentHeard(False, 0.0, -1.0)) == HangUp()
    assert "silent" in person.failure


def test_dates_and_times_are_said_without_their_marks() -> None:
    assert aloud("Eve Bradtke, 3/3/1982.") == "Eve Bradtke, three, three, nineteen eighty two."
    assert aloud("10:00, no, 9:30 or 8:05") == "ten o'clock, no, nine thirty or eight oh five"
