"""What happened when on a simulated call, in seconds from ``start``: the file beside the recording."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agent.simulator.measure import Utterance


@dataclass
class Moments:
    """Written as they happen; nothing here is used as a measurement but where to look in the recording."""

    utterances: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    quiet: list[tuple[float, float]] = field(default_factory=list)
    noise_peak: int = 0

    def note(self, kind: str, at: float, **more: Any) -> None:
        self.events.append({"kind": kind, "at": round(at, 4), **more})

    def utterance(self, start: float, end: float, words: str, interrupts: bool, answers: bool) -> None:
        """A stretch of the left channel holds speech."""
        self.utterances.append(
            {"start": start, "end": end, "words": words, "interrupts": interrupts, "answers": answers}
        )

    def spoken(self) -> list[Utterance]:
        return [Utterance(u["start"], u["end"], u["interrupts"], u["answers"]) for u in self.utterances]

    def as_json(self) -> dict[str, Any]:
        return {
            "utterances": self.utterances,
            "events": self.events,
            "quiet": self.quiet,
            "noise_peak": self.noise_peak,
        }
