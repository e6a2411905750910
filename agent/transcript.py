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

    def cut(self, heard: str) -> None:
        """The agent's last turn was interrupted: keep what was heard of it."""
        for i in range(len(self.turns) - 1, -1, -1):
            if self.turns[i].speaker == "agent":
                self.turns[i] = replace(self.turns[i], text=heard.strip() + "—" if heard.strip() else "—")
                return
