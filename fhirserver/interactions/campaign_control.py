"""Pausing, resuming and cancelling campaigns: what an operator asks of the Tasks of a campaign.

Whoever carries campaigns out looks at these Tasks before each contact, so it holds before the next one.
"""

from __future__ import annotations

from fhirserver.access.principals import Principal
from fhirserver.interactions.exchange import Context, Request
from fhirserver.interactions.noting import dispatch_noted
from fhirserver.interactions.registry import Registry
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.world.outreach import CAMPAIGN, task_kind

ACTIONS = {
    "pause": (("requested", "in-progress"), "on-hold"),
    "resume": (("on-hold",), "in-progress"),
    "cancel": (("requested", "in-progress", "on-hold"), "cancelled"),
}
"""From which statuses to which."""


async def steer(
    context: Context, registry: Registry, principal: Principal, campaign: str, action: str, reason: str = ""
) -> None:
    """Change the Tasks of a campaign as the principal may. Raises :class:`Refusal`: 404 for no such campaign, 409
    where there is nothing to be changed."""
    before, after = ACTIONS[action]
    tasks = await _tasks(context, registry, principal, campaign)
    if not tasks:
        raise refuse(Category.NOT_FOUND, "not-found", "This campaign was never started")
    changing = [task for task in tasks if task.get("status") in before]
    if not changing:
        words = ", ".join(sorted({str(task.get("status")) for task in tasks}))
        raise refuse(Category.CONFLICT, "conflict", f"The campaign is {words}: it cannot be told to {action}")
    for task in changing:
        await _put(context, registry, principal, _changed(task, after, reason, context))


def _changed(task: JsonObject, status: str, reason: str, context: Context) -> JsonObject:
    now = instant(context.clock.now())
    made = {name: value for name, value in task.items() if name not in ("text", "statusReason")}
    if status == "in-progress" and task_kind(task) == "campaign-run" and not task.get("focus"):
        status = "requested"  # its audience was not there yet
    made |= {"status": status, "lastModified": now}
    if reason.strip():
        made["statusReason"] = {"text": reason.strip()[:500]}
    if status == "cancelled":
        made["executionPeriod"] = {**made.get("executionPeriod", {}), "end": now}
    return made


async def _tasks(
    context: Context, registry: Registry, principal: Principal, campaign: str
) -> list[JsonObject]:
    params = (("group-identifier", f"{CAMPAIGN}|{campaign}"), ("_count", "200"))
    answer = await dispatch_noted(context, registry, Request(principal, "GET", "Task", params=params))
    found = (entry["resource"] for entry in loads(answer.body).get("entry", ()))
    return [task for task in found if task_kind(task)]


async def _put(context: Context, registry: Registry, principal: Principal, task: JsonObject) -> None:
    version = task.get("meta", {}).get("versionId", "")
    body = {name: value for name, value in task.items() if name != "meta"}
    headers = {"if-match": f'W/"{version}"'}
    asked = Request(principal, "PUT", "Task", task["id"], headers=headers, body=body)
    await dispatch_noted(context, registry, asked)
