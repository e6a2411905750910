"""The times of turn-taking, in seconds: settings of a deployment."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How long is long. Raises ValueError naming the setting that is out of range."""

    speech_after: float = 0.1
    """Voice within 0.2 s that is speech and no click: one of 60 ms fills four frames."""
    end_wait: float = 0.6
    """Silence that ends a turn whose words leave it open, or have not come."""
    end_wait_complete: float = 0.35
    """The same after a clear answer: yes or no, ten digits, a whole birth date."""
    end_wait_incomplete: float = 1.5
    """The same after half of something: "and", a month without its day, five digits of a telephone number."""
    longest_turn: float = 25.0
    """A turn is cut at this length and the rest is a turn of its own."""
    goes_on_within: float = 1.0
    """Speech so soon after a turn's end, with nothing heard of the agent since, goes on with it."""
    pause_after: float = 0.1
    """Voice over the agent that stops the sound."""
    resume_after: float = 0.25
    """Silence after which a pause that was no interruption is over."""
    barge_in_after: float = 0.28
    """Speech over the agent that interrupts, once its words are no back-channel."""
    back_channel_longest: float = 0.7
    """Speech over the agent longer than this interrupts though no words have come."""
    back_channel_worded: float = 1.4
    """Speech over the agent longer than this interrupts whatever its words are."""
    words_wait: float = 0.8
    """How long the words of a short sound over the agent are waited for before it is taken for a back-channel."""
    answer_hold: float = 1.2
    """A short "yes" said over the agent is the answer to its question if the agent falls silent so soon after."""
    greeting_shield: float = 1.0
    """From the first sound of the greeting: nothing interrupts, and what is said is kept."""
    silence_after: float = 6.0
    """Silence in the caller's turn before a prompt is due."""
    silence_growth: float = 1.5
    """The next prompt in a row is due after that many times the silence of the last."""
    silence_longest: float = 20.0
    """The longest silence before a prompt."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and 0 <= value <= 600):
                raise ValueError(f"{field.name} is {value}: seconds from 0 to 600 are wanted")
        self._in_order("end_wait_complete", "end_wait", "end_wait_incomplete")
        self._in_order(
            "speech_after", "pause_after", "barge_in_after", "back_channel_longest", "back_channel_worded"
        )
        if self.speech_after > 0.2:
            raise ValueError(f"speech_after is {self.speech_after}: 0.2 s at most")
        if self.longest_turn < 1 or self.silence_after < 1 or self.silence_growth < 1:
            raise ValueError("longest_turn, silence_after and silence_growth are 1 at least")

    def _in_order(self, *names: str) -> None:
        for smaller, larger in itertools.pairwise(names):
            if getattr(self, smaller) > getattr(self, larger):
                raise ValueError(f"{smaller} is longer than {larger}")

    def silence(self, count: int) -> float:
        """How long a silence before prompt number ``count``, from 1."""
        return min(
            self.silence_after * self.silence_growth ** (count - 1),
            max(self.silence_longest, self.silence_after),
        )
