"""A rule set applied to slots: what is left, and why the others are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC

from agent.records import SlotRecord
from agent.scheduling.circumstances import Circumstances, Rule
from agent.scheduling.rules.block_overlap import block_overlap
from agent.scheduling.rules.concurrent_start_block import concurrent_start_block
from agent.scheduling.rules.durations import durations
from agent.scheduling.rules.lead import lead
from agent.scheduling.rules.open_hours import open_hours
from agent.scheduling.rules.patient_kinds import patient_kinds
from agent.scheduling.rules.patient_limit import patient_limit
from agent.scheduling.rules.release import release
from agent.scheduling.rules.rolling_days import rolling_days
from agent.scheduling.rules.session_grid import session_grid
from fhirserver.world.configured.scheduling_rules import RULES, SchedulingRules

APPLIED: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        lead,
        rolling_days,
        open_hours,
        concurrent_start_block,
        block_overlap,
        session_grid,
        release,
        patient_limit,
        durations,
        patient_kinds,
    )
}
"""Every rule by its name in the document. The order is that of an explanation; to what is left it makes no odds."""

if tuple(APPLIED) != RULES:
    raise AssertionError("a rule of the document is not applied")


@dataclass(frozen=True, slots=True)
class Removal:
    """A rule that takes a slot away, and why."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """One slot; where nothing removes it, it may be offered."""

    slot: SlotRecord
    removals: tuple[Removal, ...]

    @property
    def stays(self) -> bool:
        return not self.removals


def verdicts(rules: SchedulingRules, slots: Iterable[SlotRecord], around: Circumstances) -> Sequence[Verdict]:
    """Of each slot every rule that takes it away, in the order of the slots."""
    return [Verdict(slot, tuple(_removals(rules, slot, around))) for slot in slots]


def admitted(
    rules: SchedulingRules, slots: Iterable[SlotRecord], around: Circumstances
) -> Sequence[SlotRecord]:
    """The slots that no rule takes away, in their order."""
    return [slot for slot in slots if next(_removals(rules, slot, around), None) is None]


def _removals(rules: SchedulingRules, slot: SlotRecord, around: Circumstances) -> Iterator[Removal]:
    instants = replace(slot, start=slot.start.astimezone(UTC), end=slot.end.astimezone(UTC))
    for name, rule in APPLIED.items():
        reason = rule(rules, instants, around)
        if reason:
            yield Removal(name, reason)
