"""Attempts that a dead process left open: what nobody knows not to have reached the patient counts as made."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from agent.campaigns.beside import Beside, ChatChannel
from agent.campaigns.contacts import Contact

OPEN = Contact("Communication/1", "k.1", 1, "chat", "", datetime(2026, 12, 1, 17, tzinfo=UTC), "preparation")


async def test_a_conversation_of_which_nobody_knows_counts_as_begun() -> None:
    sender: Any = None  # it is not asked
    beside = Beside("http://127.0.0.1:9", "token")
    settled = await ChatChannel(beside, sender).settle(OPEN)
    await beside.close()
    assert settled is not None
    assert replace(OPEN, status="not-done", outcome=settled.outcome).counts
