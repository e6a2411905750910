"""How a conversation began, kept and read again: with the whole setting of its agent."""

from __future__ import annotations

from agent.chat.beginning import Beginning, beginning_of
from agent.definition.setting import applied
from agent.errand import Errand
from agent.memory import Setting
from fhirserver.kernel.json import dumps, loads
from fhirserver.world.configured.agent import Agent
from fhirserver.world.configured.parts import read
from fhirserver.world.configured.scheduling_rules import SchedulingRules

DOCUMENT = {
    "practice": "Lakeside",
    "offers": ["book", "cancel"],
    "wording": {"ask_reason": ["Why?", "For what reason?"]},
    "escalation": {"misunderstandings": 2},
    "voice": {"rate": 0.9},
    "graph": {
        "states": [
            {"name": "fee", "kind": "annotation", "says": "Please come early.", "after": ["read_back"]},
            {"name": "reason", "after": ["fee", "wish", "served", "handover"], "max_turns": 4},
        ]
    },
}
RULES = {
    "lead": 30,
    "open_hours": {"weekly": [{"days": ["mon"], "from": "09:00", "to": "12:00"}]},
    "block_overlap": [{"by": ["patient"]}],
}


def test_a_setting_by_a_document_is_the_same_when_it_is_read_again() -> None:
    rules = read(SchedulingRules, RULES)
    setting = applied(Setting(written=True), read(Agent, DOCUMENT), "https://x/Library/a|3", rules)
    begun = Beginning("app", "App", "patient:1", setting, phone="+1555", agent="a")
    again = beginning_of(loads(dumps(begun.as_json())))
    assert again == begun
    assert again.setting.rules == rules and again.setting.graph["fee"].says == "Please come early."


def test_the_ordinary_setting_too() -> None:
    begun = Beginning("app", "App", "u", Setting(errand=Errand("confirm", "Patient/1", id="o")))
    assert beginning_of(loads(dumps(begun.as_json()))) == begun
