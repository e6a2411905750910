"""Who said what on what evidence: the commits behind claims and rulings, and the turns of transcripts they name."""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.judge import Evidence
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Key
from fhirserver.store.as_of import commit_at, is_about
from fhirserver.store.store import Store
from fhirserver.store.transcripts import transcript_of
from fhirserver.world.entity import source_of
from fhirserver.world.evidence import Rests, Word, evidence_in, turns_in


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
            source or statement.source,
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
            if is_about(event, self._key) and source_of(event, commit) == source
        )
        return next(mine, {})

    async def _rests(self, entity: JsonObject) -> Rests:
        conversation, turns = evidence_in([entity])
        if not conversation:
            return Rests(entity, turns_in(entity))
        if conversation not in self._transcripts:
            self._transcripts[conversation] = await transcript_of(self._store, conversation)
        transcript = self._transcripts[conversation]
        heard = [turn for turn in transcript.turns if turn.number in turns] if transcript else []
        return Rests(entity, turns, tuple(heard))
