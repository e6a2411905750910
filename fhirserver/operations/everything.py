"""``$everything``: pages of members, then of what they refer to. https://hl7.org/fhir/R4/patient-operation-everything.html

A page's end is a place in a fixed order (types by name, resources by creation; what is referred to by type
and id), so pages neither skip nor repeat while data changes. No more than a page is in memory.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from fhirserver.interactions.bundles import bundle, search_entry
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.reserved import DERIVED
from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import InvalidJson, Json, dumps, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.kernel.queries import encode_query
from fhirserver.model.definitions import definitions
from fhirserver.operations.everything_scope import Scope, Stream, in_care
from fhirserver.operations.everything_support import CHUNK, View, stream_versions, support
from fhirserver.operations.parameters import inputs, one
from fhirserver.ports.storage import Key, Version
from fhirserver.search import cursor
from fhirserver.search.expression import (
    Cursor,
    Expression,
    LastUpdated,
    Query,
    ReferenceIs,
    conjunction,
    disjunction,
)
from fhirserver.search.literals import date_range
from fhirserver.store.as_of import AS_OF, Moment
from fhirserver.store.past import Past
from fhirserver.store.provenance import targets

MAX_BYTES = 32 * 1024 * 1024
"""A page ends when its resources are larger than this, however many were asked for."""
_SUPPORT, _PROVENANCE = "support", "provenance"
_TARGETS_AT_ONCE = 50
_BEHIND_DERIVED = Cursor((), 0)
"""Where Provenances begin that are not derived from the log; those are given where they are asked for by type."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The inputs. ``low`` and ``high`` bound the care, in microseconds; ``types`` is empty for all."""

    low: int | None = None
    high: int | None = None
    since: datetime | None = None
    since_range: tuple[int, int] = (0, 0)
    types: frozenset[str] = frozenset()
    count: int | None = None
    place: tuple[str, str] = ("", "")
    params: tuple[tuple[str, str], ...] = ()

    def wants(self, type: str) -> bool:
        return not self.types or type in self.types

    def fresh(self, version: Version) -> bool:
        return self.since is None or parse_instant(version.recorded) >= self.since


@dataclass(slots=True)
class _Page:
    """Entries while they are gathered; ``next`` is where the page after it begins, empty at the end."""

    room: int
    entries: list[bytes] = field(default_factory=list)
    size: int = 0
    next: tuple[str, str] = ("", "")
    shown: list[Version] = field(default_factory=list)
    """Without their content."""

    @property
    def full(self) -> bool:
        return len(self.entries) >= self.room or self.size >= MAX_BYTES

    def add(self, base_url: str, version: Version, mode: bytes) -> None:
        self.entries.append(search_entry(f"{base_url}/{version.type}/{version.id}", version.content, mode))
        self.size += len(version.content)
        self.shown.append(version._replace(content=b""))


async def everything(context: Context, request: Request, scope: Scope, past: Past | None = None) -> Result:
    """A searchset: members are ``match``, what they refer to is ``include``; as of ``past`` where given."""
    asked = asked_for(request, past.at if past else None)
    if DERIVED in asked.types and past is None:
        await context.store.derive_provenance()
    view = View(past or context.store, context.base_url)
    most = context.limits.bundle_entries
    page = _Page(most if asked.count is None else min(asked.count, most))
    await _fill(view, scope, asked, page)
    path = "/".join(part for part in (context.base_url, request.type, request.id) if part)
    links = [("self", _link(path, request, asked, asked.place))]
    if page.next[0]:
        links.append(("next", _link(path, request, asked, page.next)))
    total = len(page.entries) if asked.place == page.next == ("", "") else None
    return Result(200, bundle("searchset", page.entries, links, total), shown=page.shown)


async def _fill(view: View, scope: Scope, asked: Asked, page: _Page) -> None:
    where, at = asked.place
    begun = where in ("", _SUPPORT, _PROVENANCE)
    for number, stream in enumerate(scope.streams):
        if where in (_SUPPORT, _PROVENANCE):
            break
        here = where == str(number)
        begun = begun or here
        if (
            begun
            and asked.wants(stream.type)
            and not await _fill_members(view, stream, asked, page, number, at if here else "")
        ):
            return
    if where != _PROVENANCE:
        found = support(view, scope, _in_care(view, scope, asked))
        if not await _fill_others(view, found, asked, page, _SUPPORT, at if where == _SUPPORT else ""):
            return
    if DERIVED in asked.types:
        members = _in_care(view, scope, asked)
        told = (
            _told_then(view.reads, members) if isinstance(view.reads, Past) else _provenances(view, members)
        )
        await _fill_others(view, told, asked, page, _PROVENANCE, at if where == _PROVENANCE else "")


async def _fill_members(view: View, stream: Stream, asked: Asked, page: _Page, number: int, at: str) -> bool:
    """Take the members of one type. False where the page is full and there are more."""
    if stream.type == DERIVED and DERIVED in asked.types:
        return True  # all Provenances of all members come last
    where = conjunction([stream.where, _care(stream, asked), *_updated(asked)])
    while True:
        room = 1 if page.full else min(CHUNK, page.room - len(page.entries))
        place = cursor.decode(at, ()) if at else _BEHIND_DERIVED if stream.type == DERIVED else None
        found = await view.reads.search(Query(stream.type, where, count=room, cursor=place))
        if found.versions and page.full:
            page.next = (str(number), at)
            return False
        for version in found.versions:
            page.add(view.base_url, version, b"match")
        at = found.cursor
        if not at:
            return True


