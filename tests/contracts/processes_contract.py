"""What every storage must hold to that several processes reach: they race, and some are killed."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Storage
from tests.contracts.places import Place, connected, opened
from tests.contracts.storage_contract import StorageContract
from tests.contracts.storage_work import dump

ROOT = Path(__file__).resolve().parents[2]


class SharedStorageContract(StorageContract):
    """For storages that several processes reach: writers in processes of their own, some of them killed."""

    async def test_processes_race_and_a_follower_sees_it_in_order(self, place: Place) -> None:
        writers = [start_writer(place, f"w{number}", 40) for number in range(2)]
        try:
            async with connected(place) as reader:
                seen = await _follow_processes(reader, writers)
            acknowledged = [lines(writer) for writer in writers]
        finally:
            end(writers)
        assert [len(lines) for lines in acknowledged] == [40, 40]
        assert [one.position for one in seen] == list(range(1, len(seen) + 1))
        await check_acknowledged(place, list(itertools.chain(*acknowledged)))

    @pytest.mark.parametrize("seconds", [0.05, 0.3, 0.8])
    async def test_a_killed_process_leaves_all_it_acknowledged(self, place: Place, seconds: float) -> None:
        async with opened(place):
            pass
        writer = start_writer(place, "k", 100_000)
        try:
            first = await asyncio.to_thread(first_line, writer)
            await asyncio.sleep(seconds)
            os.kill(writer.pid, signal.SIGKILL)
            acknowledged = [first, *lines(writer)]
        finally:
            end([writer])
        await check_acknowledged(place, acknowledged)


def start_writer(place: Place, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.contracts.writer", place.text, name, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)


def first_line(writer: subprocess.Popen[str]) -> str:
    assert writer.stdout is not None
    line = writer.stdout.readline()
    assert line, "the writer ended before it wrote anything"
    return line.strip()


def lines(writer: subprocess.Popen[str]) -> list[str]:
    assert writer.stdout is not None
    return [line.strip() for line in writer.stdout if line.endswith("\n")]


def end(writers: Sequence[subprocess.Popen[str]]) -> None:
    for writer in writers:
        if writer.poll() is None:
            writer.kill()
        writer.wait()
        assert writer.stdout is not None
        writer.stdout.close()


async def _follow_processes(reader: Storage, writers: Sequence[subprocess.Popen[str]]) -> list[Commit]:
    seen: list[Commit] = []
    while True:
        running = any(writer.poll() is None for writer in writers)
        found = await reader.read_log(len(seen), 1000)
        assert [one.position for one in found] == list(range(len(seen) + 1, len(seen) + len(found) + 1))
        seen += found
        if not running and not found:
            return seen
        await asyncio.sleep(0.002)


async def check_acknowledged(place: Place, acknowledged: Sequence[str]) -> None:
    """All that was acknowledged can be read, nothing is half done, and the log tells the same story."""
    assert acknowledged
    async with opened(place) as store:
        for line in acknowledged:
            position, id = line.split()
            assert (await store.read_log(int(position) - 1, 1))[0].events[0]["id"] == id
            read = await store.read("Patient", id)
            assert read is not None, id
            twin = await store.read("Patient", f"{id}-twin")
            assert twin is not None, f"{id} is half done"
        head = await store.storage.head()
        assert head.projected == head.position
        log = await store.read_log(0, head.position + 1)
        assert [one.position for one in log] == list(range(1, head.position + 1))
        await store.derive_provenance()
        before = await dump(store.storage)
        await store.rebuild()
        assert await dump(store.storage) == before
