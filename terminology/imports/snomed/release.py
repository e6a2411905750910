"""Reading a release of SNOMED CT: concepts with their names, hierarchy, relationships in groups, reference sets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.releases import ReleaseWriter
from fhirserver.ports.terminology import Designation
from terminology.ecl.substrate import MEMBER_OF
from terminology.imports.kind import Given, InvalidSource, Progress
from terminology.imports.snomed.descriptions import (
    FSN,
    PREFERRED_FOR_LANGUAGE,
    SYNONYM,
    USES,
    Names,
    Ratings,
    SortedIds,
    definitions,
)
from terminology.imports.snomed.files import File, Reader, ReleaseFiles
from terminology.imports.snomed.header import INFERRED, IS_A, SNOMED, concrete, read_header
from terminology.imports.spool import Spool
from terminology.imports.steps import Steps
from terminology.imports.tables import Values

_DEFINED = "900000000000073002"
_TAG = re.compile(r"\(([^()]+)\)\s*$")
_CONCEPT_PARTITIONS = ("00", "10")
"""What the last three digits of an SCTID begin with, where it names a concept."""


class SnomedImport:
    """``snomed``. An :class:`terminology.imports.kind.Import`."""

    kind = "snomed"
    title = "SNOMED CT: an RF2 release (zip or folder; for an extension a folder with its edition too)"

    def recognise(self, path: Path) -> bool:
        try:
            return bool(ReleaseFiles(path).of("Concept"))
        except (InvalidSource, OSError):
            return False

    def header(self, path: Path, given: Given) -> JsonObject:
        return read_header(ReleaseFiles(path), given)

    def read(self, path: Path, writer: ReleaseWriter, progress: Progress) -> None:
        with Spool() as spool:
            _Reading(ReleaseFiles(path), Steps(writer, progress), Names(spool)).run()

    def resources(self, path: Path, header: JsonObject) -> Iterator[JsonObject]:
        return iter(())


class _Reading:
    def __init__(self, release: ReleaseFiles, steps: Steps, names: Names):
        self._release, self._steps, self._writer, self._names = release, steps, steps.writer, names
        country = re.sub("[0-9]", "", max(release.needed("Concept"), key=lambda file: file.date).owner)
        self._ratings = Ratings(country)
        self._concepts = SortedIds()

    def run(self) -> None:
        self._read_ratings()
        self._read_descriptions()
        self._read_concepts()
        self._read_relationships()
        self._read_concrete_values()
        self._read_members()

    def _undone(
        self, step: str, reader: Reader, always: Callable[[Values], None] | None = None
    ) -> Iterator[Values]:
        """The active rows that no checkpoint covers."""
        rows = self._steps.undone(step, reader.rows(), reader.far, reader.size, always)
        return (row for row in rows if row[2] == "1")

    def _reader(self, files: Sequence[File], *columns: str) -> Reader:
        return self._release.reader(files, columns)

    # Names

    def _read_ratings(self) -> None:
        files = self._release.refsets("Language")
        if files:
            reader = self._reader(files, "refsetId", "referencedComponentId", "acceptabilityId")
            for count, (_, _, active, refset, description, rating) in enumerate(reader.rows()):
                if active == "1":
                    self._ratings.add(_number(reader, "referencedComponentId", description), refset, rating)
                if not count % 20_000:
                    self._steps.progress("languages", reader.far(), reader.size)
        self._ratings.sort()

    def _read_descriptions(self) -> None:
        reader = self._reader(
            self._release.needed("Description"), "conceptId", "languageCode", "typeId", "term"
        )
        for row in self._undone("descriptions", reader, lambda row: self._name(row, reader)):
            self._write_description(row)
        self._names.sort()

    def _name(self, row: Values, reader: Reader) -> None:
        """Keep what may be the display of a concept, or its fully specified name."""
        id, _, active, concept, _, type, term = row
        if active != "1" or type not in (FSN, SYNONYM):
            return
        number = _number(reader, "conceptId", concept)
        if type == FSN:
            self._names.add(number, term, None)
        elif (rank := self._ratings.rank(self._ratings.of(_number(reader, "id", id)))) is not None:
            self._names.add(number, term, rank)

    def _write_description(self, row: Values) -> None:
        id, _, _, concept, language, type, term = row
        ratings = self._ratings.of(int(id))
        extensions = self._ratings.extensions(ratings, type)
        use = USES.get(type, {"system": SNOMED, "code": type})
        self._writer.designation(concept, Designation(term, language, use, extensions))
        if type == SYNONYM and ratings:
            for dialect in self._ratings.dialects(ratings):
                self._writer.designation(concept, Designation(term, dialect, PREFERRED_FOR_LANGUAGE))

    def _definitions(self) -> dict[int, str]:
        files = self._release.of("TextDefinition")
        return definitions(self._reader(files, "conceptId", "languageCode", "term").rows()) if files else {}

    # Concepts

    def _read_concepts(self) -> None:
        reader = self._reader(self._release.needed("Concept"), "moduleId", "definitionStatusId")
        texts = self._definitions()
        rows = self._steps.undone(
            "concepts",
            reader.rows(),
            reader.far,
            reader.size,
            lambda row: self._concepts.add(_number(reader, "id", row[0])),
        )
        for row in rows:
            self._write_concept(row, texts.get(int(row[0]), ""))
        self._concepts.sort()

    def _write_concept(self, row: Values, definition: str) -> None:
        code, time, active, module, status = row
        preferred, fsn = self._names.of(int(code))
        self._writer.concept(code, preferred or fsn or code, definition, inactive=active == "0")
        self._writer.property(
            code, "sufficientlyDefined", "true" if status == _DEFINED else "false", "boolean"
        )
        self._writer.property(code, "moduleId", module, "code")
        self._writer.property(code, "effectiveTime", f"{time[:4]}-{time[4:6]}-{time[6:8]}", "dateTime")
        if tag := _TAG.search(fsn):
            self._writer.property(code, "semanticTag", tag.group(1))

    # Relationships

    def _read_relationships(self) -> None:
        columns = ("sourceId", "destinationId", "relationshipGroup", "typeId", "characteristicTypeId")
        reader = self._reader(self._release.needed("Relationship"), *columns)
        for _, _, _, source, destination, group, type, characteristic in self._undone(
            "relationships", reader
        ):
            if characteristic != INFERRED:
                continue
            self._check_concept(reader, "sourceId", source)
            self._check_concept(reader, "destinationId", destination)
            if type == IS_A:
                self._writer.parent(source, destination)
            else:
                self._writer.property(
                    source, type, destination, "code", _number(reader, "relationshipGroup", group)
                )

    def _check_concept(self, reader: Reader, column: str, code: str) -> None:
        if _number(reader, column, code) not in self._concepts:
            raise reader.wrong(
                f"the column {column} names no concept of this release"
                " (an extension is imported together with the edition that it extends: a folder with both)"
            )

    def _read_concrete_values(self) -> None:
        files = self._release.of("RelationshipConcreteValues")
        if not files:
            return
        reader = self._reader(
            files, "sourceId", "value", "relationshipGroup", "typeId", "characteristicTypeId"
        )
        for _, _, _, source, value, group, type, characteristic in self._undone("concrete values", reader):
            if characteristic == INFERRED:
                self._check_concept(reader, "sourceId", source)
                kind, text = concrete(value)
                self._writer.property(source, type, text, kind, _number(reader, "relationshipGroup", group))

    # Reference sets

    def _read_members(self) -> None:
        for file in self._release.members():
            is_association = file.kind.startswith("Association")
            columns = (
                "refsetId",
                "referencedComponentId",
                *(("targetComponentId",) if is_association else ()),
            )
            reader = self._reader([file], *columns)
            for row in self._undone(file.name, reader):
                if (
                    row[4][-3:-1] in _CONCEPT_PARTITIONS
                    and _number(reader, columns[1], row[4]) in self._concepts
                ):
                    self._writer.property(row[4], MEMBER_OF, row[3], "code")
                    if is_association:
                        self._writer.property(row[4], row[3], row[5], "code")


def _number(reader: Reader, column: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise reader.wrong(f"the column {column} holds no number")
    return int(text)
