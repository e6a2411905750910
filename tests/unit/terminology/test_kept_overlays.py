"""What is kept under a ``cache-id``: the same for all processes, bounded in number, bytes and age."""

from __future__ import annotations

import asyncio

import pytest

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.terminology_asked import Asked
from fhirserver.storage.memory.access_records import MemoryAccessRecords
from terminology import kept_overlays
from terminology.kept_overlays import AGE, MOST_OF_ONE, KeptOverlays
from terminology.overlays import Overlay


def system(version: str = "1", **more: object) -> JsonObject:
    return {"resourceType": "CodeSystem", "url": "urn:s", "version": version, "content": "complete", **more}


async def kept(
    process: KeptOverlays, *resources: JsonObject, cache: str = "1", principal: str = "me"
) -> list[JsonObject]:
    asked = await process.with_kept(Asked(resources, cache, principal))
    assert isinstance(asked.kept, Overlay)
    return sorted(asked.kept.of("CodeSystem", "urn:s"), key=lambda one: str(one["version"]))


async def test_every_process_knows_what_was_brought_to_one() -> None:
    records = MemoryAccessRecords()
    one, other = KeptOverlays(records), KeptOverlays(records)
    await kept(one, system("1"))
    assert await kept(other) == [system("1")]
    assert await kept(other, system("2")) == [system("1"), system("2")]
    assert await kept(one) == [system("1"), system("2")]
    changed = system("1", concept=[{"code": "a"}])
    await kept(one, changed)
    assert await kept(other) == [changed, system("2")]
    assert await kept(other, principal="you") == await kept(other, cache="2") == []


async def test_what_is_sent_again_is_not_written_again() -> None:
    records = MemoryAccessRecords()
    process = KeptOverlays(records)
    await kept(process, system("1"))
    before = await records.find("tx-cache")
    await kept(process, system("1"))
    await kept(KeptOverlays(records), system("1"))
    assert await records.find("tx-cache") == before


async def test_what_two_bring_at_once_is_both_kept() -> None:
    records = MemoryAccessRecords()
    one, other = KeptOverlays(records), KeptOverlays(records)
    added = [(one, other)[number % 2] for number in range(60)]
    await asyncio.gather(*(kept(process, system(f"{number:03}")) for number, process in enumerate(added)))
    assert len(await kept(KeptOverlays(records))) == 60
    (head,) = await records.find("tx-cache/")
    assert len(await records.find("tx-cache-part/")) == len(head.value["parts"]) <= 50


async def test_the_oldest_make_way(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    records = MemoryAccessRecords(lambda: now)
    process = KeptOverlays(records, lambda: now)
    for number in range(MOST_OF_ONE + 1):
        now += 1
        await kept(process, system("1"), cache=str(number))
    await kept(process, system("1"), principal="you")
    assert await kept(process, cache="0") == []
    assert await kept(process, cache="1") == await kept(process, principal="you") == [system("1")]
    assert len(await records.find("tx-cache-part/")) == MOST_OF_ONE + 1
    monkeypatch.setattr(kept_overlays, "MOST_BYTES_OF_ONE", 200)
    await kept(process, system("2"), system("3"), cache="new")
    assert len(await records.find("tx-cache/")) == 2


async def test_it_is_forgotten_after_a_day() -> None:
    now = 1000.0
    records = MemoryAccessRecords(lambda: now)
    one, other = KeptOverlays(records, lambda: now), KeptOverlays(records, lambda: now)
    await kept(one, system("1"))
    now += AGE - 10
    assert await kept(other, system("2")) == [system("1"), system("2")]
    now += 20
    assert await kept(one) == await kept(other) == await records.find("tx-cache") == []
    assert await kept(one, system("3")) == [system("3")]


async def test_what_is_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_overlays, "LARGEST", 1000)
    process = KeptOverlays(MemoryAccessRecords())
    await kept(process, system("1"))
    with pytest.raises(Refusal):
        await kept(process, system("2", description="long " * 200))
    assert await kept(process) == [system("1")]
