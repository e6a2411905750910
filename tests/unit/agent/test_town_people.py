"""People of the simulated town: what they say to what they hear, and what their file may hold."""

from __future__ import annotations

import pytest

from agent.simulator.town.calls import order_in
from agent.simulator.town.people import Mind, NobodyLikeThat, Townsman, first_answer, townsman

ANA = Townsman("+12125550101", "Ana Brown", "March 3rd 1982", "yes", "person")


def test_whoever_is_asked_who_they_are_says_it_and_then_confirms() -> None:
    mind = Mind(ANA)
    who = mind.answer(
        "Before I say why I'm calling, I need to know who I'm speaking with. May I have your full name?"
    )
    assert who == "Ana Brown, March 3rd 1982"
    assert mind.answer("You have an appointment on Thursday. Will you be there?") == "Yes, I will be there"
    assert mind.answer("Is there anything else I can help with?") == "No, that's all. Thank you."
    assert mind.answer("Thank you for your time. Goodbye.") == ""


@pytest.mark.parametrize(("wish", "words"), [("reschedule", "Move it"), ("cancel", "Cancel it")])
def test_a_wish_is_said_once_and_then_kept_to(wish: str, words: str) -> None:
    mind = Mind(Townsman("+1", "Ana Brown", "March 3rd 1982", wish=wish))
    assert "Yes" not in mind.answer("Will you be there?")
    assert words in mind.answer("Would you like to move it to another time, or cancel it?")
    assert mind.answer("I have Monday at nine, or Tuesday at ten. Which would you like?") == "The first one"
    assert mind.answer("So I'll move your appointment. Shall I go ahead?") == "Yes"


def test_a_conversation_that_goes_in_circles_ends() -> None:
    mind = Mind(ANA)
    assert [mind.answer("Is that right?") for _ in range(14)][-1] == ""


def test_what_is_written_first() -> None:
    assert first_answer(ANA) == "YES" and first_answer(Townsman("+1", text="silent")) == ""
    assert first_answer(Townsman("+1", text="yes", says="GOOD")) == "GOOD"


@pytest.mark.parametrize("told", [{}, {"number": "+1", "age": 3}, {"number": "+1", "text": "maybe"}])
def test_a_wrong_file_is_refused(told: dict[str, str]) -> None:
    with pytest.raises(NobodyLikeThat):
        townsman(told)


def test_the_name_of_a_contact_stands_in_the_addresses_that_are_told() -> None:
    assert order_in(["http://x/answered?order=out-a.1", "http://x/status?order=out-a.1"]) == "a.1"
    assert order_in(["http://x/text-status?of=17"]) == "17"
    assert order_in(["", "http://x/voice"]) == ""
