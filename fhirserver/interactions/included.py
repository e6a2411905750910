"""``_include`` and ``_revinclude``, with ``:iterate``: https://hl7.org/fhir/R4/search.html#include"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fhirserver.interactions.exchange import Context
from fhirserver.kernel.json import loads
from fhirserver.model.definitions import definitions
from fhirserver.ports.storage import Key, Version
from fhirserver.search.defined import Parameters
from fhirserver.search.expression import Include, Query, ReferenceIs, UriIs, disjunction
from fhirserver.search.index import extract
from fhirserver.search.parameters import searchable
from fhirserver.search.terms import targets
from fhirserver.search.values import IndexValue, ReferenceValue, UriValue

MAX_INCLUDED = 10_000
"""More than this is not included, and the answer says so."""
_DIGITS = 18
"""No number of a version has more."""


@dataclass(slots=True)
class Included:
    """What is included, and whether that was cut off at the limit."""

    versions: list[Version] = field(default_factory=list)
    cut: bool = False


async def included(
    context: Context, query: Query, matches: Sequence[Version], answered: Iterable[Key] | None = None
) -> Included:
    """What the matches refer to and what refers to them, each once and none that is ``answered`` as a match."""
    if answered is None:
        answered = (Key(version.type, version.id) for version in matches)
    return await _Gathering(context, set(answered)).gather(query, matches)


class _Gathering:
    """The rounds of one search: each follows the references of what the round before found."""

    def __init__(self, context: Context, seen: set[Key]):
        self._store = context.store
        self._base = f"{context.base_url}/"
        self._known: Parameters = context.store.parameters.current
        self._seen = seen
        self._seen_versions: set[tuple[Key, int]] = set()
        self._found = Included()

    async def gather(self, query: Query, matches: Sequence[Version]) -> Included:
        fresh, first = list(matches), True
        self._seen_versions.update(
            (key, one.version) for one in matches if (key := Key(one.type, one.id)) in self._seen
        )
        while fresh and not self._found.cut:
            before = len(self._found.versions)
            forward = [one for one in query.includes if first or one.iterate]
            backward = [one for one in query.revincludes if first or one.iterate]
            await self._forward(forward, fresh)
            await self._backward(backward, fresh)
            fresh, first = self._found.versions[before:], False
        return self._found

    def _add(self, version: Version) -> None:
        key = Key(version.type, version.id)
        if key in self._seen or version.deleted:
            return
        self._seen.add(key)
        self._keep(key, version)

    def _keep(self, key: Key, version: Version) -> None:
        if (key, version.version) in self._seen_versions:
            return
        self._seen_versions.add((key, version.version))
        if len(self._found.versions) == MAX_INCLUDED:
            self._found.cut = True
        else:
            self._found.versions.append(version)

    async def _forward(self, includes: Sequence[Include], versions: Iterable[Version]) -> None:
        keys: dict[Key, None] = {}
        urls: dict[str, dict[str, None]] = {}
        for version in versions:
            for one, value in self._references(version, includes):
                if value.type and one.target in ("", value.type):
                    key = await self._key(value)
                    keys.update({key: None} if key else {})
                elif not value.type and "://" in value.target:
                    for type_name in self._canonical_targets(one, version.type, value.param):
                        urls.setdefault(type_name, {})[value.target] = None
        for key in keys:
            if self._found.cut:
                return
            if key not in self._seen:
                version_there = await self._store.read(*key)
                if version_there is not None:
                    self._add(version_there)
        for type_name, wanted in urls.items():
            await self._by_url(type_name, list(wanted))

    def _references(
        self, version: Version, includes: Sequence[Include]
    ) -> Iterable[tuple[Include, ReferenceValue]]:
        wanted = [one for one in includes if one.source in (version.type, "*")]
        if not wanted or not version.content:
            return
        values = extract(loads(version.content), self._base, self._known)
        past = {_of_now(value) for value in values if value[0].endswith(":version")}
        for value in values:
            if value in past:
                continue
            if isinstance(value, UriValue):
                value = ReferenceValue(value.param, "", value.uri)
            if not isinstance(value, ReferenceValue):
                continue
            param, _, derived = value.param.partition(":")
            for one in wanted:
                if one.param in (param, "*") and derived in ("", "version"):
                    yield one, value

    async def _key(self, value: ReferenceValue) -> Key | None:
        """What a reference leads to, unless that is a certain version: this is added at once.

        https://hl7.org/fhir/R4/search.html#versions
        """
        id, _, number = value.target.partition("/_history/")
        there = None
        if number.isdigit() and len(number) <= _DIGITS:
            there = await self._store.read_version(value.type, id, int(number))
        if there is None or there.deleted:
            return Key(value.type, id)
        self._keep(Key(value.type, id), there)
        return None

    def _canonical_targets(self, include: Include, source: str, param: str) -> list[str]:
        """The types that a canonical url of the parameter may name."""
        parameter = self._known.of(source).get(param)
        if parameter is None or parameter.type != "reference":
            return []
        may = [include.target] if include.target else targets(parameter)
        return [name for name in may if "url" in self._known.of(name)]

    async def _by_url(self, type_name: str, urls: Sequence[str]) -> None:
        """The resources with these canonical urls; a version after ``|`` must be theirs."""
        bare = {url.partition("|")[0] for url in urls}
        versioned = {url.partition("|")[0] for url in urls if "|" in url}
        where = disjunction([UriIs("url", url) for url in sorted(bare)])
        for version in await self._all(Query(type_name, where)):
            resource = loads(version.content)
            url, number = resource.get("url"), resource.get("version")
            if url not in versioned or f"{url}|{number}" in urls:
                self._add(version)

    async def _backward(self, includes: Sequence[Include], versions: Sequence[Version]) -> None:
        for one in includes:
            wanted = [v for v in versions if one.target in ("", v.type)]
            for source, param in self._sources(one, {v.type for v in wanted}):
                references = [ref for v in wanted for ref in self._named(param, v)]
                if references and not self._found.cut:
                    for version in await self._all(Query(source, disjunction([*references]))):
                        self._add(version)

    def _named(self, param: str, version: Version) -> list[ReferenceIs | UriIs]:
        """How a parameter may refer to a resource: by type and id, by its canonical url, or by where it is."""
        found: list[ReferenceIs | UriIs] = [ReferenceIs(param, version.type, version.id)]
        if "url" in self._known.of(version.type) and version.content:
            resource = loads(version.content)
            url, number = resource.get("url"), resource.get("version")
            urls = [url, f"{url}|{number}", f"{self._base}{version.type}/{version.id}"]
            found += [UriIs(f"{param}:canonical", url) for url in urls if isinstance(url, str)]
        return found

    async def _all(self, query: Query) -> Sequence[Version]:
        """What matches, as far as it could be included."""
        left = MAX_INCLUDED - len(self._found.versions) + len(self._seen) + 1
        sized = Query(query.type, query.where, count=left)
        page = await self._store.search(sized)
        self._found.cut = self._found.cut or bool(page.cursor)
        return page.versions

    def _sources(self, include: Include, types: set[str]) -> list[tuple[str, str]]:
        """The (type, parameter) pairs that a reverse include names; ``*``: all that may refer to ``types``."""
        if include.param != "*":
            return [(include.source, include.param)]
        sources = sorted(definitions().resource_types) if include.source == "*" else [include.source]
        return [
            (source, code)
            for source in sources
            for code, parameter in searchable(source, self._known).items()
            if parameter.type == "reference" and not types.isdisjoint(targets(parameter))
        ]


def _of_now(value: IndexValue) -> ReferenceValue | None:
    """The reference without its version."""
    if not isinstance(value, ReferenceValue):
        return None
    return value._replace(
        param=value.param.removesuffix(":version"), target=value.target.partition("/_history/")[0]
    )
