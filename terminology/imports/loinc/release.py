"""Reading a release of LOINC: terms, parts, answer lists, panels, the hierarchy, other languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.releases import ReleaseWriter
from terminology.imports.headers import code_system
from terminology.imports.kind import Given, InvalidSource, Progress
from terminology.imports.loinc.accessories import read_accessories
from terminology.imports.loinc.layout import COPYRIGHT, CSV, FILES, LOINC, PROPERTIES
from terminology.imports.loinc.reading import Reading
from terminology.imports.loinc.terms import read_parts, read_terms
from terminology.imports.sources import Sources
from terminology.imports.steps import Steps
from terminology.imports.tables import Table

_VERSION = re.compile(r"loinc[_-]?v?([0-9]+\.[0-9]+)", re.IGNORECASE)


class LoincImport:
    """``loinc``. An :class:`terminology.imports.kind.Import`."""

    kind = "loinc"
    title = "LOINC: the complete download (zip or folder), or Loinc.csv"

    def recognise(self, path: Path) -> bool:
        try:
            return bool(Sources(path).named(*FILES["terms"]))
        except (InvalidSource, OSError):
            return False

    def header(self, path: Path, given: Given) -> JsonObject:
        sources = Sources(path)
        about = {
            "publisher": "Regenstrief Institute, Inc.",
            "copyright": COPYRIGHT,
            "caseSensitive": False,
            "valueSet": f"{LOINC}/vs",
            "hierarchyMeaning": "is-a",
            "compositional": False,
            "versionNeeded": False,
        }
        version = given.version or _version(sources)
        return code_system(LOINC, version, "LOINC", "LOINC Code System", PROPERTIES, about)

    def read(self, path: Path, writer: ReleaseWriter, progress: Progress) -> None:
        reading = Reading(Sources(path), Steps(writer, progress))
        read_terms(reading)
        read_parts(reading)
        read_accessories(reading)

    def resources(self, path: Path, header: JsonObject) -> Iterator[JsonObject]:
        return iter(())


def _version(sources: Sources) -> str:
    """From the name of the file or of a folder; else the last version that changed a term."""
    for name in (sources.path.name, *sources.names[:50], str(sources.path.resolve())):
        if found := _VERSION.search(name):
            return found.group(1)
    table = Table(sources, sources.one(*FILES["terms"]), CSV)
    versions = {row[1] for row in table.rows(("LOINC_NUM",), ("VersionLastChanged",))}
    numbers = [tuple(map(int, one.split("."))) for one in versions if re.fullmatch(r"[0-9]+\.[0-9]+", one)]
    if not numbers:
        raise InvalidSource(sources.path, "which version it is cannot be told: give its version")
    return ".".join(map(str, max(numbers)))
