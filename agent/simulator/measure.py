"""Latencies of a call, measured from its stereo recording. Pure.

The recording has the caller left and the agent right, as played, on one axis of time that begins with ``start``.
The moments say which stretches of the left channel are utterances of the caller and which were to interrupt;
where sound begins and ends is measured, not believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from agent.audio.frames import RATE, Pcm

_BREAK = RATE // 100
"""Samples of silence by which two stretches of sound are apart; sound crosses zero."""
_LOUD = 100
"""Samples above this are sound; mu-law silence has none above 8."""
_CLOSURE = 0.1
"""Seconds for which lips and tongue may keep a voice silent within a word."""
_GAP = 0.4
"""Seconds of silence after which the agent has stopped; pauses between its words are shorter."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of the caller's speech in seconds of the axis. ``answers`` is False for back-channels."""

    start: float
    end: float
    interrupts: bool = False
    answers: bool = True


@dataclass(frozen=True, slots=True)
class Latencies:
    """All in seconds; ``replies`` and ``barge_ins`` one for each utterance that has one."""

    greeting: float | None = None
    replies: tuple[float, ...] = ()
    barge_ins: tuple[float, ...] = ()
    longest_silence: float = 0.0
    silence_at: float = 0.0

    def as_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Spans:
    """Stretches of sound on one channel: starts and ends in seconds, in order."""

    starts: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    ends: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def begun_after(self, at: float) -> float | None:
        """When the first stretch after ``at`` begins; ``at`` itself where there is sound then."""
        for start, end in zip(self.starts, self.ends, strict=True):
            if end > at:
                return max(float(start), at)
        return None

    def sounding(self, at: float) -> bool:
        return any(start <= at < end for start, end in zip(self.starts, self.ends, strict=True))

    def speaking(self, at: float) -> bool:
        """Whether there is sound at ``at``, or a silence no longer than one within a word."""
        pauses = zip(self.ends[:-1], self.starts[1:], strict=True)
        within = any(end <= at < start and start - end <= _CLOSURE for end, start in pauses)
        return within or self.sounding(at)

    def stops_after(self, at: float, gap: float = _GAP) -> float | None:
        """When what sounds around ``at`` has stopped for ``gap`` seconds at least; None where nothing sounds."""
        found: float | None = None
        for start, end in zip(self.starts, self.ends, strict=True):
            if end <= at - gap:
                continue
            if start > (at if found is None else found) + gap:
                break
            found = float(end)
        return found


def spans(pcm: Pcm, loud: int = _LOUD) -> Spans:
    """Where there is sound, to the sample; silence shorter than 10 ms is none."""
    above = np.flatnonzero(np.abs(pcm.astype(np.int32)) > loud)
    if not len(above):
        return Spans()
    breaks = np.flatnonzero(np.diff(above) > _BREAK)
    starts = np.concatenate((above[:1], above[breaks + 1]))
    ends = np.concatenate((above[breaks], above[-1:])) + 1
    return Spans(starts / RATE, ends / RATE)


def latencies(
    caller: Pcm,
    agent: Pcm,
    utterances: Sequence[Utterance],
    quiet: Iterable[tuple[float, float]] = (),
    noise: int = 0,
) -> Latencies:
    """Measure one call.

    ``quiet``: stretches in which the caller had the turn and kept silent, in seconds. ``noise``: the loudest sample
    of the caller's background; where there is one, the utterances are taken as they were measured without it.
    """
    heard = spans(agent)
    said = list(utterances) if noise else [_measured(u, spans(caller)) for u in utterances]
    silences = _silences(heard, said, list(quiet), len(agent) / RATE)
    longest = max(silences, key=lambda s: s[1] - s[0], default=(0.0, 0.0))
    return Latencies(
        heard.begun_after(0.0),
        tuple(r for r in (_reply(heard, said, i) for i in range(len(said))) if r is not None),
        tuple(b for b in (_barge_in(heard, u) for u in said) if b is not None),
        round(longest[1] - longest[0], 3),
        round(longest[0], 3),
    )


def _measured(utterance: Utterance, speech: Spans) -> Utterance:
    """The utterance from its first to its last sound."""
    inside = [
        (float(s), float(e))
        for s, e in zip(speech.starts, speech.ends, strict=True)
        if s < utterance.end and e > utterance.start
    ]
    if not inside:
        return utterance
    start, end = max(inside[0][0], utterance.start), min(inside[-1][1], utterance.end)
    return Utterance(start, end, utterance.interrupts, utterance.answers)


def _reply(heard: Spans, said: Sequence[Utterance], index: int) -> float | None:
    """Seconds from the end of an utterance to the agent's first sound; None where the caller went on instead, or the
    agent was speaking (it had begun before the caller had finished: no reply to it)."""
    ended = said[index].end
    if not said[index].answers or heard.sounding(ended):
        return None
    began = heard.begun_after(ended)
    goes_on = index + 1 < len(said) and began is not None and said[index + 1].start <= began
    return None if began is None or goes_on else round(began - ended, 3)


def _barge_in(heard: Spans, utterance: Utterance) -> float | None:
    if not utterance.interrupts or not heard.speaking(utterance.start):
        return None
    stopped = heard.stops_after(utterance.start)
    return round(stopped - utterance.start, 3) if stopped is not None else None


def _silences(
    heard: Spans, said: Sequence[Utterance], quiet: Sequence[tuple[float, float]], end: float
) -> list[tuple[float, float]]:
    """Stretches in which nobody is heard and which were the agent's to end: those it ended, and those after an
    utterance that it never answered. Without those of a caller who was to speak and did not."""
    begins = [float(s) for s in heard.starts] + [u.start for u in said[1:]] + [end]
    found = []
    for start in begins:
        agent_before = max((float(e) for e in heard.ends if e <= start), default=0.0)
        caller_before = max((u.end for u in said if u.end <= start and u.answers), default=-1.0)
        began = max(agent_before, caller_before)
        theirs = start not in heard.starts and caller_before < agent_before
        overlapped = any(u.start < start < u.end for u in said)
        silent = any(f < start and t > began for f, t in quiet)
        if not theirs and not overlapped and not silent:
            found.append((began, start))
    return found
