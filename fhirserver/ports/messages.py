"""HL7v2 messages as people see them: what was received, what it became, what failed and where; and another try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """One message. ``key`` names it: listener, instant of its arrival, and a mark; ``at`` is that instant.

    ``code`` is AA, AE or AR; ``place`` and ``text`` say why it failed. ``open`` is a failure that nobody has closed.
    ``resources`` are what it became; the bytes of one that failed are in ``raw``.
    """

    key: str
    listener: str
    at: str
    control_id: str
    event: str
    sender: tuple[str, str]
    code: str
    position: int
    error: str = ""
    place: str = ""
    text: str = ""
    open: bool = False
    settled: str = ""
    resources: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    raw: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field that has something: ``place`` such as ``PID-5[1]``, and its components with their numbers."""

    place: str
    components: Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class ShownSegment:
    """One segment with its fields; ``mapped`` tells whether some map speaks of it."""

    name: str
    fields: Sequence[ShownField]
    mapped: bool = True


@dataclass(frozen=True, slots=True)
class Explained:
    """An element of what a message becomes, and the field that it comes from."""

    resource: str
    element: str
    place: str


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A message taken apart; ``problem`` says why it cannot be, and ``text`` is then all there is."""

    text: str
    segments: Sequence[ShownSegment] = ()
    explained: Sequence[Explained] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Retried:
    """The answer to a message that was sent again: AA, AE or AR, with place and words; ``code`` empty for none."""

    code: str
    text: str = ""


class Messages(Protocol):
    """The messages of all listeners."""

    async def listeners(self) -> Sequence[str]:
        """The connectors that listen for messages, by name."""
        ...

    async def failures(self, listener: str = "", settled: bool = False) -> Sequence[ReceivedMessage]:
        """What could not be taken in, the oldest first; with ``settled`` also what is closed."""
        ...

    async def received(self, listener: str, since: str) -> Sequence[ReceivedMessage]:
        """What was taken in at an instant that begins with ``since``, the oldest first."""
        ...

    async def by_control_id(self, listener: str, control_id: str) -> Sequence[ReceivedMessage]:
        """The last message under that control id of each sender who used it."""
        ...

    async def entry(self, key: str) -> ReceivedMessage | None: ...

    async def anatomy(self, one: ReceivedMessage) -> Anatomy | None:
        """The message taken apart; None where its bytes are no longer at hand."""
        ...

    async def retry(self, one: ReceivedMessage, text: str | None, principal: str) -> Retried:
        """Take a failure in once more, as it was, or as ``text`` has it now."""
        ...

    async def close(self, one: ReceivedMessage, how: str, principal: str) -> None:
        """Close a failure that needs nothing more."""
        ...
