"""Agents as documents: what a document may change, what it may not, and what becomes of a conversation by it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from practice import practice
from test_dialogues import IDENTIFY, call, play, starts

from agent.definition.checking import agent_faults, errors, faults
from agent.definition.graph import build, reachable
from agent.definition.lines import LOCKED
from agent.definition.setting import applied
from agent.memory import Setting
from agent.policy.desk import READ_BACKS
from agent.policy.graph import GRAPH, NEEDS
from agent.policy.passing import way
from agent.policy.wishes import BUSINESS
from agent.wording import LINES
from fhirserver.world.configured.agent import OFFERS, Agent
from fhirserver.world.configured.parts import read


def of(document: dict[str, Any], base: Setting | None = None) -> Setting:
    stated = read(Agent, document)
    assert not errors(agent_faults(stated)), agent_faults(stated)
    return applied(base or Setting(), stated)


def told(document: dict[str, Any]) -> dict[str, str]:
    return {one.pointer: one.detail for one in errors(faults("agent", document))}


# the graph


def test_the_ordinary_graph_is_whole_and_asks_for_identity_first() -> None:
    built = build(Agent())
    assert not built.faults and set(built.states) == set(GRAPH)
    assert reachable(GRAPH, "ringing") == set(GRAPH)
    without = reachable({n: s for n, s in GRAPH.items() if n != "identity"}, "ringing")
    assert not [name for name in without if GRAPH[name].needs_identity]
    assert set(NEEDS) == set(OFFERS) and set(BUSINESS) == {*OFFERS, "follow_up"}


@pytest.mark.parametrize("offers", [["cancel"], ["confirm"], ["insurance", "phone"], ["book"], []])
def test_what_is_offered_decides_which_states_there_are(offers: list[str]) -> None:
    built = build(read(Agent, {"offers": offers}))
    assert not built.faults
    assert ("insurance" in built.states) is ("insurance" in offers)
    assert ("writing" in built.states) is bool(offers)


NOTE = {
    "name": "late-fee",
    "kind": "annotation",
    "says": "Please come ten minutes early.",
    "after": ["read_back"],
}
REASON = {"name": "reason", "after": ["late-fee", "wish", "served", "handover"]}


def test_an_annotation_goes_between_two_states() -> None:
    built = build(read(Agent, {"graph": {"states": [NOTE, REASON]}}))
    assert not built.faults
    assert way(built.states, "reason", "read_back") == ("reason", "late-fee", "read_back")
    assert way(built.states, "wish", "read_back") == ("wish", "searching", "read_back")


@pytest.mark.parametrize(
    ("states", "place", "words"),
    [
        ([{"name": "reasons"}], "/graph/states/0/name", "there is no state 'reasons'"),
        ([{"name": "wish", "needs_identity": False}], "/graph/states/0/needs_identity", "cannot be given up"),
        ([{"name": "wish", "kind": "action"}], "/graph/states/0/kind", "data_collection"),
        ([{"name": "open", "after": ["served", "handover", "closing"]}], "/graph/states/0/after", "to 'identity'"),
        ([{"name": "wish", "after": ["served", "handover"]}], "/graph/states/0/after", "to 'searching'"),
        ([{"name": "open", "after": ["identity", "wish", "handover", "closing"]}], "/graph/states/0/after/1", "no way"),
        ([NOTE], "/graph/states/0", "nothing leads to 'late-fee'"),
        ([{**NOTE, "name": "open"}], "/graph/states/0/name", "another name"),
        ([{"name": "x", "kind": "annotation", "after": ["wish"]}], "/graph/states/0", "'says' or in 'guides'"),
        ([{**NOTE, "after": []}, REASON], "/graph/states/0/after", "at least one"),
        ([{**NOTE, "max_turns": 4}, REASON], "/graph/states/0/max_turns", "passed at once"),
        ([{"name": "offer", "max_turns": 4}], "/graph/states/0/max_turns", "data_collection"),
        ([{"name": "reason", "form_after": 4}], "/graph/states/0/form_after", "a form can only ask"),
        ([{"name": "phone", "form_after": 5, "max_turns": 5}], "/graph/states/0/form_after", "below"),
        ([{"name": "phone"}, {"name": "phone"}], "/graph/states/0/name", "two states"),
        ([{"name": "phone", "says": "Hello."}], "/graph/states/0/says", "only an annotation"),
        ([{**NOTE, "says": "Hello {name}."}, REASON], "/graph/states/0/says", "{practice}"),
        (
            [{"name": "leak", "kind": "annotation", "says": "Hello.", "after": ["wish"]},
             {"name": "open", "after": ["leak", "identity", "handover", "closing"]}],
            "/graph/states/1/after/0",
            "no way from 'open' to 'wish'",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_graph_is_told_with_its_place(states: list[Any], place: str, words: str) -> None:
    found = told({"graph": {"states": states}})
    assert words in found.get(place, ""), found


names = st.sampled_from([*GRAPH, "note", "odd", "onward"])
ways = st.lists(names, max_size=3)
state_parts = st.fixed_dictionaries(
    {"name": names},
    optional={
        "kind": st.sampled_from(["annotation", "action", "decision", "data_collection"]),
        "after": st.lists(names, max_size=6),
        "needs_identity": st.booleans(),
        "says": st.just("Hello."),
        "max_turns": st.integers(2, 9),
        "asks": st.just("Shall we?"),
        "expects": st.sampled_from(["yes_no", "text"]),
        "does": st.sampled_from(["handover", "end", "call_back"]),
        "claims": st.sampled_from(["", "https://lakeside.example/odd"]),
    },
)
own_parts = st.one_of(
    st.fixed_dictionaries(
        {"name": names, "kind": st.just("data_collection"), "asks": st.just("Shall we?"), "after": ways,
         "expects": st.just("yes_no"), "claims": st.sampled_from(["", "https://lakeside.example/odd"])}
    ),
    st.fixed_dictionaries({"name": names, "kind": st.just("action"), "does": st.just("call_back"), "after": ways}),
    st.fixed_dictionaries(
        {"name": names, "kind": st.just("decision"), "after": ways, "otherwise": names,
         "routes": st.lists(st.builds(lambda to: {"when": "birthDate.exists()", "to": to}, names), max_size=2)}
    ),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(state_parts | own_parts, max_size=5), st.lists(st.sampled_from(OFFERS), unique=True))
def test_no_document_without_errors_has_a_way_round_identity(states: list[Any], offers: list[str]) -> None:
    stated = read(Agent, {"graph": {"states": states}, "offers": offers})
    if errors(agent_faults(stated)):
        return
    built = build(stated).states
    without = reachable({n: s for n, s in built.items() if n != "identity"}, "ringing")
    assert not [name for name in without if built[name].needs_identity]
    assert all(built[name].needs_identity for name in GRAPH if name in built and GRAPH[name].needs_identity)
    assert all(way(built, name, "closing") for name in built if name != "closing")


# words


@pytest.mark.parametrize(
    ("line", "text", "words"),
    [
        ("greeting", "Hello, how may I help?", "automated assistant"),
        ("confirm_move", "Move it to {new}. Shall I?", "must say {old}"),
        ("confirm_book", "So that is {new}.", "ends with a question"),
        ("ask_reason", "Why, {name}?", "has no {name}"),
        ("ask_reason", "Why, {practice.__class__}?", "braces"),
        ("ask_reason", "Why {practice!r}?", "braces"),
        ("ask_reason", "Why {", "braces"),
        ("emergency", "Please wait.", "stays as it is"),
        ("nonsense", "Hello.", "there is no line"),
        ("errand_confirm", "Hello.", "stays as it is"),
    ],
)
def test_what_may_not_be_said_otherwise(line: str, text: str, words: str) -> None:
    found = " ".join(told({"wording": {line: [text]}}).values())
    assert words in found, found


def test_our_own_lines_would_pass_as_the_practices() -> None:
    """So a practice can begin from ours."""
    ours = {name: list(variants) for name, variants in LINES.items() if name not in LOCKED}
    assert told({"wording": ours}) == {}


def test_what_sounds_like_a_promise_or_advice_is_warned_of() -> None:
    found = faults("agent", {"wording": {"goodbye": ["Take two tablets. We guarantee it helps. Goodbye."]}})
    assert [(one.severity, one.pointer) for one in found] == [("warning", "/wording/goodbye/0")]


@pytest.mark.parametrize("language", ["es", "de", "", 3])
def test_another_language_is_refused_in_plain_words(language: object) -> None:
    assert "in English ('en') alone" in told({"language": language})["/language"]


# the floor


def test_a_document_is_never_laxer_than_the_settings() -> None:
    strict = Setting(third_party="person", identity_attempts=1, adult=21, infer_phone=False)
    lax = {"identity": {"attempts": 3, "third_party": "known_phone", "adult": 18, "infer_phone": True}}
    made = of(lax, strict)
    assert (made.third_party, made.identity_attempts, made.adult, made.infer_phone) == (
        "person",
        1,
        21,
        False,
    )
    tighter = of({"identity": {"attempts": 2, "third_party": "person"}})
    assert (tighter.third_party, tighter.identity_attempts) == ("person", 2)


# conversations


async def test_without_a_word_all_is_as_it_was() -> None:
    script = f"please reschedule my appointment\n{IDENTIFY}\nfriday at ten\nyes\nno"
    plain = await play(script)
    by_document = await play(script, setting=of({}))
    assert [t.text for t in by_document.record.turns] == [t.text for t in plain.record.turns]


async def test_the_practices_own_words_are_said() -> None:
    own = {
        "practice": "Lakeside",
        "wording": {"greeting": ["This is {practice}, I am a virtual assistant. How can I help?"]},
    }
    played = await play("wrong number", setting=of(own))
    assert played.said.startswith("This is Lakeside, I am a virtual assistant.")


async def test_what_is_not_offered_is_the_staffs() -> None:
    played = await call_with(
        {"offers": ["confirm"]},
        f"""I need to cancel my appointment
        no, then tell me when my appointment is
        {IDENTIFY}
        yes
        no""",
    )
    assert "Shall I connect you with a person" in played.said
    assert not starts(played, "cancelled")
    taken = await call_with({"offers": ["confirm"]}, "I need to cancel my appointment\nyes please")
    assert taken.record.outcome.startswith("transfer")


async def test_another_wish_is_an_answer_to_the_offer_of_a_person() -> None:
    played = await call_with(
        {"offers": ["confirm"]},
        f"""I need to cancel my appointment
        so when is my appointment
        {IDENTIFY}
        yes
        no""",
    )
    assert "I've noted that you will be there" in played.said, played.said
    assert "didn't get that" not in played.said


async def call_with(document: dict[str, Any], script: str) -> Any:
    return await play(script, setting=of(document))


async def test_an_annotation_is_said_once_in_passing() -> None:
    played = await call_with(
        {"graph": {"states": [NOTE, REASON]}},
        f"""please cancel my appointment
        {IDENTIFY}
        my car broke down
        yes
        no""",
    )
    turn = next(t.text for t in played.record.turns if "ten minutes early" in t.text)
    assert turn.index("ten minutes early") < turn.index("So I'll cancel")
    assert played.said.count("ten minutes early") == 1
    assert starts(played, "cancelled")


async def test_what_is_asked_over_and_over_ends_in_a_form() -> None:
    document = {"graph": {"states": [{"name": "insurance", "form_after": 2, "max_turns": 9}]}}
    played = await call_with(
        document,
        f"""I have a new insurance
        {IDENTIFY}
        hm, the green card
        it is the one with the tree
        no""",
    )
    assert "send you a form" in played.said
    assert "A form is to be sent: insurance." in played.record.summary_text
    assert not played.server.of("Coverage")
    assert played.record.outcome == "end: finished"


async def test_what_is_asked_over_and_over_ends_with_a_person() -> None:
    document = {"graph": {"states": [{"name": "wish", "max_turns": 2}]}}
    script = f"please reschedule my appointment\n{IDENTIFY}\nhm, the green one\nwell, a round one"
    played = await call_with(document, script)
    assert played.record.outcome.startswith("transfer"), played.said
    assert not (await play(script)).record.outcome.startswith("transfer")


async def test_rules_are_applied_before_an_offer_is_made() -> None:
    from fhirserver.world.configured.scheduling_rules import SchedulingRules

    rules = read(SchedulingRules, {"open_hours": {"weekly": [{"from": "13:00", "to": "17:00"}]}})
    script = f"please reschedule my appointment\n{IDENTIFY}\nany time\n[hangup]"
    ruled = await play(script, setting=applied(Setting(), Agent(), rules=rules))
    free = await play(script)
    assert "nine AM" in free.said or "ten AM" in free.said
    assert "nine AM" not in ruled.said and "ten AM" not in ruled.said and "two thirty" in ruled.said


async def test_the_record_names_the_agent_and_its_version() -> None:
    name = "https://credence.health/fhir/Library/front-desk|3"
    played = await play("wrong number", setting=applied(Setting(), Agent(), name))
    (record,) = played.server.of("Communication")
    assert record["instantiatesUri"] == [name]
    (plain,) = (await play("wrong number", server=practice())).server.of("Communication")
    assert "instantiatesUri" not in plain


def test_every_read_back_keeps_its_places() -> None:
    for name in READ_BACKS:
        assert told({"wording": {name: ["Is that right?"]}}), name


async def test_the_ordinary_ways_are_those_of_a_call() -> None:
    played = await call(f"please cancel my appointment\n{IDENTIFY}\nmy car broke down\nyes\nno")
    states = [e.text for e in played.events if e.kind == "state"]
    for before, now in pairwise(states):
        assert way(GRAPH, before, now), (before, now)
