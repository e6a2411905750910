"""What is kept of webhooks: how deliveries went, in pages; secrets; places as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.access.server_key import ServerKey
from fhirserver.interactions.events.place import Place, place_of
from fhirserver.interactions.webhooks.records import Attempt, Progress, Replay, WebhookRecords
from fhirserver.interactions.webhooks.webhook import Webhook, secret_of, secrets_of
from fhirserver.storage.memory.access_records import MemoryAccessRecords

PLACES = st.builds(Place, st.integers(0, 2**40), st.integers(0, 2**20))


@given(PLACES, PLACES)
def test_places_as_text_are_ordered_as_they_are(one: Place, other: Place) -> None:
    assert place_of(one.text) == one
    assert (one < other) == (one.text < other.text)


@pytest.mark.parametrize(
    "text", ["", "1", "000000000001.00000", "00000000000g.000001", "000000000001.000001\n"]
)
def test_what_is_no_place_is_none(text: str) -> None:
    assert place_of(text) is None


def _attempt(number: int) -> Attempt:
    return Attempt(f"2026-11-30T10:{number // 60:02d}:{number % 60:02d}.000Z", f"e{number}", "x.y", 1, 200, 5)


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
@pytest.mark.parametrize("lots", [[1], [3, 1, 4, 1, 5], [60, 60]])
async def test_deliveries_are_told_latest_first_in_pages_of_any_size(limit: int, lots: list[int]) -> None:
    records, number = WebhookRecords(MemoryAccessRecords()), 0
    for lot in lots:
        await records.note_attempts("w", [_attempt(n) for n in range(number, number + lot)])
        number += lot
    await records.note_attempts("w2", [_attempt(999)])
    found, cursor = list[Attempt](), ""
    while True:
        page, cursor = await records.attempts("w", cursor, limit)
        assert len(page) <= limit
        found += page
        if not cursor:
            break
    assert [one.event for one in found] == [f"e{n}" for n in reversed(range(number))]


async def test_what_comes_meanwhile_moves_no_page() -> None:
    records = WebhookRecords(MemoryAccessRecords())
    await records.note_attempts("w", [_attempt(n) for n in range(5)])
    page, cursor = await records.attempts("w", "", 2)
    await records.note_attempts("w", [_attempt(n) for n in range(5, 9)])
    rest, _ = await records.attempts("w", cursor, 50)
    assert [one.event for one in (*page, *rest)] == ["e4", "e3", "e2", "e1", "e0"]


async def test_all_that_is_known_goes_with_the_webhook() -> None:
    kept = MemoryAccessRecords()
    records = WebhookRecords(kept)
    webhook = await records.write(Webhook("w", "https://example.org/"))
    assert webhook is not None
    await records.note_attempts("w", [_attempt(1)])
    await records.note_progress("w", Progress("000000000001.000001"), 0)
    await records.ask_again("w", Replay("k", ping="p"), 2**40)
    assert not await records.remove(Webhook("w", "https://example.org/", revision=9))
    assert await records.remove(webhook) and not await kept.find("webhook")


def test_secrets_differ_by_webhook_and_generation_and_overlap_for_a_while() -> None:
    key = ServerKey(b"k" * 32)
    shown = {secret_of(key, id, generation) for id in ("a", "b") for generation in (1, 2)}
    assert len(shown) == 4 and all(one.startswith("whsec_") for one in shown)
    rotated = Webhook("a", "https://example.org/", generation=2, overlap="2026-12-01T00:00:00.000Z")
    assert len(secrets_of(key, rotated)) == 2
    assert len(secrets_of(key, rotated.at("2026-12-01T00:00:00.000Z"))) == 1
