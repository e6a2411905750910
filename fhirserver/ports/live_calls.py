"""Calls that are under way, as operators see them and act on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Protocol

from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject

ACTIONS = ("listen", "guide", "take_over", "say", "hand_back", "wrap_up")
"""What an operator may do; ``say`` speaks as the person who holds the call, ``guide`` lets the agent say it."""
DISPOSITIONS = ("resolved", "call_back", "sent_to_emergency", "no_action")
MAX_WORDS = 1000
"""Characters of a text that is said, or of a note."""


@dataclass(frozen=True, slots=True)
class SoundState:
    """How an operator is connected: ``listening``, ``yours`` (the operator holds the call: what the microphone brings
    is heard by the caller), ``over``."""

    state: str


class OperatorSound(Protocol):
    """One operator's connection to the sound of one call. Nothing of it holds the call up: what is late is dropped."""

    async def receive(self) -> bytes | SoundState | None:
        """What comes next: a tenth of a second of both sides (PCM 16 bit 8 kHz, caller left, agent and operator right),
        a new state, or None at the end."""
        ...

    async def send(self, sound: bytes) -> None:
        """Sound of the operator's microphone (PCM 16 bit 8 kHz, one channel, half a second at most)."""
        ...

    async def alive(self) -> None:
        """The operator's side is there: to be told every few seconds."""
        ...

    async def close(self, left: bool = False) -> None:
        """The end; ``left``: the operator has taken leave, and did not just vanish."""
        ...


@dataclass(frozen=True, slots=True)
class RiskReason:
    """Why a call is at risk: so many points now, for what was seen in turn ``turn`` (0: not a turn's)."""

    kind: str
    text: str
    points: int
    turn: int = 0


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """Something that happened.

    ``id`` counts up within the call. ``kind`` is one of :class:`agent.call.Event`, or ``risk`` (text: the level; data:
    score, reasons), ``escalation`` (the stage; priority, reason, by), ``operator`` (the action; by, words), ``person``
    (what the holder said; by). ``data`` are further JSON members.
    """

    id: int
    at: datetime
    kind: str
    text: str = ""
    turn: int = 0
    data: JsonObject = field(default_factory=dict)

    def as_json(self) -> JsonObject:
        base: JsonObject = {"kind": self.kind, "text": self.text, "turn": self.turn, "at": instant(self.at)}
        return {**self.data, **base}


@dataclass(frozen=True, slots=True)
class LiveCall:
    """How a call is now.

    ``risk`` is 0 to 100 and ``level`` what that means: ``calm``, ``monitor``, ``alert`` or ``escalate``. ``stage`` of
    the escalation: empty, ``requested``, ``connected``, ``handback``, ``completed``; ``priority`` its reason:
    ``high_risk``, ``long_wait``, ``negative_emotion``, ``safety_concern``, ``looping`` or ``asked``. ``waiting`` are
    seconds since it was requested. ``holder`` is the operator who has taken over; ``ended`` why the call is over.
    """

    id: str
    title: str
    caller: str
    started: datetime
    state: str = ""
    patient: str = ""
    patient_name: str = ""
    third_party: str = ""
    risk: int = 0
    level: str = "calm"
    reasons: tuple[RiskReason, ...] = ()
    stage: str = ""
    priority: str = ""
    waiting: float = 0.0
    holder: str = ""
    listeners: tuple[str, ...] = ()
    emotion: str = ""
    ended: str = ""
    hears: bool = False
    """Whether the sound of the call can be listened to."""
    speaks: bool = False
    """Whether the operator who holds it can speak with their own voice."""
    record: str = ""
    """The reference of the call's Communication; empty until the server has it."""
    last_event: int = 0

    def as_json(self) -> JsonObject:
        return {**asdict(self), "started": instant(self.started), "waiting": round(self.waiting, 1)}


class LiveCalls(Protocol):
    """The calls of this process. Whoever asks has been let in already; ``operator`` is the name of a principal."""

    def calls(self) -> Sequence[LiveCall]:
        """All calls that are under way or wait for their wrap-up, the most pressing first."""
        ...

    def call(self, id: str) -> LiveCall | None: ...

    async def so_far(self, id: str) -> Sequence[LiveEvent]:
        """What has happened on a call until now; nothing for a call that is none, or that cannot be reached."""
        ...

    def follow(self, id: str, after: int = 0) -> AsyncIterator[LiveEvent]:
        """What happens on a call, from the event after ``after`` on; ends when nothing more can happen.

        Words that are not finished (``partial``) are told only while they are new. Raises
        :class:`~fhirserver.kernel.outcomes.Refusal` (404).
        """
        ...

    async def act(
        self, id: str, action: str, operator: str, text: str = "", disposition: str = ""
    ) -> LiveCall:
        """Do one of :data:`ACTIONS`; the answer is the call after it.

        Refuses (404) a call that is none, (409) what another operator's hold or the end of the call does not allow,
        (422) what is no action, lacks its text, or says too much.
        """
        ...

    def audio(self, id: str) -> AsyncIterator[bytes]:
        """The sound from now on, caller left and agent right, as a WAV without end.

        Refuses (404) where there is none.
        """
        ...

    async def sound(self, id: str, operator: str) -> OperatorSound:
        """Connect an operator with sound; that somebody listens is noted.

        Refuses (404) where there is no such call or it has no sound, (409) where it is over.
        """
        ...
