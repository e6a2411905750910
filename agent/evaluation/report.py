"""Figures over many runs, and whether they hold the limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from agent.evaluation.runner import Outcome

SUCCESS_BY = {"text": 0.95, "audio": 0.90, "chat": 0.95}
"""The least share of runs that succeed, by medium."""


@dataclass(frozen=True, slots=True)
class Row:
    """The runs of one scenario."""

    scenario: str
    runs: int
    successes: int
    wrong_writes: int
    disclosures: int
    turns: float
    brain_ms: float
    tool_ms: float


@dataclass(frozen=True, slots=True)
class Report:
    """All runs; ``by`` is text or audio."""

    outcomes: Sequence[Outcome]
    by: str = "text"
    rows: list[Row] = field(init=False)

    def __post_init__(self) -> None:
        names = list(dict.fromkeys(o.scenario for o in self.outcomes))
        rows = [_row(n, [o for o in self.outcomes if o.scenario == n]) for n in names]
        object.__setattr__(self, "rows", rows)

    @property
    def success(self) -> float:
        return sum(o.success for o in self.outcomes) / max(len(self.outcomes), 1)

    @property
    def wrong_writes(self) -> int:
        return sum(len(o.wrong_writes) for o in self.outcomes)

    @property
    def disclosures(self) -> int:
        return sum(len(o.disclosures) for o in self.outcomes)

    @property
    def failures(self) -> list[Outcome]:
        return [o for o in self.outcomes if not o.success]

    @property
    def holds(self) -> bool:
        """Success as the medium needs it, no wrong write, no disclosure; nothing run is no success."""
        right = self.success >= SUCCESS_BY[self.by]
        return bool(self.outcomes) and right and not self.wrong_writes and not self.disclosures

    @property
    def sound_ms(self) -> dict[str, dict[str, float]]:
        """By audio, in milliseconds: until the greeting, until replies, and the longest silence of each call."""
        heard = [o.sound for o in self.outcomes if o.sound is not None]
        seconds = {
            "greeting": [s.greeting for s in heard if s.greeting is not None],
            "replies": [r for s in heard for r in s.replies],
            "longest silence": [s.longest_silence for s in heard],
        }
        return {name: quantiles([t * 1000 for t in times]) for name, times in seconds.items() if times}

    def as_json(self) -> dict[str, Any]:
        """Everything, for a file."""
        figures = {
            "by": self.by,
            "runs": len(self.outcomes),
            "success": round(self.success, 4),
            "wrong_writes": self.wrong_writes,
            "disclosures": self.disclosures,
            "holds": self.holds,
            "brain_ms": quantiles([t for o in self.outcomes for t in o.brain_ms]),
            "tool_ms": quantiles([t for o in self.outcomes for t in o.tool_ms]),
            "sound_ms": self.sound_ms,
        }
        return figures | {
            "scenarios": [asdict(r) for r in self.rows],
            "failures": [asdict(o) for o in self.failures],
        }


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and largest value."""
    ordered = sorted(values) or [0.0]
    at = {"p50": 0.5, "p95": 0.95, "max": 1.0}
    return {k: round(ordered[min(int(q * len(ordered)), len(ordered) - 1)], 2) for k, q in at.items()}


def _row(name: str, outcomes: Sequence[Outcome]) -> Row:
    return Row(
        name,
        len(outcomes),
        sum(o.success for o in outcomes),
        sum(len(o.wrong_writes) for o in outcomes),
        sum(len(o.disclosures) for o in outcomes),
        round(sum(o.turns for o in outcomes) / len(outcomes), 1),
        quantiles([t for o in outcomes for t in o.brain_ms])["p95"],
        quantiles([t for o in outcomes for t in o.tool_ms])["p95"],
    )
