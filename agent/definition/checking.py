"""All that is wrong with a document of the agent's, with its place; nothing of it is read from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.definition.graph import build
from agent.definition.lines import line_faults, passing_faults
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.agents import ERROR, WARNING, Fault
from fhirserver.world.configured.agent import Agent, PhoneNumber
from fhirserver.world.configured.parts import InvalidDocument, pointer, read
from fhirserver.world.configured.scheduling_rules import SchedulingRules

AGENT, RULES, NUMBER = "agent", "scheduling-rules", "phone-number"


def faults(kind: str, document: JsonObject) -> Sequence[Fault]:
    """Errors and warnings, in the order of the document."""
    try:
        if kind == AGENT:
            return agent_faults(read(Agent, document))
        if kind == RULES:
            return list(_rule_faults(read(SchedulingRules, document)))
        read(PhoneNumber, document)
    except InvalidDocument as wrong:
        return wrong.faults
    return ()


def agent_faults(stated: Agent) -> list[Fault]:
    """What is wrong with an agent's document that is well formed."""
    found = [*line_faults(stated.wording), *build(stated).faults]
    for place, state in enumerate(stated.graph.states):
        if state.says:
            found += passing_faults(state.says, pointer("graph", "states", place, "says"))
    if "reschedule" in stated.offers and "book" not in stated.offers:
        text = "who has no visit to move is offered a new one: 'reschedule' goes with 'book'"
        found.append(Fault("/offers", text))
    if len(set(stated.offers)) < len(stated.offers):
        found.append(Fault("/offers", "each is named once"))
    if not stated.offers:
        found.append(Fault("/offers", "nothing is offered: every caller is handed to a person", WARNING))
    return found


def _rule_faults(rules: SchedulingRules) -> Iterator[Fault]:
    if rules.reach and rules.reach * 24 * 60 <= rules.lead:
        yield Fault(
            "/lead", "nothing is ever free: the lead is longer than the days that are open for booking"
        )
    for place, one in enumerate(rules.release):
        if one.hours_before * 60 <= rules.lead:
            text = f"never released: it is shorter than the lead of {rules.lead} minutes"
            yield Fault(pointer("release", place, "hours_before"), text, WARNING)
    for place, grid in enumerate(rules.session_grid):
        if grid.minutes > 240:
            yield Fault(pointer("session_grid", place, "minutes"), "cells of more than four hours", WARNING)


def errors(found: Sequence[Fault]) -> Sequence[Fault]:
    """Those for which a document cannot be put into force."""
    return [one for one in found if one.severity == ERROR]
