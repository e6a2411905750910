"""What the telephone knows of a call, and what it asks of whoever answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from agent.errand import Errand
from agent.voice.media import Media


@dataclass(frozen=True, slots=True)
class Incoming:
    """One call. ``id`` is Twilio's CallSid (for a call out: our own key until Twilio has given one).

    ``caller`` is the person's number (E.164, empty when withheld) whoever called, ``called`` ours. ``errand`` says
    what a call out is for; a call that comes in has none. ``notice`` is to be said before anything else, ``recorded``
    asks for a recording.
    """

    id: str
    caller: str
    called: str
    errand: Errand | None = None
    recorded: bool = False
    notice: str = ""

    @property
    def outbound(self) -> bool:
        """Whether we call."""
        return self.errand is not None


class PreparedCall(Protocol):
    """A call made ready for somebody who is still ringing. The telephone runs it, once."""

    async def run(self) -> None:
        """The whole call, from ringing to its record. Ends soon after the sound has ended, and always."""
        ...

    async def ready(self) -> None:
        """Return when the first words can be said at once; the telephone waits only so long."""
        ...

    def attach(self, media: Media) -> None:
        """The caller's sound has begun: answered. Called at most once."""
        ...

    def abandon(self, reason: str) -> None:
        """The caller is gone before there was sound: nothing is attached any more."""
        ...

    def answered_by(self, who: str) -> None:
        """Who or what answered a call out: Twilio's AnsweredBy, told while the call goes on."""
        ...

    def onward(self) -> str | None:
        """Asked when the sound has ended: the reason for which a person takes over now; None: hang up."""
        ...

    async def unanswered(self, reason: str) -> None:
        """Nobody took the transfer, and the caller was promised a call back."""
        ...


MakeCall: TypeAlias = Callable[[Incoming], PreparedCall]
"""Makes a call ready. Called while the telephone rings, on the event loop: it must not block."""


def number_of(value: str) -> str:
    """A number as E.164, or empty for one that is withheld (``anonymous``, ``+266696687``, a SIP name …)."""
    digits = value.removeprefix("+")
    withheld = digits in ("266696687", "7378742833", "2562533", "8656696", "86282452253")
    return "" if withheld or not (digits.isascii() and digits.isdigit()) else f"+{digits}"
