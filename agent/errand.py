"""What a call out is for: known before anybody answers, and not to be told before it is known who did."""

from __future__ import annotations

from dataclasses import dataclass

PURPOSES = ("confirm", "reschedule", "insurance", "call_back")
"""Why the agent calls: to have a visit confirmed, to move one, to ask for new insurance, or because a call back was
promised."""


class NotPlaced(Exception):
    """A call out was not placed. ``sure``: certainly not; else it may have been, and nobody knows.

    The message has the carrier's code and no number and no words.
    """

    def __init__(self, problem: str, sure: bool):
        super().__init__(problem)
        self.sure = sure


@dataclass(frozen=True, slots=True)
class Errand:
    """``purpose`` is one of :data:`PURPOSES` (else ValueError), ``patient`` the one it is about (a reference).

    ``message`` is what an answering machine is left, empty for nothing: it must not tell of the patient. ``id`` is
    the name of the order, ``communication`` the Communication that was made for it.
    """

    purpose: str
    patient: str = ""
    message: str = ""
    id: str = ""
    communication: str = ""

    def __post_init__(self) -> None:
        if self.purpose not in PURPOSES:
            raise ValueError(f"the purpose of a call is one of {', '.join(PURPOSES)}")
