"""How the agent speaks to a voice that sounds a certain way: pace and tone, by tier of empathy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Manner:
    """How something is said, each relative to the voice's own ordinary way (1.0)."""

    rate: float = 1.0
    pitch: float = 1.0
    range: float = 1.0
    volume: float = 1.0
    pause: float = 1.0
    """Pauses between sentences."""

    def by(self, other: Manner) -> Manner:
        """Both, one upon the other."""
        return Manner(
            self.rate * other.rate,
            self.pitch * other.pitch,
            self.range * other.range,
            self.volume * other.volume,
            self.pause * other.pause,
        )


PLAIN = Manner()
_BY_TIER = {
    "light touch": Manner(rate=0.96, pause=1.1),
    "full empathy": Manner(rate=0.9, pitch=0.97, volume=0.95, pause=1.3),
    "hold space": Manner(rate=0.84, pitch=0.95, range=0.9, volume=0.9, pause=1.7),
}


def manner_of(tier: str) -> Manner:
    """The manner for a tier of empathy; an unknown tier is spoken to plainly."""
    return _BY_TIER.get(tier, PLAIN)
