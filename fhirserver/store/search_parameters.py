"""The search parameters that the stored SearchParameter resources define, as of what is in the storage.

Two facts tell every process the same: which commit was the last to touch a SearchParameter (``CHANGED``), and
up to which of those the index is complete (``INDEXED``). Both follow from the log alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Issue
from fhirserver.model.definitions import SearchParameter
from fhirserver.ports.storage import Change, Fact, Storage, Version
from fhirserver.search.cursor import decode
from fhirserver.search.defined import STANDARD, Parameters
from fhirserver.search.definition import Definition, is_active, read_definition
from fhirserver.search.expression import Query
from fhirserver.search.index import extract, extract_body, extract_meta
from fhirserver.store.commands import Prepared

TYPE: Final = "SearchParameter"
CHANGED: Final = ("search-parameters", "changed")
INDEXED: Final = ("search-parameters", "indexed")
_PAGE: Final = 500


def changed_fact(changes: Iterable[Change], position: int) -> list[Fact]:
    """The fact that a commit touched a SearchParameter; none where it did not."""
    if any(change.fresh and change.row.version.type == TYPE for change in changes):
        return [Fact(*CHANGED, {"position": position}, position)]
    return []


@dataclass(frozen=True, slots=True)
class Taken:
    """One stored, active SearchParameter: what it defines. ``ready``: all that is stored is indexed by it."""

    version: int
    resource: JsonObject
    definition: Definition
    ready: bool = False

    @property
    def issues(self) -> Sequence[Issue]:
        return self.definition.issues


class SearchParameters:
    """Follows the storage: :meth:`refresh` before anything that must know of the last change."""

    def __init__(self, storage: Storage):
        self._storage = storage
        self._seen = (0, 0)
        self.current: Parameters = STANDARD
        self.taken: dict[str, Taken] = {}
        self.progress: tuple[int, int] = (0, 0)
        """Resources indexed by the pass that is under way, and how many there are."""

    @property
    def changed(self) -> int:
        """The position of the last commit that touched a SearchParameter, as far as it is known here."""
        return self._seen[0]

    @property
    def complete(self) -> bool:
        """Whether the index is as :attr:`current` says."""
        return self._seen[1] >= self._seen[0]

    def extract(self, resource: JsonObject, codes: frozenset[str] | None = None) -> Sequence[Any]:
        """The index values of a resource by all parameters there are, or by those with these ``codes``."""
        return extract(resource, known=self.current, codes=codes)

    def prepare(self, resource: JsonObject) -> Prepared | None:
        """Index values ahead of the decision, which adds to ``meta``; None where that may change others too."""
        values = extract_body(resource, self.current)
        return None if values is None else Prepared(self.current, values)

    def completed(self, prepared: Prepared, resource: JsonObject) -> Sequence[Any]:
        """The index values of a resource of which all but ``meta`` was prepared."""
        if prepared.known is not self.current:
            return self.extract(resource)
        return list(dict.fromkeys([*prepared.values, *extract_meta(resource, self.current)]))

    async def refresh(self) -> None:
        """Take up what changed since; costs two small reads where nothing did."""
        changed, indexed = await self._storage.fact(*CHANGED), await self._storage.fact(*INDEXED)
        seen = (changed.position if changed else 0, indexed.position if indexed else 0)
        if seen == self._seen:
            return
        versions = indexed.value["versions"] if indexed else {}
        self.taken = {version.id: self._taken(version, versions) for version in await self._active()}
        self.current = _parameters(self.taken)
        self._seen = seen

    async def _active(self) -> list[Version]:
        """The SearchParameters there are, oldest first: the first to define a code keeps it."""
        query = Query(TYPE, count=_PAGE)
        found: list[Version] = []
        while True:
            page = await self._storage.search(query)
            found += page.versions
            if not page.cursor:
                return [version for version in found if b'"active"' in version.content]
            query = Query(TYPE, count=_PAGE, cursor=decode(page.cursor, ()))

    def _taken(self, version: Version, versions: JsonObject) -> Taken:
        known, ready = self.taken.get(version.id), versions.get(version.id) == version.version
        if known is not None and known.version == version.version and known.ready == ready:
            return known
        resource = loads(version.content)
        definition = read_definition(resource, self.find) if is_active(resource) else Definition()
        return Taken(version.version, resource, definition, ready)

    def find(self, url: str) -> JsonObject | None:
        """A stored SearchParameter: a component of a composite is defined before it."""
        found = (taken.resource for taken in self.taken.values() if taken.resource.get("url") == url)
        return next(found, None)


def _parameters(taken: dict[str, Taken]) -> Parameters:
    own: dict[str, dict[str, SearchParameter]] = {}
    pending: dict[str, set[str]] = {}
    for one in taken.values():
        if one.issues:
            continue
        for type, parameter in one.definition.by_type.items():
            codes = own.setdefault(type, {})
            if parameter.code in codes:
                one.definition.wrong(
                    "code", f"{type} has a search parameter {parameter.code} already", "duplicate"
                )
                continue
            codes[parameter.code] = parameter
            if not one.ready:
                pending.setdefault(type, set()).add(parameter.code)
    if not own:
        return STANDARD
    return Parameters(own, {type: frozenset(codes) for type, codes in pending.items()})
