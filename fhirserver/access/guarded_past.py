"""What the compartments of patients held at a moment, as somebody with permissions sees it.

Whoever could see a resource then and may not see what it is now (it was somebody else's all along, or is confidential)
does not see what it was either.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from fhirserver.ports.storage import Key, Numbered, Version
from fhirserver.search.expression import Query
from fhirserver.search.match import Place
from fhirserver.store.as_of import Moment
from fhirserver.store.past import Past
from fhirserver.store.store import Store

Narrow = Callable[[Query], Awaitable[Query]]
"""The query as the reader may ask it. Raises a refusal (403) for what may not be asked."""
Shown = Callable[[Version], Awaitable[Version | None]]
"""A version without what is masked; None where it may not be seen."""


class GuardedPast(Past):
    """``store`` is the whole one."""

    def __init__(self, store: Store, at: Moment, patients: Iterable[str], narrow: Narrow, shown: Shown):
        super().__init__(store, at, patients)
        self._narrow, self._shown = narrow, shown

    async def read(self, type: str, id: str) -> Version | None:
        version = await super().read(type, id)
        return None if version is None else await self._shown(version)

    async def _places(self, query: Query) -> list[tuple[Place, Key]]:
        return await super()._places(await self._narrow(query))

    async def _read(self, keys: Sequence[Key]) -> dict[Key, Numbered]:
        found = (await super()._read(keys)).items()
        shown = {key: (pk, await self._shown(version)) for key, (pk, version) in found}
        return {key: Numbered(pk, version) for key, (pk, version) in shown.items() if version is not None}
