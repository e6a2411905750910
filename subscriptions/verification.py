"""The verification follower: claims below their gate go to the judge and, where needed, to an operator.

Claims that rest on a conversation wait until its transcript is there, but not for ever: a conversation whose
transcript does not come goes to review as unverified. Other claims are handled as they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from fhirserver.kernel.instants import Clock, SystemClock, parse_instant
from fhirserver.ports.judge import Evidence, Judge
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Key
from fhirserver.store.commands import Decide, Write
from fhirserver.store.review_items import reviewed
from fhirserver.store.store import Store
from fhirserver.world.entity import source_of
from fhirserver.world.policy import Policy
from fhirserver.world.sources import Source
from fhirserver.world.voices import last, origin_of, speaker, voice
from subscriptions.assessment import assess, disagreeing
from subscriptions.conversations import JUDGED, OPEN, OVERDUE, Said, conversation, evidence_in, waiting
from subscriptions.transcripts import conversation_of, transcript_of

PATIENCE_SECONDS = 600.0


class Verification:
    """Follows the log; see the module. ``sources`` are those of the settings.

    ``patience``: seconds without a new claim after which a conversation without transcript is given up.
    """

    name = "verification"

    def __init__(
        self,
        store: Store,
        policy: Policy,
        judge: Judge,
        sources: Mapping[str, Source],
        patience: float = PATIENCE_SECONDS,
        clock: Clock | None = None,
    ):
        self._store, self._policy, self._judge = store, policy, judge
        self._sources = sources
        self._patience, self._clock = timedelta(seconds=patience), clock or SystemClock()
        self._rivals = _rivals(sources)
        self._waiting: dict[str, datetime] | None = None

    async def effects(self, commits: Sequence[Commit]) -> Sequence[Write]:
        """Rulings and review items that follow from the commits."""
        said = [one for commit in commits for one in self._assertions(commit)]
        ended = {talk for commit in commits for talk in _ended(commit)}
        talks = dict.fromkeys([*(one.conversation for one in said if one.conversation), *sorted(ended)])
        ready = [one for one in said if not one.conversation]
        transcripts: dict[str, Evidence] = {}
        writes: list[Write] = []
        for talk in talks:
            heard = [one for one in said if one.conversation == talk]
            ready += await self._heard(talk, heard, commits[-1].recorded, transcripts, writes)
        return [*writes, *await self._resources(ready, transcripts, self._contested(commits))]

    def _assertions(self, commit: Commit) -> list[Said]:
        """The commit's assertions by sources that are not simply believed, where the policy wants a check."""
        found = []
        for event in commit.events:
            if event["e"] != "asserted" or self._policy.rule(event["type"], "*").verification == "none":
                continue
            source = source_of(event, commit)
            known = self._sources.get(speaker(source))
            if known is None or known.authoritative or known.kind in ("system", "operator"):
                continue
            talk, turns = evidence_in(event.get("entity") or commit.statement.entity)
            found.append(Said(Key(event["type"], event["id"]), source, commit.position, talk, turns))
        return found

    async def _heard(
        self,
        talk: str,
        said: Sequence[Said],
        at: str,
        transcripts: dict[str, Evidence],
        writes: list[Write],
    ) -> Sequence[Said]:
        """Add to what was claimed in a conversation; with its transcript there, all of that is to be judged."""
        heard = (await conversation(self._store, talk)).heard(said, at)
        evidence = await transcript_of(self._store, talk) if heard.said else None
        if evidence is not None:
            transcripts[talk] = evidence
            self._no_longer(talk)
            writes.append(heard.note(JUDGED))
            return heard.said
        if said:
            if self._waiting is not None:
                self._waiting[talk] = parse_instant(heard.since)
            writes.append(heard.note(OPEN))
        return ()

    def _no_longer(self, talk: str) -> None:
        if self._waiting is not None:
            self._waiting.pop(talk, None)

    async def overdue(self) -> Sequence[Write]:
        """Review items for the conversations whose transcript does not come."""
        if self._waiting is None:
            open_talks = await waiting(self._store)
            self._waiting = {talk.reference: parse_instant(talk.since) for talk in open_talks}
        late = self._clock.now() - self._patience
        for talk in [talk for talk, since in self._waiting.items() if since <= late]:
            since = await self._touched(talk)
            if since is not None and since > late:
                self._waiting[talk] = since
                continue
            heard = await conversation(self._store, talk)
            self._no_longer(talk)
            if heard.state == OPEN and heard.said:
                return [heard.note(OVERDUE), *await self._resources(heard.said, {}, ())]
        return ()

    async def _touched(self, talk: str) -> datetime | None:
        """When the conversation's own record was last written."""
        type, _, id = talk.partition("/")
        version = await self._store.read(type, id)
        return parse_instant(version.recorded) if version else None

    def _contested(self, commits: Sequence[Commit]) -> Iterable[Key]:
        """The resources about which a source spoke that has rivals. About a new one (``pk``) nobody else has."""
        return {
            Key(event["type"], event["id"]): None
            for commit in commits
            for event in commit.events
            if event["e"] == "asserted"
            and "pk" not in event
            and speaker(source_of(event, commit)) in self._rivals
        }

    async def _resources(
        self, said: Sequence[Said], transcripts: Mapping[str, Evidence], contested: Iterable[Key]
    ) -> list[Write]:
        by_resource: dict[Key, list[Said]] = {key: [] for key in contested}
        for one in said:
            now = await self._merged_since(one)
            by_resource.setdefault(now.key, []).append(now)
        writes: list[Write] = []
        for key, assertions in by_resource.items():
            writes += await self._resource(key, assertions, transcripts)
        return writes

    async def _merged_since(self, one: Said) -> Said:
        """What was said, of what it is about by now: that may have been merged, or the merge undone, meanwhile."""
        origin, speaks = origin_of(one.source), speaker(one.source)
        if str(one.key) not in await self._store.merges.recent() and not origin:
            return one
        about = Key(one.key.type, last(origin) if origin else one.key.id)
        entity, now = await self._store.standing(*about)
        return replace(one, key=entity.key, source=voice(speaks, now)) if entity else one

    async def _resource(
        self, key: Key, said: Sequence[Said], transcripts: Mapping[str, Evidence]
    ) -> list[Write]:
        entity = await self._store.entity(*key)
        if entity is None or entity.deleted:
            return []
        findings = await assess(self._store, self._policy, self._judge, entity, said, transcripts)
        known = {(claim.unit, claim.source) for claim in findings.review}
        rivals = disagreeing(entity, self._policy, self._rivals)
        findings.review += [claim for claim in rivals if (claim.unit, claim.source) not in known]
        writes: list[Write] = []
        if findings.rulings:
            writes.append(Decide(*key, findings.rulings))
        item = await reviewed(self._store, entity, findings.review, findings.settled, findings.conversation)
        return [*writes, item] if item else writes


def _rivals(sources: Mapping[str, Source]) -> frozenset[str]:
    """The sources that are simply believed, where there are several: only they can contradict each other
    without one being below a gate."""
    believed = {id for id, source in sources.items() if source.authoritative and source.kind != "system"}
    return frozenset(believed) if len(believed) > 1 else frozenset()


def _ended(commit: Commit) -> list[str]:
    """Conversations whose transcript this commit brought."""
    return [
        found
        for event in commit.events
        if event["e"] == "asserted" and event["type"] == "DocumentReference"
        if (found := conversation_of(event["content"]))
    ]
