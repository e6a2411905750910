"""Attempts that a dead process left open: what nobody knows not to have reached the patient counts as made."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from agent.campaigns.beside import Beside, ChatChannel
from agent.campaigns.contacts import Contact
from agent.errand import NotPlaced

OPEN = Contact("Communication/1", "k.1", 1, "chat", "", datetime(2026, 12, 1, 17, tzinfo=UTC), "preparation")


async def test_a_conversation_that_nobody_can_be_asked_after_stays_open_and_counts() -> None:
    sender: Any = None  # it is not asked
    beside = Beside("http://127.0.0.1:9", "token")
    with pytest.raises(NotPlaced):
        await ChatChannel(beside, sender).settle(OPEN)
    await beside.close()
    assert OPEN.is_open and OPEN.counts


@pytest.mark.parametrize(("status", "outcome", "counts"), [(200, "sent", True), (404, "not-placed", False)])
async def test_the_chat_tells_whether_a_conversation_was_begun(
    status: int, outcome: str, counts: bool
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/chat/outreach" and request.url.params["id"] == "k.1"
        return httpx.Response(status, json={})

    sender: Any = None
    beside = Beside("http://chat.test", "token", httpx.MockTransport(answer))
    settled = await ChatChannel(beside, sender).settle(OPEN)
    await beside.close()
    assert settled is not None and (settled.outcome, settled.done) == (outcome, counts)
    assert replace(OPEN, status="completed", outcome=settled.outcome).counts is counts
