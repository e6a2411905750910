"""Another policy: recorded in the log when the server starts with it, applied to what is stored in the background.

Existing claims get the new ceilings as decisions; values whose gate is passed now are offered to the sinks, values
whose gate is failed now go to review. A lot and the place behind it are one commit, so a process that is killed
in between loses nothing and repeats nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Decide, Note, Ruling, Write
from fhirserver.store.review_items import reviewed
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.policy import InvalidPolicy, parse_policy
from fhirserver.world.policy_change import (
    COUNTED,
    POLICY,
    Consequences,
    Counts,
    affected,
    bounded,
    consequences,
    count,
)
from fhirserver.world.review import ReviewClaim
from fhirserver.world.rules import Policy
from fhirserver.world.sources import Source
from fhirserver.world.survivorship import ABSENT, Win
from subscriptions.rounds import Place, next_lot

log = logging.getLogger("credence.policy")

IN_FORCE = (POLICY, "in-force")
APPLYING = (POLICY, "applying")
TEXT = "policy-text"


@dataclass(frozen=True, slots=True)
class Change:
    """From one policy to another. Without a ``before`` nothing is known of what held: no gate has moved."""

    before: Policy | None
    after: Policy
    kinds: Mapping[str, str]

    @property
    def types(self) -> list[str]:
        """The resource types for which it may mean something."""
        if self.before is None:
            return bounded(self.after, self.kinds)
        return affected(self.before, self.after)

    def means(self, entity: Entity) -> Consequences:
        return consequences(entity, self.before or self.after, self.after, self.kinds)


async def recorded(store: Store) -> Policy | None:
    """The policy that the log says is in force; None where there is none, or none that can still be read."""
    fact = await store.fact(*IN_FORCE)
    return await _policy(store, str(fact.value["digest"])) if fact else None


async def _policy(store: Store, digest: str) -> Policy | None:
    text = await store.fact(TEXT, digest) if digest else None
    try:
        return parse_policy(text.value["text"]) if text else None
    except InvalidPolicy:
        return None


async def record(store: Store, policy: Policy, source: str) -> bool:
    """Put the policy on record where it is another than the one in force. Returns whether this did it."""
    while (known := await store.fact(*IN_FORCE)) is None or known.value["digest"] != policy.digest:
        writes, before = await _recording(store, policy, str(known.value["digest"]) if known else "")
        try:
            await store.submit(Command(_statement(source), writes))
        except Refusal as refusal:
            if refusal.category is not Category.CONFLICT:
                raise
            continue  # another process was faster: look again
        log.info("policy %s is in force, instead of %s", policy.digest[:8], before[:8] or "none")
        return True
    return False


async def _recording(store: Store, policy: Policy, before: str) -> tuple[Sequence[Write], str]:
    """What puts a policy on record, and the one that what is stored is as yet by."""
    applying = await store.fact(*APPLYING)
    if applying is not None and not applying.value["done"]:
        before = str(applying.value["before"])  # what was not reached is still as that one had it
    begun = _Progress(int(applying.value["position"]) + 1 if applying else 1, policy.digest, before)
    nothing_yet = (await store.storage.head()).position == 0
    text = Note(TEXT, policy.digest, {"text": policy.text})
    return (
        text,
        Note(*IN_FORCE, {"digest": policy.digest, "before": before}),
        begun.note(done=nothing_yet),
    ), before


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far a change is applied, as it stands in the log."""

    lot: int
    digest: str
    before: str
    place: Place = field(default_factory=Place)
    counts: Counts = field(default_factory=dict)

    def note(self, moved: Sequence[str] = (), done: bool = False) -> Note:
        value: JsonObject = {
            "position": self.lot,
            "digest": self.digest,
            "before": self.before,
            "type": self.place.type,
            "cursor": self.place.cursor,
            "counts": self.counts,
            "done": done,
        }
        if moved:
            value["moved"] = list(moved)
        return Note(*APPLYING, value, advance=True)


def _statement(source: str) -> Statement:
    return Statement(source, principal="policy", method="derivation")


