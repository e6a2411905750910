"""Long searches step aside: what takes more than a moment goes on in a thread, and nobody else waits for it.

Most searches take some ten microseconds, less than handing them to a thread would cost. So each is begun on the
caller's thread with a budget of SQLite instructions; one that uses it up is begun again on a thread of its
own, with its own connection (SQLite lets go of the interpreter while it works).
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from fhirserver.search.expression import Query
from fhirserver.search.settling import settling
from fhirserver.storage.sqlite.index import SearchIndex

Result = TypeVar("Result")

INSTRUCTIONS: Final = 10_000
"""How often the budget is looked at, in SQLite's virtual instructions (some hundred microseconds)."""
BUDGET: Final = 30
"""How many of those looks a search may have before it steps aside."""
THREADS: Final = 2


def _on(work: Callable[[SearchIndex, Query], Result], query: Query, index: SearchIndex) -> Result:
    return work(index, query)


class Aside:
    """Runs searches, the long ones aside."""

    def __init__(
        self, connection: sqlite3.Connection, index: SearchIndex, connect: Callable[[], sqlite3.Connection]
    ):
        self._index, self._connect = index, connect
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sqlite-search")
        self._own = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._looks = BUDGET
        connection.set_progress_handler(self._look, INSTRUCTIONS)

    def _look(self) -> bool:
        """True stops the statement; only a search has a budget, other reads are short by nature."""
        self._looks += 1
        return self._looks == BUDGET

    async def run(self, work: Callable[[SearchIndex], Result]) -> Result:
        """The result of ``work``, done here or aside."""
        self._looks = 0
        try:
            return work(self._index)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
        finally:
            self._looks = BUDGET  # other statements on the connection are not counted
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._work, work)

    async def settling(self, query: Query, work: Callable[[SearchIndex, Query], Result]) -> Result:
        """The result of ``work`` on the query, in which no set of codes is left open."""
        return await settling(
            query, self._codes_in_use, lambda settled: self.run(partial(_on, work, settled))
        )

    async def _codes_in_use(self, type: str, param: str) -> Sequence[str]:
        return await self.run(lambda index: index.codes_in_use(type, param))

    def _work(self, work: Callable[[SearchIndex], Result]) -> Result:
        index: SearchIndex | None = getattr(self._own, "index", None)
        if index is None:
            connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
            self._opened.append(connection)
            index = self._own.index = SearchIndex(connection)
        return work(index)

    def close(self) -> None:
        self._threads.shutdown()
        for connection in self._opened:
            connection.close()
