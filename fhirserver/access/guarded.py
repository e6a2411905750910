"""The store as somebody with permissions sees it: what is not theirs is not there, and cannot be written.

Interactions and operations work with it as with any store, so none of them can forget to ask. What it does not
answer in a narrowed way it refuses (403): a way into the store that nobody has thought of is closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from fhirserver.access.audit.hidden import AUDIT
from fhirserver.access.guarded_past import GuardedPast
from fhirserver.access.masks import masked
from fhirserver.access.owners import Owned
from fhirserver.access.permissions import OWNED, Permissions, Reading
from fhirserver.access.visibility import Visibility, forbidden
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.storage import Fact, HistoryPage, HistoryQuery, Key, Page, Version
from fhirserver.search.expression import Everything, Expression, Query, asks_of
from fhirserver.search.narrowing import narrowed, narrowed_to
from fhirserver.store.as_of import Moment, moment, version_as_of
from fhirserver.store.commands import Amend, Command, Outcome, Put, Remove, Write, Written, touched
from fhirserver.store.draft import check_version
from fhirserver.store.past import Past
from fhirserver.store.provenance import DERIVED, without_others
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.ledger import Ledger

MOST_IN_HISTORY = 10_000
"""Resources whose common history somebody with permissions may ask for."""
_HISTORY_PAGES = 50
"""Pages without anything to show that are read in search of one with something."""


class GuardedStore(Store):
    """``letter`` is the permission by which resources are read one by one: ``r`` for a read, ``rs`` for what leads on
    from other resources."""

    def __init__(
        self, store: Store, permissions: Permissions, reading: Reading, owned: Owned, letters: str = "rs"
    ):
        self._store, self._owned, self._read = store, owned, store.storage.read
        self._permissions, self._reading, self._letters = permissions, reading, letters
        self._visibility = Visibility(store, permissions, reading, owned)
        self.parameters, self.contained, self.merges = store.parameters, store.contained, store.merges
        self.policies, self.head = store.policies, store.head
        for name in (
            "storage",
            "arrivals",
            "indexing",
            "_committer",
            "_tail",
            "_running",
            "_derive",
            "_clock",
        ):
            setattr(self, name, _Closed())

    # reads

    async def read(self, type: str, id: str) -> Version | None:
        # straight from the storage: each store in between costs a twentieth of a read
        version = await (self._store.read if type == AUDIT else self._read)(type, id)
        if version is None or self._visibility.is_plain(version, self._letters):
            return version
        return await self._shown(version)

    async def read_version(self, type: str, id: str, version: int) -> Version | None:
        """None also where what the resource is by now may not be seen: it was somebody else's all along, or has become
        confidential."""
        found = await self._store.read_version(type, id, version)
        return None if found is None else await self._shown_then(found)

    async def history(self, type: str, id: str, count: int, before: int | None = None) -> Sequence[Version]:
        if await self.read(type, id) is None:
            return []
        return await self._all_shown(await self._store.history(type, id, count, before))

    async def entity(self, type: str, id: str) -> Entity | None:
        """Where parts of the type are masked nothing is told of its claims, which have them whole (403)."""
        entity = await self._store.entity(type, id)
        if entity is None or not await self._visibility.of(entity.as_version(), self._letters):
            return None
        if self._permissions.masked(type):
            raise forbidden(f"Parts of {type} are masked for you; what sources said of it is not shown")
        return entity

    async def standing(self, type: str, id: str) -> tuple[Entity | None, str]:
        if await self.entity(type, id) is None:
            return None, ""
        entity, origin = await self._store.standing(type, id)
        if entity is not None and not await self._visibility.of(entity.as_version(), self._letters):
            return None, ""
        return entity, origin

    async def ledger(self, type: str, id: str) -> Ledger | None:
        entity = await self.entity(type, id)
        return entity.ledger if entity else None

    async def search(self, query: Query) -> Page:
        if self._permissions.sees_all and not asks_of(query, OWNED):
            return await self._store.search(query)
        page = await self._store.search(await self._narrowed(query))
        trimmed = self._permissions.patients and query.type in ("", DERIVED)
        if not self._permissions.masks and not trimmed:
            return page
        return replace(page, versions=[self._masked(one) for one in page.versions])

    async def count(self, query: Query) -> int:
        return await self._store.count(await self._narrowed(query))

    async def _narrowed(self, query: Query) -> Query:
        await self._visibility.find_own((query.type, *query.types))
        return narrowed(query, self._visibility.to_search, self._visibility.check)

    async def select_history(self, query: HistoryQuery) -> HistoryPage:
        """Versions that may be seen. A page may have fewer than asked for."""
        if query.id and await self.read(query.type, query.id) is None:
            return HistoryPage(())
        asked = await self._among(query)
        for _ in range(_HISTORY_PAGES):
            page = await self._store.select_history(asked)
            shown = await self._all_shown(page.versions)
            if shown or page.after is None:
                break
            asked = replace(asked, after=page.after)
        return HistoryPage(shown, page.after)

    async def count_history(self, query: HistoryQuery) -> int | None:
        """Not told: it would say how much there is that is not shown."""
        return None

    async def _among(self, query: HistoryQuery) -> HistoryQuery:
        """The history of what may be found now, where it is not that of one resource."""
        if query.id or (query.type and self._permissions.may_all("rs", query.type)):
            return query
        types = [query.type] if query.type else sorted(self._visibility.types())
        found: set[Key] = set()
        for type in types:
            left = MOST_IN_HISTORY - len(found)
            page = await self._store.search(await self._narrowed(Query(type, count=left + 1)))
            found.update(Key(one.type, one.id) for one in page.versions)
            if len(found) > MOST_IN_HISTORY:
                text = f"The history of more than {MOST_IN_HISTORY} resources is not shown; ask for a narrower one"
                raise refuse(Category.UNPROCESSABLE, "too-costly", text)
        among = frozenset(found) if query.among is None else frozenset(found) & query.among
        return replace(query, among=among)

    async def _shown(self, version: Version | None) -> Version | None:
        """The version, without what is masked; None where it may not be seen."""
        if version is None or self._visibility.is_plain(version, self._letters):
            return version
        return self._masked(version) if await self._visibility.of(version, self._letters) else None

    async def _all_shown(self, versions: Iterable[Version]) -> list[Version]:
        return [shown for one in versions if (shown := await self._shown(one)) is not None]

    def _masked(self, version: Version) -> Version:
        """The version without what is masked in it, and a Provenance without what it says of others."""
        patients = self._permissions.patients if version.type == DERIVED else ()
        masks = [mask for mask in self._permissions.masks if mask.may_be_in(version.type, version.content)]
        if not version.content or not (masks or patients):
            return version
        resource: JsonObject = loads(version.content)
        shown = masked(resource, masks)
        if patients:
            shown = without_others(shown, patients)
        return version if shown is resource else version._replace(content=dumps(shown))

    # the past

    async def moment(self, text: str, name: str) -> Moment:
        """The moment that a date or time names. Positions of the log are refused (403): by them everybody's writes
        could be counted."""
        if text.isdigit():
            raise forbidden(f"{name} is a date or time for you: positions of the log tell what others do")
        found = await moment(self._store, text, name)
        return found._replace(named=found.recorded or text)

    async def version_at(self, key: Key, at: Moment) -> Version | None:
        """What a resource was at a moment."""
        then = await version_as_of(self._store, key, at)
        return None if then is None else await self._shown_then(then)

    def past(self, at: Moment, patients: Iterable[str]) -> Past:
        """What the compartments of patients held at a moment."""
        return GuardedPast(self._store, at, patients, self._narrowed, self._shown_then)

    async def _shown_then(self, version: Version) -> Version | None:
        """A version of the past; None also where what the resource is by now may not be seen."""
        return None if await self.read(version.type, version.id) is None else await self._shown(version)

    # what others contain

    def check(self, query: Query) -> None:
        """Refuse (403) a query of contained resources that asks for what is masked."""
        narrowed(query, lambda _: Everything(), self._visibility.check)

    async def may_find(self, key: Key) -> bool:
        """Whether a search may tell of a resource, and so of what it contains."""
        version = await self._store.read(*key)
        return version is not None and not version.deleted and await self._visibility.of(version, "s")

    # what becomes of Subscriptions

    @property
    def patients(self) -> frozenset[str]:
        """The only patients of whom anything may be known; empty where it is any."""
        return self._permissions.patients

    def may_see(self, type: str) -> bool:
        """Whether there is anything of the type that may be read or found."""
        return self._permissions.may("rs", type)

    async def shows(self, version: Version) -> bool:
        """Whether a version may be seen; a deletion as what was deleted may."""
        return await self._visibility.of(version, "rs")

    def narrow(self, type: str, where: Expression) -> Expression:
        """What is asked of one resource of a type, and of others as far as they may be known. Raises a refusal (403)
        for what may not be asked."""
        return narrowed_to(type, where, self._visibility.to_search, self._visibility.check)

    # writes

    async def submit(self, command: Command) -> Outcome:
        return await self._told(await self._store.submit(await self._admitted(command)))

    async def rehearse(self, command: Command) -> Outcome:
        return await self._told(await self._store.rehearse(await self._admitted(command)))

    def prepared(self, put: Put) -> Put:
        return self._store.prepared(put)

    async def _admitted(self, command: Command) -> Command:
        """The command as it may be given. Raises a refusal (403, 404) that names the write."""
        for number, write in enumerate(command.writes):
            try:
                await self._check(write)
            except Refusal as refusal:
                refusal.write = number
                raise
        conditions = {name: await self._condition(query) for name, query in command.conditions.items()}
        writes = [self._partial(write, command) for write in command.writes]
        return replace(command, conditions=conditions, writes=writes, admits=self._visibility.admits)

    async def _condition(self, query: Query) -> Query:
        if not self._permissions.may("s", query.type):
            raise forbidden(f"A condition searches {query.type}, which you may not")
        return await self._narrowed(query)

    async def _check(self, write: Write) -> None:
        """Refuse what may not be written, and what is not there for the reader."""
        if not isinstance(write, Put | Amend | Remove):
            self._refuse_acts(write)
            return
        letters = (
            "d"
            if isinstance(write, Remove)
            else "u"
            if isinstance(write, Amend)
            else "c"
            if write.create
            else "cu"
        )
        if not self._permissions.may(letters, write.type):
            raise forbidden(f"You may not write {write.type} so")
        if isinstance(write, Put):
            self._visibility.check_stated({**write.content, "resourceType": write.type, "id": write.id})
        elif isinstance(write, Amend) and self._permissions.masked(write.type):
            raise forbidden(
                f"Parts of {write.type} are masked for you: state what you know by PUT instead of PATCH"
            )
        for key in touched(write):
            await self._check_there(write, key)

    async def _check_there(self, write: Put | Amend | Remove, key: Key) -> None:
        version = await self._store.read(*key)
        if version is None and self._hides_nothing(write, key):
            return
        if version is not None and await self._visibility.of(version, "cruds"):
            return
        check_version(None, *key, write.if_match)
        if isinstance(write, Put):
            raise forbidden(f"You may not write {key}")
        raise _unknown(key)

    def _hides_nothing(self, write: Put | Amend | Remove, key: Key) -> bool:
        """Whether it may be told that there is nothing to be deleted. To whom some of the type is not shown, that would
        tell it from what is there and is not theirs."""
        return not isinstance(write, Remove) or not key.id or self._permissions.may_all("d", key.type)

    def _refuse_acts(self, write: Write) -> None:
        """Acts on claims are for those who may change all of the type."""
        type = getattr(write, "type", "")
        if not type or not self._permissions.may_all("ru", type):
            raise forbidden("This act needs unrestricted access to the type")

    def _partial(self, write: Write, command: Command) -> Write:
        """Whoever does not see all of a resource does not speak of all of it."""
        if not isinstance(write, Put) or write.create or not self._permissions.masked(write.type):
            return write
        return replace(write, statement=replace(write.statement or command.statement, mode="partial"))

    async def _told(self, outcome: Outcome) -> Outcome:
        return replace(outcome, results=tuple([await self._told_of(one) for one in outcome.results]))

    async def _told_of(self, written: Written) -> Written:
        """What became of a write, with the resource only for those who may read it."""
        version = written.version
        if version is None or version.deleted:
            return written
        shown = await self._shown_after(version)
        return written if shown is version else replace(written, version=shown)

    async def _shown_after(self, version: Version) -> Version:
        if await self._visibility.of(version, "r"):
            return self._masked(version)
        return version._replace(content=b"")

    # what is nobody's

    def extract(self, resource: JsonObject, codes: frozenset[str] | None = None) -> Sequence[Any]:
        return self._store.extract(resource, codes)

    def now(self) -> str:
        return self._store.now()

    async def derive_provenance(self, until: int | None = None) -> None:
        await self._store.derive_provenance(until)

    async def is_derived(self, type: str, id: str) -> bool:
        return await self._store.is_derived(type, id)

    async def fact(self, kind: str, key: str) -> Fact | None:
        """Only what is known of one's own Subscriptions."""
        if not await self._owned.may_know(kind, key):
            _refuse_inside()
        return await self._store.fact(kind, key)

    async def facts(self, kind: str, prefix: str = "") -> Sequence[Fact]:
        _refuse_inside()

    async def facts_named(self, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Fact]:
        _refuse_inside()

    async def in_use(self, type: str, param: str) -> Sequence[tuple[str, str]]:
        if not self._permissions.may_all("rs", type):
            _refuse_inside()
        return await self._store.in_use(type, param)

    async def open(self) -> None:
        _refuse_inside()

    async def close(self) -> None:
        _refuse_inside()


def _unknown(key: Key) -> Refusal:
    """404, as a read says it."""
    return refuse(Category.NOT_FOUND, "not-found", f"{key} is not known", key.type)


class _Closed:
    """Stands where a store has what only the server itself may use."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        _refuse_inside()


def _refuse_inside() -> NoReturn:
    raise forbidden("This is only answered to those whose access is not restricted")
