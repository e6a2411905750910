"""The verification follower: claims below their gate go to the judge and, where needed, to an operator.

Claims that rest on a conversation wait until its transcript is there, but not for ever: a conversation whose
transcript does not come goes to review as unverified. A transcript that a second recogniser is still to be heard on
waits as long for that, and is then judged without it. Other claims are handled as they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from fhirserver.kernel.instants import Clock, SystemClock, parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.judge import Evidence, Judge
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Key
from fhirserver.store.commands import Decide, Write
from fhirserver.store.review_items import outdated, reviewed
from fhirserver.store.store import Store
from fhirserver.store.transcripts import FORM, conversation_of, transcript_of
from fhirserver.world.entity import source_of
from fhirserver.world.evidence import evidence_in
from fhirserver.world.judge.agreement import RULES
from fhirserver.world.policy import Policy
from fhirserver.world.rules import codes_of
from fhirserver.world.sources import Source
from fhirserver.world.voices import last, origin_of, speaker, voice
from subscriptions.assessment import assess, disagreeing
from subscriptions.conversations import JUDGED, OPEN, OVERDUE, Said, conversation, waiting
from subscriptions.opinions import WANTED, opinion

PATIENCE_SECONDS = 600.0


class Verification:
    """Follows the log; see the module. ``sources`` are those of the settings.

    ``patience``: seconds without a new claim after which a conversation without transcript is given up.
    ``mode``: what a second judge is asked (:mod:`fhirserver.world.judge.agreement`). ``handled``: the last
    position that was looked at.
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
        mode: str = RULES,
    ):
        self._store, self._policy, self._judge = store, policy, judge
        self._mode = mode
        self.handled = 0
        self._sources = sources
        self._patience, self._clock = timedelta(seconds=patience), clock or SystemClock()
        self._rivals = _rivals(sources)
        self._waiting: dict[str, datetime] | None = None

    async def effects(self, commits: Sequence[Commit]) -> Sequence[Write]:
        """Rulings and review items that follow from the commits."""
        said = [one for commit in commits for one in self.assertions(commit)]
        ended = {talk for commit in commits for talk in _ended(commit)}
        contested, at = self._contested(commits), commits[-1].recorded
        writes = await self.handle(said, ended, at, contested, _taken_back(commits))
        self.handled = commits[-1].position
        return writes

    async def handle(
        self,
        said: Sequence[Said],
        ended: Iterable[str],
        at: str,
        contested: Iterable[Key] = (),
        taken_back: Sequence[Key] = (),
    ) -> Sequence[Write]:
        """What follows from assertions, from conversations that ended, and from claims that were taken back."""
        talks = dict.fromkeys([*(one.conversation for one in said if one.conversation), *sorted(ended)])
        ready = [one for one in said if not one.conversation]
        transcripts: dict[str, Evidence] = {}
        writes: list[Write] = []
        for talk in talks:
            heard = [one for one in said if one.conversation == talk]
            ready += await self._heard(talk, heard, at, transcripts, writes)
        return [*writes, *await self._resources(ready, transcripts, contested, at, taken_back)]

    def assertions(self, commit: Commit) -> list[Said]:
        """The commit's assertions by sources that are not simply believed, where the policy wants a check."""
        found = []
        for event in commit.events:
            if event["e"] != "asserted" or not self._wants_check(event):
                continue
            source = source_of(event, commit)
            known = self._sources.get(speaker(source))
            if known is None or known.authoritative or known.kind in ("system", "operator"):
                continue
            talk, turns = evidence_in(event.get("entity") or commit.statement.entity)
            found.append(Said(Key(event["type"], event["id"]), source, commit.position, talk, turns))
        return found

    def _wants_check(self, event: JsonObject) -> bool:
        return self._policy.rule(event["type"], "*", codes_of(event["content"])).verification != "none"

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
        if evidence is not None and not evidence.awaited:
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
        """What follows where something does not come: without a transcript an item for review, without its second
        reading a judgement by the transcript alone."""
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
                evidence = await transcript_of(self._store, talk)
                state, known = (JUDGED, {talk: evidence}) if evidence is not None else (OVERDUE, {})
                return [heard.note(state), *await self._resources(heard.said, known, (), heard.since)]
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
        self,
        said: Sequence[Said],
        transcripts: Mapping[str, Evidence],
        contested: Iterable[Key],
        at: str,
        taken_back: Sequence[Key] = (),
    ) -> list[Write]:
        by_resource: dict[Key, list[Said]] = {key: [] for key in (*contested, *taken_back)}
        for one in said:
            now = await self._merged_since(one)
            by_resource.setdefault(now.key, []).append(now)
        writes: list[Write] = []
        unsettled: list[Said] = []
        for key, assertions in by_resource.items():
            gone = key in taken_back
            writes += await self._resource(key, assertions, transcripts, unsettled, gone)
        for talk in dict.fromkeys(one.conversation for one in unsettled):
            asked = await opinion(self._store, talk)
            writes.append(
                asked.wanted((one for one in unsettled if one.conversation == talk), at).note(WANTED)
            )
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
        self,
        key: Key,
        said: Sequence[Said],
        transcripts: Mapping[str, Evidence],
        unsettled: list[Said],
        taken_back: bool,
    ) -> list[Write]:
        entity = await self._store.entity(*key)
        if entity is None:
            return []
        gone = await outdated(self._store, entity) if taken_back else set()
        if entity.deleted:
            item = await reviewed(self._store, entity, (), gone)
            return [item] if item else []
        findings = await assess(self._store, self._policy, self._judge, entity, said, transcripts, self._mode)
        unsettled += findings.open
        known = {(claim.unit, claim.source) for claim in findings.review}
        rivals = disagreeing(entity, self._policy, self._rivals)
        findings.review += [claim for claim in rivals if (claim.unit, claim.source) not in known]
        writes: list[Write] = []
        if findings.rulings:
            writes.append(Decide(*key, findings.rulings))
        findings.settled |= gone
        item = await reviewed(self._store, entity, findings.review, findings.settled, findings.conversation)
        return [*writes, item] if item else writes


def _rivals(sources: Mapping[str, Source]) -> frozenset[str]:
    """The sources that are simply believed, where there are several: only they can contradict each other
    without one being below a gate."""
    believed = {id for id, source in sources.items() if source.authoritative and source.kind != "system"}
    return frozenset(believed) if len(believed) > 1 else frozenset()


def _taken_back(commits: Sequence[Commit]) -> list[Key]:
    """The resources about which a source took back what it said: a review item may have lost its claims."""
    events = [event for commit in commits for event in commit.events if event["e"] == "withdrawn"]
    return [Key(event["type"], event["id"]) for event in events]


def _ended(commit: Commit) -> list[str]:
    """Conversations whose transcript this commit brought."""
    return [found for event in commit.events if event["e"] == "asserted" if (found := _evidence_in(event))]


def _evidence_in(event: JsonObject) -> str:
    """The conversation whose transcript an event states, or the form that it is."""
    if event["type"] == "DocumentReference":
        return conversation_of(event["content"])
    return f"{FORM}/{event['id']}" if event["type"] == FORM else ""
