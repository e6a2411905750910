"""Of one resource: whether somebody with permissions may see it, write it, or make it what it would be."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from fhirserver.access.masks import Mask, masked
from fhirserver.access.owners import Owned
from fhirserver.access.permissions import BINARY, OWNED, Permissions, Reading
from fhirserver.kernel.instants import microseconds
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.kernel.references import parse_reference
from fhirserver.model.definitions import definitions
from fhirserver.ports.storage import Version
from fhirserver.search.asked import asked_of
from fhirserver.search.compartments import patients
from fhirserver.search.elements import Glance, glance
from fhirserver.search.expression import (
    Differs,
    Everything,
    Expression,
    IdIs,
    LastUpdated,
    Nothing,
    Or,
    PhraseIs,
    Query,
    ReferenceIs,
    SortKey,
    TokenIs,
    WordIs,
    conjunction,
    disjunction,
    leaves,
)
from fhirserver.search.following import following
from fhirserver.search.match import Entry, matches
from fhirserver.search.values import ReferenceValue
from fhirserver.store.provenance import DERIVED
from fhirserver.store.store import Store

_MOST_SEEN = 1000
_DEPTH = 2
"""Resources through which the access to a Binary is looked for."""
_TOPIC = "SubscriptionTopic"
"""The code of a Basic that says for everybody what is an event."""


def forbidden(text: str) -> Refusal:
    """403 as OAuth names it: more would be allowed with other scopes."""
    refusal = refuse(Category.FORBIDDEN, "forbidden", text)
    refusal.headers["WWW-Authenticate"] = 'Bearer realm="credence", error="insufficient_scope"'
    return refusal


class Visibility:
    """The permissions of one principal, asked of resources of one store."""

    def __init__(self, store: Store, permissions: Permissions, reading: Reading, owned: Owned):
        self._store, self._permissions, self._reading, self._owned = store, permissions, reading, owned
        self._known: dict[tuple[str, str], Expression] = {}
        self._plain: dict[tuple[str, str], Glance | IdIs | bool] = {}
        self._seen: set[tuple[str, str, int, str]] = set()
        """Versions of which that is known, and by which letters: a version never changes."""
        self._own: set[str] = set()
        """Subscriptions that are known to be the principal's own."""

    def is_plain(self, version: Version, letters: str) -> bool:
        """Whether it is certain, without asking anybody, that a version may be seen as it is by one of the letters."""
        at = (version.type, version.id, version.version, letters)
        if at in self._seen:
            return True
        key = (letters, version.type)
        if key not in self._plain:
            self._plain[key] = self._plainly(*key)
        needed = self._plain[key]
        if isinstance(needed, bool):
            return needed
        if version.deleted:
            return False
        found = needed.id == version.id if isinstance(needed, IdIs) else needed.sees(version.content)
        if found:
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            self._seen.add(at)
        return found

    def _plainly(self, letters: str, type: str) -> Glance | IdIs | bool:
        """What has to be seen of a resource for that; True: nothing, False: more than a glance tells."""
        if (
            self._permissions.masks
            or type in (OWNED, BINARY)
            or (type == DERIVED and self._permissions.patients)
        ):
            return False
        where = self.condition(letters, type)
        if isinstance(where, IdIs):
            return where
        return isinstance(where, Everything) or glance(type, where) or False

    def condition(self, letters: str, type: str) -> Expression:
        """What must hold of a resource of the type for one of the letters. Of Subscriptions those count that were
        :meth:`found <find_own>` to be one's own."""
        key = (letters, type)
        if key not in self._known:
            self._known[key] = self._permissions.condition(letters, type, self._reading)
        if type == OWNED and letters != "c":
            return conjunction([self._known[key], disjunction([IdIs(id) for id in sorted(self._own)])])
        return self._known[key]

    async def find_own(self, types: Iterable[str]) -> None:
        """Know which Subscriptions are one's own, where such are searched."""
        if OWNED in types and self._permissions.may("cruds", OWNED):
            self._own = set(await self._owned.ids())

    async def _is_own(self, id: str) -> bool:
        """Asked each time: whoever restates a Subscription takes it over."""
        own = await self._owned.is_own(id)
        (self._own.add if own else self._own.discard)(id)
        return own

    def to_search(self, type: str) -> Expression:
        """What must hold of a resource for a search to tell of it."""
        return self.condition("s", type)

    def types(self) -> Iterable[str]:
        """The types of which something may be found."""
        return (type for type in definitions().resource_types if self._permissions.may("s", type))

    async def of(self, version: Version, letters: str, depth: int = _DEPTH) -> bool:
        """Whether a version may be seen by one of the letters; a deletion as what was deleted may."""
        if version.type == OWNED and not await self._is_own(version.id):
            return False
        where = self.condition(letters, version.type)
        if isinstance(where, Everything):
            return True
        if (
            version.type == BINARY
            and depth
            and not version.deleted
            and self._permissions.may(letters, BINARY)
        ):
            return await self._by_context(version, letters, depth)
        if isinstance(where, Nothing):
            return False
        if version.deleted:
            return await self._was(version, letters)
        if isinstance(where, IdIs):
            return where.id == version.id
        merged = await self._store.merges.recent()
        if merged:
            where = following(Query("", where), merged).where
        return self._matches(where, loads(version.content), version.recorded)

    async def _was(self, version: Version, letters: str) -> bool:
        """Whether what was deleted could be seen."""
        before = version.version - 1
        earlier = await self._store.read_version(version.type, version.id, before) if before else None
        return earlier is not None and not earlier.deleted and await self.of(earlier, letters)

    async def _by_context(self, version: Version, letters: str, depth: int) -> bool:
        """A Binary may be seen by whoever may see the resource that its ``securityContext`` names."""
        named = loads(version.content).get("securityContext", {}).get("reference", "")
        literal = parse_reference(named) if isinstance(named, str) else None
        if literal is None or literal.base:
            return False
        context = await self._store.read(literal.type, literal.id)
        return context is not None and not context.deleted and await self.of(context, letters, depth - 1)

    def _matches(self, where: Expression, resource: JsonObject, recorded: str = "") -> bool:
        type, id = resource["resourceType"], resource.get("id", "")
        if isinstance(where, IdIs):
            return bool(where.id == id)
        asked = _asked(where)
        values = self._store.extract(resource, asked.codes)
        if asked.references:
            return any(
                isinstance(one, ReferenceValue) and (one.param, one.type, one.target) in asked.references
                for one in values
            )
        updated = microseconds(recorded) if asked.timed and recorded else 0
        return matches(where, Entry(type, id, updated, values), _Alone())

    # writes

    def admits(self, type: str, id: str, before: JsonObject, after: JsonObject) -> None:
        """Refuse (403) to make a resource, ``before`` (empty: there is none), into ``after`` (empty: it is deleted)."""
        letters = "d" if not after else "u" if before else "c"
        for content in (before, after):
            if not content:
                continue
            if type == "Basic" and _is_topic(content):
                raise forbidden(
                    "Topics are stated by those whose access is not restricted: they look at everything"
                )
            resource = {**content, "resourceType": type, "id": id}
            if not self._may(letters, resource):
                raise forbidden(f"You may not write {type}/{id}")
        if after:
            self.check_stated({**after, "resourceType": type, "id": id})
            self._check_contained(before, after)

    def _check_contained(self, before: JsonObject, after: JsonObject) -> None:
        """Refuse (403) to state anew what is contained where parts of that are masked: they would be lost."""
        held = before.get("contained") if self._permissions.masks else None
        if held and held != after.get("contained"):
            whole = {"contained": held}
            if masked(whole, self._permissions.masks) is not whole:
                raise forbidden("Parts of what it contains are masked for you: change the rest by PATCH")

    def _may(self, letters: str, resource: JsonObject) -> bool:
        where = self.condition(letters, resource["resourceType"])
        if isinstance(where, Everything | Nothing):
            return isinstance(where, Everything)
        return self._matches(where, resource)

    def check_stated(self, resource: JsonObject) -> None:
        """Refuse (403) a statement about other patients than those that may be written about."""
        allowed = self._permissions.patients
        if allowed and not patients(resource) <= allowed:
            raise forbidden(
                f"This {resource['resourceType']} is about another patient than you may write about"
            )

    # what may be asked

    def check(self, type: str, asked: Expression | SortKey) -> None:
        """Refuse (403) to ask about what is masked, also where it lies in another resource."""
        if isinstance(asked, WordIs | PhraseIs):
            self._check_words(type, asked.param)
            return
        for mask in self._permissions.masked(type):
            param = _param(asked)
            if not self._is_read(type, param, mask):
                continue
            if _is_of_another_system(asked, mask):
                continue
            hint = (
                "; name the system"
                if isinstance(asked, TokenIs) and mask.system and asked.system is None
                else ""
            )
            raise forbidden(f"'{param}' of {type} is masked for you{hint}")

    def _check_words(self, type: str, param: str) -> None:
        """Nobody knows of a word where in a resource it stands, or in what lies in it."""
        masked = self._permissions.masks if param == "_content" else self._permissions.masked(type)
        if masked:
            raise forbidden(f"Words of {type} cannot be searched for: parts may be masked for you")

    def _is_read(self, type: str, param: str, mask: Mask) -> bool:
        """Whether a search parameter, also one that users defined, looks at what is masked."""
        known = self._store.parameters.current.of(type).get(param)
        if known is None:
            return False
        texts = (known.expression, *(one.expression for one in known.components))
        return any(mask.is_read_by(text) for text in texts)


