"""RxNorm: the full release in RRF (a folder or zip with ``rrf/``).

https://www.nlm.nih.gov/research/umls/rxnorm/docs/techdoc.html, https://hl7.org/fhir/R4/rxnorm.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.releases import ReleaseWriter
from fhirserver.ports.terminology import Designation
from terminology.imports.headers import HIERARCHY, code_system
from terminology.imports.kind import Given, InvalidSource, Progress
from terminology.imports.sources import Sources
from terminology.imports.spool import Spool
from terminology.imports.steps import Steps
from terminology.imports.tables import Layout, Table, Values, rrf

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_CONCEPTS = rrf("RXCUI LAT TS LUI STT SUI ISPREF RXAUI SAUI SCUI SDUI SAB TTY CODE STR SRL SUPPRESS CVF")
_RELATIONS = rrf("RXCUI1 RXAUI1 STYPE1 REL RXCUI2 RXAUI2 STYPE2 RELA RUI SRUI SAB SL DIR RG SUPPRESS CVF")
_ATTRIBUTES = rrf("RXCUI LUI SUI RXAUI STYPE CODE ATUI SATUI ATN SAB ATV SUPPRESS CVF")
_TYPES = rrf("RXCUI TUI STN STY ATUI CVF")
_SYNONYMS = {"PSN": 13, "SY": 14, "TMSY": 14, "ET": 14}
"""Term types that name a concept in another way: they are never its display where there is another."""
_DATE = re.compile(r"(?<![0-9])([01][0-9])([0-3][0-9])(20[0-9]{2})(?![0-9])")
_PROPERTIES = (
    ("TTY", "code", "Term type (IN, SCD, SBD …)"),
    ("STY", "string", "Semantic type"),
    ("TUI", "code", "Identifier of the semantic type"),
    ("SUPPRESS", "code", "N, or why the concept should not be used: O (obsolete), Y, E"),
    ("has_ingredient", "code", "Relations to other concepts stand under their RELA"),
    ("NDC", "string", "Attributes stand under their ATN"),
    *HIERARCHY,
)


class RxNormImport:
    """``rxnorm``. An :class:`terminology.imports.kind.Import`."""

    kind = "rxnorm"
    title = "RxNorm: the full release (zip or folder with RXNCONSO.RRF)"

    def recognise(self, path: Path) -> bool:
        try:
            return bool(Sources(path).named("RXNCONSO.RRF"))
        except (InvalidSource, OSError):
            return False

    def header(self, path: Path, given: Given) -> JsonObject:
        sources = Sources(path)
        sources.one("RXNCONSO.RRF")
        about = {
            "publisher": "U.S. National Library of Medicine",
            "hierarchyMeaning": "is-a",
            "valueSet": f"{RXNORM}/vs",
        }
        version = given.version or _version(sources)
        return code_system(RXNORM, version, "RXNORM", "RxNorm", _PROPERTIES, about)

    def read(self, path: Path, writer: ReleaseWriter, progress: Progress) -> None:
        with Spool() as spool:
            _Reading(Sources(path), Steps(writer, progress), spool).run()

    def resources(self, path: Path, header: JsonObject) -> Iterator[JsonObject]:
        return iter(())


def _version(sources: Sources) -> str:
    """The date of the release, as RxNorm's files are called (``RxNorm_full_01022024``), year first so that it sorts."""
    for name in (sources.path.name, *sources.names[:50], str(sources.path.resolve())):
        if found := _DATE.search(name):
            month, day, year = found.groups()
            return f"{year}{month}{day}"
    raise InvalidSource(
        sources.path, "which version it is cannot be told by its name: give its version (YYYYMMDD)"
    )


