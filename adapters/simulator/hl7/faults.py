"""What goes wrong at the simulated EHR, by chance or on demand."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields


@dataclass(slots=True)
class Faults:
    """Rates from 0 to 1, each thrown by itself for every message; all may be changed while it runs.

    Of what arrives: ``lost`` (nothing is done, nothing answered), ``no_ack`` (done, not answered), ``drop`` (done, and
    the connection closed), ``ae`` and ``ar`` (refused, for now), ``late`` (answered after ``late_seconds``). Of what is
    told: ``duplicate`` (sent twice), ``disorder`` (sent after the next one).
    """

    lost: float = 0.0
    no_ack: float = 0.0
    drop: float = 0.0
    ae: float = 0.0
    ar: float = 0.0
    late: float = 0.0
    late_seconds: float = 2.0
    duplicate: float = 0.0
    disorder: float = 0.0
    seed: int = 1
    chance: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311

    def set(self, wanted: Mapping[str, object]) -> None:
        """Change rates by name. Raises :class:`ValueError` for what is none."""
        known = {one.name for one in fields(self)} - {"chance", "seed"}
        for name, value in wanted.items():
            if name not in known or not isinstance(value, int | float) or value < 0:
                raise ValueError(f"'{name}' is no rate; known: {', '.join(sorted(known))}")
        for name, value in wanted.items():
            setattr(self, name, float(value))  # type: ignore[arg-type]

    def strikes(self, name: str) -> bool:
        rate: float = getattr(self, name)
        return bool(rate and self.chance.random() < rate)

    def as_json(self) -> dict[str, float]:
        return {
            one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("chance", "seed")
        }
