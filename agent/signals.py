"""What reaches the session core. Every signal carries the moment it happened; the core has no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from agent.results import Result
from fhirserver.ports.judge import Turn


@dataclass(frozen=True, slots=True)
class Ringing:
    """A call comes in from ``caller`` (E.164, empty when withheld); the agent may look things up."""

    at: datetime
    caller: str
    medium: str = "phone"


@dataclass(frozen=True, slots=True)
class Answered:
    """The line is open: the greeting may be spoken."""

    at: datetime


@dataclass(frozen=True, slots=True)
class AnsweredBy:
    """Who or what answered a call out, told while it goes on: ``human``, ``machine_start``, ``machine_end_beep``,
    ``machine_end_silence``, ``machine_end_other``, ``fax`` or ``unknown``
    (https://www.twilio.com/docs/voice/answering-machine-detection)."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """A finished turn of the caller.

    ``started``: when it began to be heard, None for text; ``confidence``: the recogniser's, 0 to 1. ``picture``: the
    reference of the DocumentReference it was read from, where the caller has shown something; :data:`UNREAD` are the
    words of a picture that could not be read.
    """

    at: datetime
    text: str
    started: datetime | None = None
    confidence: float = 1.0
    picture: str = ""


UNREAD = "[picture]"


@dataclass(frozen=True, slots=True)
class Partial:
    """Words heard so far in a turn that is not finished."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Silence:
    """It was the caller's turn and nothing was said for a while."""

    at: datetime


@dataclass(frozen=True, slots=True)
class BargeIn:
    """The caller spoke over the agent.

    ``heard`` is the part of turn ``turn`` that was played (0: the agent's last turn); what the agent had still
    to say after that turn was not heard at all. ``lost`` is what was not heard; the session fills it in.
    """

    at: datetime
    heard: str
    turn: int = 0
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Spoken:
    """An agent's turn began to be heard at ``started``; the transcript carries that moment from now on."""

    at: datetime
    turn: int
    started: datetime


@dataclass(frozen=True, slots=True)
class Keys:
    """The caller pressed keys of the telephone (``0123456789*#``), as one entry."""

    at: datetime
    digits: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The outcome of the :class:`~agent.effects.RunTool` with the same id."""

    at: datetime
    id: int
    result: Result


@dataclass(frozen=True, slots=True)
class Drafted:
    """A sentence that a running tool (a language model) has ready before it is done."""

    at: datetime
    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Emotion:
    """How the voice sounds: a soft signal about pace and tone, never about identity or health.

    ``tier``: ``functional``, ``light touch``, ``full empathy`` or ``hold space``; ``arousal`` 0 to 1, ``valence``
    -1 to 1, ``trend`` the change of valence over the last turns.
    """

    at: datetime
    label: str
    tier: str = "functional"
    arousal: float = 0.0
    valence: float = 0.0
    trend: float = 0.0


@dataclass(frozen=True, slots=True)
class Speakers:
    """Who is on the line, by voice: ``second`` a further speaker is heard, ``changed`` another one speaks now."""

    at: datetime
    kind: str


@dataclass(frozen=True, slots=True)
class Operator:
    """A person acts on the call: ``take_over``, ``say`` (a text in that person's name), ``spoke`` (the words of what
    they said with their own voice), ``hand_back``, ``finish`` (end the call), or ``guide`` with a text for the agent.

    ``by`` is the operator's name. ``started``: when what was spoken began. ``held``: what both sides said while the
    person held the call, for whoever goes on after ``hand_back``; the session fills it in.
    """

    at: datetime
    action: str
    text: str = ""
    started: datetime | None = None
    held: tuple[Turn, ...] = ()
    by: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Alarm:
    """Whoever watches the call asks for a person.

    ``hard`` at once, with ``words`` said first; else the agent goes on meanwhile.
    """

    at: datetime
    reason: str
    words: str = ""
    hard: bool = False


@dataclass(frozen=True, slots=True)
class HangUp:
    """The line is gone."""

    at: datetime


Signal: TypeAlias = (
    Ringing
    | Answered
    | AnsweredBy
    | Utterance
    | Partial
    | Silence
    | BargeIn
    | Spoken
    | Keys
    | ToolResult
    | Drafted
    | Emotion
    | Speakers
    | Operator
    | Alarm
    | HangUp
)
