"""When a wait needs a word: no caller is left in silence while it is the agent's turn. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from agent.effects import Filler

WORDS: dict[str, tuple[str, ...]] = {
    "acknowledge": ("Okay.", "All right.", "Sure."),
    "working": (
        "One moment, please.",
        "I'm still on it.",
        "Thank you for waiting, it takes a little longer than usual.",
        "Still working on it.",
        "Thanks for your patience, I'm nearly there.",
    ),
    "empathy": ("I understand.", "I hear you, one moment.", "Let me see what I can do."),
}

_BREATH = 0.05
_ENOUGH = 12
"""Words for one wait after which nothing is owed any more: something has gone wrong, the silence is the caller's."""


@dataclass
class Waiting:
    """``first``: seconds after the caller has finished until the first word; ``again``: of silence until the next."""

    first: float = 0.4
    again: float = 1.6
    _held: bool = False
    _owed: bool = False
    _since: float = 0.0
    _working: bool = False
    _offered: Filler | None = None
    _given: int = 0
    _paid: float = -1.0
    _used: Counter[str] = field(default_factory=Counter)

    def held(self, by_person: bool) -> None:
        """While a person holds the call no answer of the agent is due."""
        self._held, self._owed, self._offered = by_person, False, None

    def owe(self, now: float) -> None:
        """The caller has finished: an answer is due."""
        if self._held:
            return
        self._owed, self._since, self._given, self._offered = True, now, 0, None

    def paid(self, now: float) -> None:
        """The answer is being said."""
        if self._owed:
            self._paid = now
        self._owed, self._offered = False, None

    def offer(self, filler: Filler) -> None:
        """What the brain would say for a wait."""
        self._offered = filler

    def working(self, under_way: bool, now: float) -> None:
        """A tool has begun or all are done; one that begins in the breath of an answer makes a new one due."""
        if under_way and not (self._owed or self._held) and 0 <= now - self._paid < _BREATH:
            self._owed, self._since, self._given = True, now, 0
        self._working = under_way

    @property
    def holding(self) -> bool:
        """It is the agent's turn, whoever is silent."""
        return self._owed or (self._working and not self._held)

    def due(self, now: float, quiet_since: float | None, tier: str = "") -> Filler | None:
        """A word for the wait if one is due at ``now``; ``quiet_since``: None while the agent is heard."""
        if not self._owed or quiet_since is None:
            return None
        since = max(self._since, quiet_since if self._given else self._since)
        if now - since < (self.again if self._given else self.first):
            return None
        if self._given >= _ENOUGH:
            self._owed = False
            return None
        self._given += 1
        self._since = now
        offered, self._offered = self._offered, None
        return offered or self._next(tier)

    def _next(self, tier: str) -> Filler:
        kind = "working"
        if self._given == 1:
            kind = (
                "empathy"
                if tier in ("full empathy", "hold space")
                else ("working" if self._working else "acknowledge")
            )
        words = WORDS[kind]
        index = self._used[kind]
        self._used[kind] += 1
        return Filler(kind, words[index % len(words)])
