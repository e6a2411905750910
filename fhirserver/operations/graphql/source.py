"""Where GraphQL gets resources from: every read and search goes through here, each read but once."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from fhirserver.access.audit.hidden import AUDIT
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.read import current
from fhirserver.interactions.reserved import DERIVED
from fhirserver.interactions.search_parameters import perhaps_waiting
from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.kernel.references import parse_reference
from fhirserver.operations.graphql.types import CONTROLS, parameters_of
from fhirserver.ports.storage import Key, Version
from fhirserver.search.expression import Query
from fhirserver.search.parse import parse

_KEPT = 5_000
"""Resources that are remembered, so that what many refer to is read once."""
_BACK = 20
"""Pages that a cursor remembers, for ``previous``."""


class Start(NamedTuple):
    """Where a page begins: behind ``offset`` results, which the last cursor of the ``trail`` has passed; with no
    trail they are to be skipped from the first on."""

    offset: int
    trail: Sequence[str] = ()

    @property
    def token(self) -> str:
        text = f"{self.offset}:{'.'.join(self.trail[-_BACK:])}"
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search. Cursors are None where there is no such page."""

    query: Query
    start: Start
    resources: Sequence[JsonObject]
    cursor: str | None
    farthest: int
    """How many results may be skipped."""

    @property
    def first(self) -> str:
        return Start(0).token

    @property
    def next(self) -> str | None:
        if not self.cursor:
            return None
        return Start(self.start.offset + len(self.resources), [*self.start.trail, self.cursor]).token

    @property
    def previous(self) -> str | None:
        if not self.start.offset:
            return None
        offset = max(0, self.start.offset - self.query.count)
        if len(self.start.trail) > 1:
            return Start(offset, self.start.trail[:-1]).token
        return Start(offset).token if offset <= self.farthest else None

    def last(self, total: int) -> str | None:
        """The last page where there are ``total`` results."""
        offset = max(0, total - 1) // self.query.count * self.query.count
        return Start(offset).token if offset <= self.farthest else None


@dataclass(slots=True)
class Source:
    """Resources for one request."""

    context: Context
    _known: dict[Key, JsonObject | Refusal] = field(default_factory=dict)
    shown: list[Version] = field(default_factory=list)
    """What was read, without its content."""

    async def read(self, type: str, id: str) -> JsonObject:
        """A resource. Raises a refusal where it is not there."""
        key = Key(type, id)
        if key not in self._known:
            try:
                return self._keep(await current(self.context, type, id))
            except Refusal as refusal:
                self._known[key] = refusal
        known = self._known[key]
        if isinstance(known, Refusal):
            raise known
        return known

    def _keep(self, version: Version) -> JsonObject:
        resource: JsonObject = loads(version.content)
        self.shown.append(version._replace(content=b""))
        if len(self._known) < _KEPT:
            self._known[Key(version.type, version.id)] = resource
        return resource

    async def resolve(self, reference: str, container: JsonObject) -> JsonObject | None:
        """What a reference means: contained, or on this server; None where it is neither."""
        if reference.startswith("#"):
            inside = container.get("contained", ())
            return next((one for one in inside if one.get("id") == reference[1:]), None)
        literal = parse_reference(reference)
        if literal is None or literal.base not in ("", f"{self.context.base_url}/"):
            return None
        try:
            return await self.read(literal.type, literal.id)
        except Refusal:
            return None

    async def search(self, type: str, given: Mapping[str, Json], about: JsonObject | None) -> Found:
        """One page. ``given`` are arguments; with ``about`` and ``_reference`` only what refers to that resource."""
        start = _start(given, self.context.limits.max_count)
        query = await self._query(type, given, about, start)
        skipped = 0 if start.trail else start.offset
        page = await self.context.store.search(replace(query, count=query.count + skipped))
        found = [self._keep(version) for version in page.versions[skipped:]]
        return Found(query, start, found, page.cursor, self.context.limits.max_count)

    async def count(self, query: Query) -> int:
        return await self.context.store.count(replace(query, cursor=None))

    async def _query(
        self, type: str, given: Mapping[str, Json], about: JsonObject | None, start: Start
    ) -> Query:
        if type == AUDIT:
            text = "AuditEvents are not given by GraphQL: search them"
            raise refuse(Category.FORBIDDEN, "forbidden", text, type)
        if type == DERIVED:
            await self.context.store.derive_provenance()
        pairs = [pair for name, value in given.items() for pair in _pairs(type, name, value)]
        if about is not None:
            pairs.append(_reference(type, given.get("_reference"), about))
        if start.trail:
            pairs.append(("_cursor", start.trail[-1]))
        limits = self.context.limits
        read = partial(
            parse,
            type,
            pairs,
            base=self.context.base_url,
            terminology=self.context.terminology,
            default_count=limits.default_count,
            maximum_count=limits.max_count,
        )
        return await perhaps_waiting(pairs, read)


def _pairs(type: str, name: str, value: Json) -> list[tuple[str, str]]:
    """An argument as search parameters; a list stands for alternatives."""
    if name in ("_offset", "_cursor", "_reference"):
        return []
    code = name if name in CONTROLS else parameters_of(type)[name]
    text = ",".join(map(_text, value)) if isinstance(value, list) else _text(value)
    if name == "_count" and text == "0":
        text = "1"  # a total is asked for by its field; a page has at least one
    return [(code, text)]


def _text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _reference(type: str, value: Json, about: JsonObject) -> tuple[str, str]:
    code = parameters_of(type).get(str(value or "").replace("-", "_"))
    if code is None or about.get("id") is None:
        text = f"_reference names the search parameter of {type} that refers to the resource"
        raise refuse(Category.INVALID, "value", text, "_reference")
    return code, f"{about['resourceType']}/{about['id']}"


def _whole(value: Json, name: str, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise refuse(Category.INVALID, "value", f"{name} is a whole number up to {most}", name)
    return value


def _start(given: Mapping[str, Json], most: int) -> Start:
    """Where the page begins that is asked for: at a cursor, which knows its offset, or at an offset."""
    if given.get("_cursor") is None:
        return Start(_whole(given.get("_offset", 0), "_offset", most))
    try:
        text = str(given["_cursor"])
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        offset, mark, trail = (
            base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii").partition(":")
        )
        start = Start(int(offset), trail.split(".") if trail else [])
        if not mark or not offset.isdigit() or (start.offset > most and not trail):
            raise ValueError
    except (ValueError, binascii.Error):
        raise refuse(Category.INVALID, "value", "_cursor is not of a page of this", "_cursor") from None
    return start
