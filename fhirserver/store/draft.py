"""The commit in the making: one command being decided, its events and what they make of the entities."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from fhirserver.kernel.ids import new_id
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.kernel.references import path_of_reference
from fhirserver.model.links import relink as with_links
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Fact, Key
from fhirserver.store.commands import ANY_VERSION, Command, Note, Prepared, Put
from fhirserver.store.links import links_now
from fhirserver.store.resolution import matched_after
from fhirserver.store.state import Matches, Policies, State
from fhirserver.store.statements import is_news_of_old
from fhirserver.world.entity import Entity, apply
from fhirserver.world.units import same
from fhirserver.world.voices import path


class Draft:
    """One command being decided. Collects events and the entities after them."""

    def __init__(self, state: State, command: Command, policies: Policies, recorded: str, matches: Matches):
        self.state, self.command, self.policies, self.matches = state, command, policies, matches
        self.commit = Commit(state.position + 1, new_id(), recorded, state.serial, command.statement)
        self.serial = state.serial
        self.events: list[JsonObject] = []
        self.entities: dict[Key, Entity] = {}
        self.facts: dict[tuple[str, str], Fact] = {}
        self.merged = state.merged
        self.conditional: set[Key] = set()
        self.meant: dict[str, Sequence[Key]] = {}
        self.prepared: dict[Key, Prepared] = {}

    def entity(self, key: Key) -> Entity | None:
        return self.entities.get(key) or self.state.entities.get(key)

    def existing(self, type: str, id: str, if_match: int | None) -> Entity:
        entity = self.entity(Key(type, id))
        check_version(entity, type, id, if_match)
        if entity is None:
            raise refuse(Category.NOT_FOUND, "not-found", f"{type}/{id} is not known", type)
        if entity.deleted:
            raise refuse(Category.GONE, "deleted", f"{type}/{id} was deleted", type)
        return entity

    def refuse_twice(self, key: Key, conditional: bool) -> None:
        """Refuse a conditional update of what another write of the command states, and the other way round."""
        if key in self.conditional or (conditional and key in self.entities):
            text = "Two writes are about the same resource"
            raise refuse(Category.INVALID, "duplicate", text, key.type)
        if conditional:
            self.conditional.add(key)

    def record(self, event: JsonObject) -> tuple[Entity, bool]:
        """Apply an event; keep it only where it is news. Returns the entity and whether its world changed."""
        key = Key(event["type"], event["id"])
        before = self.entity(key)
        if before is not None and before.pk < 0:
            text = "This resource is derived from the log: it can be read, not changed"
            raise refuse(Category.NOT_ALLOWED, "not-supported", text, key.type)
        if before is None:
            event["pk"] = self.serial + 1
        after = self._following(before, event)
        if after is not before and (guard := self.policies.guards.get(key.type)):
            guard(before.json if before else {}, after.json, self.command.statement)
        if self.command.admits is not None:
            self.command.admits(*key, before.json if before else {}, after.json)
        if after is before and not is_news_of_old(before, event, self.commit):
            return after, False
        self.serial += before is None
        fresh = before is None or after.version != before.version
        event["version"] = after.version
        self.events.append(event)
        if after is not before:
            self.entities[key] = after
        return after, fresh

    def _following(self, before: Entity | None, event: JsonObject) -> Entity:
        """What an event makes of an entity, whose references then lead where merges say."""
        after = apply(before, event, self.commit)
        if not self.merged and not after.ledger.links:
            return after
        links = links_now(after, self.merged)
        if links == after.ledger.links:
            return after
        event["links"] = links
        return apply(before, event, self.commit)

    def standing(self, entity: Entity) -> tuple[Entity, str]:
        """What holds the claims about a resource, and the origin that these have there."""
        ids: list[str] = []
        while entity.ledger.into:
            ids.append(entity.key.id)
            into = self.entity(Key(entity.key.type, entity.ledger.into))
            assert into is not None, "the committer loads what a resource was merged into"
            entity = into
        return entity, path(ids)

    def redirect(self, before: Entity | None, event: JsonObject) -> Entity | None:
        """Have an event be about what its resource was merged into, if it was. Returns what it is about."""
        if before is None or not before.ledger.into:
            return before
        before, event["origin"] = self.standing(before)
        event["id"] = before.key.id
        return before

    def check_may_write(self, type: str) -> None:
        """Refuse (403) a source that may not write the type."""
        source = self.policies.source(self.command.statement.source)
        source.confidence(None, type)

    def fact(self, kind: str, key: str) -> Fact | None:
        return self.facts.get((kind, key)) or self.state.facts.get((kind, key))

    def note(self, note: Note) -> None:
        """Keep a fact; it makes an event where it is news."""
        before = self.fact(note.kind, note.key)
        if note.advance and before is not None and before.value["position"] >= note.value["position"]:
            text = f"{note.kind} '{note.key}' is already past that position"
            raise refuse(Category.CONFLICT, "conflict", text)
        if before is None or not same(before.value, note.value):
            self.facts[note.kind, note.key] = Fact(note.kind, note.key, note.value, self.commit.position)
            self.events.append({"e": "noted", "kind": note.kind, "key": note.key, "value": note.value})

    def resolve(self, type: str, content: JsonObject) -> JsonObject:
        """The content with conditional references, and links to what is not made, leading to what matches."""
        if not self.matches:
            return content
        content = {**content, "resourceType": type}
        substitutes = self.substitutes

        def find(reference: str) -> str | None:
            if reference in self.matches:
                return str(self.one_match(reference, content))
            return substitutes.get(reference)

        return with_links(content, substitutes.get, find)

    def one_match(self, condition: str, content: JsonObject) -> Key:
        """What a conditional reference means once the command is done."""
        if condition not in self.meant:
            found, query = self.matches[condition], self.command.conditions[condition]
            writes, recorded = self.command.writes, self.commit.recorded
            self.meant[condition] = matched_after(query, found, writes, self.target, recorded)
        keys = self.meant[condition]
        if len(keys) == 1:
            return keys[0]
        raise refuse(
            Category.PRECONDITION_FAILED,
            "multiple-matches" if keys else "not-found",
            f"A conditional reference matches {'more than one' if keys else 'no'} resource",
            path_of_reference(content, condition),
        )

    @cached_property
    def substitutes(self) -> dict[str, str]:
        """Where links lead that mean a conditional create or update of the command, if it has a match."""
        targets = {
            f"{write.type}/{write.id}": str(self.target(write))
            for write in self.command.writes
            if isinstance(write, Put) and (write.unless or write.where)
        }
        return {place: target for place, target in targets.items() if place != target}

    def target(self, put: Put) -> Key:
        """What a create or update is about: its own id, or that of the one resource its condition matches."""
        keys = self.matching(put)
        return keys[0] if len(keys) == 1 else Key(put.type, put.id)

    def matching(self, put: Put) -> Sequence[Key]:
        """What the condition of a create or update matches; that of a create after the command's deletes."""
        keys = self.matches[put.unless or put.where] if put.unless or put.where else ()
        if not put.unless:
            return keys
        return [key for key in keys if not ((found := self.entities.get(key)) and found.deleted)]

    def targets(self, type: str, keys: Sequence[Key], most: int = 1) -> Sequence[Key]:
        """The targets that a condition found: at most ``most``, and nothing that is spared."""
        if len(keys) > most:
            allowed = "one resource" if most == 1 else f"{most} resources"
            text = f"The condition matches more than {allowed}"
            raise refuse(Category.PRECONDITION_FAILED, "multiple-matches", text, type)
        if not self.command.spared.isdisjoint(keys):
            text = "The condition matches one of the server's own definitions: it can be read, not changed"
            raise refuse(Category.NOT_ALLOWED, "not-supported", text, type)
        return keys


def check_version(entity: Entity | None, type: str, id: str, if_match: int | None) -> None:
    """Refuse with 412 where the caller saw another version than the current one."""
    if if_match is None:
        return
    current = entity.version if entity and not entity.deleted else None
    if current != if_match and (current is None or if_match != ANY_VERSION):
        now = "it does not exist" if current is None else f"the current version is {current}"
        text = f"{type}/{id}: If-Match asks for another version, {now}"
        raise refuse(Category.PRECONDITION_FAILED, "conflict", text, type)
