"""The verification follower: claims below their gate go to the judge and, where needed, to an operator.

Claims that rest on a conversation wait until its transcript is there; others are handled as they come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fhirserver.kernel.ids import new_id
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.references import walk_references
from fhirserver.ports.judge import Claim as JudgedClaim
from fhirserver.ports.judge import Evidence, Finding, Judge, Verdict
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Key
from fhirserver.search.expression import And, Or, Query, ReferenceIs, TokenIs
from fhirserver.store.commands import Decide, Put, Ruling, Write
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity, source_of
from fhirserver.world.gates import below_gate
from fhirserver.world.policy import Policy
from fhirserver.world.review import PENDING, REVIEW, Quoted, ReviewClaim, review_task, with_claims
from fhirserver.world.sources import Source
from fhirserver.world.survivorship import ABSENT, Claim
from fhirserver.world.units import Units
from fhirserver.world.vocabulary import TASK_CODE, TRANSCRIPT_TURNS
from subscriptions.transcripts import conversation_of, transcript_of


@dataclass(frozen=True, slots=True)
class _Said:
    """One assertion of the log that may need verification."""

    key: Key
    source: str
    position: int
    conversation: str
    turns: tuple[int, ...]


@dataclass(slots=True)
class _Findings:
    """What became of one resource's claims."""

    rulings: list[Ruling] = field(default_factory=list)
    review: list[ReviewClaim] = field(default_factory=list)
    conversation: str = ""


class Verification:
    """Follows the log; see the module. ``sources`` are those of the settings."""

    name = "verification"

    def __init__(self, store: Store, policy: Policy, judge: Judge, sources: Mapping[str, Source]):
        self._store, self._policy, self._judge = store, policy, judge
        self._sources = sources

    async def effects(self, commits: Sequence[Commit]) -> Sequence[Write]:
        """Rulings and review items that follow from the commits."""
        said: list[_Said] = []
        for commit in commits:
            said += [one for one in self._assertions(commit) if not one.conversation]
            for conversation in _ended(commit):
                said += await self._said_in(conversation)
        by_resource: dict[Key, list[_Said]] = {}
        for one in said:
            by_resource.setdefault(one.key, []).append(one)
        writes: list[Write] = []
        for key, assertions in by_resource.items():
            writes += await self._resource(key, assertions)
        return writes

    def _assertions(self, commit: Commit) -> list[_Said]:
        """The commit's assertions by sources that are not simply believed."""
        found = []
        for event in commit.events:
            if event["e"] != "asserted":
                continue
            source = source_of(event, commit)
            known = self._sources.get(source)
            if known is None or known.authoritative or known.kind in ("system", "operator"):
                continue
            entities = event.get("entity") or commit.statement.entity
            conversation, turns = _evidence(entities)
            found.append(_Said(Key(event["type"], event["id"]), source, commit.position, conversation, turns))
        return found

    async def _said_in(self, conversation: str) -> list[_Said]:
        """All assertions that rest on a conversation, found by the Provenances that name it."""
        type, _, id = conversation.partition("/")
        await self._store.derive_provenance()
        query = Query("Provenance", ReferenceIs("entity", type, id), count=1000)
        page = await self._store.search(query)
        found: list[_Said] = []
        for version in page.versions:
            for commit in await self._store.read_log(version.position - 1, 1):
                found += [one for one in self._assertions(commit) if one.conversation == conversation]
        return found

    async def _resource(self, key: Key, assertions: Sequence[_Said]) -> list[Write]:
        entity = await self._store.entity(*key)
        if entity is None or entity.deleted:
            return []
        findings = _Findings()
        for one in assertions:
            await self._assess(entity, one, findings)
        writes: list[Write] = []
        if findings.rulings:
            writes.append(Decide(*key, findings.rulings))
        if findings.review:
            writes.append(await self._item(entity, findings))
        return writes

    async def _assess(self, entity: Entity, said: _Said, findings: _Findings) -> None:
        evidence: Evidence | None = None
        if said.conversation:
            evidence = await transcript_of(self._store, said.conversation)
        findings.conversation = findings.conversation or said.conversation
        names = await self._names(entity)
        for claim in below_gate(entity, self._policy, said.source, said.position):
            if claim.checked:
                continue
            rule = self._policy.rule(entity.key.type, claim.unit)
            if rule.verification == "none":
                continue
            verdict = self._judge.assess(_judged(entity, claim, said, names), evidence) if evidence else None
            finding = verdict.finding if verdict else Finding.DOUBTFUL
            if verdict is not None:
                kind = "verify" if finding is Finding.VERIFIED else "doubt"
                findings.rulings.append(
                    Ruling(kind, claim.unit, claim.source, claim.stamp.position, verdict.reasoning)
                )
            verified = finding is Finding.VERIFIED
            if rule.review == "always" or (rule.review == "doubtful" and not verified):
                findings.review.append(_review_claim(entity, claim, verdict))

    async def _names(self, entity: Entity) -> dict[str, str]:
        """What the resource's references are called: their display, or the name of the resource."""
        names: dict[str, str] = {}
        for reference in _references(entity.json):
            text = str(reference.get("reference", ""))
            name = reference.get("display") or await self._name_of(text)
            if name:
                names[text] = str(name)
        return names

    async def _name_of(self, reference: str) -> str:
        type, _, id = reference.partition("/")
        version = await self._store.read(type, id) if id else None
        if version is None or version.deleted:
            return ""
        name = loads(version.content).get("name", "")
        return name if isinstance(name, str) else ""

    async def _item(self, entity: Entity, findings: _Findings) -> Put:
        """The pending item of the resource with the claims added, or a new one."""
        where = And(
            (
                TokenIs("code", TASK_CODE, REVIEW),
                ReferenceIs("focus", entity.key.type, entity.key.id),
                Or(tuple(TokenIs("status", None, status) for status in PENDING)),
            )
        )
        page = await self._store.search(Query("Task", where, count=1))
        if page.versions:
            pending = page.versions[0]
            task = with_claims(loads(pending.content), findings.review)
            return Put("Task", pending.id, task, if_match=pending.version)
        task = review_task(
            *entity.key, findings.review, entity.recorded, _patient(entity), findings.conversation
        )
        return Put("Task", new_id(), task, create=True)


