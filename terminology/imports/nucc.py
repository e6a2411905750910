"""NUCC's Health Care Provider Taxonomy: its CSV. https://www.nucc.org/index.php/code-sets-mainmenu-41/provider-taxonomy-mainmenu-40

A hierarchy of three: groupings, classifications, specialisations. Groupings, and classifications that have no code of
their own, are concepts that cannot be selected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.releases import ReleaseWriter
from terminology.imports.headers import HIERARCHY, Property, code_system
from terminology.imports.kind import Given, InvalidSource, Progress
from terminology.imports.sources import Sources
from terminology.imports.steps import Steps
from terminology.imports.tables import Layout, Table, Values

NUCC = "http://nucc.org/provider-taxonomy"
_FILE = re.compile(r"(?:.*/)?nucc[-_]?taxonomy[^/]*\.csv", re.IGNORECASE)
_VERSION = re.compile(r"taxonomy[-_]?([0-9]{2})([0-9])", re.IGNORECASE)
_NEEDED = ("Code", "Grouping", "Classification", "Specialization")
_OPTIONAL = ("Definition", "Display Name", "Notes", "Section", "Effective Date", "Deactivation Date")
_LAYOUT = Layout(",", quoted=True, legacy=True)
_PROPERTIES: tuple[Property, ...] = (
    ("Grouping", "string", "The major grouping of providers"),
    ("Classification", "string", "The service or occupation"),
    ("Specialization", "string", "The more specialised area of it"),
    ("Section", "string", "Individual or Non-Individual"),
    ("Notes", "string", "Where the definition comes from, and its changes"),
    ("notSelectable", "boolean", "Groupings, and classifications without a code"),
    *HIERARCHY,
)


class NuccImport:
    """``nucc``. An :class:`terminology.imports.kind.Import`."""

    kind = "nucc"
    title = "NUCC provider taxonomy: nucc_taxonomy_NNN.csv"

    def recognise(self, path: Path) -> bool:
        try:
            return any(_FILE.fullmatch(name) for name in Sources(path).names)
        except (InvalidSource, OSError):
            return False

    def header(self, path: Path, given: Given) -> JsonObject:
        sources = Sources(path)
        name = _needed(sources)
        found = _VERSION.search(name) or _VERSION.search(path.name)
        version = given.version or (f"{found.group(1)}.{found.group(2)}" if found else "")
        if not version:
            raise InvalidSource(
                path, "which version it is cannot be told by its name: give its version (such as 24.1)"
            )
        about = {
            "publisher": "National Uniform Claim Committee",
            "hierarchyMeaning": "grouped-by",
            "valueSet": f"{NUCC}/vs",
        }
        return code_system(
            NUCC, version, "NUCCProviderTaxonomy", "NUCC Provider Taxonomy", _PROPERTIES, about
        )

    def read(self, path: Path, writer: ReleaseWriter, progress: Progress) -> None:
        """There are some 900 rows: they are held in memory, for a classification may come behind what is below it."""
        sources = Sources(path)
        table = Table(sources, _needed(sources), _LAYOUT)
        rows = [tuple(text.strip() for text in row) for row in table.rows(_NEEDED, _OPTIONAL)]
        parents = {(row[1], row[2]): row[0] for row in reversed(rows) if not row[3]}
        _Writing(writer, parents).run(Steps(writer, progress).undone(table.name, rows, lambda: 0, 1))

    def resources(self, path: Path, header: JsonObject) -> Iterator[JsonObject]:
        return iter(())


def _needed(sources: Sources) -> str:
    found = [name for name in sources.names if _FILE.fullmatch(name)]
    found = found or [name for name in sources.names if name.lower().endswith(".csv")]
    if not found:
        raise InvalidSource(sources.path, "there is no nucc_taxonomy_NNN.csv in it")
    return found[0]


class _Writing:
    def __init__(self, writer: ReleaseWriter, parents: dict[tuple[str, str], str]):
        self._writer, self._parents, self._groups = writer, parents, set[str]()

    def run(self, rows: Iterator[Values]) -> None:
        for row in rows:
            self._write(row)

    def _write(self, row: Values) -> None:
        code, grouping, classification, special, definition, display, notes, section, _, deactivated = row
        plain = ", ".join(filter(None, (classification, special)))
        self._writer.concept(code, display or plain or grouping, definition, inactive=bool(deactivated))
        self._writer.parent(code, self._above(code, grouping, classification))
        values = (grouping, classification, special, section, notes)
        for name, text in zip(
            ("Grouping", "Classification", "Specialization", "Section", "Notes"), values, strict=True
        ):
            if text:
                self._writer.property(code, name, text)

    def _above(self, code: str, grouping: str, classification: str) -> str:
        parent = self._parents.get((grouping, classification))
        if parent and parent != code:
            return parent
        group = self._group(grouping or "Other", "")
        return group if parent or not classification else self._group(f"{grouping}: {classification}", group)

    def _group(self, name: str, parent: str) -> str:
        if name not in self._groups:
            self._groups.add(name)
            self._writer.concept(name, name.rpartition(": ")[2], abstract=True)
            if parent:
                self._writer.parent(name, parent)
        return name
