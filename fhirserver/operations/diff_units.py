"""Whose word each change of a ``$diff`` is: the units it is about, with whose claim holds, before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fhirserver.interactions.registry import Parameter
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.differences import Difference
from fhirserver.operations.lineage_parts import WHO, who_parts
from fhirserver.operations.parameters import group, part
from fhirserver.ports.storage import Key, Version
from fhirserver.store.as_of import entity_as_of, moment_at
from fhirserver.store.store import Store
from fhirserver.store.words import Words
from fhirserver.world.ledger import Ledger
from fhirserver.world.reasons import rule_of
from fhirserver.world.survivorship import Win, claims_on, contend
from fhirserver.world.units import Units, split, unit_of_member, units_of_items


async def changed_units(
    store: Store, before: Version, after: Version, found: Sequence[Difference]
) -> list[list[JsonObject]]:
    """For each difference between two states of one resource, the parts ``unit``."""
    if not found:
        return []
    key = Key(after.type, after.id)
    earlier, later = await _ledger(store, key, before), await _ledger(store, key, after)
    units = _units(before), _units(after)
    words, answers = Words(store, key), []
    for each in found:
        names = dict.fromkeys(_named(after.type, each, units))
        answers.append([await _unit(words, name, earlier, later) for name in names])
    return answers


async def _ledger(store: Store, key: Key, version: Version) -> Ledger:
    entity = await entity_as_of(store, key, await moment_at(store, version.position))
    return entity.ledger if entity else Ledger()


def _units(version: Version) -> Units:
    return split(version.type, loads(version.content))


def _named(type: str, each: Difference, units: tuple[Units, Units]) -> Iterator[str]:
    """The units that a difference is about: of an item both what it was and what it became."""
    by_item = False
    for content, item in zip(units, (each.item_before, each.item_after), strict=True):
        names = units_of_items(content, each.member)
        if item is not None and item < len(names):
            by_item = True
            yield names[item]
    if not by_item:
        yield from _whole(type, each.member, units)


def _whole(type: str, member: str, units: tuple[Units, Units]) -> Iterator[str]:
    """The unit that an element is as a whole; of a choice its ``value[x]`` name."""
    names = {unit_of_member(type, member), f"{member}[x]"}
    yield from (name for name in sorted(names) if any(name in content for content in units))


async def _unit(words: Words, unit: str, earlier: Ledger, later: Ledger) -> JsonObject:
    was, now = contend(claims_on(earlier, unit)), contend(claims_on(later, unit))
    return group("unit", [part("unit", "String", unit), *_was(was), *await _now(words, later, now)])


def _was(win: Win | None) -> Iterator[JsonObject]:
    if win is not None:
        yield part("sourceBefore", "String", win.claim.speaker)
        yield part("confidenceBefore", "Decimal", win.confidence)


async def _now(words: Words, ledger: Ledger, win: Win | None) -> list[JsonObject]:
    rule = part("rule", "Code", rule_of(ledger, win))
    if win is None:
        return [rule]
    word = await words.at(win.claim.stamp.evidence, win.claim.source)
    method = [part("method", "Code", word.method)] if word.method else []
    return [
        part("source", "String", win.claim.speaker),
        part("confidence", "Decimal", win.confidence),
        rule,
        *method,
        *who_parts(word),
        part("provenance", "Reference", {"reference": word.reference}),
    ]


UNIT = (
    Parameter("unit", "string", "The unit's name", 1, use="out"),
    Parameter("sourceBefore", "string", "Whose claim held before", use="out"),
    Parameter("confidenceBefore", "decimal", "How sure it was", use="out"),
    Parameter("source", "string", "Whose claim holds now", use="out"),
    Parameter("confidence", "decimal", "How sure it is", use="out"),
    Parameter("rule", "code", "Which rule decided", 1, use="out"),
    Parameter("method", "code", "How it was said", use="out"),
    *WHO,
    Parameter("provenance", "Reference", "The Provenance of the claim that holds", use="out"),
)
