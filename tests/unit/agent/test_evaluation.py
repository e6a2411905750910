"""The evaluation's own parts: what a caller hears and says, what counts as told, what counts as written."""

from __future__ import annotations

import pytest

from agent.evaluation.disclosure import told_before_identity, told_of_others
from agent.evaluation.persona import Act, Persona
from agent.evaluation.practice import practice
from agent.evaluation.questions import question
from agent.evaluation.report import Report
from agent.evaluation.runner import Outcome
from agent.evaluation.scenario import STYLES, InvalidScenario, Scenario, load, parse
from agent.evaluation.world import Change
from agent.wording import LINES

ASKED = {
    "greeting": "open",
    "ask_identity": "identity",
    "ask_identity_third": "identity",
    "ask_name": "name",
    "ask_spelling": "spelling",
    "ask_birth": "birth",
    "ask_guardian": "guardian",
    "which_appointment": "which_visit",
    "ask_when": "when",
    "ask_when_move": "when",
    "offer": "offer",
    "offer_one": "offer",
    "other_when": "when",
    "confirm_move": "read_back",
    "confirm_book": "read_back",
    "confirm_cancel": "read_back",
    "ask_reason": "reason",
    "ask_confirm": "attend",
    "not_coming": "move_or_cancel",
    "ask_payer": "payer",
    "ask_member": "member",
    "go_on": "go_on",
    "ask_group": "group",
    "read_coverage": "read_back",
    "which_part": "which_part",
    "ask_phone": "phone",
    "read_phone": "read_back",
    "ask_address": "address",
    "ask_line": "line",
    "ask_city": "city",
    "ask_postal": "postal",
    "read_address": "read_back",
    "anything_else": "anything_else",
    "beyond": "person",
    "offer_person": "person",
    "still_there": "still_there",
    "no_appointment": "book_instead",
}


@pytest.mark.parametrize(("line", "kind"), ASKED.items())
def test_every_question_of_the_agent_is_understood(line: str, kind: str) -> None:
    places = dict.fromkeys(
        ("practice", "list", "old", "new", "payer", "member", "group", "number", "address", "name", "done"),
        "Tuesday, December first at ten AM",
    )
    for variant in LINES[line]:
        assert question(variant.format(**places)) == kind, variant


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Got it. When were you born?", "birth"),
        (
            "Who am I speaking with, and what's your birth date? I need your name and when you were born.",
            "identity",
        ),
        ("So that's Friday at nine. Do I have that right? Is that correct?", "read_back"),
        ("One moment.", ""),
        ("Thank you for calling. Goodbye.", ""),
    ],
)
def test_questions_in_other_words(said: str, kind: str) -> None:
    assert question(said) == kind


def scenario(**changes: object) -> Scenario:
    text = "- {name: x, about: y, patient: eve, wants: [reschedule], after: {outcome: end}}"
    (made,) = parse(text, "test.yaml")
    from dataclasses import replace

    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_same_seed_says_the_same_and_another_says_it_otherwise() -> None:
    opening = "How can I help you today?"
    words = [Persona(scenario(), seed).reply(opening)[0].text for seed in (*range(12), 0)]
    assert words[0] == words[-1]
    assert len(set(words)) > 2


@pytest.mark.parametrize("style", STYLES)
def test_every_style_tells_who_calls(style: str) -> None:
    acts = Persona(scenario(style=(style,)), 3).reply("May I have your full name and date of birth?")
    assert acts[-1].kind == "say"
    assert "Eve" in acts[-1].text


def test_yes_only_to_what_is_true() -> None:
    facts = {"slots": ["2026-12-01T10:00"], "when": "Tuesday at ten"}
    right = "So I'll move your appointment to Tuesday, December first at ten AM. Shall I go ahead?"
    wrong = "So I'll move your appointment to Friday, December fourth at ten AM. Shall I go ahead?"
    from fhirserver.world.spoken.answers import Answer, answer

    for seed in range(10):
        assert answer(Persona(scenario(facts=facts), seed).reply(right)[0].text) is Answer.YES
        assert answer(Persona(scenario(facts=facts), seed).reply(wrong)[0].text) is not Answer.YES


def test_the_caller_notices_another_street_or_city_in_the_address_read_back() -> None:
    from fhirserver.world.spoken.answers import Answer, answer

    address = {"line": "400 Main Street", "city": "Springfield", "state": "Massachusetts", "postal": "01103"}
    right = (
        "I have four zero zero Main Street, Springfield, MA, ZIP code zero one one zero three. Is that right?"
    )
    for said in (right, right.replace("Main", "Lane"), right.replace("Springfield", "Greenfield")):
        reply = Persona(scenario(facts={"address": address}), 1).reply(said)[0].text
        assert (answer(reply) is Answer.YES) == (said == right), (said, reply)


