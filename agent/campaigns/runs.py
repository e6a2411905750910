"""A run of a campaign, as a Task (https://hl7.org/fhir/R4/task.html): one firing of a trigger.

``requested`` until its audience is there, ``in-progress``, ``on-hold`` while it is paused, ``completed``,
``cancelled``. The definition that a run goes by is the version that it was started with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from agent.campaigns.members import CAMPAIGN
from agent.tools.client import version_of
from agent.tools.provenance import CANONICAL
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject

RUN = f"{CANONICAL}/sid/campaign-run"
_TASK_CODE = f"{CANONICAL}/CodeSystem/task-code"
_VALUE = f"{CANONICAL}/CodeSystem/campaign-run"
"""The system of what a run's ``output`` holds: ``cursor``, ``looked``."""
GOING = frozenset({"requested", "in-progress", "on-hold"})


@dataclass(frozen=True, slots=True)
class Run:
    """``definition`` is a versioned reference to the Library; ``trigger`` its number among the triggers."""

    reference: str
    campaign: str
    key: str
    status: str
    definition: str
    trigger: int = 0
    due: datetime | None = None
    noted: dict[str, str] = field(default_factory=dict)
    version: str = ""
    why: str = ""
    """Why it does not go on as it would."""
    resource: JsonObject = field(default_factory=dict, repr=False)

    @property
    def going(self) -> bool:
        return self.status in GOING


def new_run(
    campaign: str,
    key: str,
    definition: str,
    goal: str,
    trigger: int,
    by: JsonObject,
    due: datetime,
    now: datetime,
) -> JsonObject:
    """``key`` is the name of this firing: the same again begins no second run."""
    return {
        "resourceType": "Task",
        "identifier": [{"system": RUN, "value": f"{campaign}.{key}"}],
        "groupIdentifier": {"system": CAMPAIGN, "value": campaign},
        "status": "requested",
        "intent": "order",
        "code": {
            "coding": [{"system": _TASK_CODE, "code": "campaign-run"}],
            "text": "Carry out a campaign",
        },
        "description": goal,
        "executionPeriod": {"start": instant(due)},
        "authoredOn": instant(now),
        "lastModified": instant(now),
        "requester": by,
        "input": [
            {"type": _code("definition"), "valueReference": {"reference": definition}},
            {"type": _code("trigger"), "valueInteger": trigger},
        ],
    }


def _code(code: str) -> JsonObject:
    return {"coding": [{"system": _VALUE, "code": code}]}


def _values(parts: list[JsonObject]) -> dict[str, JsonObject]:
    coded = ((coding, part) for part in parts for coding in part.get("type", {}).get("coding", ()))
    return {str(coding.get("code")): part for coding, part in coded if coding.get("system") == _VALUE}


def run_of(resource: JsonObject) -> Run:
    """Raises KeyError for a Task that is no run."""
    names = {i.get("system"): str(i.get("value", "")) for i in resource.get("identifier", ())}
    given = _values(resource.get("input", []))
    noted = {
        code: str(part.get("valueString", "")) for code, part in _values(resource.get("output", [])).items()
    }
    start = resource.get("executionPeriod", {}).get("start")
    return Run(
        f"Task/{resource['id']}",
        resource["groupIdentifier"]["value"],
        names[RUN],
        resource["status"],
        given["definition"]["valueReference"]["reference"],
        int(given["trigger"]["valueInteger"]),
        datetime.fromisoformat(start) if start else None,
        noted,
        version_of(resource),
        str(resource.get("statusReason", {}).get("text", "")),
        resource,
    )


def with_status(run: Run, status: str, now: datetime, why: str = "") -> JsonObject:
    made = _bare(run) | {"status": status, "lastModified": instant(now)}
    made.pop("statusReason", None)
    if why:
        made["statusReason"] = {"text": why}
    if status in ("completed", "cancelled"):
        made["executionPeriod"] = {**made.get("executionPeriod", {}), "end": instant(now)}
    return made


def waiting(run: Run, why: str, now: datetime) -> JsonObject:
    """A run's Task that says why it waits; empty: it does no more."""
    return with_status(run, run.status, now, why)


def noting(run: Run, resource: JsonObject, **values: str) -> JsonObject:
    """A run's Task with what the engine has to know of it."""
    noted = {**run.noted, **values}
    return resource | {"output": [{"type": _code(code), "valueString": text} for code, text in noted.items()]}


def _bare(run: Run) -> JsonObject:
    return {name: value for name, value in run.resource.items() if name not in ("meta", "text")}


def bare(run: Run) -> JsonObject:
    """Its Task, to be sent back."""
    return _bare(run)
