"""Signals as they stand in a journal, and back.

What tools answered goes along without the resources behind it: they are read again when they are needed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from agent.llm.requests import ModelAnswer
from agent.results import (
    ContextLoaded,
    ErrandsFound,
    Failed,
    PatientsFound,
    PracticeFound,
    Result,
    SlotsFound,
    Taken,
    Written,
)
from agent.signals import (
    Alarm,
    Answered,
    AnsweredBy,
    BargeIn,
    Drafted,
    Emotion,
    HangUp,
    Keys,
    Operator,
    Partial,
    Ringing,
    Signal,
    Silence,
    Speakers,
    Spoken,
    ToolResult,
    Utterance,
)
from fhirserver.kernel.json import JsonObject

_SIGNALS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        Alarm, Answered, AnsweredBy, BargeIn, Drafted, Emotion, HangUp, Keys, Operator, Partial, Ringing, Silence,
        Speakers, Spoken, Utterance,
    )
}  # fmt: skip
_RESULTS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        ContextLoaded,
        ErrandsFound,
        Failed,
        ModelAnswer,
        PatientsFound,
        PracticeFound,
        SlotsFound,
        Taken,
        Written,
    )
}


def kept(signal: Signal) -> JsonObject:
    """JSON but for the values themselves, which the encoder of the kernel knows."""
    if isinstance(signal, ToolResult):
        result = _bare(signal.result)
        told = {"at": signal.at, "id": signal.id, "as": type(result).__name__, "result": result}
        return {"is": "ToolResult", "of": told}
    return {"is": type(signal).__name__, "of": signal}


def signal_of(told: JsonObject) -> Signal:
    """What :func:`kept` made. Raises ValueError for what it cannot have made."""
    name, of = told["is"], told["of"]
    try:
        if name == "ToolResult":
            result: Result = _read(of["result"], _RESULTS[of["as"]])
            return ToolResult(_read(of["at"], datetime), of["id"], result)
        signal: Signal = _read(of, _SIGNALS[name])
        return signal
    except (KeyError, msgspec.ValidationError) as error:
        raise ValueError(f"a signal of kind {name} cannot be read") from error


def _read(told: Any, kind: type[Any]) -> Any:
    return msgspec.convert(told, kind, strict=False)


def _bare(result: Result) -> Result:
    if isinstance(result, SlotsFound):
        return SlotsFound(tuple(replace(slot, resource={}) for slot in result.slots))
    if isinstance(result, PatientsFound):
        return PatientsFound(tuple(replace(patient, resource={}) for patient in result.patients))
    if isinstance(result, ContextLoaded):
        bare = tuple(replace(one, resource={}) for one in result.context.appointments)
        return ContextLoaded(replace(result.context, appointments=bare))
    return result
