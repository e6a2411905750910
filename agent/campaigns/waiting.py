"""Members who wait for an operator: set aside in this process for a minute. Nothing has to be written for it, and
others have their turn."""

from __future__ import annotations

from datetime import datetime, timedelta

MOST = 500
_FOR = timedelta(minutes=1)


class Aside:
    """Of one campaign."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def __len__(self) -> int:
        return len(self._until)

    def put(self, member: str, now: datetime) -> bool:
        """Set one aside; False where as many as may be are."""
        if len(self._until) >= MOST and member not in self._until:
            return False
        self._until[member] = now + _FOR
        return True

    def has(self, member: str, now: datetime) -> bool:
        until = self._until.get(member)
        if until is not None and until <= now:
            del self._until[member]
        return until is not None and until > now

    def clear(self) -> None:
        """An operator is free."""
        self._until.clear()
