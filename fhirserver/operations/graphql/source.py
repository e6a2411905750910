"""Where GraphQL gets resources from: every read and search goes through here, each read but once."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fhirserver.interactions.exchange import Context
from fhirserver.interactions.read import current
from fhirserver.interactions.reserved import DERIVED
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


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search. Cursors are empty where there is no such page."""

    query: Query
    resources: Sequence[JsonObject]
    previous: str | None = None
    next: str | None = None


@dataclass(slots=True)
class Source:
    """Resources for one request."""

    context: Context
    _known: dict[Key, JsonObject | Refusal] = field(default_factory=dict)

    @property
    def first(self) -> str:
        """The cursor of the first page of any search."""
        return _token(())

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
        query = await self._query(type, given, about)
        offset = _whole(given.get("_offset", 0), "_offset", self.context.limits.max_count)
        trail = _trail(given.get("_cursor"))
        asked = replace(query, count=query.count + offset)
        page = await self.context.store.search(asked)
        found = [self._keep(version) for version in page.versions[offset:]]
        following = _token([*trail, page.cursor]) if page.cursor else None
        return Found(query, found, _token(trail[:-1]) if trail else None, following)

    async def count(self, query: Query) -> int:
        return await self.context.store.count(replace(query, cursor=None))

    async def _query(self, type: str, given: Mapping[str, Json], about: JsonObject | None) -> Query:
        if type == DERIVED:
            await self.context.store.derive_provenance()
        pairs = [pair for name, value in given.items() for pair in _pairs(type, name, value)]
        if about is not None:
            pairs.append(_reference(type, given.get("_reference"), about))
        trail = _trail(given.get("_cursor"))
        if trail:
            pairs.append(("_cursor", trail[-1]))
        limits = self.context.limits
        return parse(
            type,
            pairs,
            base=self.context.base_url,
            terminology=self.context.terminology,
            default_count=limits.default_count,
            maximum_count=limits.max_count,
        )


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


def _token(trail: Sequence[str]) -> str:
    """The cursors of the pages up to one, as one text; the first page has none."""
    kept = ".".join(trail[-_BACK:]) or "first"
    return base64.urlsafe_b64encode(kept.encode()).rstrip(b"=").decode()


def _trail(value: Json) -> list[str]:
    if value is None:
        return []
    try:
        padded = str(value).encode("ascii") + b"=" * (-len(str(value)) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (ValueError, binascii.Error):
        raise refuse(Category.INVALID, "value", "_cursor is not of a page of this", "_cursor") from None
    return [] if text == "first" else text.split(".")
