"""Assessing one resource's claims: what the judge finds, and what an operator has to see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.references import walk_references
from fhirserver.ports.judge import Claim as JudgedClaim
from fhirserver.ports.judge import Evidence, Finding, Judge, Verdict
from fhirserver.store.commands import Ruling
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.gates import below_gate, disagreements
from fhirserver.world.policy import Policy
from fhirserver.world.review import Quoted, ReviewClaim
from fhirserver.world.survivorship import ABSENT, Claim
from fhirserver.world.units import join
from subscriptions.conversations import Said

_NOTHING_TO_COMPARE = "There is no transcript to compare it with"
_NEVER_CAME = "The transcript of the conversation it was said in did not come in time"


@dataclass(slots=True)
class Findings:
    """What became of one resource's claims. ``settled`` need no operator any more."""

    rulings: list[Ruling] = field(default_factory=list)
    review: list[ReviewClaim] = field(default_factory=list)
    settled: set[tuple[str, str, int]] = field(default_factory=set)
    conversation: str = ""


async def assess(
    store: Store,
    policy: Policy,
    judge: Judge,
    entity: Entity,
    said: Sequence[Said],
    transcripts: Mapping[str, Evidence],
) -> Findings:
    """Compare the claims that assertions made with the transcripts they rest on.

    Without a transcript there is no ruling, and whatever needs verification goes to review.
    """
    findings = Findings(conversation=next((one.conversation for one in said if one.conversation), ""))
    names: dict[str, str] | None = None
    for source in dict.fromkeys(one.source for one in said):
        own = [one for one in said if one.source == source]
        for claim in below_gate(entity, policy, source, [one.position for one in own]):
            if policy.rule(entity.key.type, claim.unit).verification == "none" or _is_judged(entity, claim):
                continue
            names = names if names is not None else await _names(store, entity)
            evidence, turns = _evidence_of(claim, own, transcripts)
            judged = _judged(entity, claim, turns, names)
            verdict = judge.assess(judged, evidence) if evidence is not None else None
            _find(findings, policy, entity, claim, verdict, _has_waited(claim, own))
    return findings


def _is_judged(entity: Entity, claim: Claim) -> bool:
    """Whether somebody decided about the claim since it became as sure as it is."""
    return any(
        (made.unit, made.source, made.claim) == (claim.unit, claim.source, claim.stamp.position)
        and made.position >= claim.stamp.evidence
        for made in entity.ledger.decisions
        if made.kind != "supersede"
    )


def _evidence_of(
    claim: Claim, said: Iterable[Said], transcripts: Mapping[str, Evidence]
) -> tuple[Evidence | None, tuple[int, ...]]:
    """The transcript of the conversation in which the claim was made surest, and all its turns there."""
    places = (claim.stamp.evidence, claim.stamp.position)
    own = sorted((one for one in said if one.position in places), key=lambda one: -one.position)
    if not own:
        return None, ()
    talk = own[0].conversation
    turns = sorted({turn for one in own if one.conversation == talk for turn in one.turns})
    return transcripts.get(talk), tuple(turns)


def _has_waited(claim: Claim, said: Iterable[Said]) -> bool:
    """Whether the claim was made in a conversation, so that there should have been a transcript."""
    places = (claim.stamp.evidence, claim.stamp.position)
    return any(one.conversation for one in said if one.position in places)


def _find(
    findings: Findings,
    policy: Policy,
    entity: Entity,
    claim: Claim,
    verdict: Verdict | None,
    waited: bool = False,
) -> None:
    verified = verdict is not None and verdict.finding is Finding.VERIFIED
    if verdict is not None:
        kind = "verify" if verified else "doubt"
        findings.rulings.append(
            Ruling(kind, claim.unit, claim.source, claim.stamp.position, verdict.reasoning)
        )
    review = policy.rule(entity.key.type, claim.unit).review
    if review == "always" or (review == "doubtful" and not verified):
        findings.review.append(_review_claim(entity, claim, verdict, waited))
    else:
        findings.settled.add((claim.unit, claim.source, claim.stamp.position))


def disagreeing(entity: Entity, policy: Policy, sources: Iterable[str]) -> list[ReviewClaim]:
    """For review: the claims of equally sure sources that contradict each other."""
    found: list[ReviewClaim] = []
    for unit, claims in disagreements(entity, sources).items():
        if policy.rule(entity.key.type, unit).review == "never":
            continue
        among = ", ".join(sorted(claim.source for claim in claims))
        for claim in claims:
            found.append(
                _as_review(
                    entity,
                    claim,
                    "disagreement",
                    f"Nearly equally sure sources say different things: {among}",
                )
            )
    return found


def _review_claim(entity: Entity, claim: Claim, verdict: Verdict | None, waited: bool = False) -> ReviewClaim:
    if verdict is None and waited:
        return _as_review(entity, claim, "expired", _NEVER_CAME)
    if verdict is None:
        return _as_review(entity, claim, "unverified", _NOTHING_TO_COMPARE)
    quotes = tuple(Quoted(q.turn, q.speaker, q.text) for q in verdict.quotes)
    return _as_review(entity, claim, verdict.finding.value, verdict.reasoning, quotes)


def _as_review(
    entity: Entity, claim: Claim, finding: str, reasoning: str, quotes: tuple[Quoted, ...] = ()
) -> ReviewClaim:
    return ReviewClaim(
        unit=claim.unit,
        source=claim.source,
        position=claim.stamp.position,
        confidence=claim.confidence,
        proposed=claim.value,
        current=entity.world.units.get(claim.unit),
        finding=finding,
        reasoning=reasoning,
        quotes=quotes,
    )


def _judged(entity: Entity, claim: Claim, turns: tuple[int, ...], names: Mapping[str, str]) -> JudgedClaim:
    view = entity.ledger.view(claim.source)
    stated: JsonObject = join(view.units) if view else {}
    return JudgedClaim(entity.key.type, claim.unit, _plain(claim), claim.stamp.method, turns, stated, names)


def _plain(claim: Claim) -> object:
    """The element's value itself: what a judge compares with words."""
    value = claim.value
    if value is ABSENT:
        return None
    if isinstance(value, list):
        return value[0] if len(value) == 1 else value
    bare = [inner for name, inner in value.items() if not name.startswith("_")]
    return bare[0] if len(bare) == 1 else value


async def _names(store: Store, entity: Entity) -> dict[str, str]:
    """What the resource's references are called: their display, or the name of the resource."""
    names: dict[str, str] = {}
    for holder in walk_references(entity.json):
        text = str(holder["reference"])
        name = holder.get("display") or await _name_of(store, text)
        if name:
            names[text] = str(name)
    return names


async def _name_of(store: Store, reference: str) -> str:
    type, _, id = reference.partition("/")
    version = await store.read(type, id) if id else None
    if version is None or version.deleted:
        return ""
    name = loads(version.content).get("name", "")
    return name if isinstance(name, str) else ""
