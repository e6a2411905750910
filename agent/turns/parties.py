"""What is known of the two who speak: the turn the caller is in, and what the caller hears of the agent."""

from __future__ import annotations

from dataclasses import dataclass

from agent.turns.completeness import Said, completeness
from agent.turns.interjections import is_back_channel, stops
from agent.turns.rules import Rules
from agent.turns.voicing import Voicing

_LONGEST_TEXT = 160
"""Characters that are read of a turn's words: what counts stands at the end."""


@dataclass(slots=True)
class Turn:
    """A turn of the caller that is not closed. ``over``: begun over the agent, and not known what it is."""

    started: float
    over: bool
    stretch: float
    """When the speech that goes on, or the last, began."""
    spoken_until: float
    heard: str | None = None
    """Its words; None while none have come."""
    expects: str = ""
    said: Said = Said.OPEN
    overlapped: bool = False

    def hear(self, voicing: Voicing, bridge: float) -> None:
        """Its speech goes on; a silence up to ``bridge`` does not part it."""
        if voicing.started - self.spoken_until > bridge:
            self.stretch = voicing.started
        self.spoken_until = max(self.spoken_until, voicing.until)

    def take(self, text: str, expects: str) -> None:
        text = text.strip()
        if len(text) > _LONGEST_TEXT:
            text = text[-_LONGEST_TEXT:]
            text = text.partition(" ")[2] or text
        if (text, expects) != (self.heard, self.expects):
            self.heard, self.expects = text, expects
            self.said = completeness(text, expects)

    @property
    def only_listens(self) -> bool:
        """Whether its words are known and no more than an "uh-huh"."""
        return self.heard is not None and (not self.heard or is_back_channel(self.heard))

    @property
    def has_content(self) -> bool:
        return bool(self.heard) and not self.only_listens

    def interrupts(self, rules: Rules) -> bool:
        """Whether what was said over the agent is more than a sign of listening."""
        if self.heard and stops(self.heard):
            return True
        longest = rules.back_channel_longest
        if self.heard:
            longest = rules.back_channel_worded if self.only_listens else rules.barge_in_after
        return self.spoken_until - self.stretch >= longest - 1e-9

    def end_wait(self, rules: Rules) -> float:
        waits = {Said.COMPLETE: rules.end_wait_complete, Said.INCOMPLETE: rules.end_wait_incomplete}
        return waits.get(self.said, rules.end_wait)


@dataclass(slots=True)
class AgentVoice:
    """What the caller hears of the agent. While paused the agent still speaks: the rest may come."""

    speaking: bool = False
    paused: bool = False
    since: float = 0.0
    kept_on: bool = False
    """Whether it is to be said to its end."""
    first: float | None = None
    """When the caller heard the agent for the first time."""

    def begin(self, at: float, shielded: bool) -> None:
        if not self.speaking:
            self.speaking, self.since = True, at
        self.first = at if self.first is None else self.first
        self.kept_on = shielded

    def end(self) -> None:
        self.speaking = self.paused = self.kept_on = False

    def shielded(self, now: float, greeting: float) -> bool:
        return self.kept_on or (self.first is not None and now < self.first + greeting)


@dataclass(slots=True)
class SilenceClock:
    """The silence in the caller's turn."""

    count: int = 0
    since: float | None = None
    """None: the agent was not heard yet, so the caller has nothing to answer."""

    def restart(self, now: float) -> None:
        if self.since is not None:
            self.since = now

    def due(self, now: float, rules: Rules) -> bool:
        """Whether a prompt is due now; the next is counted from here."""
        if self.since is None or now - self.since < rules.silence(self.count + 1) - 1e-9:
            return False
        self.count, self.since = self.count + 1, now
        return True
