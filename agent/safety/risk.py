"""The risk of a call, 0 to 100: points with reasons, which fade where what was seen passes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from fhirserver.ports.live_calls import RiskReason

CALM, MONITOR, ALERT, ESCALATE = "calm", "monitor", "alert", "escalate"


@dataclass(frozen=True, slots=True)
class Sign:
    """A kind of thing that makes a call risky.

    ``points`` for each time it is seen, ``most`` for all of them together. ``half_life``: seconds in which points
    halve; 0 for what does not pass.
    """

    points: float
    most: float
    half_life: float = 0.0
    text: str = ""


SIGNS: dict[str, Sign] = {
    "emergency": Sign(100, 100, text="Emergency words"),
    "self_harm": Sign(100, 100, text="Words of self-harm"),
    "danger_unclear": Sign(30, 30, 180, "Words of danger that were not heard well"),
    "threat": Sign(75, 100, text="A threat"),
    "abuse": Sign(20, 60, 300, "Abusive words"),
    "frustration": Sign(12, 36, 180, "Frustrated words"),
    "negative_emotion": Sign(10, 30, 90, "The voice sounds unhappy"),
    "falling_mood": Sign(8, 16, 90, "The mood gets worse"),
    "looping": Sign(25, 50, 240, "The same question again and again"),
    "identity": Sign(15, 45, text="Identification failed"),
    "minor": Sign(35, 35, text="The caller seems to be a minor"),
    "third_party": Sign(10, 10, text="Somebody calls for the patient"),
    "changed_speaker": Sign(25, 35, text="Another person speaks now"),
    "second_speaker": Sign(5, 10, 300, "A second person is heard"),
    "tool_failure": Sign(12, 36, 240, "A look-up or a write failed"),
    "long_wait": Sign(10, 30, 120, "The caller waited long for a reply"),
}
"""What counts how much. The kinds are settled; the numbers are a judgement, kept in one place."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which score on a call is watched, raised and handed to the operators; loops: questions of one kind."""

    monitor: int = 30
    alert: int = 50
    escalate: int = 70
    loop_limit: int = 3
    wait_seconds: float = 8.0
    """A reply that takes longer than this is a long wait."""

    def __post_init__(self) -> None:
        if not 0 < self.monitor < self.alert < self.escalate <= 100:
            raise ValueError("monitor, alert and escalate must rise: 0 < monitor < alert < escalate <= 100")
        if self.loop_limit < 2:
            raise ValueError("loop_limit is 2 or more")
        if self.wait_seconds <= 0:
            raise ValueError("wait_seconds is more than 0")

    def level(self, score: int) -> str:
        if score >= self.escalate:
            return ESCALATE
        return ALERT if score >= self.alert else MONITOR if score >= self.monitor else CALM


@dataclass(frozen=True, slots=True)
class Seen:
    """One sign at a moment; ``scale`` weakens it (0 to 1)."""

    kind: str
    at: datetime
    turn: int = 0
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Score:
    """The score with its reasons, the weightiest first. Points are whole, so their sum may miss the score's by
    rounding; it is over 100 where there are more reasons than points to give."""

    score: int
    level: str
    reasons: tuple[RiskReason, ...]


@dataclass
class Risk:
    """Adds up what was seen."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    seen: list[Seen] = field(default_factory=list)

    def add(self, kind: str, at: datetime, turn: int = 0, scale: float = 1.0) -> None:
        """Note a sign. Raises :class:`KeyError` for a kind that is none."""
        SIGNS[kind]
        self.seen.append(Seen(kind, at, turn, min(1.0, max(0.0, scale))))

    def at(self, now: datetime) -> Score:
        """The score at a moment."""
        points = {kind: self._points(kind, now) for kind in {one.kind for one in self.seen}}
        total = min(100, round(sum(points.values())))
        reasons = [self._reason(kind, worth) for kind, worth in points.items() if worth >= 0.5]
        reasons.sort(key=lambda r: (-r.points, r.kind))
        return Score(total, self.thresholds.level(total), tuple(reasons))

    def _points(self, kind: str, now: datetime) -> float:
        """What all of a kind are worth now, up to the most the kind may count."""
        sign = SIGNS[kind]
        worth = sum(sign.points * one.scale * _left(sign, one, now) for one in self.seen if one.kind == kind)
        return min(sign.most, worth)

    def _reason(self, kind: str, worth: float) -> RiskReason:
        times = [one for one in self.seen if one.kind == kind]
        text = SIGNS[kind].text + (f" ({len(times)} times)" if len(times) > 1 else "")
        return RiskReason(kind, text, round(worth), times[-1].turn)


def _left(sign: Sign, seen: Seen, now: datetime) -> float:
    """Which part of the points is left; nothing fades before it was seen."""
    if not sign.half_life:
        return 1.0
    return float(0.5 ** (max(0.0, (now - seen.at).total_seconds()) / sign.half_life))
