"""Text messages that are ordered: one message to one patient for a reason, at most once for each id."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Protocol

from fhirserver.kernel.json import JsonObject


@dataclass(frozen=True, slots=True)
class TextOrder:
    """``id`` is the name of this one message: the same again orders nothing. ``to`` is a number in E.164, ``patient``
    a reference (``Patient/…``). ``reason`` is one of the agent's purposes, or ``form`` for the link to a form; where
    ``converses``, what the patient answers goes on as a conversation about that reason."""

    id: str
    to: str
    patient: str
    text: str
    reason: str
    converses: bool = False


@dataclass(frozen=True, slots=True)
class OrderedText:
    """What became of an order so far.

    ``message`` is the carrier's id (empty where this process has not sent it), ``communication`` the reference of the
    Communication, ``status`` the status of that, ``why`` its reason. ``repeated``: it had been ordered before.
    """

    id: str
    message: str
    communication: str
    status: str
    why: str = ""
    repeated: bool = False

    def as_json(self) -> JsonObject:
        return asdict(self)


class TextsOut(Protocol):
    """Takes orders. Raises :class:`~fhirserver.kernel.outcomes.Refusal` for what may not or cannot be done: without
    consent, to somebody who wants no messages, at an hour at which none go out."""

    async def send(self, order: TextOrder, by: str) -> OrderedText:
        """Send one message, for the operator (or the campaign) ``by``; returns when the carrier has taken it."""
        ...
