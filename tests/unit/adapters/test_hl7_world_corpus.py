"""Every message of the foreign corpus is taken in and traced both ways, and a replay changes nothing."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from shutil import copytree

import pytest

from adapters.hl7v2.convert.engine import convert
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.search.expression import Query, ReferenceIs
from tests.unit.adapters.hl7_corpus import message_files, needs_corpus
from tests.unit.adapters.hl7_feed import Bench, bench

pytestmark = needs_corpus


def _text(path: Path) -> str:
    """The message, with a control id of its own: several of the corpus share one."""
    head, _, rest = path.read_bytes().decode().replace("\r\n", "\r").replace("\n", "\r").partition("\r")
    fields = head.split("|")
    return "\r".join(("|".join((*fields[:9], path.stem, *fields[10:])), rest))


async def test_all_are_taken_in_and_traced_both_ways(tmp_path: Path) -> None:
    async with bench(tmp_path, map=convert) as feed:
        for path in message_files():
            text = _text(path)
            raw, *about = (await feed.send(text)).resources
            assert base64.b64decode((await feed.world(raw))["data"]).decode() == text, path.name
            await feed.store.derive_provenance()
            (cited,) = await _provenances(feed, "entity", raw)
            spoken_of = {one["reference"].partition("/_history")[0] for one in cited["target"]}
            assert about and spoken_of >= {raw, *about}, path.name
            for reference in about:
                back = await _provenances(feed, "target", reference)
                assert cited["id"] in {one["id"] for one in back}, path.name


async def _provenances(feed: Bench, parameter: str, reference: str) -> list[JsonObject]:
    asked = Query("Provenance", ReferenceIs(parameter, *reference.split("/")), count=1000)
    return [loads(version.content) for version in (await feed.store.search(asked)).versions]


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store that has taken in all; a test takes a copy."""
    folder = tmp_path_factory.mktemp("taken-in")

    async def take() -> None:
        async with bench(folder, map=convert) as feed:
            for path in message_files():
                await feed.send(_text(path))

    asyncio.run(take())
    return folder


@pytest.mark.parametrize("order", ["as they came", "backwards"])
async def test_a_replay_of_all_changes_nothing(taken_in: Path, tmp_path: Path, order: str) -> None:
    copytree(taken_in, tmp_path, dirs_exist_ok=True)
    async with bench(tmp_path, map=convert) as feed:
        texts = [_text(path) for path in message_files()]
        before = await feed.state()
        assert before
        for text in texts if order == "as they came" else reversed(texts):
            await feed.send(text)
        assert await feed.state() == before


async def test_the_log_rebuilds_the_same(taken_in: Path, tmp_path: Path) -> None:
    copytree(taken_in, tmp_path, dirs_exist_ok=True)
    async with bench(tmp_path, map=convert) as feed:
        await feed.store.derive_provenance()
        before = list(await feed.store.storage.dump())
        await feed.store.rebuild()
        assert list(await feed.store.storage.dump()) == before