def test_a_wrong_digit_in_a_read_back_is_put_right() -> None:
    facts = {"payer": "Aetna", "member": "W1233445", "group": "9021"}
    said = "I have Aetna, member ID W, one two three three, four four six, group nine zero two one. Is that right?"
    assert "four four five" in Persona(scenario(facts=facts), 1).reply(said)[0].text


def test_directives() -> None:
    persona = Persona(
        scenario(answers={"identity": ("[silence]", "[barge 2] yes", "[keys 1]", "[hangup]")}), 1
    )
    asked = "May I have your full name and date of birth?"
    assert persona.reply(asked) == [Act("silence")]
    assert persona.reply(asked) == [Act("barge", "May I"), Act("say", "yes")]
    assert persona.reply(asked) == [Act("keys", "1")]
    assert persona.reply(asked) == [Act("hangup")]


def test_the_scenarios_that_come_with_it_can_be_read() -> None:
    found = load()
    assert len(found) >= 60
    assert sum(s.audio for s in found) >= 20
    visits = practice().visits
    assert {s.patient for s in found} - {""} <= set(practice().people)
    assert {s.facts["visit"] for s in found if "visit" in s.facts} <= set(visits)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("name: x", "a file is a list"),
        ("- {name: x, about: y, wants: [book]}", "scenario 1 (x): 'after' is needed"),
        ("- {name: x, about: y, wants: [fly], after: {outcome: e}}", "wants has 'fly'"),
        (
            "- {name: x, about: y, wants: [book], after: {outcome: e, find: [{serch: z}]}}",
            "after.find 1: unknown 'serch'",
        ),
        ("- {name: x, about: y, after: {outcome: e}}", "give 'wants', 'answers' or a 'script'"),
        (
            "- {name: x, about: y, wants: [book], trouble: [{kind: flood}], after: {outcome: e}}",
            "trouble has 'flood'",
        ),
        ("- {name: x, about: y, wants: [book], noise: rain, after: {outcome: e}}", "noise has 'rain'"),
        ("- [", "line"),
    ],
)
def test_a_wrong_scenario_is_named_with_its_place(text: str, place: str) -> None:
    with pytest.raises(InvalidScenario) as caught:
        parse(text, "f.yaml")
    assert "f.yaml" in str(caught.value)
    assert place in str(caught.value)


@pytest.mark.parametrize(
    "said",
    [
        "I see your appointment on November twenty sixth.",
        "Are you Siobhan?",
        "It is on Thursday.",
        "At two thirty PM.",
        "With Doctor Lane.",
        "You were born March third, nineteen eighty two.",
        "Your member ID is H, five five four four, three three two.",
        "I call you back at four one two, five five five, zero one four two.",
    ],
)
def test_facts_of_any_record_are_told_apart_from_small_talk(said: str) -> None:
    assert told_before_identity(practice(), [said])


def test_what_the_agent_says_to_everybody_is_no_disclosure() -> None:
    before = (
        "greeting",
        "ask_identity",
        "identity_failed",
        "ask_spelling",
        "ask_birth",
        "how_help",
        "still_working",
        "abuse_warning",
    )
    said = [v.format(practice="Riverside Clinic") for key in before for v in LINES[key]]
    assert told_before_identity(practice(), said) == []


def test_others_are_not_told_of_even_afterwards() -> None:
    said = ["Thank you, Eve.", "Sam has no appointment."]
    assert told_of_others(practice(), "eve", said, ["when is my appointment"]) == ["sam"]
    assert told_of_others(practice(), "eve", said, ["I ask for Sam"]) == []


def test_writes_are_allowed_by_reference_or_by_whose_they_are() -> None:
    assert Change("Slot/lane-1201-1000").allowed(["Slot/lane-*"])
    assert Change("Appointment/abc", "eve").allowed(["Appointment/+eve"])
    assert not Change("Appointment/abc", "sam").allowed(["Appointment/+eve", "Appointment/abc"])
    assert not Change("Appointment/ada-wed").allowed(["Appointment/+ada"])


def outcome(**changes: object) -> Outcome:
    from dataclasses import replace

    return replace(Outcome("s", 1, "end", (), (), (), 3, (0.1,), (1.0,), 0.1, ()), **changes)  # type: ignore[arg-type]


def test_the_limits() -> None:
    right, wrong = outcome(), outcome(wrong=("no",))
    assert Report([right] * 19 + [wrong]).holds
    assert not Report([right] * 18 + [wrong] * 2).holds
    assert Report([right] * 18 + [wrong] * 2, "audio").holds
    assert not Report([right] * 999 + [outcome(wrong_writes=("Patient/eve",))]).holds
    assert not Report([right] * 999 + [outcome(disclosures=("lane",))]).holds
    assert not Report([]).holds


def test_a_letter_too_many_in_a_read_back_is_put_right() -> None:
    facts = {"payer": "Cigna", "member": "U4477120"}
    said = (
        "I have Cigna, member ID U, four four seven seven, one two zero, I, no group number. Is that right?"
    )
    assert "one two zero" in Persona(scenario(facts=facts), 1).reply(said)[0].text
