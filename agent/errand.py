"""What a call out is for: known before anybody answers, and not to be told before it is known who did."""

from __future__ import annotations

from dataclasses import dataclass

PURPOSES = ("confirm", "reschedule", "insurance", "call_back", "follow_up", "rebook", "missing", "custom")
"""Why the agent reaches out: to have a visit confirmed, to move one, to ask for new insurance, because a call back was
promised, to ask how it goes after a visit, to book anew what was missed, to ask for what the record lacks, or for what
a script says."""


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

    Of a campaign: ``request`` is the CommunicationRequest, ``run`` the Task, ``contact`` the name of this contact
    among all with the patient, ``channel`` the way (``call``, ``sms``, ``chat``, ``form``), ``about`` what it is about
    (references), ``words`` what its script says once the patient is identified (empty: the purpose's own sentence),
    ``service`` the chat service, or the requirement set of a form, ``language`` in which the patient is written to.
    """

    purpose: str
    patient: str = ""
    message: str = ""
    id: str = ""
    communication: str = ""
    request: str = ""
    run: str = ""
    contact: str = ""
    channel: str = "call"
    about: tuple[str, ...] = ()
    words: str = ""
    service: str = ""
    language: str = ""

    def __post_init__(self) -> None:
        if self.purpose not in PURPOSES:
            raise ValueError(f"the purpose of a call is one of {', '.join(PURPOSES)}")