def _ended(commit: Commit) -> list[str]:
    """Conversations whose transcript this commit brought."""
    return [
        found
        for event in commit.events
        if event["e"] == "asserted" and event["type"] == "DocumentReference"
        if (found := conversation_of(event["content"]))
    ]


def _evidence(entities: Sequence[JsonObject]) -> tuple[str, tuple[int, ...]]:
    """The conversation and turns that a statement names as its evidence."""
    for entity in entities:
        reference = str(entity.get("what", {}).get("reference", ""))
        if reference.startswith("Communication/"):
            return reference, _turns(entity)
    return "", ()


def _turns(entity: JsonObject) -> tuple[int, ...]:
    for extension in entity.get("extension", ()):
        if extension.get("url") == TRANSCRIPT_TURNS:
            parts = str(extension.get("valueString", "")).split(",")
            return tuple(int(part) for part in parts if part.strip().isdigit())
    return ()


def _judged(entity: Entity, claim: Claim, said: _Said, names: dict[str, str]) -> JudgedClaim:
    view = entity.ledger.view(claim.source)
    stated: Units = view.units if view else {}
    resource: JsonObject = {}
    for value in stated.values():
        if isinstance(value, dict):
            resource.update(value)
    return JudgedClaim(
        entity.key.type, claim.unit, _plain(claim), claim.stamp.method, said.turns, resource, names
    )


def _plain(claim: Claim) -> object:
    """The element's value itself: what a judge compares with words."""
    value = claim.value
    if value is ABSENT:
        return None
    if isinstance(value, list):
        return value[0] if len(value) == 1 else value
    bare = [inner for name, inner in value.items() if not name.startswith("_")]
    return bare[0] if len(bare) == 1 else value


def _review_claim(entity: Entity, claim: Claim, verdict: Verdict | None) -> ReviewClaim:
    current = entity.world.units.get(claim.unit)
    return ReviewClaim(
        unit=claim.unit,
        source=claim.source,
        position=claim.stamp.position,
        confidence=claim.confidence,
        proposed=claim.value,
        current=current,
        finding=verdict.finding.value if verdict else "unverified",
        reasoning=verdict.reasoning if verdict else "There is no transcript to compare it with",
        quotes=tuple(Quoted(q.turn, q.speaker, q.text) for q in verdict.quotes) if verdict else (),
    )


def _patient(entity: Entity) -> str:
    if entity.key.type == "Patient":
        return str(entity.key)
    references = (str(r.get("reference", "")) for r in _references(entity.json))
    return next((text for text in references if text.startswith("Patient/")), "")


def _references(content: JsonObject) -> list[JsonObject]:
    return list(walk_references(content))
