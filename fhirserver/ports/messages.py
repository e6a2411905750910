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
    """A field that has something: ``place`` such as ``PID-5[1]``, and its components with their numbers.

    ``wrong`` is where the message failed; such a field may have nothing.
    """

    place: str
    components: Sequence[tuple[int, str]]
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class ShownSegment:
    """One segment with its fields; ``mapped`` tells whether some map speaks of it, ``wrong`` whether it failed here."""

    name: str
    fields: Sequence[ShownField]
    mapped: bool = True
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Explained:
    """An element of what a message becomes, the field that it comes from, and the row of the map that says so."""

    resource: str
    element: str
    place: str
    row: str = ""


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A message taken apart; ``problem`` says why it cannot be, and ``text`` is then all there is.

    ``text`` has one segment in a line; ``line`` is the number of the one with the problem, 0 where that is not known.
    """

    text: str
    segments: Sequence[ShownSegment] = ()
    explained: Sequence[Explained] = ()
    problem: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Retried:
    """The answer to a message that was sent again: AA, AE or AR, with place and words; ``code`` empty for none."""

    code: str
    text: str = ""


class Messages(Protocol):
    """The messages of all listeners."""

    @property
    def present(self) -> bool:
        """Whether there is a listener at all, as far as this process knows now."""
        ...

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
        """Take a failure in once more, as it was, or as ``text`` has it now.

        What is no message, or cannot be written in its character set, is answered with its place, and nothing is kept
        of it. Refuses (409) where the connector is paused or off, (404) where there is none of that name any more.
        """
        ...

    async def close(self, one: ReceivedMessage, how: str, principal: str) -> None:
        """Close a failure that needs nothing more."""
        ...
