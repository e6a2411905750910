"""ICD-10-CM: the tabular list in XML, or the order file. https://www.cms.gov/medicare/coding-billing/icd-10-codes

https://hl7.org/fhir/R4/icd.html. Codes are written with their dot. Chapters, sections and headers group codes and are
not selected themselves; where the tabular list says that a seventh character has to be added, the codes with it are
made as the guidelines say (Official Guidelines for Coding and Reporting, I.A.4 and 5: ``X`` holds empty places).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.releases import ReleaseWriter
from fhirserver.ports.terminology import Designation
from terminology.imports.headers import HIERARCHY, code_system
from terminology.imports.kind import Given, InvalidSource, Progress
from terminology.imports.sources import Sources
from terminology.imports.steps import Steps
from terminology.imports.xml_events import Element, elements

ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
_TABULAR = re.compile(r"(?:.*/)?icd-?10-?cm[-_]?tabular[^/]*\.xml", re.IGNORECASE)
_ORDER = re.compile(r"(?:.*/)?icd-?10-?cm[-_]?order[^/]*\.txt", re.IGNORECASE)
_YEAR = re.compile(r"(?<![0-9])(20[0-9]{2})(?![0-9])")
_ORDER_LINE = re.compile(
    r"(?P<number>[0-9]{5}) (?P<code>[A-Z][0-9A-Z]{2,6}) *\s(?P<flag>[01]) (?P<short>.{60}) (?P<long>.+)"
)
_NOTES = (
    "includes",
    "inclusionTerm",
    "excludes1",
    "excludes2",
    "useAdditionalCode",
    "codeFirst",
    "codeAlso",
    "notes",
)
_LONGEST = 7
"""Characters of a code, without its dot."""
_PROPERTIES = (
    *((name, "string", "A note of the tabular list") for name in _NOTES),
    ("sevenChrNote", "string", "Which codes need a seventh character"),
    ("notSelectable", "boolean", "Chapters, sections, and codes that are not specific enough to be used"),
    *HIERARCHY,
)


class Icd10CmImport:
    """``icd-10-cm``. An :class:`terminology.imports.kind.Import`."""

    kind = "icd-10-cm"
    title = "ICD-10-CM: the tabular list (XML) or the order file, alone or in a zip or folder"

    def recognise(self, path: Path) -> bool:
        try:
            return bool(_file(Sources(path)))
        except (InvalidSource, OSError):
            return False

    def header(self, path: Path, given: Given) -> JsonObject:
        sources = Sources(path)
        version = given.version or _version(sources, _needed(sources))
        about = {
            "publisher": "National Center for Health Statistics",
            "hierarchyMeaning": "is-a",
            "valueSet": f"{ICD_10_CM}/vs",
        }
        return code_system(ICD_10_CM, version, "ICD10CM", "ICD-10-CM", _PROPERTIES, about)

    def read(self, path: Path, writer: ReleaseWriter, progress: Progress) -> None:
        sources = Sources(path)
        name = _needed(sources)
        entries = _tabular(sources, name) if name.lower().endswith(".xml") else _order(sources, name)
        steps = Steps(writer, progress)
        for entry in steps.undone(name, entries, lambda: 0, sources.size(name)):
            _write(writer, entry)

    def resources(self, path: Path, header: JsonObject) -> Iterator[JsonObject]:
        return iter(())


def _file(sources: Sources) -> str:
    """The tabular list before the order file; addenda are neither."""
    names = [name for name in sources.names if "addend" not in name.lower()]
    found = [name for pattern in (_TABULAR, _ORDER) for name in names if pattern.fullmatch(name)]
    return found[0] if found else ""


def _needed(sources: Sources) -> str:
    if found := _file(sources):
        return found
    if len(sources.names) == 1 and sources.names[0].lower().endswith((".xml", ".txt")):
        return sources.names[0]
    raise InvalidSource(
        sources.path, "there is no icd10cm_tabular_YYYY.xml and no icd10cm_order_YYYY.txt in it"
    )


def _version(sources: Sources, name: str) -> str:
    if name.lower().endswith(".xml"):
        for element in elements(sources, name):
            if element.ended and element.tag == "version" and element.text:
                return element.text
            if element.tag == "chapter":
                break
    if found := _YEAR.search(name) or _YEAR.search(sources.path.name):
        return found.group(1)
    raise InvalidSource(sources.path, "which version it is cannot be told: give its version (the year)")


@dataclass(slots=True)
class Entry:
    """A chapter, section or code, with all that is written of it."""

    code: str = ""
    display: str = ""
    parent: str = ""
    abstract: bool = False
    line: int = 0
    short: str = ""
    properties: list[tuple[str, str]] = field(default_factory=list)
    seventh: dict[str, str] = field(default_factory=dict)
    begun: bool = False


def _write(writer: ReleaseWriter, entry: Entry) -> None:
    writer.concept(entry.code, entry.display, abstract=entry.abstract)
    if entry.parent:
        writer.parent(entry.code, entry.parent)
    for name, text in entry.properties:
        writer.property(entry.code, name, text)
    if entry.short and entry.short != entry.display:
        writer.designation(entry.code, Designation(entry.short, "en"))


# The tabular list


def _tabular(sources: Sources, name: str) -> Iterator[Entry]:
    """Entries as the list has them: a code is written when the first one below it begins, or else when it ends."""
    open_entries: list[Entry] = []
    inside: list[str] = []
    seen: set[str] = set()
    for element in elements(sources, name):
        is_entry = element.tag in ("chapter", "section", "diag")
        if not element.ended:
            inside.append(element.tag)
            if is_entry:
                yield from _begin(sources, name, open_entries, element, seen)
            continue
        inside.pop()
        if is_entry:
            yield from _end(sources, name, open_entries.pop(), seen)
        elif open_entries:
            _add(open_entries[-1], element, inside[-1])
    if not seen:
        raise InvalidSource(sources.place(name), "it holds no chapters of ICD-10-CM")


def _begin(
    sources: Sources, name: str, above: list[Entry], element: Element, seen: set[str]
) -> Iterator[Entry]:
    entry = Entry(
        line=element.line, code=element.attributes.get("id", "") if element.tag == "section" else ""
    )
    entry.abstract = element.tag != "diag"
    if above:
        above[-1].abstract = True
        yield from _once(sources, name, above[-1], seen)
        entry.parent, entry.seventh = above[-1].code, above[-1].seventh
    above.append(entry)


def _once(sources: Sources, name: str, entry: Entry, seen: set[str]) -> Iterator[Entry]:
    if entry.begun:
        return
    entry.begun = True
    if not entry.code or not entry.display:
        what = "name" if not entry.code else "desc"
        raise InvalidSource(sources.place(name), f"an entry has no {what}", entry.line)
    if entry.code not in seen:
        seen.add(entry.code)
        yield entry


def _end(sources: Sources, name: str, entry: Entry, seen: set[str]) -> Iterator[Entry]:
    is_last = not entry.begun and not entry.abstract and len(entry.code.replace(".", "")) < _LONGEST
    entry.abstract = entry.abstract or (is_last and bool(entry.seventh))
    yield from _once(sources, name, entry, seen)
    for character, meaning in entry.seventh.items() if is_last else ():
        code = with_seventh(entry.code, character)
        if code not in seen:
            seen.add(code)
            yield Entry(code, f"{entry.display}, {meaning}", entry.code)


def with_seventh(code: str, character: str) -> str:
    """``S00.0`` and ``A`` make ``S00.0XXA``."""
    plain = f"{code.replace('.', ''):X<6}{character}"
    return f"{plain[:3]}.{plain[3:]}"


def _add(entry: Entry, element: Element, around: str) -> None:
    """What is written inside an entry, not inside one below it."""
    if element.tag == "name" and around in ("chapter", "diag"):
        entry.code = element.text
    elif element.tag == "desc" and around in ("chapter", "section", "diag"):
        entry.display = element.text
    elif element.tag == "note" and around in (*_NOTES, "sevenChrNote") and element.text:
        entry.properties.append((around, element.text))
    elif element.tag == "extension" and around == "sevenChrDef":
        if "own" not in entry.seventh:
            entry.seventh = {"own": ""}
        entry.seventh[element.attributes.get("char", "")] = element.text
    elif element.tag == "sevenChrDef":
        entry.seventh = {char: text for char, text in entry.seventh.items() if char not in ("own", "")}


# The order file


def _order(sources: Sources, name: str) -> Iterator[Entry]:
    """Codes in their order: each is below the longest one before it that it begins with."""
    above: list[str] = []
    with sources.open(name) as file:
        for number, raw in enumerate(file, 1):
            line = raw.decode("cp1252", "replace").rstrip()
            if not line:
                continue
            found = _ORDER_LINE.fullmatch(line)
            if found is None:
                why = "the row is not as order files have them (number, code, 0 or 1, two descriptions)"
                raise InvalidSource(sources.place(name), why, number)
            code = found["code"]
            while above and not code.startswith(above[-1]):
                above.pop()
            parent = above[-1] if above else ""
            above.append(code)
            long, short = found["long"].strip(), found["short"].strip()
            yield Entry(_dotted(code), long, _dotted(parent), found["flag"] == "0", number, short)


def _dotted(code: str) -> str:
    return f"{code[:3]}.{code[3:]}" if len(code) > 3 else code