def _is_topic(basic: JsonObject) -> bool:
    codings = basic.get("code", {}).get("coding", ())
    return any(one.get("code") == _TOPIC for one in codings)


def _is_of_another_system(asked: Expression | SortKey, mask: Mask) -> bool:
    """Whether only values of another system are asked for than that which is masked. What is derived of a token
    (``identifier:of-type``) has another system: that of the type."""
    if not isinstance(asked, TokenIs) or ":" in asked.param or not mask.system:
        return False
    return asked.system not in (None, mask.system)


def _param(asked: Expression | SortKey) -> str:
    """The parameter that a predicate is about, without what is derived of it."""
    if isinstance(asked, Differs):
        return _param(asked.of)
    if isinstance(asked, IdIs | LastUpdated | Everything | Nothing):
        return ""
    return str(getattr(asked, "param", "")).partition(":")[0]


class _Asked(NamedTuple):
    """What a condition asks of a resource: by values of which parameters (None: all of it), whether of the time.

    ``references``: where that is all, the parameter, type and id of each, any of which suffices.
    """

    codes: frozenset[str] | None
    timed: bool
    references: frozenset[tuple[str, str, str]]


@lru_cache(maxsize=4096)
def _asked(where: Expression) -> _Asked:
    timed = any(isinstance(leaf, LastUpdated) for leaf in leaves(where))
    either = where.of if isinstance(where, Or) else (where,)
    references = [(e.param, e.type, e.target) for e in either if isinstance(e, ReferenceIs) and e.type]
    only = frozenset(references) if len(references) == len(either) else frozenset[tuple[str, str, str]]()
    return _Asked(asked_of(where), timed, only)


class _Alone:
    """A world of one resource: conditions of permissions ask nothing of others."""

    def entry(self, type: str, id: str) -> Entry | None:
        return None

    def entries(self, type: str) -> Iterable[Entry]:
        return ()
