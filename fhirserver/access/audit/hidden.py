"""The store without AuditEvents: as everybody sees it who has not asked for them by name and may read them.

AuditEvents say who looked at what. So no include, chain, history, ``$everything`` or compartment leads to one, whatever
else somebody may read; what names them is refused before it gets here (:mod:`fhirserver.interactions.audit_access`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fhirserver.ports.storage import HistoryPage, HistoryQuery, Page, Version
from fhirserver.search.expression import Everything, Nothing, Query, asks_of
from fhirserver.search.narrowing import narrowed
from fhirserver.store.commands import Command, Outcome
from fhirserver.store.store import Store

AUDIT: Final = "AuditEvent"
_PAGES = 100
"""Pages with nothing but AuditEvents that are read in search of one with something else."""


class StoreWithoutAudit(Store):
    """Another view of the same store: all it has is that of the other, now and later."""

    hidden = frozenset({AUDIT})

    def __init__(self, store: Store):
        assert type(store) is Store, "a narrower view is put around this one, never this around it"
        self.__dict__ = store.__dict__

    async def read(self, type: str, id: str) -> Version | None:
        return None if type == AUDIT else await super().read(type, id)

    async def read_version(self, type: str, id: str, version: int) -> Version | None:
        return None if type == AUDIT else await super().read_version(type, id, version)

    async def history(self, type: str, id: str, count: int, before: int | None = None) -> Sequence[Version]:
        return [] if type == AUDIT else await super().history(type, id, count, before)

    async def search(self, query: Query) -> Page:
        return await super().search(without_audit(query))

    async def count(self, query: Query) -> int:
        return await super().count(without_audit(query))

    async def select_history(self, query: HistoryQuery) -> HistoryPage:
        if query.type == AUDIT:
            return HistoryPage(())
        page = await super().select_history(query)
        for _ in range(_PAGES):
            shown = [one for one in page.versions if one.type != AUDIT]
            if shown or page.after is None:
                break
            page = await super().select_history(replace(query, after=page.after))
        return HistoryPage(shown, page.after)

    async def count_history(self, query: HistoryQuery) -> int | None:
        if query.type:
            return 0 if query.type == AUDIT else await super().count_history(query)
        whole, audit = (
            await super().count_history(query),
            await super().count_history(replace(query, type=AUDIT)),
        )
        return None if whole is None or audit is None else whole - audit

    async def submit(self, command: Command) -> Outcome:
        return await super().submit(_without_in_conditions(command))

    async def rehearse(self, command: Command) -> Outcome:
        return await super().rehearse(_without_in_conditions(command))


def _without_in_conditions(command: Command) -> Command:
    if not any(asks_of(query, AUDIT) for query in command.conditions.values()):
        return command
    return replace(command, conditions={n: without_audit(query) for n, query in command.conditions.items()})


def without_audit(query: Query) -> Query:
    """The query without anything that AuditEvents could be found or felt by."""
    if not asks_of(query, AUDIT):
        return query
    return narrowed(query, lambda type: Nothing() if type == AUDIT else Everything(), lambda _, __: None)
