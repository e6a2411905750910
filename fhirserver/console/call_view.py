"""The sound of a call that is over as a picture, and its turns on the same axis. Pure: values in, values out.

Places are in percent of the width, so that a page may be as wide as it likes and the words in it stay as they are.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.judge import Turn
from fhirserver.ports.recordings import Loudness

WIDTH, LANE = 1000, 46
"""The outline's own measures: its width, and the height of one side, above or below the middle line."""
MOOD = 60
"""Height of the picture of the mood."""
_TICKS = (5, 10, 15, 30, 60, 120, 300)
_MOST_TICKS = 12
_HEARD = 0.12
"""Loudness from which somebody is heard: 37 dB below full scale."""
_PAUSE = 1.2
"""Seconds of silence within a turn; what comes after a longer one is no longer that turn."""


@dataclass(frozen=True, slots=True)
class Said:
    """A turn; ``seconds`` into the recording, ``clock`` the same as ``1:07``."""

    number: int
    speaker: str
    text: str
    seconds: float
    clock: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A turn in the picture, in percent of the width."""

    number: int
    speaker: str
    x: float
    width: float
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Two outlines around a middle line, the caller above and the agent below; ``ticks`` are (percent, clock)."""

    caller: str
    agent: str
    stretches: Sequence[Stretch]
    ticks: Sequence[tuple[float, str]]
    seconds: float
    words: str

    @property
    def length(self) -> str:
        return clock(self.seconds)


@dataclass(frozen=True, slots=True)
class Mood:
    """How the caller's voice sounded at a moment, ``valence`` from -1 to 1."""

    at: datetime
    label: str
    tier: str
    valence: float
    arousal: float


@dataclass(frozen=True, slots=True)
class Felt:
    """A moment in the picture of the mood: ``x`` in percent, ``y`` from the top of :data:`MOOD`."""

    x: float
    y: float
    clock: str
    mood: Mood


@dataclass(frozen=True, slots=True)
class Curve:
    """The line of the mood on the axis of the sound."""

    path: str
    points: Sequence[Felt]
    words: str


def clock(seconds: float) -> str:
    """``67.2`` as ``1:07``."""
    whole = max(int(seconds), 0)
    return f"{whole // 60}:{whole % 60:02}"


def began(media: JsonObject | None, turns: Sequence[Turn]) -> datetime | None:
    """When the sound began; without a recording, when the first turn did."""
    start = (media or {}).get("createdPeriod", {}).get("start", "")
    if start:
        return parse_instant(str(start))
    return turns[0].at if turns else None


def said(turns: Sequence[Turn], zero: datetime) -> list[Said]:
    """The turns with their place in the sound, which began at ``zero``."""
    placed = ((turn, round(max((turn.at - zero).total_seconds(), 0.0), 2)) for turn in turns)
    return [Said(t.number, t.speaker, t.text, at, clock(at)) for t, at in placed]


def picture(loudness: Loudness, turns: Sequence[Said]) -> Picture:
    """The picture of a recording with its turns."""
    total = max(loudness.seconds, 0.1)
    shown = [turn for turn in turns if turn.seconds < total]
    stretches = [_stretch(loudness, turn, _next(shown, turn, total), total) for turn in shown]
    turns_of = {who: sum(one.speaker == who for one in shown) for who in ("caller", "agent")}
    words = f"{clock(total)} minutes; turns of the caller: {turns_of['caller']}, of the agent: {turns_of['agent']}."
    return Picture(
        outline(loudness.caller, up=True),
        outline(loudness.agent, up=False),
        stretches,
        ticks(total),
        total,
        words,
    )


def outline(levels: Sequence[float], up: bool) -> str:
    """The path of one side of the sound: from the middle line to each level and back."""
    if not levels:
        return ""
    step, most = WIDTH / len(levels), (LANE - 3) * (-1 if up else 1)
    points = (
        f"L{(i + 0.5) * step:.1f} {LANE + most * min(level, 1.0):.1f}" for i, level in enumerate(levels)
    )
    return f"M0 {LANE}{''.join(points)}L{WIDTH} {LANE}Z"


def _next(turns: Sequence[Said], turn: Said, total: float) -> float:
    """When the same speaker's next turn begins."""
    later = (one.seconds for one in turns if one.speaker == turn.speaker and one.seconds > turn.seconds)
    return min(later, default=total)


def _stretch(loudness: Loudness, turn: Said, until: float, total: float) -> Stretch:
    levels = loudness.caller if turn.speaker == "caller" else loudness.agent
    end = heard_until(levels, turn.seconds / total, until / total, total)
    x, width = 100 * turn.seconds / total, 100 * (end - turn.seconds / total)
    label = f"{turn.clock} {turn.speaker}: {turn.text}"
    return Stretch(turn.number, turn.speaker, round(x, 2), round(max(width, 0.3), 2), label)


def heard_until(levels: Sequence[float], start: float, until: float, total: float) -> float:
    """Where the sound that begins at ``start`` ends, all three as shares of ``total`` seconds: at a long pause."""
    count = len(levels)
    first, last = int(start * count), min(round(until * count), count)
    pause = max(int(_PAUSE / total * count), 1)
    end = first
    for i in range(first, last):
        if levels[i] >= _HEARD:
            end = i + 1
        elif i - end >= pause:
            break
    return min(max(end / count, start), until) if count else start


def ticks(total: float) -> list[tuple[float, str]]:
    """The times under the picture, in steps that leave room for their words."""
    every = next((step for step in _TICKS if total / step <= _MOST_TICKS), 600)
    return [(round(100 * at / total, 2), clock(at)) for at in range(0, int(total) + 1, every)]


def curve(moods: Sequence[Mood], zero: datetime, seconds: float) -> Curve | None:
    """The moods on the axis of a sound that began at ``zero`` and lasted ``seconds``."""
    if not moods or seconds <= 0:
        return None
    points = [_felt(mood, (mood.at - zero).total_seconds(), seconds) for mood in moods]
    path = "".join(
        f"{'L' if i else 'M'}{one.x * WIDTH / 100:.1f} {one.y:.1f}" for i, one in enumerate(points)
    )
    return Curve(path, points, _words(moods))


def _words(moods: Sequence[Mood]) -> str:
    """The curve for whoever does not see it."""
    values = [round(mood.valence, 1) + 0.0 for mood in moods]
    least, most = min(values), max(values)
    valence = f"{least:+.1f}" if least == most else f"from {least:+.1f} to {most:+.1f}"
    return f"{_course(moods)}; {len(moods)} {'moment' if len(moods) == 1 else 'moments'}, valence {valence}."


def _felt(mood: Mood, at: float, seconds: float) -> Felt:
    x = min(max(at / seconds, 0.0), 1.0) * 100
    y = MOOD / 2 - max(-1.0, min(1.0, mood.valence)) * (MOOD / 2 - 6)
    return Felt(round(x, 2), round(y, 1), clock(at), mood)


def _course(moods: Sequence[Mood]) -> str:
    """The labels in their order, those in a row once."""
    return ", then ".join(label for label, _ in itertools.groupby(mood.label for mood in moods))
