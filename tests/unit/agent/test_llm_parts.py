"""The parts of the model's brain by themselves: sentences, quoting, guard, references, tools, the SDK's events."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseStreamEvent
from practice import NOW, ZONE
from pydantic import TypeAdapter

from agent.llm.guard import Known, objection, tidied
from agent.llm.proposals import proposal
from agent.llm.quoting import quoted
from agent.llm.references import References
from agent.llm.sentences import Splitter
from agent.llm.tools import TOOLS, InvalidCall, allowed, read_arguments
from agent.memory import Memory, Setting
from agent.policy.graph import GRAPH
from agent.records import AppointmentRecord, SlotRecord
from tests.model_server_process import events_of

SPOKEN = [
    "I can offer Dr. Lane at 10 a.m. on Friday, or at 2.30 p.m. instead.",
    "Which would you like?",
    "It costs 3.5 points!",
    "J. Smith says so.",
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_sentences_come_whole_whatever_the_pieces(size: int) -> None:
    text, splitter, out = " ".join(SPOKEN), Splitter(), list[str]()
    for start in range(0, len(text), size):
        out += splitter.feed(text[start : start + size])
    assert out + splitter.finish() == SPOKEN


def test_a_sentence_comes_before_the_next_is_done() -> None:
    splitter = Splitter()
    assert splitter.feed("Of course. ") + splitter.feed("What") == ["Of course."]


def test_a_text_without_an_end_is_cut() -> None:
    splitter = Splitter()
    assert all(len(s) <= 400 for s in splitter.feed("word " * 500))


@given(st.text())
def test_what_is_quoted_cannot_delimit(text: str) -> None:
    assert not set(quoted(text)) & set("<>{}[]|`\\\n\r\u200b\u202e")
    assert len(quoted(text)) <= 600


def _visit(number: int = 0) -> AppointmentRecord:
    start = datetime(2026, 11, 26, 14, 30, tzinfo=ZONE)
    return AppointmentRecord(f"id-{number}", start, start, "booked", "Practitioner/lane", "Doctor Ada Lane")


def _slot(number: int = 0) -> SlotRecord:
    start = datetime(2026, 12, 1, 10, 0, tzinfo=ZONE)
    return SlotRecord(f"free-{number}", start, start, "Practitioner/lane", "Doctor Ada Lane")


NOBODY = Known(False, date(2026, 11, 24), ("hello", "can you help my wife Jo"), frozenset({"oak", "clinic"}))
EVE = Known(
    True,
    date(2026, 11, 24),
    ("the friday one", "I live in Pittsburgh"),
    frozenset({"doctor", "ada", "lane", "eve"}),
    (_visit().start, _slot().start),
    (_visit().start,),
    frozenset({"sam"}),
)


@pytest.mark.parametrize(
    "sentence",
    [
        "Sure, I can help with that.",
        "What would you like to do today?",
        "I can help Jo with an appointment.",
        "Thank you for calling Oak Clinic.",
        "We ask so that nobody else can change your appointments.",
        "I'm sorry, I understand that this is frustrating.",
    ],
)
def test_desk_talk_passes_before_identity(sentence: str) -> None:
    assert objection(sentence, NOBODY) == ""


@pytest.mark.parametrize(
    "sentence",
    [
        "You have an appointment with the doctor.",
        "I see you in our records.",
        "Your appointment is on Thursday.",
        "Hello Eve.",
        "bradtke",
        "It is at two thirty.",
        "Your number ends in 0142.",
        "I have booked it for you.",
    ],
)
def test_nothing_of_a_record_passes_before_identity(sentence: str) -> None:
    assert objection(sentence, NOBODY)


@pytest.mark.parametrize(
    "sentence",
    [
        "You are scheduled for Thursday, November twenty sixth at two thirty PM with Doctor Ada Lane.",
        "I have Tuesday, December first at ten AM with Doctor Ada Lane.",
        "Would Tuesday at ten AM work for you?",
        "Great, Friday it is, let me look.",
        "Has anything changed about your insurance?",
        "Nothing is booked yet.",
        "It isn't moved until you say yes.",
        "Is the office in Pittsburgh fine?",
    ],
)
def test_what_is_known_may_be_said(sentence: str) -> None:
    assert objection(sentence, EVE) == ""


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("I have Tuesday, December first at eleven AM.", "unknown fact"),
        ("I have Monday, December seventh at ten AM.", "unknown fact"),
        ("I have Thursday, November twenty sixth at ten AM.", "unknown fact"),
        ("Doctor Miller is free.", "unknown fact"),
        ("You were born on March third, nineteen eighty two.", "unknown fact"),
        ("Sam has one too.", "another person"),
        ("I moved your appointment to Tuesday, December first at ten AM.", "untrue deed"),
        ("You're all set.", "untrue deed"),
        ("Don't worry, I cancelled it.", "untrue deed"),
        ("I have cancelled it, if you like.", "untrue deed"),
        ("Your appointment has been cancelled.", "untrue deed"),
        ("You are booked for Tuesday, December first at ten AM.", "untrue deed"),
        ("Take two tablets and rest.", "medical"),
        ("It sounds like a virus.", "medical"),
        ("I promise it will be fine.", "promise"),
        ("See example.com for more.", "link"),
        ("That is slot:0.", "machinery"),
        ("a" * 400, "too long"),
    ],
)
def test_what_may_not_be_said(sentence: str, why: str) -> None:
    assert objection(sentence, EVE) == why


def test_only_what_was_done_is_told_as_done() -> None:
    done = replace(EVE, done=frozenset({"cancel"}))
    assert objection("As I said, your appointment is cancelled.", done) == ""
    assert objection("You're all set.", done) == ""
    assert objection("Your insurance is updated.", done) == "untrue deed"
    assert objection("Your appointment is cancelled and I have moved the other.", done) == "untrue deed"


def test_marks_are_not_spoken() -> None:
    assert tidied("- **Tuesday** at `ten`") == "Tuesday at ten"


def test_a_reference_stays_and_only_the_last_given_are_known() -> None:
    known = References()
    known.offer([_slot(0), _slot(1)])
    assert list(known.slots) == ["slot:0", "slot:1"]
    known.offer([_slot(1), _slot(2)])
    assert list(known.slots) == ["slot:1", "slot:2"]


@pytest.mark.parametrize("state", GRAPH)
def test_tools_by_state(state: str) -> None:
    known = References()
    known.tell([_visit()], [])
    known.offer([_slot()])
    before = {t.name for t in allowed(state, False, known)}
    assert before <= {"note_wish", "transfer", "escalate", "end"}
    after = {t.name for t in allowed(state, True, known)}
    assert ("note_wish" in after) is False
    assert bool(after) is (state != "closing")
    if state == "served":
        assert after == set(TOOLS) - {"note_wish", "read_back"}


def test_schemas_are_strict_and_name_only_what_was_given() -> None:
    known = References()
    known.tell([_visit()], [("Practitioner/lane", "Doctor Ada Lane")])
    for tool in TOOLS.values():
        spec = tool.spec(known).parameters
        assert spec["required"] == list(spec["properties"])
        assert spec["additionalProperties"] is False
        assert "id-0" not in json.dumps(spec)
        assert "Practitioner" not in json.dumps(spec)
    assert TOOLS["cancel"].spec(known).parameters["properties"]["visit"]["enum"] == ["visit:0"]


CANCEL = {"visit": "visit:0", "reason": "I feel better"}
PHONE = {"number": "412 555 0199", "use": "mobile"}
ADDRESS = {"line": "400 Main Street", "city": "Springfield", "state": "MA", "postal_code": "01103"}
COVERAGE = {"payer": "Aetna", "member": "ABC-1234", "group": ""}


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("cancel", "", "exactly: visit, reason"),
        ("cancel", "[1]", "exactly"),
        ("cancel", "{", "not JSON"),
        ("cancel", {**CANCEL, "visit": "visit:1"}, "visit is one of: visit:0"),
        ("cancel", {**CANCEL, "visit": 0}, "short text"),
        ("cancel", {**CANCEL, "more": "x"}, "exactly"),
        ("cancel", {**CANCEL, "reason": ""}, "ask the caller for the reason"),
        ("cancel", {**CANCEL, "reason": "moved to Ohio"}, "words the caller said"),
        ("book", {"slot": "slot:0"}, "search_slots first"),
        ("change_phone", {**PHONE, "number": "12"}, "ten digits"),
        ("change_phone", {**PHONE, "use": "pager"}, "use is one of"),
        ("change_address", {**ADDRESS, "postal_code": "1"}, "postal_code does not look like one"),
        ("change_address", {**ADDRESS, "state": "ZZ"}, "two letters"),
        ("change_address", {**ADDRESS, "line": "somewhere"}, "line does not look like one"),
        ("add_coverage", {**COVERAGE, "member": "1"}, "member does not look like one"),
        ("add_coverage", {**COVERAGE, "payer": "x" * 301}, "short text"),
    ],
)
def test_wrong_arguments_are_named(name: str, arguments: Any, words: str) -> None:
    known = References()
    known.tell([_visit()], [])
    known.offer([_slot()])
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    said = frozenset(["i", "feel", "better", "thanks"])
    with pytest.raises(InvalidCall) as caught:
        proposal(name, None, Memory(Setting(), NOW), known, read_arguments(TOOLS[name], text, known), said)
    assert words in str(caught.value)


def test_right_arguments_are_read_back() -> None:
    known, memory = References(), Memory(Setting(), NOW)
    known.tell([_visit()], [])
    for name, given_ in (
        ("cancel", CANCEL),
        ("change_phone", PHONE),
        ("change_address", ADDRESS),
        ("add_coverage", COVERAGE),
    ):
        read = read_arguments(TOOLS[name], json.dumps(given_), known)
        assert (
            proposal(name, None, memory, known, read, frozenset(["i", "feel", "better"])).state == "read_back"
        )


STEPS = [
    {"say": "Hello there. How are you?"},
    {"say": "One moment.", "calls": [{"name": "search_slots", "arguments": {"a": "b"}}]},
    *({"say": "Hm.", "fault": fault} for fault in ("refusal", "incomplete", "failed", "error")),
]


@pytest.mark.parametrize("step", STEPS)
def test_the_servers_events_are_the_sdks(step: dict[str, Any]) -> None:
    """So that what passes against the process is what the API's own types say."""
    adapter: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
    for event in events_of({"model": "gpt-6-luna"}, step):
        assert adapter.validate_python(event).type == event["type"]
