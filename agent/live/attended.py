"""One call as operators attend to it: what happens on it is noted and judged, what they do goes into it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from agent.live.escalation_record import COMPLETED, CONNECTED, HANDBACK, REQUESTED, Escalation
from agent.live.scribe import Scribe
from agent.live.timeline import Timeline
from agent.safety.risk import CALM
from agent.safety.watch import Watch, priority_of
from agent.signals import Emotion, Operator
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.live_calls import LiveCall, OperatorSound, RiskReason

if TYPE_CHECKING:
    from agent.call import Call, Event

LONG_WAIT_SECONDS = 60.0
"""An operator who was asked for and has not come after this: the call presses more."""

log = logging.getLogger("credence.live")


class Follows(Protocol):
    """Is told what becomes of operators who are connected by sound."""

    def speaks(self, operator: str) -> None:
        """The holder has begun to speak with their own voice."""
        ...

    def left(self, operator: str) -> None:
        """The operator listens no more."""
        ...

    async def lost(self, operator: str) -> None:
        """The holder's connection died and did not come back."""
        ...


class Bridge(Protocol):
    """Puts an operator's own voice on the call; without one an operator speaks by typing."""

    async def join(self, call: str, operator: str) -> None:
        """Connect the operator. Raises :class:`OSError` where that cannot be done."""
        ...

    async def leave(self, call: str, operator: str) -> None:
        """The operator is off the line again; does not raise."""
        ...

    def connect(self, operator: str, follows: Follows) -> OperatorSound:
        """An operator listens from now on, and speaks while joined."""
        ...


class Ear(Protocol):
    """The sound of a call from now on, in chunks of PCM 16 bit 8 kHz, caller left and agent right."""

    def listen(self) -> AsyncIterator[bytes]: ...


