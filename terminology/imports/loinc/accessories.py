"""What LOINC's accessory files say of terms and parts, and the answers they add."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from fhirserver.kernel.json import dumps
from terminology.imports.loinc.layout import CSV, LOINC
from terminology.imports.loinc.reading import Reading
from terminology.imports.loinc.terms import name
from terminology.imports.tables import Table, Values

_VARIANT = re.compile(r"([a-z]{2})([A-Z]{2})[0-9]+LinguisticVariant\.csv")
_PROPERTY = re.compile(r"http://loinc\.org/property/([A-Za-z_-]+)")


def read_accessories(reading: Reading) -> None:
    _read_hierarchy(reading)
    _read_answers(reading)
    _read_answer_links(reading)
    _read_part_links(reading)
    _read_panels(reading)
    _read_replacements(reading)
    _read_consumer_names(reading)
    _read_languages(reading)


def _read_hierarchy(reading: Reading) -> None:
    """A row for each way to a code. Parts that only group others become concepts too."""
    for table in reading.tables("hierarchy", only_first=True):
        links: set[tuple[str, str]] = set()
        new = (False, False)

        def note(row: Values, links: set[tuple[str, str]] = links) -> None:
            nonlocal new
            code, parent, _ = row
            new = (code not in reading.known, bool(parent) and (code, parent) not in links)
            reading.known.add(code)
            links.add((code, parent))

        for code, parent, text in reading.rows(table, ("CODE", "IMMEDIATE_PARENT", "CODE_TEXT"), (), note):
            if new[0]:
                reading.writer.concept(code, text, abstract=True)
            if new[1]:
                reading.writer.parent(code, parent)
        _write_missing(reading, {parent for _, parent in links if parent})


def _write_missing(reading: Reading, parents: set[str]) -> None:
    """Groups that the hierarchy names only as parents."""
    missing = sorted(parents - reading.known)
    for code in reading.steps.undone("groups", missing, lambda: 0, len(missing), reading.known.add):
        reading.writer.concept(code, code, abstract=True)


# Answers


def _read_answers(reading: Reading) -> None:
    """Lists (LL…) and answers (LA…). An answer may stand in several lists, and is one concept."""
    needed = ("AnswerListId", "AnswerListName", "AnswerStringId", "DisplayText")
    optional = ("LocalAnswerCode", "Description", "Score")
    for table in reading.tables("answers"):
        fresh: list[str] = []

        def note(row: Values, fresh: list[str] = fresh) -> None:
            fresh[:] = [code for code in (row[0], row[2]) if code and code not in reading.known]
            reading.known.update(fresh)

        for row in reading.rows(table, needed, optional, note):
            _write_answer(reading, row, fresh)


def _write_answer(reading: Reading, row: Values, fresh: list[str]) -> None:
    list_code, list_name, code, text, local, description, score = row
    if list_code in fresh:
        reading.writer.concept(list_code, list_name, abstract=True)
    if not code:
        return
    if code in fresh:
        reading.writer.concept(code, text, description)
    reading.writer.property(code, "LIST", list_code, "code")
    if local:
        reading.writer.property(code, "LocalAnswerCode", local)
    if score:
        reading.writer.property(code, "Score", score, "decimal")


# Links


def _links(reading: Reading, what: str, needed: Values, optional: Values = ()) -> Iterator[Values]:
    """Rows that link two codes, both known; each pair once in a file."""
    for table in reading.tables(what):
        seen: set[tuple[str, ...]] = set()
        is_new = False

        def note(row: Values, seen: set[tuple[str, ...]] = seen) -> None:
            nonlocal is_new
            pair = (*row[:2], row[-1])
            is_new = pair not in seen
            seen.add(pair)

        for row in reading.rows(table, needed, optional, note):
            if is_new and row[0] in reading.known and row[1] in reading.known:
                yield row


def _read_answer_links(reading: Reading) -> None:
    for code, answers in _links(reading, "answer links", ("LoincNumber", "AnswerListId")):
        reading.writer.property(code, "answer-list", answers, "code")
        reading.writer.property(answers, "answers-for", code, "code")


def _read_part_links(reading: Reading) -> None:
    """A part is the value of the property that the link names (``http://loinc.org/property/COMPONENT``)."""
    needed = ("LoincNumber", "PartNumber", "PartName")
    for code, part, text, kind, url in _links(reading, "links", needed, ("PartTypeName", "Property")):
        found = _PROPERTY.fullmatch(url)
        coding = dumps({"system": LOINC, "code": part, "display": text}).decode()
        reading.writer.property(code, found.group(1) if found else kind or "part", coding, "Coding")


def _read_panels(reading: Reading) -> None:
    for panel, member in _links(reading, "panels", ("ParentLoinc", "Loinc")):
        if panel != member:
            reading.writer.property(panel, "panel-member", member, "code")


def _read_replacements(reading: Reading) -> None:
    for code, other in _links(reading, "replacements", ("LOINC", "MAP_TO")):
        reading.writer.property(code, "MAP_TO", other, "code")


# Names


def _read_consumer_names(reading: Reading) -> None:
    for table in reading.tables("consumer names"):
        for code, text in reading.rows(table, ("LoincNumber", "ConsumerName")):
            if code in reading.known:
                name(reading, code, text, "CONSUMER_NAME")


def _read_languages(reading: Reading) -> None:
    """The terms in other languages: their long names, or the display that a translator chose."""
    for file in reading.sources.names:
        found = _VARIANT.fullmatch(PurePosixPath(file).name)
        if found is None:
            continue
        language, table = f"{found.group(1)}-{found.group(2)}", Table(reading.sources, file, CSV)
        names = ("LONG_COMMON_NAME", "LinguisticVariantDisplayName", "SHORTNAME")
        for code, *texts in reading.rows(table, ("LOINC_NUM",), names):
            for use, text in zip(names, texts, strict=True):
                if code in reading.known:
                    name(reading, code, text, use, language)
