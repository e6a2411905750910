"""What the members of an ``$everything`` refer to: practitioners, organisations, medications, binaries …"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Protocol

from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.kernel.references import parse_reference
from fhirserver.operations.everything_scope import PATIENT, Scope, owned, owners
from fhirserver.ports.storage import Key, Page, Version
from fhirserver.search import cursor
from fhirserver.search.expression import Expression, Query

CHUNK = 200
"""Members that are in memory at once."""
MAX_SUPPORT = 100_000
"""Keys of supporting resources that are kept in memory."""


class Reads(Protocol):
    """Where resources are read from: the store as it is, or as it was."""

    async def read(self, type: str, id: str) -> Version | None: ...

    async def search(self, query: Query) -> Page: ...


@dataclass(frozen=True, slots=True)
class View:
    """What is read from, and the server's own base URL without a trailing slash."""

    reads: Reads
    base_url: str


async def stream_versions(reads: Reads, type: str, where: Expression) -> AsyncIterator[Version]:
    """All current resources that match, in order of creation, a chunk at a time."""
    place = ""
    while True:
        at = cursor.decode(place, ()) if place else None
        page = await reads.search(Query(type, where, count=CHUNK, cursor=at))
        for version in page.versions:
            yield version
        place = page.cursor
        if not place:
            return


async def support(
    view: View, scope: Scope, members: AsyncIterator[Version]
) -> AsyncIterator[tuple[Key, Version]]:
    """The resources that members refer to and that are no members, each once, in order of type and id.

    What such a resource refers to comes too, unless it belongs to a patient. A resource of another patient is
    left out: being mentioned makes nobody's record part of somebody else's.
    """
    frontier, seen = await _referenced(view, members)
    found: set[Key] = set()
    while frontier:
        following: set[Key] = set()
        for key in sorted(frontier):
            resource = await _resource(view.reads, key)
            if resource is None or not _admissible(scope, key, resource):
                continue
            found.add(key)
            if not owned(key.type):
                following.update(local_references(resource, view.base_url))
        seen |= frontier
        frontier = following - seen
        if len(found) > MAX_SUPPORT:
            raise refuse(Category.UNPROCESSABLE, "too-costly", "Too much is referred to; narrow it by _type")
    for key in sorted(found):
        version = await view.reads.read(*key)
        if version is not None and not version.deleted:
            yield key, version


async def _referenced(view: View, members: AsyncIterator[Version]) -> tuple[set[Key], set[Key]]:
    """What members refer to without being members, and the members."""
    keys: set[Key] = set()
    named: set[Key] = set()
    async for version in members:
        keys.add(Key(version.type, version.id))
        named.update(local_references(loads(version.content), view.base_url))
    return named - keys, keys


async def _resource(reads: Reads, key: Key) -> JsonObject | None:
    version = await reads.read(*key)
    if version is None or version.deleted:
        return None
    found: JsonObject = loads(version.content)
    return found


def _admissible(scope: Scope, key: Key, resource: JsonObject) -> bool:
    if key.type == PATIENT and key.id in scope.linked:
        return True
    return not owned(key.type) or owners(resource) <= scope.patients


def local_references(resource: JsonObject, base_url: str) -> Iterator[Key]:
    """Every resource of this server that a resource refers to, attachments in Binaries included."""
    base = f"{base_url}/"
    for text in _links(resource):
        literal = parse_reference(text)
        if literal is not None and literal.base in ("", base):
            yield Key(literal.type, literal.id)


def _links(value: Json) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from _links(inner)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                yield from _links(inner)
            elif isinstance(inner, str) and (name == "reference" or (name == "url" and "Binary/" in inner)):
                yield inner
