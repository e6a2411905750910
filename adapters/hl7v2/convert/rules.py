"""Message maps compiled: which segment makes which resource in which group, and what refers to what."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from adapters.hl7v2.convert.structures import Group, Slot, from_rows, from_tree
from adapters.hl7v2.convert.terms import Test, tester
from adapters.hl7v2.convert.writing import Locate, locator
from adapters.hl7v2.maps.conditions import OWN, Subject, parse_condition
from adapters.hl7v2.maps.errors import MapError
from adapters.hl7v2.maps.tables import MessageRow, tables
from adapters.hl7v2.maps.targets import MESSAGE_ONLY, Target, resolve
from adapters.hl7v2.structures import structure_of

_LABEL = re.compile(r"(?P<type>[A-Z][A-Za-z]+)(?:\[(?P<number>[^\]]*)\])?")
_REFERENCE = re.compile(
    r"(?P<holder>[A-Z][A-Za-z]+(?:\[[^\]]*\])?)\.(?P<path>[^=]+?)(?:\.reference)?"
    r"=(?P<value>[A-Z][A-Za-z]+(?:\[[^\]]*\])?)(?:\.id)?\Z"
)
NOT_CONVERTED = MESSAGE_ONLY | {"Basic", "EpisodeOfCare"}
"""Resources about the message rather than about the patient, R5's EncounterHistory, and the alternative
"in context of an episode of care" of diagnoses."""


@dataclass(frozen=True, slots=True)
class Link:
    """``holder`` refers to ``value`` by ``target``; both are labels. ``later``: also to what is made after it;
    ``locate`` where ``target`` has hops."""

    holder: str
    target: Target
    value: str
    source: str
    later: bool
    locate: Locate | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A segment at this place fills the resource ``label`` by ``program``."""

    source: str
    test: Test | None
    label: str
    type: str
    program: str
    links: tuple[Link, ...]


@dataclass
class Structure:
    """``rules`` by slot (by its identity), ``homes`` the group in which a label means one resource."""

    name: str
    root: Group
    rules: dict[int, tuple[Rule, ...]] = field(default_factory=dict)
    homes: dict[str, Group] = field(default_factory=dict)
    is_ours: bool = False


def compile_structure(name: str) -> Structure:
    """The message map of that name or of a structure alike, and our generic one where it says nothing.

    Raises :class:`MapError`.
    """
    known = tables()
    names = [name, known.alike.get(name, ""), structure_of(name[:3], name[4:])]
    names.append(known.alike.get(names[2], ""))
    name = next((one for one in names if one in known.messages), name)
    rows = known.messages.get(name)
    tree: list[Any] = next((known.structures[one] for one in names if one in known.structures), [])
    root = from_rows(name, rows) if rows is not None else from_tree(name, tree)
    structure = Structure(name, root, is_ours=rows is None)
    after = ""
    for slot in root.slots():
        rules = _rules(slot.rows, True)
        structure.rules[id(slot)] = rules or (() if slot.name in SILENT else generic_rules(slot.name, after))
        _at_home(structure, slot)
        after = slot.name if slot.name in ANCHORS else after
    return structure


ANCHORS = frozenset({
    "PID", "PV1", "ORC", "OBR", "OBX", "SCH", "SPM", "IN1", "DG1", "AL1", "IAM", "PR1", "RXO", "RXE", "RXD", "RXA",
    "TXA", "FT1", "AIS", "AIG", "AIL", "AIP",
})  # fmt: skip
"""Segments that a note or a participation after them is about."""

SILENT = frozenset({"MSH", "EVN", "SFT", "UAC", "RGS", "MRG", "DSC", "BLG"})
"""Segments about the message or its order; MRG is read for merges."""


def generic_rules(name: str, after: str) -> tuple[Rule, ...]:
    """What ``own.toml`` says of a segment after another one (``NTE.OBX``), else of the segment."""
    generic = tables().generic
    rows = generic.get(f"{name}.{after}", generic.get(name, ()))
    return _rules(rows, False)


def _rules(rows: list[MessageRow] | tuple[MessageRow, ...], later: bool) -> tuple[Rule, ...]:
    made = []
    for row in rows:
        if not row.target or not row.segment_map:
            continue
        label = label_of(row.target)
        type = label.partition("[")[0]
        if type in NOT_CONVERTED or "(" in row.target:
            continue
        made.append(_rule(row, label, type, later))
    return tuple(made)


def _rule(row: MessageRow, label: str, type: str, later: bool) -> Rule:
    condition = parse_condition(row.condition)
    own = Subject(row.segment_map[:3].rstrip("[")) if row.segment_map else OWN
    test = tester(condition, own) if condition is not None else None
    return Rule(row.source, test, label, type, row.segment_map, tuple(_links(row, label, later)))


def label_of(text: str) -> str:
    """``Patient[1]``, of ``Observation[1].note`` as well; ``Specimen[n]`` of ``[each]`` and ``[1..n]``."""
    match = _LABEL.match(text.strip())
    if match is None:
        raise MapError(f"{text!r} names no resource")
    number = match["number"] or ""
    return f"{match['type']}[{number if number.isdigit() else 'n'}]"


def _links(row: MessageRow, own: str, later: bool) -> list[Link]:
    links = []
    for part in re.split(r"[;\n]", row.references):
        if not part.strip() or '="' in part:
            continue
        match = _REFERENCE.match("".join(part.split()))
        if match is None:
            raise MapError(f"{row.source}: the reference {part.strip()!r} cannot be read")
        holder, value = _label(match["holder"], own), _label(match["value"], own)
        type = holder.partition("[")[0]
        if type in NOT_CONVERTED or value.partition("[")[0] in NOT_CONVERTED:
            continue
        target = resolve(match["path"], type, "reference")
        locate = locator(target) if target.hops else None
        links.append(Link(holder, target, value, row.source, later, locate))
    return links


def _label(text: str, own: str) -> str:
    """A label without a number, or with a segment's name for one, is the row's own where the type is the same."""
    label = label_of(text)
    type = label.partition("[")[0]
    return own if label.endswith("[n]") and own.partition("[")[0] == type else label


def _at_home(structure: Structure, slot: Slot) -> None:
    for rule in structure.rules[id(slot)]:
        labels = {rule.label, *(label for link in rule.links for label in (link.holder, link.value))}
        for label in labels:
            home = structure.homes.get(label)
            structure.homes[label] = slot.group if home is None else _common(home, slot.group)


def _common(first: Group, second: Group) -> Group:
    """The innermost group that both are in."""
    shared = first
    for one, other in zip(first.ancestors(), second.ancestors(), strict=False):
        if one is not other:
            break
        shared = one
    return shared
