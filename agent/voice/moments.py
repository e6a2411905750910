"""When who was heard on a line with a voice."""

from __future__ import annotations

from dataclasses import dataclass, field

from fhirserver.kernel.measures import Histogram

GREETINGS = Histogram(
    "credence_call_greeting_seconds", "From a call's first sound to the agent's first words"
)
REPLIES = Histogram("credence_call_reply_seconds", "From where a caller stopped to where the agent was heard")


@dataclass
class Moments:
    """What happened on the line, in seconds of its axis: for the quality of the call and its page."""

    caller: list[tuple[float, float]] = field(default_factory=list)
    """Begin and end of each turn of the caller."""
    agent: list[tuple[float, float]] = field(default_factory=list)
    """Begin and end of each stretch of the agent."""
    operator: list[tuple[float, float]] = field(default_factory=list)
    """Begin and end of each turn that a person spoke who holds the call."""
    answers: list[tuple[float, float]] = field(default_factory=list)
    """When the caller stopped, and when the agent was heard next."""
    barge_ins: list[float] = field(default_factory=list)
    back_channels: list[float] = field(default_factory=list)
    fillers: list[float] = field(default_factory=list)
    _greeted: bool = False

    def speaks(self, at: float, stopped: float | None) -> None:
        """The agent is heard; ``stopped`` is where the caller stopped who waits for it, None where nobody waits."""
        if not self._greeted:
            self._greeted = True
            GREETINGS.observe(at)
        if stopped is not None:
            self.answers.append((stopped, at))
            REPLIES.observe(max(0.0, at - stopped))
