"""What is set about the other server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ALL: Final = "*"
LOCAL: Final = "local"
REMOTE: Final = "remote"


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """Times are seconds. ``systems`` are the code systems that may be asked of it: ``*`` for all, none for only those
    that are not known here. ``first``: who is asked first about those that are named.

    ``timeout`` is for a question as a whole, with its second try and the token. After ``failures`` in a row nothing is
    asked for ``pause``.
    """

    server: str
    systems: frozenset[str] = frozenset()
    first: str = LOCAL
    timeout: float = 3.0
    kept: float = 900.0
    most_kept: int = 20_000
    answer_bytes: int = 8 * 1024 * 1024
    attempts: int = 2
    failures: int = 3
    pause: float = 10.0
    at_once: int = 8

    def may_ask(self, system: str) -> bool:
        """Whether codes of a system may go there; an empty one is not known."""
        return not self.systems or ALL in self.systems or not system or system in self.systems

    @property
    def is_first(self) -> bool:
        """Whether the other server is asked first."""
        return self.first == REMOTE and bool(self.systems)
