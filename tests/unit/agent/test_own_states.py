"""States of a document's own: what is asked, decided and done between the built ones, and what may not be."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from practice import NOW, Played, play
from test_definition import of, told
from test_dialogues import IDENTIFY, SECRETS, starts

from agent.chat.codec import kept, signal_of
from agent.definition.checking import agent_faults, errors
from agent.definition.graph import build, reachable
from agent.errand import Errand
from agent.hearing import hear
from agent.policy.dialogue import Dialogue
from agent.policy.graph import GRAPH
from agent.policy.own_answers import read_answer
from agent.session import Session
from fhirserver.kernel.json import dumps, loads
from fhirserver.world.configured.agent import Agent, State
from fhirserver.world.configured.parts import read

PHARMACY = "https://lakeside.example/fhir/StructureDefinition/preferred-pharmacy"
ASK: dict[str, Any] = {
    "name": "preferred-pharmacy",
    "kind": "data_collection",
    "asks": "Which pharmacy do you use?",
    "expects": "text",
    "claims": PHARMACY,
    "after": ["onward"],
}
SERVED = {"name": "served", "after": ["preferred-pharmacy", "handover", "closing"]}
NEW = {
    "name": "been-here",
    "kind": "data_collection",
    "asks": "Have you been with us before?",
    "expects": "yes_no",
    "after": ["who-serves"],
}
WHO: dict[str, Any] = {
    "name": "who-serves",
    "kind": "decision",
    "routes": [{"answer": "been-here", "is": "no", "to": "desk"}],
    "after": ["onward", "desk"],
}
DESK = {"name": "desk", "kind": "action", "does": "handover", "says": "Our desk welcomes new patients."}
OPEN = {"name": "open", "after": ["been-here", "handover", "closing"]}
TRIAGE = [OPEN, NEW, WHO, DESK]


async def held(states: list[Any], script: str, **more: Any) -> Played:
    return await play(script, setting=of({"graph": {"states": states}, **more}))


def states_of(played: Played) -> list[str]:
    return [e.text for e in played.events if e.kind == "state"]


# what is asked


async def test_a_question_of_ones_own_is_asked_read_back_and_claimed() -> None:
    played = await held(
        [SERVED, ASK],
        f"""please cancel my appointment
        {IDENTIFY}
        the CVS on Main Street
        yes
        my car broke down
        yes
        no""",
    )
    asked = next(t.text for t in played.record.turns if "Which pharmacy" in t.text)
    assert "reason" not in asked and played.said.count("Which pharmacy") == 1
    assert "I have the CVS on Main Street. Is that right?" in played.said
    assert starts(played, "cancelled")
    (eve,) = [p for p in played.server.of("Patient") if p["id"] == "eve"]
    assert {"url": PHARMACY, "valueString": "the CVS on Main Street"} in eve["extension"]
    said = next(p for p in played.provenance("Patient/eve") if "extension" in p)
    confidence = next(e for e in said["extension"] if e["url"].endswith("/confidence"))  # type: ignore[attr-defined]
    assert str(confidence["valueDecimal"]) == "0.5"
    assert "transcript-turns" in str(said["entity"])
    assert "preferred pharmacy: the CVS on Main Street" in played.record.summary_text
    assert "preferred-pharmacy" in states_of(played)


async def test_a_no_to_what_was_read_back_asks_again() -> None:
    played = await held(
        [SERVED, ASK],
        f"please cancel my appointment\n{IDENTIFY}\nthe CBS\nno\nthe CVS\nyes\nmy car broke down\nyes\nno",
    )
    (eve,) = [p for p in played.server.of("Patient") if p["id"] == "eve"]
    assert [e["valueString"] for e in eve["extension"]] == ["the CVS"]


async def test_who_does_not_know_is_not_pressed() -> None:
    played = await held(
        [SERVED, ASK], f"please cancel my appointment\n{IDENTIFY}\nI don't know\nmy car broke down\nyes\nno"
    )
    assert starts(played, "cancelled")
    assert not any("extension" in p for p in played.server.of("Patient"))
    assert "preferred pharmacy: not told" in played.record.summary_text


async def test_what_was_said_and_not_confirmed_is_kept_lower() -> None:
    played = await held(
        [SERVED, ASK], f"please cancel my appointment\n{IDENTIFY}\nthe CVS on Main Street\n[hangup]"
    )
    said = next(p for p in played.provenance("Patient/eve") if "extension" in p)
    confidence = next(e for e in said["extension"] if e["url"].endswith("/confidence"))  # type: ignore[attr-defined]
    assert str(confidence["valueDecimal"]) == "0.3"


async def test_an_answer_may_only_be_noted() -> None:
    noted = {k: v for k, v in ASK.items() if k != "claims"}
    played = await held(
        [SERVED, noted], f"please cancel my appointment\n{IDENTIFY}\nthe CVS\nmy car broke down\nyes\nno"
    )
    assert "Is that right?" not in played.said.split("Which pharmacy")[1].split("reason")[0]
    assert "preferred pharmacy: the CVS" in played.record.summary_text
    assert not any("extension" in p for p in played.server.of("Patient"))


async def test_danger_and_a_wish_for_a_person_go_first() -> None:
    danger = await held([SERVED, ASK], f"please cancel my appointment\n{IDENTIFY}\nI have chest pain")
    assert "nine one one" in danger.said
    person = await held([SERVED, ASK], f"please cancel my appointment\n{IDENTIFY}\na person please")
    assert person.record.outcome.startswith("transfer")


async def test_what_is_not_understood_is_asked_again_and_ends_with_a_person() -> None:
    number = {**ASK, "expects": "number", "claims": "", "max_turns": 3}
    played = await held(
        [SERVED, number], f"please cancel my appointment\n{IDENTIFY}\nhm, well\nlots\nquite a few"
    )
    assert played.said.count("Which pharmacy do you use?") >= 2
    assert played.record.outcome.startswith("transfer")


async def test_the_search_waits_for_the_answer() -> None:
    kind = {**ASK, "name": "kind", "claims": "", "asks": "Is it a check-up?", "expects": "yes_no"}
    wish = {"name": "wish", "after": ["kind", "served", "handover"]}
    played = await held(
        [wish, kind],
        f"""I need to move my Thursday appointment to Tuesday morning
        {IDENTIFY}
        yes
        the first one
        yes please
        no thank you""",
    )
    assert starts(played, "booked") == ["2026-12-01T09:00"]
    order = [e.text for e in played.events if e.kind in ("tool", "agent")]
    question = next(i for i, text in enumerate(order) if "check-up" in text)
    assert question < order.index("SearchSlots")


async def test_after_what_was_done_a_question_comes_before_anything_else() -> None:
    writing = {"name": "writing", "after": ["searching", "preferred-pharmacy", "handover"]}
    played = await held(
        [writing, {**ASK, "claims": ""}],
        f"please cancel my appointment\n{IDENTIFY}\nmy car broke down\nyes\nthe CVS\nno",
    )
    turn = next(t.text for t in played.record.turns if "Which pharmacy" in t.text)
    assert turn.index("is cancelled") < turn.index("Which pharmacy") and "anything else" not in turn
    assert played.record.outcome == "end: finished"


# what is decided


async def test_an_answer_decides_the_way_before_identity() -> None:
    new = await held(TRIAGE, "please cancel my appointment\nno")
    assert new.record.outcome.startswith("transfer")
    assert "Our desk welcomes new patients." in new.said and "date of birth" not in new.said
    assert {"been-here", "who-serves", "desk"} <= set(states_of(new))
    known = await held(TRIAGE, f"please cancel my appointment\nyes\n{IDENTIFY}\nmy car broke down\nyes\nno")
    assert starts(known, "cancelled")


async def test_what_is_known_decides_the_way() -> None:
    by_age = {
        "name": "senior",
        "kind": "decision",
        "routes": [{"when": "birthDate < @1990-01-01", "to": "line"}],
        "after": ["onward", "line"],
    }
    line = {"name": "line", "kind": "action", "does": "handover"}
    states = [{"name": "served", "after": ["senior", "handover", "closing"]}, by_age, line]
    played = await held(states, f"please cancel my appointment\n{IDENTIFY}")
    assert played.record.outcome.startswith("transfer") and not starts(played, "cancelled")
    young = [
        {**s, "routes": [{"when": "birthDate > @1990-01-01", "to": "line"}]} if s is by_age else s
        for s in states
    ]
    played = await held(young, f"please cancel my appointment\n{IDENTIFY}\nmy car broke down\nyes\nno")
    assert starts(played, "cancelled")


async def test_a_document_sends_the_conversation_to_other_business_first() -> None:
    uninsured = {
        "name": "insured",
        "kind": "decision",
        "routes": [{"when": "%coverages.empty()", "to": "insurance"}],
        "after": ["onward", "insurance"],
    }
    states = [{"name": "served", "after": ["insured", "handover", "closing"]}, uninsured]
    played = await held(
        states,
        f"""please cancel my appointment
        {IDENTIFY}
        Aetna
        W 1 2 3 4 5 6 7 8
        no
        yes
        my car broke down
        yes
        no""",
    )
    assert played.server.of("Coverage") and starts(played, "cancelled"), played.said
    assert played.said.index("Which insurance") < played.said.index("the reason")


async def test_a_call_back_is_offered_and_noted() -> None:
    states = [
        {"name": "served", "after": ["want-call", "handover", "closing"]},
        {**NEW, "name": "want-call", "asks": "Shall our nurse call you?", "after": ["whether"]},
        {
            "name": "whether",
            "kind": "decision",
            "routes": [{"answer": "want-call", "is": "yes", "to": "promise"}],
            "after": ["onward", "promise"],
        },
        {"name": "promise", "kind": "action", "does": "call_back", "after": ["bye"]},
        {"name": "bye", "kind": "action", "does": "end"},
    ]
    played = await held(states, f"please cancel my appointment\n{IDENTIFY}\nyes please")
    assert played.record.outcome == "end: finished"
    assert "Call back" in played.record.summary_text
    assert any(e.kind == "escalate" for e in played.events)
    assert not starts(played, "cancelled")


# what may not be


@pytest.mark.parametrize(
    ("states", "place", "words"),
    [
        ([{**ASK, "asks": ""}, SERVED], "/graph/states/0/asks", "wording of its question"),
        ([{**ASK, "asks": "Hello {name}?"}, SERVED], "/graph/states/0/asks", "{practice}"),
        ([{**ASK, "expects": None}, SERVED], "/graph/states/0/expects", "what kind of answer"),
        ([{**ASK, "expects": "choice"}, SERVED], "/graph/states/0/choices", "at least two"),
        ([{**ASK, "claims": "https://credence.health/fhir/StructureDefinition/confidence"}, SERVED],
         "/graph/states/0/claims", "not one of Credence's own"),
        ([{**ASK, "does": "end"}, SERVED], "/graph/states/0/does", "only an action"),
        ([{**ASK, "after": None}, SERVED], "/graph/states/0/after", "onward"),
        ([{**ASK, "after": ["nowhere"]}, SERVED], "/graph/states/0/after/0", "there is no state"),
        ([ASK], "/graph/states/0", "nothing leads to"),
        ([{**ASK, "kind": None}, SERVED], "/graph/states/0/name", "there is no state"),
        ([{**ASK, "after": ["onward", "two"]}, SERVED, {**ASK, "name": "two"}],
         "/graph/states/0/after", "only a decision"),
        ([{**ASK, "after": ["two"]}, SERVED, {**ASK, "name": "two", "after": ["preferred-pharmacy"]}],
         "/graph/states/0/after", "in a circle"),
        ([{**ASK, "after": ["writing"]}, SERVED], "/graph/states/1/after/0", "no way from 'served' to 'writing'"),
        ([ASK, {"name": "read_back", "after": ["preferred-pharmacy", "served", "handover"]}],
         "/graph/states/1/after/0", "nothing of your own"),
        ([ASK, {"name": "open", "after": ["preferred-pharmacy", "handover", "closing"]}], "/graph/states/0",
         "needs identity and can be reached without it"),
        ([OPEN, NEW, {**WHO, "routes": [{"answer": "other", "is": "no", "to": "desk"}]}, DESK],
         "/graph/states/2/routes/0/answer", "there is no question 'other'"),
        ([OPEN, NEW, {**WHO, "routes": [{"answer": "been-here", "is": "maybe", "to": "desk"}]}, DESK],
         "/graph/states/2/routes/0/is", "yes or no"),
        ([OPEN, NEW, {**WHO, "routes": [{"answer": "been-here", "is": "no", "to": "served"}]}, DESK],
         "/graph/states/2/routes/0/to", "stands in 'after'"),
        ([OPEN, NEW,
          {**WHO, "routes": [{"answer": "been-here", "is": "no", "to": "served"}], "after": ["onward", "served"]}],
         "/graph/states/0/after/0", "no way from 'open' to 'served'"),
        ([OPEN, NEW, {**WHO, "routes": [{"when": "birthDate <", "to": "desk"}]}, DESK],
         "/graph/states/2/routes/0/when", "no FHIRPath"),
        ([OPEN, NEW, {**WHO, "routes": [{"when": "birthDate.exists()", "to": "desk"}]}, DESK],
         "/graph/states/2", "needs identity and can be reached without it"),
        ([OPEN, NEW, {**WHO, "routes": []}, DESK], "/graph/states/2/routes", "at least one"),
        ([OPEN, NEW, WHO, {**DESK, "does": None}], "/graph/states/3/does", "what it does"),
        ([OPEN, NEW, WHO, {**DESK, "after": ["served"]}], "/graph/states/3/after", "nothing comes after"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(states: list[Any], place: str, words: str) -> None:
    found = told({"graph": {"states": states}})
    assert words in found.get(place, ""), found


def test_onward_is_where_the_dialogue_would_have_gone() -> None:
    built = build(read(Agent, {"graph": {"states": [SERVED, ASK]}}))
    assert not built.faults
    assert {"wish", "searching", "insurance", "reason"} <= set(built.states["preferred-pharmacy"].after)
    without = reachable({n: s for n, s in built.states.items() if n != "identity"}, "ringing")
    assert not [name for name in without if built.states[name].needs_identity]


# answers


@pytest.mark.parametrize(
    ("expects", "text", "value"),
    [
        ("yes_no", "yes I have", "yes"),
        ("yes_no", "the blue one", None),
        ("number", "about twenty five", "25"),
        ("number", "3", "3"),
        ("date", "on March third 2020", "2020-03-03"),
        ("phone", "four one two five five five zero one four two", "+14125550142"),
        ("choice", "the north one please", "north"),
        ("choice", "north or south", None),
        ("text", "It's the CVS on Main Street.", "the CVS on Main Street"),
        ("text", "what do you mean?", None),
        ("text", "I don't know", ""),
    ],
)
def test_answers_are_read_by_their_kind(expects: str, text: str, value: str | None) -> None:
    stated = read(
        State,
        {"name": "x", "kind": "data_collection", "expects": expects,
         "choices": {"north": ["north", "uptown"], "south": ["south"]}},
    )  # fmt: skip
    assert read_answer(stated, hear(1, text), NOW.date()) == value


# again, in another process


async def test_a_conversation_that_is_taken_up_again_walks_the_same_way() -> None:
    states = [
        {"name": "served", "after": ["preferred-pharmacy", "handover", "closing"]},
        {**ASK, "after": ["insured"]},
        {"name": "insured", "kind": "decision", "after": ["onward", "insurance"],
         "routes": [{"when": "%coverages.empty() and name.family = 'Bradtke'", "to": "insurance"}]},
    ]  # fmt: skip
    played = await held(states, f"please cancel my appointment\n{IDENTIFY}\nthe CVS\nyes\nAetna\n[hangup]")
    assert "Which insurance company" in played.said
    kept_ones = [loads(dumps(kept(signal))) for signal in played.record.signals]
    again = Session(Dialogue(of({"graph": {"states": states}}), NOW))
    for told_one in kept_ones:
        again.handle(signal_of(told_one))
    assert [t.text for t in again.transcript.turns] == [t.text for t in played.record.turns]


# where we call, or know who it is


async def test_nothing_goes_before_the_greeting() -> None:
    setting = replace(of({"graph": {"states": TRIAGE}}), errand=Errand("confirm", "Patient/eve"))
    played = await play(f"{IDENTIFY}\nyes\nno", setting=setting)
    assert played.said.startswith("Hello, this is the automated assistant")
    assert "been with us" not in played.said  # who is asked for a name at once is past that point
    known = replace(
        of({"graph": {"states": [SERVED, ASK]}}), errand=Errand("confirm", "Patient/eve"), patient="Patient/eve",
        written=True,
    )  # fmt: skip
    played = await play("the CVS\nyes\nyes\nno", setting=known)
    first = next(t.text for t in played.record.turns)
    assert first.startswith("Hello, this is the automated assistant") and "Which pharmacy" in first
    assert "Will you be there?" not in first and "Will you be there?" in played.said


SECRET_SCRIPT = f"when is my appointment\nyes\nno\nCVS\nwhere are you\nyes\nhello\n{IDENTIFY}\nno\nyes\nno"


def question(name: str, after: list[str], claims: str) -> dict[str, Any]:
    return {"name": name, "kind": "data_collection", "asks": "Shall we?", "expects": "yes_no", "after": after,
            "claims": claims}  # fmt: skip


def action(name: str, after: list[str], does: str) -> dict[str, Any]:
    ends = does in ("handover", "end")
    return {"name": name, "kind": "action", "says": "Hello.", "does": does} | (
        {} if ends else {"after": after}
    )


def decision(name: str, after: list[str], when: dict[str, str], to: str) -> dict[str, Any]:
    routes = [{**when, "to": to}]
    return {"name": name, "kind": "decision", "after": sorted({*after, "onward", to}), "routes": routes}


claims = st.sampled_from(["", PHARMACY])
asked_first = st.builds(question, st.just("first"), st.just(["second"]), claims)
second = st.one_of(
    st.builds(question, st.just("second"), st.just(["onward"]), claims),
    st.builds(action, st.just("second"), st.just(["onward"]), st.sampled_from(["say", "call_back"])),
    st.builds(
        decision,
        st.just("second"),
        st.just(["onward"]),
        st.sampled_from([{"answer": "first", "is": "yes"}, {"when": "birthDate.exists()"}]),
        st.sampled_from(["handover", "closing", "served", "insurance", "phone"]),
    ),
)


@settings(max_examples=80, deadline=None)
@given(asked_first, second, st.sampled_from(["open", "served", "wish", "offer", "reason", "writing"]))
def test_no_document_tells_anything_before_identity(one: Any, other: Any, where: str) -> None:
    head = {"name": where, "after": ["first", *GRAPH[where].after]}
    document = {"graph": {"states": [one, other, head]}}
    if errors(agent_faults(read(Agent, document))):
        assert where == "open" or "claims" in one
        return
    played = asyncio.run(play(SECRET_SCRIPT, setting=of(document)))
    assert not SECRETS.search(played.before_identification), played.before_identification
    passed = [e.text for e in played.events if e.kind in ("state", "identified")]
    if "first" in passed and built_needs_identity(document):
        assert "Patient/eve" in passed[: passed.index("first")]


def built_needs_identity(document: dict[str, Any]) -> bool:
    return build(read(Agent, document)).states["first"].needs_identity
