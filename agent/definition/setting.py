"""An agent's document as the setting of a conversation. The settings of the server are a floor: what a document says
of identity can only be stricter."""

from __future__ import annotations

from dataclasses import replace

from agent.definition.graph import build
from agent.manner import Manner
from agent.memory import Setting
from fhirserver.world.configured.agent import Agent
from fhirserver.world.configured.scheduling_rules import ORDINARY, SchedulingRules


def applied(base: Setting, stated: Agent, name: str = "", rules: SchedulingRules = ORDINARY) -> Setting:
    """``base`` with what a document says, which has no errors. ``name`` is that of the agent and its version."""
    identity = stated.identity
    strict = "person" in (base.third_party, identity.third_party)
    return replace(
        base,
        practice=stated.practice if "practice" in stated.model_fields_set else base.practice,
        zone=stated.zone or base.zone,
        identity_attempts=min(base.identity_attempts, identity.attempts),
        third_party="person" if strict else base.third_party,
        infer_phone=base.infer_phone and identity.infer_phone,
        adult=max(base.adult, identity.adult),
        rules=rules,
        agent=name,
        wording={line: tuple(variants) for line, variants in stated.wording.items()},
        offers=frozenset(stated.offers),
        graph=build(stated).states,
        escalation=stated.escalation,
        manner=Manner(rate=stated.voice.rate, pause=stated.voice.pause),
        brain=stated.brain,
    )