class _Reading:
    """Only what RxNorm says itself (SAB=RXNORM): its sources have licences of their own."""

    def __init__(self, sources: Sources, steps: Steps, spool: Spool):
        self._sources, self._steps, self._writer, self._atoms = sources, steps, steps.writer, spool

    def run(self) -> None:
        self._read_atoms()
        self._write_concepts()
        self._read_types()
        self._read_relations()
        self._read_attributes()

    def _table(self, name: str, layout: Layout) -> Table | None:
        found = self._sources.named(name)
        return Table(self._sources, found[0], layout) if found else None

    def _rows(self, name: str, layout: Layout, *columns: str) -> Iterator[Values]:
        table = self._table(name, layout)
        return self._steps.table(table, columns) if table else iter(())

    # Concepts

    def _read_atoms(self) -> None:
        """All names of each concept wait on disk: a concept's atoms need not stand together."""
        table = Table(self._sources, self._sources.one("RXNCONSO.RRF"), _CONCEPTS)
        size = self._sources.size(table.name)
        rows = table.rows(("RXCUI", "SAB", "TTY", "STR", "SUPPRESS", "LAT"))
        for count, (code, source, kind, text, suppress, _) in enumerate(rows):
            if source == "RXNORM":
                if not (code.isascii() and code.isdigit() and len(code) < 12):
                    raise table.wrong("the column RXCUI holds no number")
                rank = _SYNONYMS.get(kind, 0) if suppress == "N" else 15 if kind in _SYNONYMS else 12
                self._atoms.add(int(code), rank, f"{suppress}|{kind}|{text}")
            if not count % 20_000:
                self._steps.progress("names", table.read, size)
        self._atoms.sort()

    def _write_concepts(self) -> None:
        count = len(self._atoms)
        for number in self._steps.undone("concepts", self._atoms.numbers(), lambda: 0, count):
            first, *others = (text.split("|", 2) for _, text in self._atoms.of(number))
            self._write_concept(str(number), first, others)

    def _write_concept(self, code: str, first: list[str], others: list[list[str]]) -> None:
        suppress, kind, text = first
        status = {"N": "active", "O": "obsolete"}.get(suppress, "suppressed")
        self._writer.concept(code, text, inactive=suppress != "N", status=status)
        self._writer.property(code, "SUPPRESS", suppress, "code")
        for tty in dict.fromkeys([kind, *(other[1] for other in others if other[1] not in _SYNONYMS)]):
            self._writer.property(code, "TTY", tty, "code")
        for _, use, name in others:
            self._writer.designation(code, Designation(name, "en", {"system": RXNORM, "code": use}))

    # What else is said of them

    def _is_known(self, *codes: str) -> bool:
        return all(code.isascii() and code.isdigit() and int(code) in self._atoms for code in codes)

    def _read_types(self) -> None:
        for code, tui, sty in self._rows("RXNSTY.RRF", _TYPES, "RXCUI", "TUI", "STY"):
            if self._is_known(code):
                self._writer.property(code, "STY", sty)
                self._writer.property(code, "TUI", tui, "code")

    def _read_relations(self) -> None:
        """In a row the second concept has the relation to the first; each relation has a row for either way."""
        columns = ("SAB", "RXCUI1", "RXCUI2", "STYPE1", "REL", "RELA", "SUPPRESS")
        for source, one, two, kind, rel, rela, suppress in self._rows("RXNREL.RRF", _RELATIONS, *columns):
            if (
                source != "RXNORM"
                or kind != "CUI"
                or suppress not in ("", "N")
                or not self._is_known(one, two)
            ):
                continue
            if rela == "isa":
                self._writer.parent(two, one)
            elif rela != "inverse_isa":
                self._writer.property(two, rela or rel, one, "code")

    def _read_attributes(self) -> None:
        columns = ("RXCUI", "SAB", "ATN", "ATV", "SUPPRESS")
        for code, source, name, value, suppress in self._rows("RXNSAT.RRF", _ATTRIBUTES, *columns):
            if source == "RXNORM" and value and suppress in ("", "N") and self._is_known(code):
                self._writer.property(code, name, value)
