"""Writeback Tasks: what is on its way to a sink, and what became of it.

``requested`` (waits or is tried again) → ``in-progress`` → ``completed`` | ``failed`` (a dead letter) |
``cancelled`` (superseded: nothing is left to write). ``owner`` names the sink, ``focus`` the resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from fhirserver.kernel.json import JsonObject
from fhirserver.search.expression import And, Expression, Or, ReferenceIs, TokenIs
from fhirserver.world.units import member_of
from fhirserver.world.vocabulary import SOURCE_PREFIX, TASK_CODE, TASK_INPUT

WRITEBACK = "writeback"
OPEN = ("requested", "in-progress")
_OWNER = f"{SOURCE_PREFIX}sink"


def writeback_task(
    sink: str, type: str, id: str, version: int, units: Mapping[str, Decimal], at: str
) -> JsonObject:
    """A requested Task to write the named units of ``type/id`` to a sink."""
    return {
        "resourceType": "Task",
        "identifier": [{"system": f"{_OWNER}:{sink}", "value": f"{type}/{id}"}],
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": TASK_CODE, "code": WRITEBACK, "display": "Writeback"}]},
        "description": f"{type}: {', '.join(dict.fromkeys(member_of(unit) for unit in units))}",
        "focus": {"reference": f"{type}/{id}/_history/{version}"},
        "authoredOn": at,
        "owner": {"identifier": {"system": _OWNER, "value": sink}},
        "input": [_input(unit, confidence) for unit, confidence in units.items()],
    }


def _input(unit: str, confidence: Decimal) -> JsonObject:
    return {
        "type": {"coding": [{"system": TASK_INPUT, "code": "unit"}], "text": member_of(unit)},
        "valueDecimal": confidence,
    }


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


def record_output(type: str, record: str, version: str) -> JsonObject:
    """The output that names the record the sink now holds."""
    return {
        "type": {"coding": [{"system": TASK_INPUT, "code": "record"}]},
        "valueString": f"{type}/{record}/_history/{version}" if version else f"{type}/{record}",
    }


def open_tasks(sink: str, focus: tuple[str, str] | None = None) -> Expression:
    """The search for a sink's open Tasks, of one resource where given."""
    parts: list[Expression] = [
        TokenIs("code", TASK_CODE, WRITEBACK),
        Or(tuple(TokenIs("status", None, status) for status in OPEN)),
    ]
    if focus is not None:
        parts += [ReferenceIs("focus", *focus), TokenIs("identifier", f"{_OWNER}:{sink}", "/".join(focus))]
    else:
        parts.append(TokenIs("owner:identifier", _OWNER, sink))
    return And(tuple(parts))
