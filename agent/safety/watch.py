"""Watches one call: what happens on it becomes signs of risk, and asks for a person where there are enough."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from agent.hearing import SURE
from agent.results import Failed
from agent.safety.loops import Loops
from agent.safety.risk import ESCALATE, Risk, Score, Thresholds
from agent.safety.words import signs_in
from agent.signals import Alarm, Emotion, Utterance

if TYPE_CHECKING:
    from agent.call import Event
    from agent.memory import Memory

HIGH_RISK, LONG_WAIT, NEGATIVE_EMOTION = "high_risk", "long_wait", "negative_emotion"
SAFETY_CONCERN, LOOPING, ASKED = "safety_concern", "looping", "asked"
_FROM_SIGN = {
    "emergency": SAFETY_CONCERN,
    "self_harm": SAFETY_CONCERN,
    "threat": SAFETY_CONCERN,
    "minor": SAFETY_CONCERN,
    "looping": LOOPING,
    "negative_emotion": NEGATIVE_EMOTION,
    "falling_mood": NEGATIVE_EMOTION,
    "frustration": NEGATIVE_EMOTION,
    "long_wait": LONG_WAIT,
}
_FROM_WORDS = (
    ("asked", ASKED),
    ("accepted a person", ASKED),
    ("emergency", SAFETY_CONCERN),
    ("self-harm", SAFETY_CONCERN),
    ("threat", SAFETY_CONCERN),
    ("minor", SAFETY_CONCERN),
    ("frustrated", NEGATIVE_EMOTION),
    ("did not get on", LOOPING),
    ("looping", LOOPING),
)
FIXED_WORDS = {
    "emergency": "If this is an emergency, please hang up and call nine one one right away. "
    "I am connecting you to a person now.",
    "self_harm": "I am really glad you told me. You can call or text nine eight eight at any time to reach someone who "
    "can help. I am connecting you to a person now.",
    "threat": "I am connecting you to a person now.",
}
"""What is said, word for word, before a person takes the call at once."""
_ASKED_BACK = frozenset(("emergency", "self_harm"))
_UNHAPPY, _FALLING = -0.3, -0.2
_ADULT = 18


def priority_of(reason: str) -> str:
    """The priority reason of an escalation that somebody else asked for, from its words."""
    return next((priority for words, priority in _FROM_WORDS if words in reason), HIGH_RISK)


@dataclass
class Watch:
    """Sees every event of a call. Pure: times come with the events."""

    thresholds: Thresholds = field(default_factory=Thresholds)

    def __post_init__(self) -> None:
        self.risk = Risk(self.thresholds)
        self._loops = Loops(self.thresholds.loop_limit)
        self._failures = 0
        self._once: set[str] = set()
        self._asked_for: set[str] = set()
        self._spoke: datetime | None = None
        self._turn = 0

    def score(self, now: datetime) -> Score:
        return self.risk.at(now)

    def see(self, event: Event, memory: Memory) -> tuple[Alarm, ...]:
        """Take an event; what a person is to be asked for, at most once for each reason."""
        before = len(self.risk.seen)
        self._turn = event.turn or self._turn
        self._wait(event)
        if event.kind == "caller":
            for kind in signs_in(event.text, event.turn):
                self.risk.add(self._heard(kind, event), event.at, event.turn)
        if event.kind in ("caller", "agent") and self._loops.hear(event.kind, event.text):
            self.risk.add("looping", event.at, event.turn)
        if event.kind == "emotion" and isinstance(event.detail, Emotion):
            self._felt(event.detail)
        elif event.kind == "result" and isinstance(event.detail, Failed):
            self.risk.add("tool_failure", event.at, self._turn)
        elif event.kind == "speakers":
            self.risk.add(
                "changed_speaker" if event.text == "changed" else "second_speaker", event.at, self._turn
            )
        self._known(event, memory)
        return self._alarms(event.at, [one.kind for one in self.risk.seen[before:]])

    # signs

    def _heard(self, kind: str, event: Event) -> str:
        """Danger that was not heard well is asked back by whoever leads the call; heard twice, it is there."""
        unsure = isinstance(event.detail, Utterance) and event.detail.confidence < SURE
        if kind not in _ASKED_BACK or not unsure or "danger_unclear" in self._once:
            return kind
        self._once.add("danger_unclear")
        return "danger_unclear"

    def _felt(self, felt: Emotion) -> None:
        if felt.valence <= _UNHAPPY:
            self.risk.add("negative_emotion", felt.at, self._turn, -felt.valence)
        if felt.trend <= _FALLING:
            self.risk.add("falling_mood", felt.at, self._turn)

    def _known(self, event: Event, memory: Memory) -> None:
        """What the conversation has found out about the caller."""
        for _ in range(memory.identity_failures - self._failures):
            self.risk.add("identity", event.at, self._turn)
        self._failures = max(self._failures, memory.identity_failures)
        if memory.third_party:
            self._first("third_party", event)
        born = memory.patient.birth_date if memory.patient else None
        if born is not None and not memory.third_party and _age(born, memory.today) < _ADULT:
            self._first("minor", event)

    def _first(self, kind: str, event: Event) -> None:
        if kind not in self._once:
            self._once.add(kind)
            self.risk.add(kind, event.at, self._turn)

    def _wait(self, event: Event) -> None:
        """How long the caller waits between the end of a turn and the agent's next words."""
        if event.kind == "caller":
            self._spoke = event.at
        elif event.kind in ("agent", "operator", "transfer", "end"):
            spoke, self._spoke = self._spoke, None
            if spoke and (event.at - spoke).total_seconds() > self.thresholds.wait_seconds:
                self.risk.add("long_wait", event.at, event.turn)

    # a person is asked for

    def _alarms(self, now: datetime, seen: list[str]) -> tuple[Alarm, ...]:
        alarms = []
        for kind in dict.fromkeys(seen):
            if kind in FIXED_WORDS:
                alarms.append(self._once_for(kind, Alarm(now, f"{kind} words", FIXED_WORDS[kind], hard=True)))
            elif kind in ("looping", "minor"):
                alarms.append(self._once_for(kind, Alarm(now, kind)))
        score = self.score(now) if seen else None
        if score is not None and score.level == ESCALATE and not any(alarms):
            alarms.append(self._once_for("risk", Alarm(now, f"risk of {score.score}")))
        return tuple(alarm for alarm in alarms if alarm is not None)

    def _once_for(self, what: str, alarm: Alarm) -> Alarm | None:
        if what in self._asked_for:
            return None
        self._asked_for.add(what)
        return alarm

    def priority(self, now: datetime) -> str:
        """The priority reason by what weighs most now."""
        reasons = self.score(now).reasons
        return _FROM_SIGN.get(reasons[0].kind, HIGH_RISK) if reasons else HIGH_RISK


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
