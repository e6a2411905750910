"""Several boards as one: the calls of the telephone's process, and the conversations by text of another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from agent.live.board import pressing
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.live_calls import LiveCall, LiveCalls, LiveEvent, OperatorSound


class JoinedBoards:
    """See :class:`fhirserver.ports.live_calls.LiveCalls`. The ids of all boards are different."""

    def __init__(self, *boards: LiveCalls):
        self._boards = boards

    def calls(self) -> Sequence[LiveCall]:
        return sorted((call for board in self._boards for call in board.calls()), key=pressing)

    def call(self, id: str) -> LiveCall | None:
        return next((found for board in self._boards if (found := board.call(id)) is not None), None)

    async def so_far(self, id: str) -> Sequence[LiveEvent]:
        for board in self._boards:
            if events := await board.so_far(id):
                return events
        return ()

    def follow(self, id: str, after: int = 0) -> AsyncIterator[LiveEvent]:
        return self._of(id).follow(id, after)

    async def act(
        self, id: str, action: str, operator: str, text: str = "", disposition: str = ""
    ) -> LiveCall:
        return await self._of(id).act(id, action, operator, text, disposition)

    def audio(self, id: str) -> AsyncIterator[bytes]:
        return self._of(id).audio(id)

    async def sound(self, id: str, operator: str) -> OperatorSound:
        return await self._of(id).sound(id, operator)

    def _of(self, id: str) -> LiveCalls:
        """Refuses (404) where no board knows it."""
        found = next((board for board in self._boards if board.call(id) is not None), None)
        if found is None:
            raise refuse(Category.NOT_FOUND, "not-found", "There is no such call any more")
        return found
