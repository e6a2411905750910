"""A campaign as FHIR readers see it: a PlanDefinition (https://hl7.org/fhir/R4/plandefinition.html) made from its
document."""

from __future__ import annotations

from agent.campaigns.definition import ByCron, ByEvent, Campaign, Once, Step
from agent.campaigns.members import CAMPAIGN
from agent.communication import CHANNEL, PURPOSE
from agent.tools.provenance import CANONICAL
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.world.configuration import name_of, url_of

_TYPE = "http://terminology.hl7.org/CodeSystem/plan-definition-type"
_WAYS = {"call": "Call", "sms": "Send a message", "chat": "Write in the app's chat", "form": "Send a form"}


def plan_definition(id: str, title: str, campaign: Campaign, status: str) -> JsonObject:
    """Goal, triggers and channels in their order; who may be reached when is said in words."""
    made: JsonObject = {
        "resourceType": "PlanDefinition",
        "id": id,
        "url": f"{CANONICAL}/PlanDefinition/{id}",
        "identifier": [{"system": CAMPAIGN, "value": id}],
        "name": name_of(id),
        "title": title,
        "status": status,
        "type": {"coding": [{"system": _TYPE, "code": "workflow-definition"}]},
        "library": [url_of(id)],
        "purpose": campaign.goal,
        "description": _rules(campaign),
        "goal": [{"description": {"text": campaign.goal}}],
    }
    triggers = [_trigger(one) for one in campaign.triggers]
    actions = [_action(step, campaign) for step in campaign.channels]
    made["action"] = [{"title": campaign.goal, "trigger": triggers, "action": actions}]
    return made


def _trigger(one: Once | ByCron | ByEvent) -> JsonObject:
    if isinstance(one, ByEvent):
        condition = {"language": "text/fhirpath", "expression": one.filter}
        return {
            "type": "data-changed",
            "name": f"{one.type} changed",
            "data": [{"type": one.type}],
            "condition": condition,
        }
    if isinstance(one, ByCron):
        return {"type": "named-event", "name": f"{one.expression} ({one.zone})"}
    if one.at is None:
        return {"type": "named-event", "name": "started"}
    return {"type": "periodic", "timingDateTime": instant(one.at)}


def _action(step: Step, campaign: Campaign) -> JsonObject:
    return {
        "title": _WAYS[step.channel],
        "description": f"Up to {step.attempts} times, {step.then_minutes} minutes until what comes next",
        "code": [
            {"coding": [{"system": CHANNEL, "code": step.channel}]},
            {"coding": [{"system": PURPOSE, "code": campaign.purpose}]},
        ],
    }


def _rules(campaign: Campaign) -> str:
    quiet = campaign.quiet
    consent = "with consent only" if campaign.consent == "required" else "unless consent is denied"
    limits = campaign.limits
    return (
        f"Patients are reached {consent}, not from {quiet.begin:%H:%M} to {quiet.end:%H:%M} of their own day, at most "
        f"{campaign.attempts} times, and over all campaigns at most {limits.per_day} times a day, {limits.per_week} a "
        f"week, {limits.per_month} in 30 days."
    )
