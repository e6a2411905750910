"""The entries of a transaction as the writes of one command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from fhirserver.access.principals import Principal, require
from fhirserver.interactions.audit_access import check_write
from fhirserver.interactions.bundle_entries import EntryRequest, patch_body
from fhirserver.interactions.bundle_links import PLACEHOLDERS, Links, Relinking
from fhirserver.interactions.delete import conditional_remove
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.patch_bodies import read_patch
from fhirserver.interactions.preconditions import if_match, if_none_match
from fhirserver.interactions.resources import (
    accept,
    check_id,
    condition,
    if_none_exist,
    is_conditional,
    known_type,
    no_link,
    without_id,
)
from fhirserver.interactions.search_parameters import check_known_definition
from fhirserver.interactions.statement import statement_of
from fhirserver.interactions.subscription.governing import governed_now, governing_now
from fhirserver.kernel.ids import is_id, new_id
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.kernel.references import path_of_reference, paths_of_reference
from fhirserver.model.definitions import definitions
from fhirserver.model.links import Find, relink
from fhirserver.ports.log import Statement
from fhirserver.search.expression import Query
from fhirserver.store.commands import Amend, Put, Remove, Write


@dataclass(slots=True)
class Plan:
    """A Bundle as one command in the making."""

    context: Context
    principal: Principal
    statement: Statement
    links: Links
    conditions: dict[str, Query] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    movable: set[str] = field(default_factory=set)
    """Where conditional creates and updates will be found if nothing matches."""
    claimed: dict[int, Sequence[Issue]] = field(default_factory=dict)
    """What profiles that an entry's resource claims say of it."""
    _named: dict[tuple[str, str], str] = field(default_factory=dict)
    many: int = 0
    """How many entries write: so many more matches than two tell what a reference means after them."""

    def place(self, entries: Iterable[EntryRequest]) -> None:
        """Say where each entry's resource will be found, before any reference is read."""
        for entry in entries:
            self.many += 1
            target = self._target(entry)
            if entry.if_none_exist or (entry.method == "PUT" and not entry.id):
                self.movable.add(target)
            if entry.full_url and target:
                created = entry.method == "POST" and not entry.if_none_exist
                self.links.add(entry.full_url, target, entry.path("fullUrl"), created)

    def _target(self, entry: EntryRequest) -> str:
        if entry.method in ("PUT", "PATCH") and entry.id:
            return f"{entry.type}/{entry.id}"
        if entry.method == "PATCH":
            return f"{entry.type}?{entry.query}"
        if entry.method == "DELETE":
            return ""
        stated = (entry.resource or {}).get("id") if entry.method == "PUT" else None
        self.ids[entry.number] = str(stated or new_id())
        return f"{entry.type}/{self.ids[entry.number]}"

    def write(self, entry: EntryRequest) -> Write:
        """The write that an entry asks for. Raises a refusal that points into the entry."""
        require(self.principal, "write")
        check_write(self.principal, entry.method, entry.type)
        known_type(entry.type)
        own = statement_of(self.principal, entry.provenance) if entry.provenance else None
        seen = if_match(entry.if_match)
        return _WRITES[entry.method](self, entry, own, seen)

    def post(self, entry: EntryRequest, own: Statement | None, seen: int | None) -> Put:
        if entry.id or entry.query:
            text = "POST takes Type: the server says the id; PUT takes Type/id, and ifNoneExist criteria"
            raise refuse(Category.INVALID, "value", text, "request.url")
        content, settled = self._content(entry, without_id(_resource(entry)), own)
        unless = ""
        if entry.if_none_exist:
            unless, query = if_none_exist(self.context, entry.type, entry.if_none_exist)
            self.conditions.setdefault(unless, query)
        id = self.ids[entry.number]
        return self._ready(Put(entry.type, id, content, True, unless=unless, statement=own, settled=settled))

    def put(self, entry: EntryRequest, own: Statement | None, seen: int | None) -> Put:
        absent, unseen = if_none_match(entry.if_none_match)
        resource = _resource(entry)
        if entry.id:
            check_id(resource, entry.type, _known_id(entry))
        content, settled = self._content(entry, resource, own)
        id, where = entry.id, ""
        if not id:
            id, where = self.ids[entry.number], self._add_condition(entry.type, entry.query)
        put = Put(entry.type, id, content, False, seen, absent, where=where, statement=own, settled=settled)
        return self._ready(put if unseen is None else replace(put, unless_version=unseen))

    def _ready(self, put: Put) -> Put:
        """As much done ahead as can be: what still waits for a match would be done again."""
        return self.context.store.prepared(put) if put.settled else put

    def amend(self, entry: EntryRequest, own: Statement | None, seen: int | None) -> Amend:
        link = _pointed(
            entry, lambda text: self._reference(entry)(text) or self._condition(text) or _no_placeholder(text)
        )
        change = read_patch(*patch_body(entry), self.links.uri, link)
        change = governing_now(self.context, entry.type, change)
        if entry.id:
            return Amend(entry.type, _known_id(entry), change, seen, own)
        return Amend(entry.type, "", change, seen, own, self._add_condition(entry.type, entry.query))

    def remove(self, entry: EntryRequest, own: Statement | None, seen: int | None) -> Remove:
        if entry.id:
            return Remove(entry.type, _known_id(entry), seen, own)
        remove, conditions = conditional_remove(self.context, entry.type, entry.query, seen)
        self.conditions.update(conditions)
        return replace(remove, statement=own)

    def _content(
        self, entry: EntryRequest, resource: JsonObject, own: Statement | None
    ) -> tuple[JsonObject, bool]:
        """The resource with its links replaced, found valid, and its conditional references made conditions.

        Also whether that settles all of them, whatever conditions will match.
        """
        walk = Relinking(self.links, entry.full_url, self.movable)
        uri = walk.uri if self.movable else self.links.uri
        content = relink(resource, uri, _pointed(entry, walk.reference))
        accept(content, entry.type, partial=(own or self.statement).mode == "partial")
        check_known_definition(self.context, content, entry.id)
        content = governed_now(self.context, content)
        _refuse_placeholders(content, walk.placeholders)
        find = _pointed(entry, self._condition)
        names = {text: name for text in walk.criteria if (name := find(text))}
        if any(text != name for text, name in names.items()):
            content = relink(content, no_link, names.get)
        return content, not (names or walk.moves)

    def _reference(self, entry: EntryRequest) -> Find:
        return lambda text: self.links.reference(text, entry.full_url)

    def _condition(self, reference: str) -> str | None:
        """Make a conditional reference, ``Practitioner?identifier=…``, a condition of the command."""
        if not is_conditional(reference):
            return None
        type, _, criteria = reference.partition("?")
        if type not in definitions().resource_types:
            raise refuse(Category.INVALID, "value", f"'{type[:64]}' is not an R4 resource type")
        return self._add_condition(type, criteria)

    def _add_condition(self, type: str, text: str) -> str:
        known = self._named.get((type, text))
        if known is None:
            known, query = condition(self.context, type, text)
            self._named[type, text] = known
            self.conditions[known] = replace(query, count=2 + self.many)
        return known


