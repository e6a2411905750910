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
from fhirserver.world.judge.agreement import RULES, waits_for_second, wants_second
from fhirserver.world.policy import Policy
from fhirserver.world.review import Quoted, ReviewClaim
from fhirserver.world.survivorship import ABSENT, Claim
from fhirserver.world.units import join
from subscriptions.conversations import Said

NO_DECISION = frozenset(("supersede", "undo", "cap", "decay", "renew"))
_NOTHING_TO_COMPARE = "There is no transcript to compare it with"
_NEVER_CAME = "The transcript of the conversation it was said in did not come in time"


@dataclass(slots=True)
class Findings:
    """What became of one resource's claims. ``settled`` need no operator any more; ``open`` are the assertions
    of which claims are also put to the second judge."""

    rulings: list[Ruling] = field(default_factory=list)
    review: list[ReviewClaim] = field(default_factory=list)
    settled: set[tuple[str, str, int]] = field(default_factory=set)
    conversation: str = ""
    open: list[Said] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Pending:
    """A claim that waits for its gate, as a judge gets it, with the evidence that there is."""

    claim: Claim
    judged: JudgedClaim
    evidence: Evidence | None
    said: tuple[Said, ...]


async def assess(
    store: Store,
    policy: Policy,
    judge: Judge,
    entity: Entity,
    said: Sequence[Said],
    transcripts: Mapping[str, Evidence],
    mode: str = RULES,
) -> Findings:
    """Compare the claims that assertions made with the transcripts they rest on.

    Without a transcript there is no ruling, and whatever needs verification goes to review. ``mode`` says
    what the second judge is asked; what has to wait for it is not decided here.
    """
    findings = Findings(conversation=next((one.conversation for one in said if one.conversation), ""))
    waiting = await pending(store, policy, entity, said, transcripts)
    verdicts = await verdicts_on(judge, waiting)
    for one, verdict in zip(waiting, verdicts, strict=True):
        if verdict is not None and wants_second(mode, verdict):
            findings.open += [said for said in one.said if said not in findings.open]
        if verdict is None or not waits_for_second(mode, verdict):
            find(findings, policy, entity, one.claim, verdict, _has_waited(one))
    return findings


async def pending(
    store: Store,
    policy: Policy,
    entity: Entity,
    said: Sequence[Said],
    transcripts: Mapping[str, Evidence],
    but: frozenset[str] = NO_DECISION,
) -> list[Pending]:
    """The claims of assertions that wait for their gate and about which nobody has decided, decisions of the
    kinds ``but`` not counted."""
    found: list[Pending] = []
    names: _Names | None = None
    for source in dict.fromkeys(one.source for one in said):
        own = [one for one in said if one.source == source]
        for claim in below_gate(entity, policy, source, [one.position for one in own]):
            rule = policy.rule(entity.key.type, claim.unit, entity.codes)
            if rule.verification == "none" or is_decided(entity, claim, but):
                continue
            names = names if names is not None else await _names(store, entity)
            evidence, turns = _evidence_of(claim, own, transcripts)
            made = tuple(one for one in own if one.position in (claim.stamp.evidence, claim.stamp.position))
            found.append(Pending(claim, _judged(entity, claim, turns, names), evidence, made))
    return found


async def verdicts_on(judge: Judge, waiting: Sequence[Pending]) -> list[Verdict | None]:
    """A verdict for each claim that has evidence; those on one conversation are put to the judge together."""
    verdicts: list[Verdict | None] = [None] * len(waiting)
    by_talk: dict[int, list[int]] = {}
    for place, one in enumerate(waiting):
        if one.evidence is not None:
            by_talk.setdefault(id(one.evidence), []).append(place)
    for places in by_talk.values():
        evidence = waiting[places[0]].evidence
        if evidence is not None:
            answers = await judge.judge([waiting[place].judged for place in places], evidence)
            for place, verdict in zip(places, answers, strict=True):
                verdicts[place] = verdict
    return verdicts


def is_decided(entity: Entity, claim: Claim, but: frozenset[str] = NO_DECISION) -> bool:
    """Whether somebody decided about the claim since it became as sure as it is."""
    return any(
        (made.unit, made.source, made.claim) == (claim.unit, claim.source, claim.stamp.position)
        and made.position >= claim.stamp.evidence
        for made in entity.ledger.decisions
        if made.kind not in but
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


def _has_waited(waiting: Pending) -> bool:
    """Whether the claim was made in a conversation, so that there should have been a transcript."""
    return any(one.conversation for one in waiting.said)


def find(
    findings: Findings,
    policy: Policy,
    entity: Entity,
    claim: Claim,
    verdict: Verdict | None,
    waited: bool = False,
) -> None:
    """Rule on a claim as a verdict says, and put it to an operator where the policy asks for it."""
    verified = verdict is not None and verdict.finding is Finding.VERIFIED
    if verdict is not None:
        kind = "verify" if verified else "doubt"
        findings.rulings.append(
            Ruling(kind, claim.unit, claim.source, claim.stamp.position, verdict.reasoning)
        )
    review = policy.rule(entity.key.type, claim.unit, entity.codes).review
    if review == "always" or (review == "doubtful" and not verified):
        findings.review.append(_review_claim(entity, claim, verdict, waited))
    else:
        findings.settled.add((claim.unit, claim.source, claim.stamp.position))


def disagreeing(entity: Entity, policy: Policy, sources: Iterable[str]) -> list[ReviewClaim]:
    """For review: the claims of equally sure sources that contradict each other."""
    found: list[ReviewClaim] = []
    for unit, claims in disagreements(entity, sources).items():
        if policy.rule(entity.key.type, unit, entity.codes).review == "never":
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


def _judged(entity: Entity, claim: Claim, turns: tuple[int, ...], names: _Names) -> JudgedClaim:
    view = entity.ledger.view(claim.source)
    stated: JsonObject = join(view.units) if view else {}
    return JudgedClaim(
        entity.key.type,
        claim.unit,
        _plain(claim.value),
        claim.stamp.method,
        turns,
        stated,
        names.names,
        names.aliases,
        _known(entity, claim),
    )


def _known(entity: Entity, claim: Claim) -> object:
    """What the world has of the unit, where that is somebody else's word."""
    known = entity.world.units.get(claim.unit)
    return None if known is None or known == claim.value else _plain(known)


def _plain(value: object) -> object:
    """The element's value itself: what a judge compares with words."""
    if value is ABSENT or value is None:
        return None
    if isinstance(value, list):
        return value[0] if len(value) == 1 else value
    if not isinstance(value, dict):
        return value
    bare = [inner for name, inner in value.items() if not name.startswith("_")]
    return bare[0] if len(bare) == 1 else value


@dataclass(slots=True)
class _Names:
    """What a resource's references are called, and what else."""

    names: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)


async def _names(store: Store, entity: Entity) -> _Names:
    """The displays of the references, or the names of the resources; an Organization's aliases too."""
    found = _Names()
    for holder in walk_references(entity.json):
        text = str(holder["reference"])
        name, aliases = await _called(store, text)
        if name := str(holder.get("display") or name):
            found.names[text] = name
        if aliases:
            found.aliases[text] = aliases
    return found


async def _called(store: Store, reference: str) -> tuple[str, tuple[str, ...]]:
    type, _, id = reference.partition("/")
    version = await store.read(type, id) if id else None
    if version is None or version.deleted:
        return "", ()
    content = loads(version.content)
    name, aliases = content.get("name", ""), content.get("alias", ())
    return (name if isinstance(name, str) else ""), (
        tuple(map(str, aliases)) if isinstance(aliases, list) else ()
    )
