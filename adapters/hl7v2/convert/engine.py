"""``convert``: a message to FHIR by HL7's maps, a site's overrides and our own rows where HL7 has none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from adapters.hl7v2.convert import times
from adapters.hl7v2.convert.assembly import Assembly, explained
from adapters.hl7v2.convert.context import Context
from adapters.hl7v2.convert.conversion import Conversion
from adapters.hl7v2.convert.drafts import Draft, Reference
from adapters.hl7v2.convert.merges import merges
from adapters.hl7v2.convert.operations import SegmentProgram
from adapters.hl7v2.convert.programs import Library
from adapters.hl7v2.convert.required import PATIENT
from adapters.hl7v2.convert.rules import (
    ANCHORS,
    SILENT,
    Link,
    Rule,
    Structure,
    compile_structure,
    generic_rules,
)
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.convert.structures import Instance, Walk
from adapters.hl7v2.convert.writing import put
from adapters.hl7v2.message import Message, Segment

MAKERS: dict[str, frozenset[str]] = {
    "Patient": frozenset({"PID"}),
    "Encounter": frozenset({"PV1"}),
    "Appointment": frozenset({"SCH"}),
    "Observation": frozenset({"OBX", "PD1"}),
    "ServiceRequest": frozenset({"ORC", "OBR", "SCH", "RF1"}),
    "DiagnosticReport": frozenset({"ORC", "OBR"}),
    "MedicationRequest": frozenset({"ORC", "RXO"}),
    "Immunization": frozenset({"ORC", "RXA"}),
    "DocumentReference": frozenset({"TXA"}),
}
"""Segments that begin a resource: a second one begins another. Of types not listed, every segment does."""

ADDS = frozenset({"CareTeam", "Account"})
"""Types that several segments of one name complete together."""


@dataclass(slots=True)
class _Made:
    draft: Draft
    by: set[str]


def convert(message: Message, site: Site, explain: bool = False) -> Conversion:
    """Deterministic: the same message and site give the same conversion. Never raises for what a message holds."""
    own = site.for_sender(*message.sender) if site.senders else site
    engine = _engines.get(own)
    if engine is None:
        engine = _engines[own] = Engine(own)
    return engine.convert(message, explain)


class Engine:
    """The compiled maps of one site."""

    def __init__(self, site: Site):
        self.site = site
        self.library = Library(site)
        self._structures: dict[str, Structure] = {}
        self._programs: dict[str, SegmentProgram | None] = {}
        self.feeds: dict[str, dict[str, set[str]]] = {}

    def structure(self, name: str) -> Structure:
        found = self._structures.get(name)
        if found is None:
            found = compile_structure(name)
            if len(self._structures) < 500:
                self._structures[name] = found
        return found

    def program(self, name: str) -> SegmentProgram | None:
        """None where there is no such map."""
        if name not in self._programs:
            try:
                program = self.library.segment(name)
                self._programs[name] = program
                feeds = self.feeds.setdefault(f"{name[:3].rstrip('[')}/{program.resource}", {})
                for number, operations in program.fields:
                    for operation in operations:
                        feeds.setdefault(operation.top, set()).add(f"{name[:3].rstrip('[')}-{number}")
            except KeyError:
                self._programs[name] = None
        return self._programs[name]

    def convert(self, message: Message, explain: bool = False) -> Conversion:
        run = _Run(self, message, explain)
        for segment in message.segments:
            run.segment(segment)
        made = run.conversion()
        run.context.labels.clear()  # drafts know their context: as a circle all of it would wait for the collector
        return made


_engines: WeakKeyDictionary[Site, Engine] = WeakKeyDictionary()


class _Run:
    """One conversion from its first segment to its end."""

    def __init__(self, engine: Engine, message: Message, explain: bool):
        self.engine = engine
        self.structure = engine.structure(message.structure)
        self.walk = Walk(self.structure.root)
        self.context = Context(message, engine.site, message.header)
        if explain:
            self.context.traces = []
        else:
            self.context.memo = engine.library.memo(message.separators)
        self.roots: list[Draft] = []
        self.patients: dict[int, Draft] = {}
        self.patient: Draft | None = None
        self.pending: list[tuple[Link, Instance, Segment]] = []
        self.unmapped: list[str] = []
        self.touched: set[int] = set()
        self.linked: set[tuple[int, int, str]] = set()
        self.after = ""

    def segment(self, segment: Segment) -> None:
        context = self.context
        context.segment = segment
        rules, instance = self._rules(segment.name)
        if segment.name in ANCHORS:
            self.after = segment.name
        applied = False
        for rule in rules:
            program = self.engine.program(rule.program)
            if program is None or not (rule.test is None or rule.test(context, None)):
                continue
            applied = True
            self._apply(rule, program, instance)
        if self.engine.site.overrides:
            applied |= self._site_segment(segment)
        if applied:
            self.touched.add(segment.index)
        elif segment.name not in SILENT:
            self.unmapped.append(segment.place)
        context.nearest[segment.name] = segment

    def _rules(self, name: str) -> tuple[tuple[Rule, ...], Instance]:
        placed = self.walk.place(name)
        if placed is None:
            return (() if name in SILENT else generic_rules(name, self.after)), self.walk.current
        slot, instance = placed
        return self.structure.rules[id(slot)], instance

    def _site_segment(self, segment: Segment) -> bool:
        """What a site's overrides say of a segment that HL7 maps to no resource of that type (ZPI)."""
        done = False
        for resource in dict.fromkeys(
            row["resource"]
            for override in self.engine.site.overrides
            if override.segment == segment.name
            for row in override.rows
        ):
            name = f"{segment.name}[{resource}]"
            draft = self.context.labels.get(f"{resource}[1]") or self._last(resource)
            program = self.engine.program(name) if name not in _known() else None
            if program is not None and draft is not None:
                program.run(self.context, draft)
                done = True
        return done

    def _last(self, type: str) -> Draft | None:
        return next((draft for draft in reversed(self.roots) if draft.type == type), None)

    def _apply(self, rule: Rule, program: SegmentProgram, instance: Instance) -> None:
        name = self.context.segment.name
        home = instance.of(self.structure.homes.get(rule.label, self.structure.root))
        made: _Made | None = home.labels.get(rule.label)
        makers = MAKERS.get(rule.type)
        begins = rule.type not in ADDS and (makers is None or name in makers)
        if made is None or (begins and name in made.by):
            if not begins and rule.type in MAKERS and rule.type not in ("Observation",):
                return
            draft = Draft(rule.type)
            program.run(self.context, draft)
            if draft.is_empty and not draft.nulls:
                return
            made = home.labels[rule.label] = _Made(draft, set())
            self._register(rule, draft)
        else:
            program.run(self.context, made.draft)
        made.by.add(name)
        for link in rule.links:
            self._link(link, instance)

    def _register(self, rule: Rule, draft: Draft) -> None:
        self.roots.append(draft)
        self.context.labels[rule.label] = draft
        if draft.type == "Patient":
            self.patient = draft
            for one in self.roots:
                if one.type == "Appointment" and id(one) not in self.patients:
                    self.patients[id(one)] = draft
        elif self.patient is not None and (draft.type in PATIENT or draft.type == "Appointment"):
            self.patients[id(draft)] = self.patient

    def _link(self, link: Link, instance: Instance) -> None:
        if not self._linked(link, instance, self.context.segment) and link.later:
            self.pending.append((link, instance, self.context.segment))

    def _linked(self, link: Link, instance: Instance, segment: Segment) -> bool:
        holder, value = self._find(link.holder, instance), self._find(link.value, instance)
        if holder is None or value is None:
            return False
        known = (id(holder), id(value), f"{link.target.top}.{link.target.name}")
        if known in self.linked:
            return True
        self.linked.add(known)
        self.context.segment = segment
        self.context.place = segment.name
        drafted, at = holder, holder.content
        if link.locate is not None:
            drafted, at = link.locate(self.context, holder, at, 0)
        put(self.context, link.target, drafted, at, Reference(value), 0, link.source)
        return True

    def _find(self, label: str, instance: Instance) -> Draft | None:
        home = instance.of(self.structure.homes.get(label, self.structure.root))
        made: _Made | None = home.labels.get(label)
        if made is not None:
            return made.draft
        return self._last(label.partition("[")[0]) if label.endswith("[n]") else None

    def conversion(self) -> Conversion:
        context = self.context
        for link, instance, segment in self.pending:
            self._linked(link, instance, segment)
        facts = tuple(merges(context, self.engine.library))
        assembly = Assembly(self.roots, context.message.event, self.engine.feeds)
        resources = assembly.resources(self.patients)
        recorded = context.message.value("EVN", 2) or context.message.value("MSH", 7)
        occurred = context.message.value("EVN", 6)
        return Conversion(
            resources,
            facts,
            tuple(self.unmapped),
            tuple(self._left_out()),
            tuple(dict.fromkeys(context.issues)),
            times.instant(occurred, self.engine.site.time_zone) if occurred else None,
            times.instant(recorded, self.engine.site.time_zone) if recorded else None,
            explained(context.traces) if context.traces is not None else (),
        )

    def _left_out(self) -> Iterable[str]:
        """Fields with a value that no row asked for, of segments that are mapped."""
        nothing: frozenset[int] = frozenset()
        for segment in self.context.message.segments:
            if segment.index in self.touched:
                asked = self.context.used.get(segment.index, nothing)
                first = 2 if segment.name != "PR1" else 3
                for number, text in enumerate(segment.fields):
                    if text and number >= first and number not in asked:
                        yield f"{segment.place}-{number}"


def _known() -> frozenset[str]:
    from adapters.hl7v2.maps.tables import tables

    return frozenset(tables().segments)
