"""``/platform/review`` and ``/platform/operators``: the queue, decisions, and who holds what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.platform_client.api.operators import list_operators, state_presence
from adapters.platform_client.api.review import (
    approve_review_items,
    claim_review_item,
    correct_review_item,
    list_review_items,
    read_review_item,
    read_review_statistics,
    reject_review_item,
    release_review_item,
    undo_review_item,
)
from adapters.platform_client.models.all_decided import AllDecided
from adapters.platform_client.models.correction import Correction
from adapters.platform_client.models.correction_value import CorrectionValue
from adapters.platform_client.models.items import Items
from adapters.platform_client.models.operator import Operator
from adapters.platform_client.models.page_operator import PageOperator
from adapters.platform_client.models.page_review_item import PageReviewItem
from adapters.platform_client.models.presence_stated import PresenceStated
from adapters.platform_client.models.presence_told import PresenceTold
from adapters.platform_client.models.problem import Problem
from adapters.platform_client.models.rejection import Rejection
from adapters.platform_client.models.review_counts import ReviewCounts
from adapters.platform_client.models.review_item import ReviewItem
from adapters.platform_client.models.undoing import Undoing
from tests.facade import Facade, facade
from tests.platform_client import admin_of, key_of
from tests.review_items import review_items


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Facade]:
    async with facade(tmp_path) as running:
        yield running


async def test_the_queue_is_listed_in_pages_and_filtered(server: Facade) -> None:
    items = await review_items(server)
    client = admin_of(server)
    seen, cursor = [], ""
    while True:
        page = await list_review_items.asyncio(client=client, limit=1, cursor=cursor, order="oldest")
        assert isinstance(page, PageReviewItem)
        seen += [one.id for one in page.items]
        if not page.next_:
            break
        cursor = page.next_
    assert set(items.values()) <= set(seen) and len(seen) == len(set(seen))
    page = await list_review_items.asyncio(client=client, patient="Patient/ada-2")
    assert isinstance(page, PageReviewItem) and [one.id for one in page.items] == [items["birth"]]
    birth = page.items[0]
    assert birth.units == ["birthDate"] and birth.about and birth.about.reference == "Patient/ada-2"
    page = await list_review_items.asyncio(client=client, status=["completed"])
    assert isinstance(page, PageReviewItem) and not page.items


async def test_items_are_taken_decided_and_taken_back(server: Facade) -> None:
    items = await review_items(server)
    (ana, one), (_, other) = await key_of(server, "operator"), await key_of(server, "operator")
    birth = items["birth"]
    taken = await claim_review_item.asyncio(birth, client=one)
    assert isinstance(taken, ReviewItem) and taken.holder == f"key:{ana.id}"
    held = await list_review_items.asyncio(client=other, held_by=f"key:{ana.id}")
    assert isinstance(held, PageReviewItem) and [item.id for item in held.items] == [birth]
    refused = await reject_review_item.asyncio(birth, client=other, body=Rejection(reason="wrong"))
    assert isinstance(refused, Problem) and refused.status in (409, 423)
    stale = await reject_review_item.asyncio(
        birth, client=one, body=Rejection(reason="wrong"), if_match='W/"1"'
    )
    assert isinstance(stale, Problem) and stale.status == 412
    done = await reject_review_item.asyncio(birth, client=one, body=Rejection(reason="misheard"))
    assert isinstance(done, ReviewItem) and done.status == "completed"
    assert (await server.reader.get("Patient/ada-2")).json().get("birthDate") != "1984-07-12"
    opened = await undo_review_item.asyncio(birth, client=one, body=Undoing(reason="it was right"))
    assert isinstance(opened, ReviewItem) and opened.status != "completed"
    value = CorrectionValue.from_dict({"birthDate": "1984-07-02"})
    corrected = await correct_review_item.asyncio(birth, client=one, body=Correction(value=value))
    assert isinstance(corrected, ReviewItem), corrected
    assert (await server.reader.get("Patient/ada-2")).json()["birthDate"] == "1984-07-02"


async def test_several_are_decided_each_by_itself(server: Facade) -> None:
    items = await review_items(server)
    _, client = await key_of(server, "operator")
    wanted = [items["coverage"], "nothing"]
    decided = await approve_review_items.asyncio(client=client, body=Items(items=wanted))
    assert isinstance(decided, AllDecided)
    assert [(one.id, one.status) for one in decided.results] == [(wanted[0], 200), ("nothing", 404)]
    figures = await read_review_statistics.asyncio(client=client)
    assert isinstance(figures, ReviewCounts) and figures.counts["decision"]["approve"] >= 1
    assert figures.reviewers[0].decisions


async def test_what_is_no_review_item_is_not_there(server: Facade) -> None:
    task = {"resourceType": "Task", "id": "mine", "status": "requested", "intent": "order"}
    assert (await server.ehr.put(task)).status_code == 201
    client = admin_of(server)
    for id in ("mine", "nothing"):
        missing = await read_review_item.asyncio(id, client=client)
        assert isinstance(missing, Problem) and missing.status == 404


async def test_operators_are_listed_with_who_is_there_and_what_they_hold(server: Facade) -> None:
    items = await review_items(server)
    key, client = await key_of(server, "operator")
    await key_of(server, "viewer")
    said = await state_presence.asyncio(client=client, body=PresenceStated(state="available"))
    assert isinstance(said, PresenceTold) and (said.until - said.since).total_seconds() == 900
    await claim_review_item.asyncio(items["phone"], client=client)
    found = await _operators(server)
    assert {"ana", "ben", "admin", f"key:{key.id}"} <= found.keys() and "reader" not in found
    mine = found[f"key:{key.id}"]
    assert (mine.presence, mine.kind) == ("available", "key")
    assert [link.reference for link in mine.reviews or []] == [f"Task/{items['phone']}"]
    assert found["ana"].presence == "away" and not found["ana"].reviews
    await release_review_item.asyncio(items["phone"], client=client)
    assert not (await _operators(server))[f"key:{key.id}"].reviews


async def _operators(server: Facade) -> dict[str, Operator]:
    page = await list_operators.asyncio(client=admin_of(server))
    assert isinstance(page, PageOperator)
    return {one.name: one for one in page.items}
