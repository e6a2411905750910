"""The port of a judge: compares a claim with the evidence it rests on.

A verdict says whether the caller really stated the value, not whether the value is true in the world:
a verified member id may still belong to a plan that has lapsed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Protocol

from fhirserver.kernel.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation; ``speaker`` is ``caller``, ``agent`` or ``operator``."""

    number: int
    speaker: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """What one assertion says about one unit.

    ``unit`` is the unit's key or just its element (``telecom``, ``subscriberId``); ``value`` the
    element's value, or the item for a repeating one, None for absence; ``resource`` the whole statement
    it is part of; ``names`` what references are called (``Organization/1`` → ``Aetna``), ``aliases`` what else.
    ``known``: what the world believes of the unit by others' word; None where nobody else speaks of it.
    """

    type: str
    unit: str
    value: Json
    method: str = ""
    turns: tuple[int, ...] = ()
    resource: JsonObject = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known: Json = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The transcript of the conversation and the time zone in which its times were spoken.

    ``second``: by turn, what a second recogniser heard after the call, where it differs in what matters; ``awaited``:
    that is still to come.
    """

    turns: tuple[Turn, ...]
    zone: str = "America/New_York"
    communication: str = ""
    second: Mapping[int, str] = field(default_factory=dict)
    awaited: bool = False

    def heard_again(self) -> Evidence:
        """The conversation as the second recogniser heard it."""
        turns = tuple(replace(turn, text=self.second.get(turn.number, turn.text)) for turn in self.turns)
        return replace(self, turns=turns, second={})


class Finding(Enum):
    """What a judge finds."""

    VERIFIED = "verified"
    CONTRADICTED = "contradicted"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True, slots=True)
class Quote:
    """The words a finding rests on."""

    turn: int
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A finding with the judge's certainty in it (0 to 1), its reasons in plain words, and the quotes."""

    finding: Finding
    confidence: float
    reasoning: str
    quotes: tuple[Quote, ...] = ()


class Judge(Protocol):
    """Compares claims with evidence. ``name`` says in verdicts who found it."""

    name: str

    async def judge(self, claims: Sequence[Claim], evidence: Evidence) -> Sequence[Verdict]:
        """One verdict for each claim, in their order. Raises :class:`JudgeUnavailable`."""
        ...


class JudgeUnavailable(Exception):
    """The judge cannot answer now. The message says why in words that may be logged: no content of a claim
    or a conversation. ``lasting``: asking again will not help before somebody has changed something."""

    def __init__(self, reason: str, lasting: bool = False):
        super().__init__(reason)
        self.lasting = lasting
