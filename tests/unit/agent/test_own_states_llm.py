"""States of a document's own where a language model leads: the policy walks them, the model waits and is told."""

from __future__ import annotations

from typing import Any

from test_definition import of
from test_dialogues import starts
from test_llm_calls import CALLS, IDENTIFY, model, play, running
from test_own_states import ASK, PHARMACY, SERVED, TRIAGE, WHO

from agent.llm.brain import LlmBrain
from tests.model_server import ModelServer

__all__ = ["model", "running"]


def setting(states: list[Any]) -> Any:
    return of({"graph": {"states": states}})


async def test_the_model_waits_for_the_question(model: ModelServer) -> None:
    script = f"cancel my appointment\n{IDENTIFY}\nthe CVS on Main Street\nyes\nI feel better now\nyes\nno"
    played = await play(model, script, setting=setting([SERVED, ASK]))
    assert played.brain.failures == 0, played.brain.reasons
    assert starts(played, "cancelled"), [t.text for t in played.record.turns]
    (eve,) = [p for p in played.server.of("Patient") if p["id"] == "eve"]
    assert {"url": PHARMACY, "valueString": "the CVS on Main Street"} in eve["extension"]
    assert played.said.index("Which pharmacy") < played.said.index("cancel your appointment")
    told = [str(body["input"]) for body in model.requests()]
    assert any("answers_to_the_practice" in one for one in told)


async def test_while_it_is_open_the_model_is_told_of_it_and_has_no_other_tools(model: ModelServer) -> None:
    note = {"calls": [{"name": "note_answer", "arguments": {"answer": "the CVS"}}]}
    model.script([{"say": "The one you collect your medicine at."}, note, {"plausible": True}])
    script = (
        f"cancel my appointment\n{IDENTIFY}\nwhat do you mean by that?\nwhere I go? the CVS, is that okay?\nyes\n"
        "I feel better now\nyes\nno"
    )
    played = await play(model, script, setting=setting([SERVED, ASK]))
    first, second = model.requests()[:2]
    for body in (first, second):
        assert {t["name"] for t in body["tools"]} == {"note_answer", "transfer", "escalate"}
        assert "Which pharmacy do you use?" in body["instructions"]
    assert played.said.count("Which pharmacy do you use?") == 2
    (eve,) = [p for p in played.server.of("Patient") if p["id"] == "eve"]
    assert eve["extension"] == [{"url": PHARMACY, "valueString": "the CVS"}], played.said
    assert starts(played, "cancelled"), played.said


async def test_an_answer_that_nobody_gave_is_not_noted(model: ModelServer) -> None:
    invented = {"calls": [{"name": "note_answer", "arguments": {"answer": "Walgreens downtown"}}]}
    model.script([invented, {"say": "Which one is it?"}, {"say": "Which one is it?"}], forever=True)
    played = await play(
        model,
        f"cancel my appointment\n{IDENTIFY}\nwhat do you mean?\n[hangup]",
        setting=setting([SERVED, ASK]),
    )
    assert "quote them" in str(model.requests()[1]["input"])
    assert not any("extension" in p for p in played.server.of("Patient"))


async def test_a_tool_of_the_models_waits_as_well(model: ModelServer) -> None:
    kind = {**ASK, "name": "kind", "claims": "", "asks": "Is it a check-up?", "expects": "yes_no"}
    wish = {"name": "wish", "after": ["kind", "served", "handover"]}
    script = f"I'd like to move my appointment\n{IDENTIFY}\ndecember first\nyes\nten\nyes\nno"
    played = await play(model, script, setting=setting([wish, kind]))
    order = [e.text for e in played.events if e.kind in ("tool", "agent")]
    question = next(i for i, text in enumerate(order) if "check-up" in text)
    assert question < order.index("SearchSlots")
    assert starts(played, "booked"), order


async def test_a_decision_before_identity_is_the_policys(model: ModelServer) -> None:
    played = await play(model, "cancel my appointment\nno", setting=setting(TRIAGE))
    assert played.record.outcome.startswith("transfer") and "date of birth" not in played.said
    assert isinstance(played.brain, LlmBrain)


async def test_where_the_model_fails_the_policy_walks_on(model: ModelServer) -> None:
    model.script([{"fault": "500"}], forever=True)
    script = f"cancel my appointment\n{IDENTIFY}\nwhat do you mean?\nthe CVS\nyes\nI feel better now\nyes\nno"
    played = await play(model, script, setting=setting([SERVED, ASK]))
    assert starts(played, "cancelled"), played.said
    assert any("extension" in p for p in played.server.of("Patient"))


async def test_without_own_states_nothing_is_otherwise(model: ModelServer) -> None:
    plain = await play(model, CALLS["cancel"])
    by_document = await play(model, CALLS["cancel"], setting=setting([]))
    assert [t.text for t in by_document.record.turns] == [t.text for t in plain.record.turns]
    assert WHO["kind"] == "decision"
