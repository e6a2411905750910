"""Calls out: who is called learns what it is about only when known, and a machine keeps the neutral message alone."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from practice import EVE, NOW, Played, play

from agent.effects import End, RunTool, Say
from agent.errand import Errand
from agent.llm.brain import LlmBrain
from agent.llm.requests import AskModel
from agent.memory import Setting
from agent.policy.dialogue import Dialogue
from agent.records import Context, PatientRecord
from agent.requests import FindByBirthDate, LoadContext
from agent.results import ContextLoaded, Failed, PatientsFound
from agent.session import Session
from agent.signals import Answered, AnsweredBy, Ringing, Silence, ToolResult, Utterance

MESSAGE = "Please call us back. Thank you."
SECRETS = re.compile(
    r"\beve\b|bradtke|thursday|november|lane|appointment|visit|insurance|promised|staff", re.I
)
IDENTIFY = "Eve Bradtke, March third nineteen eighty two"


async def called(script: str, purpose: str = "confirm", patient: str = "Patient/eve") -> Played:
    """Eve's number is called; nothing of why before it is known who answers."""
    setting = Setting(errand=Errand(purpose, patient, MESSAGE))
    played = await play(script, EVE, setting=setting)
    assert not SECRETS.search(played.before_identification), played.before_identification
    return played


async def test_an_appointment_is_confirmed() -> None:
    played = await called(f"Hello?\n{IDENTIFY}\nyes I will be there\nno thank you bye")
    assert "automated assistant of the clinic" in played.said
    assert "I'm calling about an appointment" in played.said
    assert "November twenty sixth" in played.said and "I've noted that you will be there" in played.said
    assert played.record.outcome == "end: finished"
    assert "Appointment/thu" in played.record.written
    provenance = str(played.provenance("Appointment/thu"))
    assert "turn=0" not in provenance and ",0" not in provenance


async def test_who_asks_what_it_is_about_is_asked_who_they_are() -> None:
    played = await called(f"Who is this?\nwhat's this about\n{IDENTIFY}\nyes\nno bye")
    assert "didn't get that" not in played.said
    assert "Appointment/thu" in played.record.written


async def test_an_appointment_is_moved() -> None:
    played = await called(
        f"{IDENTIFY}\nTuesday morning\nthe first one\nyes please\nno thank you", "reschedule"
    )
    assert [a["start"][:16] for a in played.appointments("booked")] == ["2026-12-01T09:00"]


async def test_somebody_else_of_the_family_hears_nothing_of_it() -> None:
    played = await called(f"{IDENTIFY}\nno\nno bye", patient="Patient/sam")
    assert "meant for somebody else" in played.said
    assert "Sam" not in played.said and "calling about" not in played.said
    assert "Appointment/thu" not in played.record.written


async def test_a_wrong_number_is_apologised_to() -> None:
    played = await called("Sorry, I think you have the wrong number")
    assert played.record.outcome == "end: wrong number"
    assert "sorry to have troubled you" in played.said


def opened(message: str = MESSAGE, brain: type[Dialogue | LlmBrain] = Dialogue) -> Session:
    session = Session(brain(Setting(errand=Errand("confirm", "Patient/eve", message)), NOW))
    session.handle(Ringing(NOW, ""))
    session.handle(Answered(NOW))
    return session


GREETING = "Hi, you have reached Eve Bradtke. In an emergency dial nine one one. Please leave a message after the tone."


@pytest.mark.parametrize("brain", [Dialogue, LlmBrain])
def test_a_machine_is_left_the_message_after_its_tone_and_nothing_before(
    brain: type[Dialogue | LlmBrain],
) -> None:
    session = opened(brain=brain)
    assert session.handle(Utterance(NOW, GREETING)) == ()
    assert session.handle(Silence(NOW + timedelta(seconds=9))) == ()
    said, end = session.handle(AnsweredBy(NOW + timedelta(seconds=10), "machine_end_beep"))
    assert isinstance(said, Say) and said.text == MESSAGE and said.shielded
    assert end == End("voicemail: message left") and session.over == "end: voicemail: message left"
    assert session.handle(Utterance(NOW, "hello")) == ()


def test_a_machine_that_is_not_told_of_is_left_in_the_end() -> None:
    session = opened()
    session.handle(Utterance(NOW, GREETING))
    effects = [e for _ in range(6) for e in session.handle(Silence(NOW))]
    assert effects == [End("voicemail")]


@pytest.mark.parametrize(
    ("message", "by", "reason"),
    [("", "machine_start", "voicemail"), (MESSAGE, "fax", "fax"), (MESSAGE, "machine_start", "voicemail")],
)
def test_a_machine_that_gets_no_message_is_hung_up_on(message: str, by: str, reason: str) -> None:
    assert opened(message).handle(AnsweredBy(NOW, by)) == (End(reason),)


def test_without_a_message_the_words_of_a_machine_end_the_call() -> None:
    assert opened("").handle(Utterance(NOW, GREETING)) == (End("voicemail"),)


@pytest.mark.parametrize("by", ["human", "unknown"])
def test_a_person_goes_on(by: str) -> None:
    session = opened()
    assert session.handle(AnsweredBy(NOW, by)) == ()
    assert not session.over


def said_by(session: Session, words: str) -> str:
    return " ".join(e.text for e in session.handle(Utterance(NOW, words)) if isinstance(e, Say))


def test_a_person_who_talks_of_the_phone_is_no_machine() -> None:
    session = opened()
    session.handle(AnsweredBy(NOW, "human"))
    assert "date of birth" in said_by(session, "He can't come to the phone right now")
    assert not session.over


def test_a_person_who_was_taken_for_a_machine_is_spoken_to_again() -> None:
    session = opened()
    assert said_by(session, "She can't come to the phone") == ""
    [again] = session.handle(AnsweredBy(NOW, "human"))
    assert isinstance(again, Say) and "full name" in again.text
    assert "date of birth" in said_by(session, "what did you say")


def test_danger_is_heard_also_after_words_of_a_machine() -> None:
    session = opened()
    session.handle(Utterance(NOW, "She can't come to the phone"))
    assert "nine one one" in said_by(session, "help, she can't breathe")


def test_a_purpose_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="one of confirm"):
        Errand("chat")


def test_a_model_learns_why_we_call_when_it_is_known_who_answers() -> None:
    session = opened(brain=LlmBrain)
    eve = PatientRecord("eve", ((("Eve",), "Bradtke"),), date(1982, 3, 3), (EVE,))
    asked: list[AskModel] = []
    said = ""
    for words in ("hello", IDENTIFY):
        effects = list(session.handle(Utterance(NOW, words)))
        while effects:
            effect = effects.pop(0)
            said += getattr(effect, "text", "")
            if not isinstance(effect, RunTool):
                continue
            if isinstance(effect.request, AskModel):
                asked.append(effect.request)
                told = f"{effect.request.instructions} {effect.request.items}"
                assert session.brain.memory.patient or "we_called" not in told
                effects += session.handle(ToolResult(NOW, effect.id, Failed("no model")))
            elif isinstance(effect.request, FindByBirthDate):
                effects += session.handle(ToolResult(NOW, effect.id, PatientsFound((eve,))))
            elif isinstance(effect.request, LoadContext):
                loaded = ContextLoaded(Context("Patient/eve", ()))
                effects += session.handle(ToolResult(NOW, effect.id, loaded))
    assert "I'm calling about an appointment" in said
    assert '"we_called_the_patient_for":"confirm"' in str(asked[-1].items).replace(" ", "")
