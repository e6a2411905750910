"""Segment maps and data type maps compiled: every row once into an operation, per site."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from adapters.hl7v2.convert.codes import Vocabulary, coding_system, vocabulary
from adapters.hl7v2.convert.context import Context
from adapters.hl7v2.convert.drafts import Draft, Json, Reference
from adapters.hl7v2.convert.filling import ObjectRow, ResourceRow
from adapters.hl7v2.convert.memo import Memo
from adapters.hl7v2.convert.nodes import Node
from adapters.hl7v2.convert.operations import DataTypeProgram, Operation, Run, SegmentProgram
from adapters.hl7v2.convert.primitives import COERCE, string
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.convert.terms import DATA_TYPES, Make, is_written, maker, tester
from adapters.hl7v2.convert.values import Read, TextRow
from adapters.hl7v2.convert.writing import locator, put
from adapters.hl7v2.maps.assignments import Text, parse_assignment
from adapters.hl7v2.maps.conditions import OWN, Subject, asks_own_absence, parse_condition, subject
from adapters.hl7v2.maps.errors import MapError
from adapters.hl7v2.maps.paths import parse_path
from adapters.hl7v2.maps.tables import Row, tables
from adapters.hl7v2.maps.targets import Target, is_primitive, resolve
from adapters.hl7v2.separators import Separators
from fhirserver.model.definitions import definitions

MOST_SEPARATORS = 4
"""Sets of separators whose data types are kept at a time: a sender has one."""
NAMES_SYSTEMS = frozenset({"CWE", "CE", "CNE", "CF"})
"""Data types in which what becomes a system is the name of a coding system."""
ALIKE = {"Quantity": ("SimpleQuantity", "Duration", "Age"), "Observation": ("Observation",)}
"""Types that a map to another one fills as well."""
_SUBJECT = re.compile(r"\b([A-Z][A-Z0-9]{1,2})[-.]\d")
_QUOTED = re.compile(r'"[^"]*"')
_NAME = re.compile(r"(?P<v2>[A-Z0-9]+)\[(?P<fhir>[^\]]+)\]\Z")


class Library:
    """The programs of one site, compiled when they are first needed."""

    def __init__(self, site: Site):
        self.site = site
        self._segments: dict[str, SegmentProgram] = {}
        self._types: dict[str, DataTypeProgram] = {}
        self._names = {name.lower(): name for name in tables().datatypes}
        self._vocabularies: dict[str, Vocabulary | None] = {}
        self._memos: dict[Separators, Memo] = {}

    def memo(self, separators: Separators) -> Memo:
        """What data types that are so divided were made into."""
        found = self._memos.get(separators)
        if found is None:
            if len(self._memos) >= MOST_SEPARATORS:
                self._memos.clear()
            found = self._memos[separators] = Memo()
        return found

    def segment(self, name: str) -> SegmentProgram:
        """Raises :class:`MapError`, ``KeyError`` where there is no such map."""
        if name not in self._segments:
            self._segments[name] = self._compile_segment(name)
        return self._segments[name]

    def rows(self, name: str) -> list[Row]:
        """The rows of a segment map as the site has them."""
        segment, _, resource = name.partition("[")
        resource = resource.rstrip("]").partition("-")[0]
        rows = list(tables().segments.get(name, ()))
        for override in self.site.overrides:
            if override.segment != segment:
                continue
            own = [row for row in override.rows if row["resource"] == resource]
            if own or not override.rows:
                field = f"{segment}-{override.number}"
                rows = [row for row in rows if row.identifier != field]
                rows += [_own_row(override.where, field, row) for row in own]
        return rows

    def _compile_segment(self, name: str) -> SegmentProgram:
        context = _context(name)
        always: list[Operation] = []
        fields: dict[int, list[Operation]] = {}
        rows = self.rows(name)
        if not rows:
            raise KeyError(name)
        for number, row in enumerate(rows):
            if not row.path:
                continue
            own = subject(row.identifier) if row.identifier else OWN
            if own.numbers and own.name != name[:3]:
                continue
            is_completed = _is_completed(row, rows[number + 1 :], context)
            operation = self._operation(row, context, own, False, is_completed)
            if own.numbers:
                fields.setdefault(own.numbers[0], []).append(operation)
            else:
                always.append(operation)
        ordered = tuple((number, tuple(fields[number])) for number in sorted(fields))
        return SegmentProgram(name[:3].rstrip("["), context, tuple(always), ordered)

    def data_type(self, name: str) -> DataTypeProgram:
        """Raises :class:`MapError`."""
        key = self._names.get(name.lower())
        if key is None:
            raise MapError(f"there is no data type map {name}")
        if key not in self._types:
            self._types[key] = program = DataTypeProgram(_context(key))
            for row in tables().datatypes[key]:
                if row.path:
                    self._data_type_row(program, row)
        return self._types[key]

    def _data_type_row(self, program: DataTypeProgram, row: Row) -> None:
        own = subject(row.identifier) if row.identifier else OWN
        link = _link(row.path) if not row.map and not row.assignment else None
        if link is not None:
            program.links.append(link)
            return
        target = resolve(row.path, program.fhir, row.identifier, True)
        operation = self._operation(row, program.fhir, own, True)
        program.is_plain &= self._is_plain(row, target)
        if target.name == "$value":
            is_own = not (row.assignment or row.map) and len(own.numbers) <= 1
            program.values.append((operation, None if is_own else self._text(row, own, True)))
        else:
            program.operations.append(operation)

    def _is_plain(self, row: Row, target: Target) -> bool:
        """Whether the row sees its data type only, and makes nothing but what it is to fill."""
        if any(hop.resource for hop in target.hops) or row.assignment.startswith(("$refer", "$document")):
            return False
        names = _SUBJECT.findall(_QUOTED.sub("", f"{row.condition} {row.assignment}"))
        if not DATA_TYPES.issuperset(names):
            return False
        if target.name == "$value" or is_primitive(target.type) or (row.assignment and not row.map):
            return True
        inner = self.data_type(row.map or self._default(row, target))
        return inner.is_plain and not inner.is_resource

    def _operation(
        self, row: Row, context: str, own: Subject, in_data_type: bool, is_completed: bool = False
    ) -> Operation:
        condition = parse_condition(row.condition)
        test = tester(condition, own) if condition is not None else None
        target = resolve(row.path, context, row.identifier, in_data_type)
        numbers = own.numbers if in_data_type else own.numbers[1:]
        absent = asks_own_absence(condition, own)
        whole = in_data_type and bool(row.assignment)
        inner = numbers[1:] if in_data_type else ()
        run, made, make = (
            self._run(row, target, own, in_data_type, is_completed)
            if target.name != "$value"
            else (_nothing, None, None)
        )
        terms = parse_assignment(row.assignment) if made is not None else ()
        text = terms[0].value if len(terms) == 1 and isinstance(terms[0], Text) else None
        assigned = terms if in_data_type and text is None and is_written(terms) else ()
        if in_data_type and (inner or (text is None and not assigned and (row.assignment or row.map))):
            made = None
        return Operation(
            numbers, test, run, absent, target.group or 1, row.source, target.top,
            whole, inner, made, text, make, condition, own, assigned,
        )  # fmt: skip

    def _run(
        self, row: Row, target: Target, own: Subject, in_data_type: bool, is_completed: bool
    ) -> tuple[Run, TextRow | None, Make | None]:
        """The row; for one that makes a primitive value, also by the text that it is made of, and what makes that where
        it is not the row's own place."""
        program = None
        if not (target.name and is_primitive(target.type)):
            if row.assignment and not row.map:
                return self._assigned(row, target, own), None, None
            program = self.data_type(row.map or self._default(row, target))
        if program is None or (program.values and not (program.operations or program.is_resource)):
            make = self._text(row, own if not in_data_type or row.assignment else OWN, False)
            made = self._text_row(row, target, own)
            return _texted(make, made), made, make if row.assignment or row.map else None
        return self._filled(row, target, program, is_completed), None, None

    def _filled(self, row: Row, target: Target, program: DataTypeProgram, is_completed: bool) -> Run:
        if program.is_resource:
            if target.type not in ("Reference", program.fhir):
                raise MapError(f"{row.map} makes no {target.type}")
            return ResourceRow(target, program, row.source).run
        if target.type != program.fhir and target.type not in ALIKE.get(program.fhir, ()):
            raise MapError(f"{row.map} makes no {target.type}")
        return ObjectRow(target, program, self._vocabulary(row), row.source, is_completed).run

    def _default(self, row: Row, target: Target) -> str:
        """The data type map for a row that names none."""
        v2, fhir = row.type or "ST", target.type
        if fhir == "CodeableConcept":
            return "ST[CodeableConcept]" if v2 in ("ST", "TX", "FT", "String") else "CWE[CodeableConcept]"
        if fhir in ("Coding", "Identifier"):
            return {"Coding": "CWE[Coding]"}.get(fhir, f"{v2}[Identifier]")
        if f"{v2}[{fhir}]".lower() in self._names:
            return f"{v2}[{fhir}]"
        raise MapError(f"no data type map makes {fhir or 'nothing'} of {v2}")

    def _text(self, row: Row, own: Subject, in_data_type: bool) -> Make:
        """The text a primitive is made of: assigned, made by a data type map, or the value as it stands."""
        if row.assignment:
            return maker(parse_assignment(row.assignment), own)
        if row.map:
            program = self.data_type(row.map)
            if program.values:
                inner = own.numbers if in_data_type else ()
                return lambda context, node: program.value(
                    context, node.at(inner) if node and inner else node
                )
        inner = own.numbers if in_data_type else ()
        if inner:
            return lambda context, node: _value(node, inner)
        return lambda context, node: node.value() if node is not None else None

    def _vocabulary(self, row: Row) -> Vocabulary | None:
        name = row.vocabulary
        if not name:
            return None
        if name not in self._vocabularies:
            self._vocabularies[name] = vocabulary(name, self.site)
        found = self._vocabularies[name]
        if found is None:
            raise MapError(f"there is no concept map {name}")
        return found

    def _text_row(self, row: Row, target: Target, own: Subject) -> TextRow:
        coerce, zone, site = COERCE.get(target.type), self.site.time_zone, self.site
        if coerce is None:
            raise MapError(f"nothing makes a {target.type}")
        is_system = target.name == "system" and not row.assignment and own.name in NAMES_SYSTEMS
        read: Read = partial(coding_system, site=site) if is_system else partial(coerce, zone=zone)
        words, is_text = self._vocabulary(row), coerce is string and not is_system
        return TextRow(target, None if is_text else read, words, _allowed(target), row.source)

    def _assigned(self, row: Row, target: Target, own: Subject) -> Run:
        make, locate = maker(parse_assignment(row.assignment), own), locator(target)

        def run(context: Context, draft: Draft, start: Json, node: Node | None, repetition: int) -> None:
            made = make(context, node)
            if isinstance(made, Reference):
                holder, at = locate(context, draft, start, repetition)
                put(context, target, holder, at, made, repetition, row.source)

        return run


