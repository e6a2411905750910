"""What callers ask of the practice itself: hours, address, telephone; told to anybody, and the call goes on."""

from __future__ import annotations

from typing import Any

import pytest
from fhir_stand_in import StandIn
from practice import NOW, play, practice
from test_dialogues import IDENTIFY, SECRETS, starts
from test_llm_calls import model, running
from test_llm_calls import play as play_llm

from agent.chat.codec import kept, signal_of
from agent.definition.setting import applied
from agent.hearing import hear
from agent.memory import Setting
from agent.policy.about_us import topics
from agent.policy.dialogue import Dialogue
from agent.session import Session
from fhirserver.kernel.json import dumps, loads
from fhirserver.world.configured.agent import Agent
from fhirserver.world.configured.parts import read
from fhirserver.world.configured.scheduling_rules import SchedulingRules
from tests.model_server import ModelServer

__all__ = ["model", "running"]

WEEK = ["mon", "tue", "wed", "thu", "fri"]
HOUSE: dict[str, Any] = {
    "resourceType": "Location",
    "id": "house",
    "status": "active",
    "name": "Lakeside House",
    "telecom": [{"system": "phone", "value": "+12125550100"}],
    "address": {"line": ["20 Shore Road"], "city": "Springfield", "state": "MA", "postalCode": "01103"},
    "hoursOfOperation": [
        {"daysOfWeek": WEEK, "openingTime": "08:00:00", "closingTime": "17:30:00"},
        {"daysOfWeek": ["sat"], "openingTime": "09:00:00", "closingTime": "12:00:00"},
    ],
}
ROOM = {"resourceType": "Location", "id": "r1", "name": "Room 1", "partOf": {"reference": "Location/house"}}


def at(*places: Any) -> StandIn:
    server = practice()
    for place in places:
        server.put(place)
    return server


async def said(script: str, *places: Any, setting: Setting | None = None) -> str:
    return (await play(script, server=at(*places), setting=setting)).said


async def test_hours_are_told_without_identity_and_the_call_goes_on() -> None:
    played = await play(
        f"what are your opening hours?\nplease cancel my appointment\n{IDENTIFY}\nmy car broke down\nyes\nno",
        server=at(HOUSE, ROOM),
    )
    assert (
        "We are open Monday to Friday from eight AM to five thirty PM, and Saturday from nine AM to noon."
        in played.said
    ), played.said
    assert starts(played, "cancelled")
    assert "person" not in played.said


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (
            "are you open on Saturday?",
            "Yes, on Saturday, November twenty eighth we are open from nine AM to noon.",
        ),
        ("are you open on Sunday", "No, on Sunday, November twenty ninth we are closed."),
        ("are you guys open tomorrow", "Yes, on Wednesday, November twenty fifth we are open from eight AM"),
        ("are you open right now", "Yes, on Tuesday, November twenty fourth we are open"),
        ("where are you?", "We are at 20 Shore Road, Springfield, MA"),
        ("how do I get to the office", "We are at 20 Shore Road"),
        ("what's your phone number", "Our phone number is"),
        ("when do you close", "We are open Monday to Friday"),
    ],
)
async def test_each_question_has_its_answer(question: str, answer: str) -> None:
    assert answer in await said(question, HOUSE)


async def test_open_today_and_closed_now() -> None:
    early = HOUSE | {
        "hoursOfOperation": [{"daysOfWeek": WEEK, "openingTime": "07:00", "closingTime": "12:00"}]
    }
    closed = (
        "No, we are closed right now. On Tuesday, November twenty fourth we are open from seven AM to noon."
    )
    assert closed in await said("are you still open", early)
    assert "Yes, on Tuesday" in await said("are you open today", early)


async def test_in_the_middle_of_business_what_was_asked_is_asked_again() -> None:
    played = await play(
        f"""please cancel my appointment
        {IDENTIFY}
        are you open on saturday?
        my car broke down
        where are you
        yes
        no""",
        server=at(HOUSE),
    )
    told = [t.text for t in played.record.turns if t.speaker == "agent"]
    assert any("nine AM to noon" in t and "reason" in t for t in told), told
    assert any("Shore Road" in t and "Is that right?" in t for t in told), told
    assert starts(played, "cancelled")


