"""The seam between the wire and the world: what turns a message into statements, and what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any, Protocol, TypeAlias

from adapters.hl7v2.intake.record import Receipt
from adapters.hl7v2.message import Message
from fhirserver.kernel.frozen import frozen

Site: TypeAlias = Any
"""What is peculiar to a site in the conversion of its messages; the wire only passes it on."""


@frozen
class Lane:
    """Messages of one lane are taken in one after the other, in the order of arrival.

    ``barrier_with`` are further lanes that a message belongs to, such as that of the other patient of a merge: all
    that came before it in any of them is done before it, and all that comes after it waits.
    """

    key: str
    barrier_with: tuple[str, ...] = ()


@frozen
class Received:
    """One message as it arrived. ``raw`` is every byte of it; ``at`` an instant of ours.

    ``receipt`` makes the writes that must be in the very command that has the message's effects::

        await store.submit(Command(statement, (*effects, *received.receipt.accepted(resources=…))))
    """

    message: Message
    raw: bytes = field(repr=False)
    listener: str
    site: Site
    at: str
    receipt: Receipt


@frozen
class Ingested:
    """What became of a message that was taken in: the commit's position, and what its receipt was given."""

    position: int
    resources: Sequence[str] = ()
    unmapped: Sequence[str] = ()
    warnings: Sequence[str] = ()


class Rejected(Exception):
    """A message is not taken in. ``code`` is ``AE`` (its content) or ``AR`` (its kind, or our state).

    ``error`` is a code of HL7 table 0357; ``place`` a field such as ``PID-3`` or ``OBX[2]-5``; ``text`` says what
    is wrong, without values of the message.
    """

    def __init__(self, code: str, error: str, place: str = "", text: str = ""):
        self.code = code
        self.error = error
        self.place = place
        self.text = text
        super().__init__(f"{code} {error} {place}: {text}")


class Ingest(Protocol):
    """Turns messages into statements."""

    def lane(self, message: Message) -> Lane:
        """Where the message must keep its order. Never raises: what has no patient has a lane of its own."""
        ...

    async def ingest(self, received: Received) -> Ingested:
        """Take a message in. Returns when its effects and its record are durable, in one commit.

        Raises :class:`Rejected`, and :class:`~fhirserver.kernel.outcomes.Refusal` for what the store refuses;
        then nothing of it was committed.
        """
        ...
