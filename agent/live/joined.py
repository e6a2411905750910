"""Several boards as one: the calls of the telephone's process, and the conversations by text of another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from agent.live.board import pressing
from fhirserver.kernel.outcomes import Category, Refusal, refuse
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
        for board in self._asked(id):
            try:
                return await board.act(id, action, operator, text, disposition)
            except Refusal as refusal:
                if refusal.category is not Category.NOT_FOUND:
                    raise
        raise _unknown()

    def audio(self, id: str) -> AsyncIterator[bytes]:
        return self._of(id).audio(id)

    async def sound(self, id: str, operator: str) -> OperatorSound:
        return await self._of(id).sound(id, operator)

    def _of(self, id: str) -> LiveCalls:
        """The board that has it; where none knows it, the last, which refuses (404) or has heard of it meanwhile."""
        known = [board for board in self._boards if board.call(id) is not None]
        return (known or self._boards)[-1 if not known else 0]

    def _asked(self, id: str) -> Sequence[LiveCalls]:
        """The board that has the call; all, where none knows of it: one of another process may hear of it late."""
        return [board for board in self._boards if board.call(id) is not None] or self._boards


def _unknown() -> Refusal:
    return refuse(Category.NOT_FOUND, "not-found", "There is no such call any more")