async def _fill_others(
    view: View,
    found: AsyncIterator[tuple[Key, Version]],
    asked: Asked,
    page: _Page,
    phase: str,
    after: str,
) -> bool:
    last = after
    async for key, version in found:
        if str(key) <= after or not asked.wants(key.type) or not asked.fresh(version):
            continue
        if page.full:
            page.next = (phase, last)
            return False
        page.add(view.base_url, version, b"include")
        last = str(key)
    return True


def _care(stream: Stream, asked: Asked) -> Expression:
    return in_care(stream.type, asked.low, asked.high)


def _updated(asked: Asked) -> list[Expression]:
    return [] if asked.since is None else [LastUpdated("ge", *asked.since_range)]


async def _in_care(view: View, scope: Scope, asked: Asked) -> AsyncIterator[Version]:
    """All members in the time of care, whether or not their types were asked for."""
    for stream in scope.streams:
        where = conjunction([stream.where, _care(stream, asked)])
        async for version in stream_versions(view.reads, stream.type, where):
            yield version


async def _provenances(view: View, members: AsyncIterator[Version]) -> AsyncIterator[tuple[Key, Version]]:
    """Who said all that: the Provenances of the members, each once, in order of id."""
    ids: set[str] = set()
    some: list[Expression] = []
    async for version in members:
        some.append(ReferenceIs("target", version.type, version.id))
        if len(some) == _TARGETS_AT_ONCE:
            ids.update(await _telling(view, some))
            some = []
    ids.update(await _telling(view, some))
    for id in sorted(ids):
        found = await view.reads.read(DERIVED, id)
        if found is not None and not found.deleted:
            yield Key(DERIVED, id), found


async def _told_then(past: Past, members: AsyncIterator[Version]) -> AsyncIterator[tuple[Key, Version]]:
    """The same as of a moment: those about the patient are known, and each is asked for its targets."""
    keys = {Key(version.type, version.id) async for version in members}
    for key in sorted(await past.keys(DERIVED)):
        found = await past.read(*key)
        if found is not None and not found.deleted and not keys.isdisjoint(targets(loads(found.content))):
            yield key, found


async def _telling(view: View, targets: Iterable[Expression]) -> set[str]:
    where = disjunction(list(targets))
    return {version.id async for version in stream_versions(view.reads, DERIVED, where)}


# --- inputs


def asked_for(request: Request, at: Moment | None = None) -> Asked:
    """The inputs from the URL or the body. Raises a refusal (400) that names the one that is wrong."""
    given = inputs(request)
    since = one(given, "_since")
    low, high = _day(one(given, "start"), "start"), _day(one(given, "end"), "end")
    names = ("start", "end", "_since", "_type", "_count")
    moment = [(AS_OF, at.text)] if at else []
    return Asked(
        None if low is None else low[0],
        None if high is None else high[1],
        _since(since),
        date_range(str(since)) if since is not None else (0, 0),
        _types(given.get("_type", ())),
        _count(one(given, "_count")),
        _place(one(given, "_cursor")),
        (*moment, *((name, str(value)) for name in names for value in given.get(name, ()))),
    )


def _day(value: Json, name: str) -> tuple[int, int] | None:
    if value is None:
        return None
    try:
        return date_range(str(value))
    except (ValueError, OverflowError):
        raise _wrong(name, f"{name} is a date") from None


def _since(value: Json) -> datetime | None:
    if value is None:
        return None
    try:
        date_range(str(value))
        return parse_instant(str(value).replace(" ", "+"))
    except (ValueError, OverflowError):
        raise _wrong("_since", "_since is an instant") from None


def _types(values: Iterable[Json]) -> frozenset[str]:
    names = frozenset(name.strip() for value in values for name in str(value).split(","))
    for name in sorted(names):
        if name not in definitions().resource_types:
            raise _wrong("_type", f"_type: '{name[:64]}' is not an R4 resource type")
    return names


def _count(value: Json) -> int | None:
    if value is None:
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise _wrong("_count", "_count is a whole number from 1")
    return int(text)


def _place(value: Json) -> tuple[str, str]:
    """Where a page begins. A cursor that this operation did not give out is refused."""
    if value is None:
        return ("", "")
    try:
        padded = str(value).encode("ascii") + b"=" * (-len(str(value)) % 4)
        where, at = loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        known = where in (_SUPPORT, _PROVENANCE) or (where.isascii() and where.isdigit() and len(where) < 4)
        if not known or not isinstance(at, str):
            raise ValueError
        if at and where.isdigit():
            cursor.decode(at, ())
    except (ValueError, TypeError, AttributeError, binascii.Error, InvalidJson):
        raise _wrong("_cursor", "_cursor is not of a page of this") from None
    return where, at


def _wrong(name: str, text: str) -> Refusal:
    return refuse(Category.INVALID, "value", text, f"http.{name}")


def _link(path: str, request: Request, asked: Asked, place: tuple[str, str]) -> str:
    params = list(asked.params)
    if place[0]:
        text = base64.urlsafe_b64encode(dumps(list(place))).rstrip(b"=").decode()
        params.append(("_cursor", text))
    url = f"{path}/{request.operation}"
    return f"{url}?{encode_query(params)}" if params else url