def _texted(make: Make, made: TextRow) -> Run:
    """The row of the text that ``make`` makes."""

    def run(context: Context, draft: Draft, start: Json, node: Node | None, repetition: int) -> None:
        made.put(context, draft, start, make(context, node), repetition)

    return run


def _nothing(context: Context, draft: Draft, start: Json, node: Node | None, repetition: int) -> None:
    """A row about ``$value`` is run by :meth:`DataTypeProgram.value`."""


def _value(node: Node | None, numbers: tuple[int, ...]) -> str | None:
    found = node.at(numbers) if node is not None and numbers else node
    return found.value() if found is not None else None


def _is_completed(row: Row, after: list[Row], context: str) -> bool:
    """Whether a row after it always adds to what it makes of the same field."""
    target = resolve(row.path, context, row.identifier)
    for other in after:
        if other.identifier == row.identifier and other.path and not other.condition:
            hops = resolve(other.path, context, other.identifier).hops
            if hops and not target.hops and (hops[0].name, hops[0].slot) == (target.name, target.slot):
                return True
    return False


def _allowed(target: Target) -> frozenset[str] | None:
    """The codes that an element may have, where R4 lists them."""
    if not target.binding or target.type != "code":
        return None
    systems = definitions().required_codes(target.binding)
    return frozenset().union(*systems.values()) if systems else None


def _link(path: str) -> tuple[int, str, int] | None:
    """``[2].partOf(Location[3])``: group 2 is part of group 3."""
    steps = parse_path(path)
    if len(steps) == 2 and not steps[0].name and steps[1].resource_index:
        return steps[0].index, steps[1].name, steps[1].resource_index
    return None


def _context(name: str) -> str:
    match = _NAME.match(name)
    if match is None:
        raise MapError(f"{name} names no map")
    found = match["fhir"].partition("-")[0]
    known = {
        t.lower(): t for t in ("CodeableConcept", "Coding", "code", "string", "uri", "boolean", "decimal")
    }
    return known.get(found.lower(), {"Extension": "Observation"}.get(found, found))


def _own_row(where: str, field: str, row: Any) -> Row:
    return Row(
        source=where,
        line=0,
        identifier=field,
        type=row.get("type", "ST"),
        condition=row.get("if", ""),
        path=row["path"],
        map=row.get("map", ""),
        vocabulary=row.get("codes", ""),
        assignment=row.get("assign", ""),
    )
