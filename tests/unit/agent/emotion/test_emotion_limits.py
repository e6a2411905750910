"""How a voice sounds changes pace, tone and wording, and nothing else: not who somebody is, not what is done."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import agent
from agent.effects import Effect, Filler, RunTool, Say
from agent.manner import manner_of
from agent.memory import Setting
from agent.policy.dialogue import Dialogue
from agent.records import Context, PatientRecord
from agent.requests import FindByBirthDate, FindPatients, LoadContext
from agent.results import ContextLoaded, Failed, PatientsFound, Result
from agent.session import Session
from agent.signals import Answered, Emotion, Ringing, Signal, ToolResult, Utterance

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
EVE = "+13125550142"
ROOT = Path(agent.__file__).parent
NEVER = (
    "policy/identity", "policy/visits", "policy/slots", "policy/insurance", "policy/contact", "policy/desk", "tools",
    "requests", "results", "records", "memory", "scheduling",
)  # fmt: skip
"""Where identity is decided, tools are run and facts are written."""
SCRIPT = (
    "I want to move my appointment", "Evelyn Bradtke, March third nineteen eighty two", "what do you have on Monday",
    "no", "I also have a new phone number", "goodbye",
)  # fmt: skip


def _mentions(path: Path) -> bool:
    tree = ast.parse(path.read_text("utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return (
        "Emotion" in names
        or bool(attributes & {"emotions", "arousal", "valence"})
        or any(m.startswith("agent.emotion") for m in modules)
    )


def test_what_decides_and_writes_knows_nothing_of_moods() -> None:
    files = [p for p in ROOT.rglob("*.py") if p.relative_to(ROOT).as_posix().startswith(NEVER)]
    assert len(files) > 10
    assert [p.name for p in files if _mentions(p)] == []
    assert _mentions(ROOT / "emotion" / "moods.py")  # the search finds what it looks for


def _answered(request: object) -> Result:
    if isinstance(request, FindPatients | FindByBirthDate):
        from datetime import date

        return PatientsFound((PatientRecord("eve", ((("Evelyn",), "Bradtke"),), date(1982, 3, 3), (EVE,)),))
    if isinstance(request, LoadContext):
        return ContextLoaded(Context(request.patient, ()))
    return Failed("not here")


def _call(mood: Emotion | None) -> list[Effect]:
    """A call's effects; ``mood`` is felt after every turn."""
    session, out = Session(Dialogue(Setting(), NOW)), list[Effect]()
    queue: list[Signal] = [Ringing(NOW, EVE), Answered(NOW)]
    for text in SCRIPT:
        queue.append(Utterance(NOW, text))
        if mood is not None:
            queue.append(mood)
    while queue:
        effects = session.handle(queue.pop(0))
        out += effects
        queue[:0] = [ToolResult(NOW, e.id, _answered(e.request)) for e in effects if isinstance(e, RunTool)]
    return out


def _decisions(effects: list[Effect]) -> list[Effect]:
    return [replace(e, turn=0) if isinstance(e, Say) else e for e in effects if not isinstance(e, Filler)]


@pytest.mark.parametrize("tier", ["functional", "light touch", "full empathy", "hold space"])
def test_a_call_decides_the_same_in_every_mood(tier: str) -> None:
    plain = _decisions(_call(None))
    assert any(isinstance(e, RunTool) for e in plain) and len(plain) > 8
    assert _decisions(_call(Emotion(NOW, "angry", tier, 1.0, -1.0, -1.0))) == plain


def test_an_upset_voice_is_acknowledged_once_not_again_and_again() -> None:
    said = [
        e
        for e in _call(Emotion(NOW, "angry", "full empathy", 0.9, -0.8))
        if isinstance(e, Filler) and e.kind == "empathy"
    ]
    assert len(said) == 1


def test_words_that_were_answered_are_not_answered_again() -> None:
    session = Session(Dialogue(Setting(), NOW))
    for signal in (Ringing(NOW, ""), Answered(NOW)):
        session.handle(signal)
    angry = Emotion(NOW, "angry", "full empathy", 0.9, -0.8)
    assert any(
        "sorry" in e.text or "hear you" in e.text
        for e in session.handle(Utterance(NOW, "this is ridiculous"))
        if isinstance(e, Say)
    )
    assert session.handle(angry) == ()
    session.handle(Utterance(NOW, "on Thursday"))
    assert session.handle(angry) == ()
    (held,) = session.handle(replace(angry, tier="hold space"))
    assert isinstance(held, Filler) and held.kind == "empathy" and "trouble" not in held.text


def test_each_tier_is_spoken_to_slower_than_the_one_before() -> None:
    rates = [manner_of(tier).rate for tier in ("functional", "light touch", "full empathy", "hold space")]
    assert rates == sorted(rates, reverse=True) and len(set(rates)) == 4
