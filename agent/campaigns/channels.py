"""What the engine needs of a way to reach people."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from agent.campaigns.contacts import Contact
from agent.errand import Errand


@dataclass(frozen=True, slots=True)
class Settled:
    """What is known of an attempt afterwards. ``outcome`` is a code of outreach-outcome, ``done`` whether somebody
    was reached by it; ``why`` is for people, ``sid`` the carrier's name of a message that was found."""

    outcome: str
    done: bool
    why: str
    sid: str = ""


class Channel(Protocol):
    """One way out of this process. Every attempt it is given is on record already, under the errand's name."""

    @property
    def free(self) -> int:
        """How many more may go out now."""
        ...

    async def reach(self, errand: Errand, number: str, words: str) -> Awaitable[None] | None:
        """Make one attempt; what is awaited is its end, None where it is over. Whatever becomes of it is written
        into its Communication by the channel. Raises :class:`~agent.errand.NotPlaced`."""
        ...

    async def settle(self, contact: Contact) -> Settled | None:
        """Ask what became of an attempt that a process left open; None where it still goes on. Raises
        :class:`~agent.errand.NotPlaced` where nobody can be asked."""
        ...
