"""Who said what on what evidence: the commits behind claims and rulings, and the turns of transcripts they name."""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.judge import Evidence
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Key
from fhirserver.store.as_of import commit_at
from fhirserver.store.store import Store
from fhirserver.store.transcripts import transcript_of
from fhirserver.world.entity import source_of
from fhirserver.world.evidence import Rests, Word, evidence_in, turns_in
from fhirserver.world.voices import last, origin_of, speaker


class Words:
    """Looks up the words about one resource; each commit and each transcript is read once."""

    def __init__(self, store: Store, key: Key):
        self._store, self._key = store, key
        self._known: dict[tuple[int, str], Word] = {}
        self._transcripts: dict[str, Evidence | None] = {}

    async def at(self, position: int, source: str = "") -> Word:
        """What ``source`` said about the resource in the commit at a position; with "" the commit's own word."""
        if (position, source) not in self._known:
            commit = await commit_at(self._store, position)
            self._known[position, source] = await self._word(commit, source)
        return self._known[position, source]

    async def _word(self, commit: Commit, source: str) -> Word:
        statement, event = commit.statement, self._event(commit, source)
        entities = event.get("entity") or statement.entity
        return Word(
            commit.position,
            commit.id,
            commit.recorded,
            speaker(source) or statement.source,
            statement.principal,
            event.get("method") or statement.method,
            tuple(event.get("agent") or statement.agent),
            tuple([await self._rests(entity) for entity in entities]),
        )

    def _event(self, commit: Commit, source: str) -> JsonObject:
        """The source's statement in the commit; nothing where it is the commit's own."""
        mine = (
            event
            for event in commit.events
            if self._is_about(event, source) and speaker(source_of(event, commit)) == speaker(source)
        )
        return next(mine, {})

    def _is_about(self, event: JsonObject, voice: str) -> bool:
        """Whether the event is about the resource, or about one that a merge made one with it, before or since."""
        if event["e"] == "noted" or event["type"] != self._key.type:
            return False
        ids = {self._key.id, *origin_of(voice).split("/")}
        return event["id"] in ids or last(event.get("origin", "")) == self._key.id

    async def _rests(self, entity: JsonObject) -> Rests:
        conversation, turns = evidence_in([entity])
        if not conversation:
            return Rests(entity, turns_in(entity))
        if conversation not in self._transcripts:
            self._transcripts[conversation] = await transcript_of(self._store, conversation)
        transcript = self._transcripts[conversation]
        heard = [turn for turn in transcript.turns if turn.number in turns] if transcript else []
        return Rests(entity, turns, tuple(heard))
