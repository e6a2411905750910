"""``$merge``: two resources that are one in the world. https://hl7.org/fhir/patient-operation-merge.html

HL7 defines it for Patient (R5, R6 drafts); for Practitioner, Organization and Location it is the same with
other names of the inputs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from fhirserver.interactions.answers import outcome_bytes
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.interactions.resources import accept, localised
from fhirserver.interactions.statement import statement_of
from fhirserver.kernel.ids import new_id
from fhirserver.kernel.instants import SystemClock, instant
from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, Issue, refuse
from fhirserver.operations.merge_input import Inputs, check_may_merge, place, resource_meant
from fhirserver.operations.parameters import inputs, one, parameters
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Version
from fhirserver.store.commands import Command, Correct, Merge, Put, Write
from fhirserver.store.merges import MERGED
from fhirserver.world.merge_task import MERGE, UNMERGE, merge_task
from fhirserver.world.render import clean
from fhirserver.world.units import same, split
from fhirserver.world.vocabulary import ACTIVITY

WAIT_SECONDS: Final = 2.0
"""How long an answer waits for the references to follow; then it is 202, and the Task tells when they have."""
SYSTEM: Final = "credence"
"""The source that keeps the Tasks."""
_LOOK_SECONDS: Final = 0.05
_OF_THE_MERGE: Final = frozenset({"meta", "link"})


@dataclass(frozen=True, slots=True)
class _Asked:
    """The two resources as they are now, and what the survivor shall be, where that is said."""

    source: Version
    target: Version
    result: JsonObject | None


async def merge(context: Context, request: Request) -> Result:
    """Merge the source into the target; with ``preview`` only say what would come of it."""
    check_may_merge(request)
    found = inputs(request)
    asked = await _asked(context, request.type, found)
    if one(found, "preview") in (True, "true"):
        outcome = await context.store.rehearse(
            Command(_statement(request), await _writes(context, request, asked))
        )
        return _answer(request, "The merge would give this result", outcome.results[-1].version, None)
    task = _task(asked)
    writes = [*await _writes(context, request, asked, task.id), task]
    await context.store.submit(Command(_statement(request), writes))
    return await finished(context, request, f"{request.type}/{asked.source.id}", asked.target.id, task.id)


async def finished(context: Context, request: Request, merged: str, id: str, task: str) -> Result:
    """The answer: 200 once all references have followed, 202 where that takes longer than one waits."""
    until = time.monotonic() + WAIT_SECONDS
    while waiting := await _is_open(context, merged, task):
        if time.monotonic() > until:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    undone = request.operation == "$unmerge"
    text = f"{merged} was {'un' if undone else ''}merged; references {'lead back' if undone else 'follow'}"
    if waiting:
        text += ": that is still going on, the Task tells when it is done"
    version = await current(context, request.type, id)
    answer = _answer(request, text, version, await current(context, "Task", task))
    answer.status = 202 if waiting else 200
    return answer


async def _is_open(context: Context, merged: str, task: str) -> bool:
    fact = await context.store.fact(MERGED, merged)
    return fact is not None and fact.value.get("task") == task and bool(fact.value["open"])


async def _asked(context: Context, type: str, found: Inputs) -> _Asked:
    kind = "patient" if type == "Patient" else "resource"
    source = await resource_meant(context, type, found, f"source-{kind}")
    target = await resource_meant(context, type, found, f"target-{kind}")
    name = f"result-{kind}"
    result = one(dict(found), name)
    if result is not None:
        result = localised(context, accept(_resource(result, name), type))
        _check_result(result, source, target, name)
    return _Asked(source, target, result)


def _resource(value: Json, name: str) -> JsonObject:
    if isinstance(value, dict) and "resourceType" in value:
        return value
    raise refuse(Category.INVALID, "value", f"'{name}' is a resource", place(name))


def _check_result(result: JsonObject, source: Version, target: Version, name: str) -> None:
    """ "[It] must have the same patient.id … This resource MUST have the link property included referencing the
    source patient." """
    if result.get("id") != target.id:
        text = f"The result has the id of the target, {target.id}"
        raise refuse(Category.UNPROCESSABLE, "business-rule", text, f"{place(name)}.resource.id")
    if target.type != "Patient":
        return
    needed = {"other": {"reference": f"Patient/{source.id}"}, "type": "replaces"}
    if needed not in result.get("link", ()):
        text = f"The result has a link of type replaces to Patient/{source.id}"
        raise refuse(Category.UNPROCESSABLE, "business-rule", text, f"{place(name)}.resource.link")


async def _writes(context: Context, request: Request, asked: _Asked, task: str = "") -> list[Write]:
    """The merge of just these versions, and what the result has otherwise."""
    source, target = asked.source, asked.target
    merging = Merge(request.type, source.id, target.id, task, source.version, target.version)
    if asked.result is None:
        return [merging]
    outcome = await context.store.rehearse(Command(_statement(request), (merging,)))
    version = outcome.results[0].version
    units = _differing(request.type, asked.result, loads(version.content) if version else {})
    if not units:
        return [merging]
    return [merging, Correct(request.type, target.id, units, request.principal.source.base)]


def _differing(type: str, result: JsonObject, merged: JsonObject) -> dict[str, object]:
    """The units on which the wanted result and the merged resource differ; None for what shall not be."""
    wanted, there = split(type, clean(result)), split(type, clean(merged))
    names = [*wanted, *(unit for unit in there if unit not in wanted)]
    return {
        unit: wanted.get(unit)
        for unit in names
        if unit not in _OF_THE_MERGE and not same(wanted.get(unit), there.get(unit))
    }


def _task(asked: _Asked) -> Put:
    source, into = asked.source, asked.target.id
    return task_put(merge_task(MERGE, source.type, source.id, source.version, into, _now()))


def undone_task(type: str, id: str, version: int, into: str) -> Put:
    """The Task of an undone merge."""
    return task_put(merge_task(UNMERGE, type, id, version, into, _now()))


def task_put(task: JsonObject) -> Put:
    """A new Task, kept by the server itself."""
    return Put("Task", new_id(), task, create=True, statement=Statement(SYSTEM, method="derivation"))


def _now() -> str:
    return instant(SystemClock().now())


def _statement(request: Request) -> Statement:
    """Who merges, with what ``X-Provenance`` says of why."""
    said = statement_of(request.principal, request.headers.get("x-provenance"))
    return with_activity(said, "merge")


def with_activity(said: Statement, activity: str) -> Statement:
    """The statement with the activity, where it names none itself."""
    code = {"coding": [{"system": ACTIVITY, "code": activity}]}
    return said if said.activity else replace(said, activity=code)


def _answer(request: Request, text: str, result: Version | None, task: Version | None) -> Result:
    outcome = loads(outcome_bytes(Issue("informational", text, severity="information")))
    parts: Mapping[str, JsonObject | None] = {
        "input": request.json() if request.body else None,
        "outcome": outcome,
        "result": loads(result.content) if result is not None else None,
        "task": loads(task.content) if task is not None else None,
    }
    return Result(200, parameters({"name": n, "resource": v} for n, v in parts.items() if v is not None))
