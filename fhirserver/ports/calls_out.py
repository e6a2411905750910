"""Calls that are ordered: the agent calls a patient for a reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Protocol

from fhirserver.kernel.json import JsonObject


@dataclass(frozen=True, slots=True)
class CallOrder:
    """``id`` is the name of this one call: the same again orders nothing. ``to`` is a number in E.164, ``patient`` a
    reference (``Patient/…``), ``reason`` one of the agent's purposes."""

    id: str
    to: str
    patient: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderedCall:
    """What became of an order so far.

    ``call`` is the CallSid (empty where this process has not placed it), ``communication`` the reference of the
    Communication, ``status`` the status of that, ``why`` its reason. ``repeated``: it had been ordered before.
    """

    id: str
    call: str
    communication: str
    status: str
    why: str = ""
    repeated: bool = False

    def as_json(self) -> JsonObject:
        return asdict(self)


class CallsOut(Protocol):
    """Takes orders. Raises :class:`~fhirserver.kernel.outcomes.Refusal` for what may not or cannot be done."""

    async def order(self, order: CallOrder, by: str) -> OrderedCall:
        """Place one call, for the operator ``by``; returns when the carrier has taken it."""
        ...
