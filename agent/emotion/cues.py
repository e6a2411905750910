"""What each measurement says about how roused a voice is, against the ordinary voice of the same caller.

The weights follow what the literature finds again and again for anger against neutral speech of one speaker
(https://doi.org/10.1109/TAFFC.2015.2457417, GeMAPS; https://doi.org/10.1016/j.specom.2011.05.012, telephones):
pitch and its upper part, and vocal effort seen in the spectrum, carry most; range, loudness and rate less. Two cues
of effort and two of pitch are there because each alone fails on short utterances. Their sizes were
then adjusted once, by hand, by the AUC on sounds of our own synthetic generator (``tests/moods``): figures on that
generator flatter them. Recordings of people had no part in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.emotion.prosody import Prosody


@dataclass(frozen=True, slots=True)
class Cue:
    """``weight`` of one ordinary spread; ``between`` and ``within``: how far neutral turns of one speaker lie apart,
    however long they are, and by being short (for one voiced second), in the measurement's unit.
    """

    weight: float
    between: float
    within: float

    def spread(self, voiced: float) -> float:
        """The ordinary spread of turns with so many voiced seconds."""
        return float((self.between**2 + self.within**2 / max(voiced, 0.3)) ** 0.5)


CUES: Mapping[str, Cue] = {
    "f0": Cue(0.45, 1.1, 1.0),
    "high": Cue(0.5, 1.2, 1.2),
    "range": Cue(0.25, 1.4, 1.6),
    "alpha": Cue(0.55, 1.2, 1.5),
    "balance": Cue(0.3, 1.4, 1.6),
    "peaks": Cue(0.4, 2.0, 2.4),
    "headroom": Cue(0.2, 4.0, 3.0),
    "level": Cue(0.4, 1.75, 0.8),
    "rate": Cue(0.2, 0.4, 0.9),
    "pauses": Cue(-0.1, 0.08, 0.06),
    "hnr": Cue(0.0, 1.0, 1.0),
}
"""``hnr`` is measured and not weighed: effort raises it, roughness lowers it."""
AGAINST = 0.3
"""A cue that points the other way counts less: anger may leave out any one of them, a cold one the pitch."""
_MOST = 5.0


def soft(z: float) -> float:
    """Bounded, so that one mistaken measurement does not decide."""
    bounded = _MOST * z / (_MOST + abs(z))
    return bounded if z > 0 else AGAINST * bounded


def weighed(z: Mapping[str, float], loudness: float = 1.0) -> float:
    """How roused, in about ordinary spreads: 0 as always, 1 noticeable, 2 and more plainly. ``loudness`` 0 to 1 is
    how far the level may be believed."""
    total = power = 0.0
    for name, value in z.items():
        cue = CUES[name]
        weight = abs(cue.weight) * (loudness if name == "level" else 1.0)
        total += weight * soft(value if cue.weight >= 0 else -value)
        power += weight
    return total / power * 2.0 if power else 0.0


def values(measured: Prosody) -> dict[str, float]:
    """The measurements that are cues."""
    return {name: float(getattr(measured, name)) for name in CUES}
