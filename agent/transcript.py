"""The turns of a call as they are spoken and heard."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from fhirserver.ports.judge import Turn


@dataclass
class Transcript:
    """Turns numbered from 1 in the order in which they were said."""

    turns: list[Turn] = field(default_factory=list)

    def add(self, speaker: str, text: str, at: datetime) -> int:
        """Add a turn and return its number."""
        self.turns.append(Turn(len(self.turns) + 1, speaker, text, at))
        return len(self.turns)

    def extend(self, text: str) -> int:
        """The agent's last turn goes on; the number of that turn (0 where the last turn is another's)."""
        if not self.turns or self.turns[-1].speaker != "agent":
            return 0
        last = self.turns[-1]
        self.turns[-1] = replace(last, text=f"{last.text} {text}")
        return last.number

    def cut(self, heard: str, turn: int = 0) -> str:
        """The agent was interrupted in ``turn`` (0: its last): keep what was heard of it, and nothing after it.

        The answer is what was not heard.
        """
        spoken = [t.number for t in self.turns if t.speaker != "caller"]
        if not spoken:
            return ""
        cut = turn if turn in spoken else spoken[-1]
        said = " ".join(self.turns[number - 1].text for number in spoken if number >= cut)
        lost = " ".join(said.split()[len(heard.split()) :])
        for number in (n for n in spoken if n >= cut):
            kept = heard.strip() if number == cut else ""
            self.turns[number - 1] = replace(self.turns[number - 1], text=f"{kept}—")
        return lost

    def timed(self, turn: int, started: datetime) -> None:
        """The agent's turn began to be heard at ``started``."""
        if 0 < turn <= len(self.turns):
            self.turns[turn - 1] = replace(self.turns[turn - 1], at=started)
