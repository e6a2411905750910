"""What every storage's cells must hold to.

Run with :class:`tests.contracts.storage_contract.StorageContract`, which gives the fixtures.
"""

from __future__ import annotations

import asyncio

from fhirserver.ports.cells import Cell, Cells
from fhirserver.ports.storage import Storage
from tests.contracts.places import Place, connected


class CellsContract:
    """Compare-and-set on small values that are no part of the log."""

    async def test_a_cell_is_put_where_there_is_none_and_then_only_at_its_revision(
        self, storage: Storage
    ) -> None:
        cells = storage.cells
        assert await cells.read("lease/a") is None
        assert not await cells.swap("lease/a", 1, {"holder": "x"}), "there is none to change"
        assert await cells.swap("lease/a", 0, {"holder": "x"})
        assert not await cells.swap("lease/a", 0, {"holder": "y"}), "there is one already"
        assert not await cells.swap("lease/a", 2, {"holder": "y"})
        assert await cells.read("lease/a") == Cell("lease/a", 1, {"holder": "x"})
        assert await cells.swap("lease/a", 1, {"holder": "y", "seconds": 10})
        assert await cells.read("lease/a") == Cell("lease/a", 2, {"holder": "y", "seconds": 10})

    async def test_a_cell_is_removed_at_its_revision_alone(self, storage: Storage) -> None:
        cells = storage.cells
        assert not await cells.remove("a", 0) and not await cells.remove("a", 1)
        await cells.swap("a", 0, {})
        assert not await cells.remove("a", 2) and await cells.read("a") is not None
        assert await cells.remove("a", 1) and await cells.read("a") is None
        assert await cells.swap("a", 0, {}), "it can be put anew"

    async def test_cells_are_found_by_how_their_keys_begin_in_order(self, storage: Storage) -> None:
        cells = storage.cells
        for key in ("b/2", "a/é%_", "b/10", "B/1", "b", "b.1", "c"):
            assert await cells.swap(key, 0, {"key": key})
        assert [cell.key for cell in await cells.find("b/")] == ["b/10", "b/2"]
        assert [cell.value["key"] for cell in await cells.find("a/é%")] == ["a/é%_"]
        assert [cell.key for cell in await cells.find("a/%")] == []
        assert len(await cells.find("")) == 7

    async def test_of_many_that_swap_at_once_one_has_each_revision(self, place: Place) -> None:
        async with connected(place) as one, connected(place) as other:

            async def count_up(cells: Cells, times: int) -> None:
                while times:
                    seen = await cells.read("n")
                    value = {"n": seen.value["n"] + 1 if seen else 1}
                    times -= await cells.swap("n", seen.revision if seen else 0, value)

            ways = [one.cells, other.cells, one.cells, other.cells]
            await asyncio.gather(*(count_up(cells, 15) for cells in ways))
            assert await one.cells.read("n") == Cell("n", 60, {"n": 60})

    async def test_cells_are_no_part_of_what_is_made_from_the_log(self, storage: Storage) -> None:
        before = list(await storage.dump())
        await storage.cells.swap("a", 0, {"b": 1})
        assert list(await storage.dump()) == before
        await storage.clear_projections()
        assert await storage.cells.read("a") is not None