_WRITES: dict[str, Callable[[Plan, EntryRequest, Statement | None, int | None], Write]] = {
    "DELETE": Plan.remove,
    "POST": Plan.post,
    "PUT": Plan.put,
    "PATCH": Plan.amend,
}
ORDER = tuple(_WRITES)
"""The methods that write, in the order in which the specification processes them."""


def _resource(entry: EntryRequest) -> JsonObject:
    if entry.resource is None:
        raise refuse(Category.INVALID, "required", f"{entry.method} needs a resource", "resource")
    return entry.resource


def _known_id(entry: EntryRequest) -> str:
    if not is_id(entry.id) or entry.rest or entry.query:
        text = f"{entry.method} takes Type/id or Type?criteria"
        raise refuse(Category.INVALID, "value", text, "request.url")
    return entry.id


def _refuse_placeholders(content: JsonObject, left: Iterable[str]) -> None:
    """Refuse (400) references to a ``urn:uuid`` or ``urn:oid`` that no entry has: stored, they would lead nowhere.

    What is contained may mean by them what it likes.
    """
    own = {name: value for name, value in content.items() if name != "contained"}
    paths = [path for text in left for path in paths_of_reference(own, text)]
    if paths:
        raise Refusal(Category.INVALID, [Issue("not-found", _NO_ENTRY, (path,)) for path in paths])


_NO_ENTRY = "No entry of the transaction that writes has this fullUrl"


def _no_placeholder(text: str) -> str | None:
    if text.startswith(PLACEHOLDERS):
        raise refuse(Category.INVALID, "not-found", _NO_ENTRY)
    return None


def _pointed(entry: EntryRequest, find: Find) -> Find:
    """Have refusals of a reference point at where it stands."""

    def pointed(text: str) -> str | None:
        try:
            return find(text)
        except Refusal as refusal:
            path = path_of_reference(entry.resource or {}, text)
            issues = [replace(issue, expression=(path,)) for issue in refusal.issues]
            raise Refusal(Category.INVALID, issues) from None

    return pointed
