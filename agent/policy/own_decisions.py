"""Which way a decision of a document's own takes, by what was answered and what is known of the patient.

Expressions see what a conversation keeps of a record and no more, so that one that is taken up again by another process
decides as it did before.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.memory import Memory
from fhirserver.kernel.instants import FixedClock, instant
from fhirserver.kernel.json import JsonObject
from fhirserver.model.fhirpath import Environment, FhirPathError, compile_path
from fhirserver.world.configured.agent import Route, State
from fhirserver.world.spoken.words import plain

VARIABLES = ("appointments", "coverages")


def chosen(stated: State, memory: Memory) -> str:
    """The name of the state that follows."""
    return next((route.to for route in stated.routes if _holds(route, memory)), stated.otherwise)


def _holds(route: Route, memory: Memory) -> bool:
    if route.answer:
        return plain(memory.answers.get(route.answer, "")) == plain(route.equals)
    return memory.patient is not None and _is_true(route.when, memory)


def _is_true(expression: str, memory: Memory) -> bool:
    """Whether it is true; what cannot be told is not."""
    environment = Environment(clock=FixedClock(memory.now), variables=_known(memory), seconds=0.2)
    try:
        found = compile_path(expression, context="Patient")(_patient(memory), environment)
    except FhirPathError:
        return False
    return len(found) == 1 and found[0].value is True


def _patient(memory: Memory) -> JsonObject:
    record = memory.patient
    if record is None:
        return {"resourceType": "Patient"}
    names = [{"given": list(given), "family": family} for given, family in record.names]
    made: JsonObject = {"resourceType": "Patient", "id": record.id}
    if names:
        made["name"] = names
    if record.phones:
        made["telecom"] = [{"system": "phone", "value": phone} for phone in record.phones]
    if record.birth_date:
        made["birthDate"] = record.birth_date.isoformat()
    return made


def _known(memory: Memory) -> Mapping[str, list[JsonObject]]:
    visits = [
        {"resourceType": "Appointment", "id": one.id, "status": one.status, "description": one.description,
         "start": instant(one.start), "end": instant(one.end)}
        for one in memory.upcoming
    ]  # fmt: skip
    covers = [
        {"resourceType": "Coverage", "id": one.id, "status": one.status, "subscriberId": one.member,
         "payor": [{"display": one.payer}]}
        for one in memory.context.coverages
        if one.status == "active"
    ]  # fmt: skip
    return {"appointments": visits, "coverages": covers}


def fault_of(expression: str) -> str:
    """Why an expression is none that a decision can ask; empty where it is one."""
    empty: Mapping[str, list[JsonObject]] = {name: [] for name in VARIABLES}
    try:
        compile_path(expression, context="Patient")(
            {"resourceType": "Patient"}, Environment(variables=empty, seconds=0.2)
        )
    except (FhirPathError, ValueError, KeyError) as error:
        return str(error)
    return ""