@dataclass
class Attended:
    """A call with its timeline, its risk, and whoever listens or holds it."""

    id: str
    call: Call
    watch: Watch
    scribe: Scribe
    bridge: Bridge | None = None
    ear: Ear | None = None
    timeline: Timeline = field(default_factory=Timeline)
    holder: str = ""
    listeners: list[str] = field(default_factory=list)
    escalation: Escalation | None = None
    ended: str = ""
    over_at: datetime | None = None

    def __post_init__(self) -> None:
        self._state = self._emotion = ""
        self._escalations = 0
        self._told = (-1, CALM)
        self._also = self.call.on_event
        self.call.on_event = self.see

    @property
    def now(self) -> datetime:
        return self.call.clock.now()

    # what happens

    def see(self, event: Event) -> None:
        """Take an event of the call. Never raises: whoever watches must not end the call."""
        try:
            self._note(event)
            for alarm in self.watch.see(event, self.call.memory):
                self.request(
                    alarm.reason, alarm.at
                )  # even if the caller is gone before the session hears of it
                if not self.call.replaying:  # else it is among what was kept
                    self.call.put(alarm)
            self._tell_risk(event.at)
        except Exception as error:  # a fault of the watch costs the operators' view, not the caller's call
            log.error("a call is not watched as it should be: %s", type(error).__name__)
        if self._also is not None:
            self._also(event)

    def _note(self, event: Event) -> None:
        data: dict[str, object] = {}
        if event.kind == "state":
            self._state = event.text
        elif event.kind == "emotion" and isinstance(event.detail, Emotion):
            self._emotion, felt = event.text, event.detail
            data = {"tier": felt.tier, "arousal": felt.arousal, "valence": felt.valence, "trend": felt.trend}
        elif event.kind == "result":
            data = {"seconds": round(event.seconds, 3)}
        elif event.kind == "resumed":
            self.replayed()
            return
        elif event.kind == "operator":
            self._replay(event)
            return  # noted with the operator's name where it was done
        if event.kind == "agent" and self._is_a_persons(event.turn):
            self.timeline.add(event.at, "person", event.text, event.turn, by=self.holder)
        else:
            self.timeline.add(event.at, event.kind, event.text, event.turn, **data)
        if event.kind == "escalate":
            self.request(event.text, event.at)

    def _replay(self, event: Event) -> None:
        """What an operator did while another process held the call."""
        if not self.call.replaying or not isinstance(event.detail, Operator):
            return
        self.timeline.add(event.at, "operator", event.text, by=event.detail.by)
        if event.text == "take_over":
            self.holder = event.detail.by
            self.reach(CONNECTED, self.holder, "taken over")
        elif event.text == "hand_back":
            self.holder = ""
            self.reach(HANDBACK, event.detail.by, "")

    def replayed(self) -> None:
        """What another process began is taken up: whoever was asked for help is still asked."""
        if self.escalation is not None:
            self.scribe.escalation(self.escalation)

    def _is_a_persons(self, turn: int) -> bool:
        turns = self.call.session.transcript.turns
        return 0 < turn <= len(turns) and turns[turn - 1].speaker == "operator"

    def request(self, reason: str, at: datetime) -> None:
        """Ask the operators for help; again only when nobody is asked already."""
        if self.escalation is not None and self.escalation.stage not in (HANDBACK, COMPLETED):
            return
        priority = self.watch.priority(at) if reason.startswith("risk of") else priority_of(reason)
        score = self.watch.score(at)
        self.escalation = Escalation(
            priority, reason, at, score=score.score, reasons=score.reasons, name=self._next_name()
        )
        self._tell_stage(at)

    def _next_name(self) -> str:
        """The id of the next escalation's Task, where the call's documents have ids of their own."""
        self._escalations += 1
        return f"{self.call.id}-escalation-{self._escalations}" if self.call.id else ""

    def reach(self, stage: str, operator: str, reason: str) -> None:
        """The escalation goes on by an operator's act; one that nobody asked for begins with it."""
        now = self.now
        if self.escalation is None:
            score = self.watch.score(now)
            self.escalation = Escalation(
                "asked", reason, now, score=score.score, reasons=score.reasons, name=self._next_name()
            )
        self.escalation.reach(stage, now, operator)
        self._tell_stage(now)

    def _tell_stage(self, at: datetime) -> None:
        asked = self.escalation
        if asked is not None:
            more: dict[str, object] = {"priority": asked.priority, "reason": asked.reason}
            self.timeline.add(at, "escalation", asked.stage, 0, **more, by=asked.operator)
            if not self.call.replaying:
                self.scribe.escalation(asked)

    def _tell_risk(self, at: datetime) -> None:
        score = self.watch.score(at)
        if (score.score, score.level) != self._told:
            self._told = (score.score, score.level)
            reasons = [_as_json(reason) for reason in score.reasons]
            self.timeline.add(at, "risk", score.level, score=score.score, reasons=reasons)

    async def release(self) -> None:
        """Nobody holds the call any more; an operator's own voice is off it."""
        holder, self.holder = self.holder, ""
        if holder and self.bridge is not None:
            await self.bridge.leave(self.id, holder)

    def over(self, outcome: str) -> None:
        """The call is over; it stays on the board until it is wrapped up or forgotten."""
        self.ended, self.over_at = outcome or "over", self.now
        if self.escalation is None or self.escalation.stage == COMPLETED:
            self.timeline.close()

    def wrap(self, operator: str, note: str, disposition: str) -> None:
        """The operators are done with it: keep note and disposition."""
        if self.escalation is None:
            self.reach(REQUESTED, operator, "wrapped up")
        if self.escalation is not None:
            self.escalation.note, self.escalation.disposition = note, disposition
        self.reach(COMPLETED, operator, "wrapped up")
        if self.ended:
            self.timeline.close()

    def close(self) -> None:
        """Forgotten: nothing more is told or written."""
        self.timeline.close()
        self.scribe.close()

    # how it is

    def snapshot(self) -> LiveCall:
        now, memory, asked = self.now, self.call.memory, self.escalation
        score = self.watch.score(now)
        waiting = (now - asked.at).total_seconds() if asked and asked.stage == REQUESTED else 0.0
        patient = memory.patient
        return LiveCall(
            self.id, self.call.title, self.call.caller, self.call.started, self._state,
            patient.reference if patient else "", _name(patient.names) if patient else "", memory.third_party,
            score.score, score.level, score.reasons,
            asked.stage if asked else "", self._priority(asked, waiting), waiting,
            self.holder, tuple(self.listeners), self._emotion, self.ended, self.ear is not None,
            self.bridge is not None, self.call.keeper.communication, self.timeline.last,
        )  # fmt: skip

    @staticmethod
    def _priority(asked: Escalation | None, waiting: float) -> str:
        if asked is None:
            return ""
        plain = asked.priority in ("high_risk", "asked", "negative_emotion", "looping")
        return "long_wait" if plain and waiting > LONG_WAIT_SECONDS else asked.priority

    # what operators do

    def hold(self, operator: str) -> None:
        """Take the call for one operator. Refuses (409) when somebody else has it, or it is over."""
        self.still_on()
        if self.holder and self.holder != operator:
            raise conflict(f"{self.holder} holds this call")
        self.holder = operator

    def still_on(self) -> None:
        if self.ended or self.call.session.over:
            raise conflict("The call is over")

    def held_by(self, operator: str) -> None:
        """Refuse (409) unless this operator holds the call."""
        self.still_on()
        if self.holder != operator:
            raise conflict(f"{self.holder} holds this call" if self.holder else "Take the call over first")

    async def hand_back(self, operator: str) -> None:
        """The agent goes on with the call. Refuses (409) what :meth:`held_by` refuses."""
        self.held_by(operator)
        self.put("hand_back", operator)  # first: whoever takes the call next comes after it
        await self.release()
        self.reach(HANDBACK, operator, "")

    def listens(self, operator: str) -> None:
        """Somebody listens: noted once, until they have left."""
        if operator not in self.listeners:
            self.listeners.append(operator)
            self.put("listen", operator)

    def sound(self, operator: str) -> OperatorSound:
        """Connect an operator with sound. Refuses (404) where there is none, (409) where the call is over."""
        if self.bridge is None:
            raise refuse(Category.NOT_FOUND, "not-found", "There is no sound on this call")
        self.still_on()
        self.listens(operator)
        return self.bridge.connect(operator, self)

    def speaks(self, operator: str) -> None:
        self.put("speak", operator)

    def left(self, operator: str) -> None:
        if operator in self.listeners:
            self.listeners.remove(operator)

    async def lost(self, operator: str) -> None:
        if self.holder == operator and not (self.ended or self.call.session.over):
            self.put("lost", operator)
            await self.hand_back(operator)

    def put(self, action: str, operator: str, text: str = "") -> None:
        """Let an operator's act happen on the call, and note who did it."""
        if action in ("take_over", "guide", "say", "hand_back", "finish"):
            self.call.put(Operator(self.now, action, text, by=operator))
        self.timeline.add(self.now, "operator", action, by=operator, words=text if action == "guide" else "")
        self.scribe.act(action, operator)


def conflict(diagnostics: str) -> Refusal:
    return refuse(Category.CONFLICT, "conflict", diagnostics)


def _as_json(reason: RiskReason) -> dict[str, object]:
    return {"kind": reason.kind, "text": reason.text, "points": reason.points, "turn": reason.turn}


def _name(names: tuple[tuple[tuple[str, ...], str], ...]) -> str:
    return " ".join((*names[0][0], names[0][1])) if names else ""
