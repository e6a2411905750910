"""What a brain remembers during one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo

from agent.errand import Errand
from agent.manner import PLAIN, Manner
from agent.policy.graph import GRAPH, Graph
from agent.records import AppointmentRecord, Context, PatientRecord, Place
from agent.requests import Request
from fhirserver.world.configured.agent import OFFERS, PATIENT, Escalation
from fhirserver.world.configured.scheduling_rules import ORDINARY, SchedulingRules


@dataclass(frozen=True, slots=True)
class Setting:
    """What does not change during a call.

    ``third_party``: ``known_phone`` serves those who call from a number on the patient's record, ``person``
    serves nobody but the patient. ``zone`` is the practice's IANA time zone.
    """

    practice: str = "the clinic"
    zone: str = "America/New_York"
    identity_attempts: int = 3
    third_party: str = "known_phone"
    infer_phone: bool = True
    adult: int = 18
    """Younger patients are served only with a parent or guardian on the line."""
    errand: Errand | None = None
    """What a call out is for; None where the caller called us."""
    rules: SchedulingRules = ORDINARY
    """Which free slots may be offered."""
    agent: str = ""
    """The agent's document and its version, ``https://…/Library/front-desk|3``; empty without one."""
    wording: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The practice's own words for lines, by name."""
    offers: frozenset[str] = frozenset(OFFERS)
    """The pieces of business that the agent takes; all else is the staff's."""
    graph: Graph = field(default_factory=lambda: GRAPH)
    escalation: Escalation = PATIENT
    manner: Manner = PLAIN
    """The voice's ordinary way."""
    brain: str = ""
    """``policy`` or ``llm``; empty: as the process has it."""
    patient: str = ""
    """A reference: the patient whom the channel has proved the caller to be, who need not say name and birth date."""
    proxy: str = ""
    """A reference: the RelatedPerson whom the channel has proved to speak for that patient."""
    greeting: str = ""
    """In place of the greeting there is."""
    written: bool = False
    """Whether this is read, not heard."""

    @property
    def tz(self) -> tzinfo:
        return ZoneInfo(self.zone)


@dataclass(frozen=True, slots=True)
class Done:
    """A finished piece of business, for the recap and the summary."""

    kind: str
    text: str
    reference: str = ""
    checked_later: bool = False
    turns: tuple[int, ...] = ()


@dataclass
class Memory:
    """Mutable state of one call; everything in it follows from the signals so far."""

    setting: Setting
    now: datetime
    caller: str = ""
    turn: int = 0
    candidates: tuple[PatientRecord, ...] = ()
    patient: PatientRecord | None = None
    contexts: dict[str, Context] = field(default_factory=dict)
    third_party: str = ""
    identity_failures: int = 0
    done: list[Done] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    follow_up: list[str] = field(default_factory=list)
    frustration: int = 0
    misunderstood: int = 0
    abuse: int = 0
    doubted: str = ""
    """The danger that was asked back (``emergency``, ``self_harm``) and is not answered yet."""
    forms: list[str] = field(default_factory=list)
    """Kinds of business for which a form is to be sent, for they could not be finished by talking."""
    answers: dict[str, str] = field(default_factory=dict)
    """By question of the practice's own: what was answered; empty where the caller had no answer."""
    places: tuple[Place, ...] | None = None
    """What the practice tells of itself; None until it was asked for."""
    walked: list[str] = field(default_factory=list)
    """The states of the practice's own that were come to, in order."""
    inferred: bool = False
    """Whether the number called from was noted."""
    machine: int = 0
    """Above 0 once what answered a call out talks like an answering machine: counts its silences."""
    human: bool = False
    """Whether a person is known to have answered a call out."""
    ended: str = ""
    pictures: dict[int, str] = field(default_factory=dict)
    """By the turn in which it was shown: the reference of a picture."""
    medium: str = "phone"
    outreach: tuple[Errand, ...] = ()
    """What somebody at this number was lately contacted about, the latest first."""
    opted_out: bool = False
    """Whether no more calls or messages are wanted."""

    @property
    def today(self) -> date:
        return self.local(self.now).date()

    @property
    def read(self) -> bool:
        """Whether what the agent says is read, as in a chat or a text message, and not heard."""
        return self.setting.written or self.medium == "written"

    @property
    def local_now(self) -> datetime:
        return self.local(self.now)

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.setting.tz)

    @property
    def context(self) -> Context:
        """What is known of the identified patient; empty until it is loaded."""
        key = self.patient.reference if self.patient else ""
        return self.contexts.get(key, Context(key))

    @property
    def upcoming(self) -> list[AppointmentRecord]:
        """The identified patient's appointments still to come, in order."""
        kept = [a for a in self.context.appointments if a.start > self.now and a.status in _OPEN]
        return sorted(kept, key=lambda a: a.start)


_OPEN = frozenset({"booked", "pending", "proposed", "arrived", "waitlist"})


@dataclass(frozen=True, slots=True)
class Pending:
    """A tool that runs: who asked for it."""

    request: Request
    owner: object
