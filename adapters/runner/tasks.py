"""The connector's Tasks: writebacks on their way to a sink, and records that could not be taken in.

Writeback: ``requested`` (waits) → ``in-progress`` (may have reached the sink) → ``completed`` | ``failed`` (a dead
letter; set it to ``requested`` to try again) | ``cancelled`` (superseded: nothing is left to write). ``owner``
names the sink, ``focus`` the resource. Intake: ``failed``, with what is wrong in a contained OperationOutcome;
``requested`` asks for another try; ``completed`` once the record was taken in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Issue, operation_outcome
from fhirserver.search.expression import And, Expression, Or, ReferenceIs, TokenIs
from fhirserver.store.dead_letters import INTAKE, OWNER, WRITEBACK
from fhirserver.world.units import member_of
from fhirserver.world.vocabulary import TASK_CODE, TASK_INPUT

SYSTEM = "credence"
"""The source that keeps the connector's Tasks."""
OPEN = ("requested", "in-progress")


def writeback_task(
    sink: str, type: str, id: str, version: int, units: Mapping[str, Decimal], at: str
) -> JsonObject:
    """A requested Task to write the named units of ``type/id`` to a sink."""
    return {
        "resourceType": "Task",
        "identifier": [{"system": f"{OWNER}:{sink}", "value": f"{type}/{id}"}],
        "status": "requested",
        "intent": "order",
        "code": _code(WRITEBACK, "Writeback"),
        "description": f"{type}: {', '.join(dict.fromkeys(member_of(unit) for unit in units))}",
        "focus": {"reference": f"{type}/{id}/_history/{version}"},
        "authoredOn": at,
        "owner": _owner(sink),
        "input": [_input(unit, confidence) for unit, confidence in units.items()],
    }


def intake_task(connector: str, reference: str, issues: Sequence[Issue], at: str) -> JsonObject:
    """A failed Task for a record (``Type/id/_history/version``) that could not be taken in."""
    places = dict.fromkeys(place for issue in issues for place in issue.expression)
    return {
        "resourceType": "Task",
        "contained": [{"id": "outcome", **operation_outcome(issues)}],
        "status": "failed",
        "statusReason": {"text": f"Not taken in: {', '.join(places) or issues[0].code}"},
        "intent": "order",
        "code": _code(INTAKE, "Intake of a record"),
        "authoredOn": at,
        "owner": _owner(connector),
        "reasonReference": {"reference": "#outcome"},
        "input": [{"type": _type("record"), "valueString": reference}],
    }


def _code(code: str, display: str) -> JsonObject:
    return {"coding": [{"system": TASK_CODE, "code": code, "display": display}]}


def _owner(name: str) -> JsonObject:
    return {"identifier": {"system": OWNER, "value": name}}


def _type(code: str) -> JsonObject:
    return {"coding": [{"system": TASK_INPUT, "code": code}]}


def _input(unit: str, confidence: Decimal) -> JsonObject:
    return {"type": {**_type("unit"), "text": member_of(unit)}, "valueDecimal": confidence}


def moved(task: JsonObject, status: str, text: str = "", outputs: Iterable[JsonObject] = ()) -> JsonObject:
    """The Task in another status, with a word on why."""
    changed = {name: value for name, value in task.items() if name not in ("statusReason", "output")}
    changed["status"] = status
    if text:
        changed["statusReason"] = {"text": text}
    given = list(outputs)
    if given:
        changed["output"] = given
    return changed


def reason(task: JsonObject) -> str:
    """The word on why the Task is in its status."""
    return str(task.get("statusReason", {}).get("text", ""))


def record_output(type: str, record: str, version: str) -> JsonObject:
    """The output that names the record the sink now holds."""
    reference = f"{type}/{record}/_history/{version}" if version else f"{type}/{record}"
    return {"type": _type("record"), "valueString": reference}


def record_input(task: JsonObject) -> tuple[str, str]:
    """Type and id of the record that an intake Task is about."""
    type, id, *_ = [*str(task.get("input", [{}])[0].get("valueString", "")).split("/"), ""]
    return type, id


def is_of(task: JsonObject, code: str, owner: str) -> bool:
    """Whether it is the connector's Task of that kind."""
    codings = task.get("code", {}).get("coding", ())
    mine: bool = task.get("owner", {}).get("identifier") == {"system": OWNER, "value": owner}
    return mine and any(c.get("system") == TASK_CODE and c.get("code") == code for c in codings)


def is_writeback(task: JsonObject) -> bool:
    """Whether it is a writeback, of whatever sink."""
    codings = task.get("code", {}).get("coding", ())
    return any(c.get("system") == TASK_CODE and c.get("code") == WRITEBACK for c in codings)


def owner_of(task: JsonObject) -> str:
    """The sink of a writeback."""
    return str(task.get("owner", {}).get("identifier", {}).get("value", ""))


def focus_of(task: JsonObject) -> str:
    """``Type/id`` of what the Task is about."""
    return "/".join(str(task.get("focus", {}).get("reference", "")).split("/")[:2])


def open_tasks(sink: str, focus: tuple[str, str] | None = None) -> Expression:
    """The search for a sink's open writebacks, of one resource where given."""
    parts: list[Expression] = [
        TokenIs("code", TASK_CODE, WRITEBACK),
        Or(tuple(TokenIs("status", None, status) for status in OPEN)),
    ]
    if focus is not None:
        parts += [ReferenceIs("focus", *focus), TokenIs("identifier", f"{OWNER}:{sink}", "/".join(focus))]
    else:
        parts.append(TokenIs("owner:identifier", OWNER, sink))
    return And(tuple(parts))


def requested_intake(connector: str) -> Expression:
    """The search for the records that an operator wants tried again."""
    return And(
        (
            TokenIs("code", TASK_CODE, INTAKE),
            Or(tuple(TokenIs("status", None, status) for status in OPEN)),
            TokenIs("owner:identifier", OWNER, connector),
        )
    )