class PolicyChanges:
    """Applies the policy that the log has in force, lot by lot."""

    def __init__(self, store: Store, policy: Policy, sources: Mapping[str, Source], source: str):
        self._store, self._policy, self._source = store, policy, source
        self._kinds = {id: known.kind for id, known in sources.items()}
        self._ahead = (0, Place())

    async def step(self) -> bool:
        """Apply the change to the next lot; False where there is nothing left of it."""
        fact = await self._store.fact(*APPLYING)
        if fact is None or fact.value["done"] or fact.value["digest"] != self._policy.digest:
            return False
        held = fact.value
        lot, place = self._ahead
        if lot != held["position"]:
            place = Place(held["type"], held["cursor"])
        progress = _Progress(held["position"] + 1, held["digest"], held["before"], place, held["counts"])
        await self._lot(progress)
        return True

    async def _lot(self, progress: _Progress) -> None:
        change = Change(await _policy(self._store, progress.before), self._policy, self._kinds)
        entities, behind = await next_lot(self._store, change.types, progress.place)
        counts = {name: dict(row) for name, row in progress.counts.items()}
        writes: list[Write] = []
        moved: list[str] = []
        for entity in entities:
            found = change.means(entity)
            count(counts, entity, found)
            writes += await self._effects(entity, found)
            if found.passed or found.failed:
                moved.append(str(entity.key))
        if not writes and not moved and behind is not None:
            self._ahead = (progress.lot - 1, behind)  # nothing to commit: to look again costs only time
            return
        after = _Progress(progress.lot, progress.digest, progress.before, behind or Place(), counts)
        writes.append(after.note(moved, done=behind is None))
        await self._store.submit(Command(_statement(self._source), writes))
        if behind is None:
            log.info("policy %s is applied: %s", progress.digest[:8], summary(counts))

    async def _effects(self, entity: Entity, found: Consequences) -> list[Write]:
        writes: list[Write] = []
        if found.caps:
            rulings = [
                Ruling("cap", cap.unit, cap.source, cap.claim, "ceiling of the policy", cap.confidence)
                for cap in found.caps
            ]
            writes.append(Decide(*entity.key, rulings))
        claims = [c for unit, win in found.failed.items() if (c := self._review(entity, unit, win))]
        settled = {_identity(win) for unit, win in found.passed.items() if self._is_settled(entity, unit)}
        item = await reviewed(self._store, entity, claims, settled) if claims or settled else None
        return [*writes, item] if item else writes

    def _review(self, entity: Entity, unit: str, win: Win) -> ReviewClaim | None:
        """For an operator: a value that the world holds and that its gate lets out no more."""
        rule, claim = self._policy.rule(entity.key.type, unit, entity.codes), win.claim
        wanted = rule.review == "always" or (rule.review == "doubtful" and claim.checked != "verify")
        if not wanted or claim.value is ABSENT:
            return None
        reasoning = (
            f"The policy has changed: it asks for {rule.writeback} now, the claim has {win.confidence}"
        )
        current = entity.world.units.get(unit)
        return ReviewClaim(*_identity(win), win.confidence, claim.value, current, "unverified", reasoning)

    def _is_settled(self, entity: Entity, unit: str) -> bool:
        return self._policy.rule(entity.key.type, unit, entity.codes).review != "always"


def _identity(win: Win) -> tuple[str, str, int]:
    return (win.claim.unit, win.claim.source, win.claim.stamp.position)


async def survey(store: Store, change: Change) -> Counts:
    """What a change would do to what is stored, without doing it."""
    counts: Counts = {}
    place: Place | None = Place()
    types = change.types
    while place is not None:
        entities, place = await next_lot(store, types, place)
        for entity in entities:
            count(counts, entity, change.means(entity))
    return counts


def summary(counts: Counts) -> str:
    """The sums in one line."""
    total = dict.fromkeys(COUNTED, 0)
    for name, row in counts.items():
        for word, number in row.items():
            if word != "resources" or "." not in name:
                total[word] += number
    return (
        f"resources: {total['resources']}; claims lowered: {total['lowered']}, raised: {total['raised']}; "
        f"gates passed now: {total['passed']}, failed: {total['failed']}"
    )


def table(counts: Counts) -> list[str]:
    """The counts by type and element, one line each."""
    words = [word for word in COUNTED if any(word in row for row in counts.values())]
    width = max((len(name) for name in counts), default=4) + 2
    lines = ["".ljust(width) + "".join(word.rjust(11) for word in words)] if counts else []
    for name, row in sorted(counts.items()):
        lines.append(name.ljust(width) + "".join(str(row.get(word, "")).rjust(11) for word in words))
    return lines