async def test_while_asked_who_it_is_the_question_is_put_again() -> None:
    played = await play("please cancel my appointment\nwhere are you located\n[hangup]", server=at(HOUSE))
    assert "Shore Road" in played.said and "date of birth" in played.said.split("Shore Road")[1]
    assert not SECRETS.search(played.before_identification.replace("Springfield", ""))


async def test_a_wish_in_the_same_breath_is_served() -> None:
    played = await play(
        f"are you open on saturday, and please cancel my appointment\n{IDENTIFY}\nmy car broke down\nyes\nno",
        server=at(HOUSE),
    )
    assert "nine AM to noon" in played.said and starts(played, "cancelled")


async def test_without_a_word_on_it_a_person_is_offered() -> None:
    for question in ("what are your opening hours", "where are you", "what's your phone number"):
        played = await play(f"{question}\nyes please")
        assert "I don't know that myself" in played.said
        assert played.record.outcome.startswith("transfer")


RULES = {
    "open_hours": {
        "weekly": [{"days": WEEK, "from": "09:00", "to": "16:00"}],
        "exceptions": [{"name": "Thanksgiving", "date": "2026-11-26"}],
    }
}


async def test_the_rules_tell_the_hours_where_no_location_does() -> None:
    setting = applied(Setting(), Agent(), rules=read(SchedulingRules, RULES))
    assert "Monday to Friday from nine AM to four PM" in await said("when are you open", setting=setting)
    closed = await said("are you open on Thursday", HOUSE, setting=setting)
    assert "No, on Thursday, November twenty sixth we are closed: Thanksgiving." in closed


async def test_several_places_are_told_by_name() -> None:
    other = HOUSE | {
        "id": "hill",
        "name": "Hill House",
        "address": HOUSE["address"] | {"line": ["1 Hill Lane"]},
    }
    told = await said("what is your address", HOUSE, other)
    assert "Lakeside House is at 20 Shore Road" in told and "Hill House is at 1 Hill Lane" in told


async def test_a_place_that_is_given_up_is_not_told() -> None:
    inactive = HOUSE | {"status": "inactive"}
    assert "I don't know that myself" in await said("where are you", inactive)


@pytest.mark.parametrize(
    "words",
    [
        "do you have anything open on friday",
        "my address is 1 Main Street",
        "I have a new phone number",
        "where are you calling from",
        "is there an opening on monday",
        "what's my appointment address again",
        "the number on my card",
        "I want to book an appointment",
    ],
)
def test_what_only_sounds_alike_is_no_question_about_us(words: str) -> None:
    assert not topics(hear(1, words)), words


async def test_it_is_the_same_where_a_model_leads(model: ModelServer) -> None:
    script = f"what are your opening hours\ncancel my appointment\n{IDENTIFY}\nI feel better now\nyes\nno"
    played = await play_llm(model, script, server=at(HOUSE))
    assert "Monday to Friday from eight AM" in played.said
    assert starts(played, "cancelled"), played.said


async def test_what_was_told_is_told_again_in_another_process() -> None:
    played = await play("where are you?\nare you open on saturday\n[hangup]", server=at(HOUSE))
    again = Session(Dialogue(Setting(), NOW))
    for signal in played.record.signals:
        again.handle(signal_of(loads(dumps(kept(signal)))))
    assert [t.text for t in again.transcript.turns] == [t.text for t in played.record.turns]


async def test_the_places_are_read_once() -> None:
    played = await play(
        "where are you?\nwhere are you located\nwhat's your phone number\n[hangup]", server=at(HOUSE)
    )
    assert sum(path == "Location" for _, path, _, _ in played.server.requests) == 1
    assert played.said.count("Shore Road") == 2


async def test_an_organization_tells_what_its_place_does_not() -> None:
    bare = {"resourceType": "Location", "id": "h2", "status": "active", "name": "House",
            "managingOrganization": {"reference": "Organization/us"}}  # fmt: skip
    us = {"resourceType": "Organization", "id": "us", "name": "Us", "address": [HOUSE["address"]]}
    assert "We are at 20 Shore Road" in await said("where are you", bare, us)
    payer = us | {"id": "payer", "name": "Aetna"}
    assert "I don't know that myself" in await said("where are you", payer)
