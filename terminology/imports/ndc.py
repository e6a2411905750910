"""The National Drug Code directory of the FDA: product.txt and package.txt. https://www.fda.gov/drugs/drug-approvals-and-databases/national-drug-code-directory

A product code (``0002-1433``) has its package codes (``0002-1433-80``) below it. Claims and HL7 messages write a
package code with eleven digits (``00002143380``): this form is a concept of its own, below the package.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.releases import ReleaseWriter
from fhirserver.ports.terminology import Designation
from terminology.imports.headers import HIERARCHY, Property, code_system
from terminology.imports.kind import Given, InvalidSource, Progress
from terminology.imports.sources import Sources
from terminology.imports.steps import Steps
from terminology.imports.tables import Layout, Table, Values

NDC = "http://hl7.org/fhir/sid/ndc"
_LAYOUT = Layout("\t", legacy=True)
_PRODUCT = {
    "PRODUCTTYPENAME": "string",
    "PROPRIETARYNAME": "string",
    "PROPRIETARYNAMESUFFIX": "string",
    "NONPROPRIETARYNAME": "string",
    "DOSAGEFORMNAME": "string",
    "ROUTENAME": "string",
    "STARTMARKETINGDATE": "dateTime",
    "ENDMARKETINGDATE": "dateTime",
    "MARKETINGCATEGORYNAME": "string",
    "APPLICATIONNUMBER": "string",
    "LABELERNAME": "string",
    "SUBSTANCENAME": "string",
    "ACTIVE_NUMERATOR_STRENGTH": "string",
    "ACTIVE_INGRED_UNIT": "string",
    "PHARM_CLASSES": "string",
    "DEASCHEDULE": "code",
    "NDC_EXCLUDE_FLAG": "code",
    "LISTING_RECORD_CERTIFIED_THROUGH": "dateTime",
}
_PACKAGE = {
    "STARTMARKETINGDATE": "dateTime",
    "ENDMARKETINGDATE": "dateTime",
    "NDC_EXCLUDE_FLAG": "code",
    "SAMPLE_PACKAGE": "code",
}
_PROPERTIES: tuple[Property, ...] = (
    *((name, kind, "Column of the directory") for name, kind in {**_PRODUCT, **_PACKAGE}.items()),
    ("ndc11", "code", "The package code with eleven digits"),
    ("ndc10", "code", "The package code with hyphens"),
    *HIERARCHY,
)
_EXCLUDED = frozenset({"E", "U", "I"})
"""Why an entry is not in the directory of what is marketed: expired listing, unfinished, inactivated by the FDA."""


class NdcImport:
    """``ndc``. An :class:`terminology.imports.kind.Import`."""

    kind = "ndc"
    title = "NDC: the FDA's directory (zip or folder with product.txt and package.txt)"

    def recognise(self, path: Path) -> bool:
        try:
            return bool(Sources(path).named("product.txt"))
        except (InvalidSource, OSError):
            return False

    def header(self, path: Path, given: Given) -> JsonObject:
        sources = Sources(path)
        sources.one("product.txt")
        version = given.version or _version(path)
        about = {
            "publisher": "U.S. Food and Drug Administration",
            "hierarchyMeaning": "part-of",
            "valueSet": f"{NDC}/vs",
        }
        return code_system(NDC, version, "NDC", "National drug codes", _PROPERTIES, about)

    def read(self, path: Path, writer: ReleaseWriter, progress: Progress) -> None:
        _Reading(Sources(path), Steps(writer, progress)).run()

    def resources(self, path: Path, header: JsonObject) -> Iterator[JsonObject]:
        return iter(())


def _version(path: Path) -> str:
    """The directory is published daily without a number: the date in its name, else that of the file."""
    if found := re.search(r"(20[0-9]{2})-?([01][0-9])-?([0-3][0-9])", path.name):
        return "".join(found.groups())
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y%m%d")


class _Reading:
    """Keeps the codes it has seen (some 350,000 short texts): the files have a few twice."""

    def __init__(self, sources: Sources, steps: Steps):
        self._sources, self._steps, self._writer = sources, steps, steps.writer
        self._names: dict[str, str] = {}
        self._packages: set[str] = set()
        self._is_new = False

    def run(self) -> None:
        self._read_products()
        if self._sources.named("package.txt"):
            self._read_packages()

    def _table(self, name: str) -> Table:
        return Table(self._sources, self._sources.one(name), _LAYOUT)

    def _read_products(self) -> None:
        table = self._table("product.txt")
        rows = table.rows(("PRODUCTNDC", "PROPRIETARYNAME", "NONPROPRIETARYNAME"), tuple(_PRODUCT))
        size = self._sources.size(table.name)
        for row in self._steps.undone(table.name, rows, lambda: table.read, size, self._note_product):
            if self._is_new:
                code, values = row[0].strip(), dict(zip(_PRODUCT, row[3:], strict=True))
                self._writer.concept(
                    code, self._names[code], inactive=values["NDC_EXCLUDE_FLAG"] in _EXCLUDED
                )
                self._write_values(code, values, _PRODUCT)
                if row[2].strip() and row[2].strip() != self._names[code]:
                    self._writer.designation(code, Designation(row[2].strip(), "en"))

    def _note_product(self, row: Values) -> None:
        code = row[0].strip()
        self._is_new = code not in self._names
        self._names.setdefault(code, row[1].strip() or row[2].strip() or code)

    def _read_packages(self) -> None:
        table = self._table("package.txt")
        rows = table.rows(("NDCPACKAGECODE", "PRODUCTNDC", "PACKAGEDESCRIPTION"), tuple(_PACKAGE))
        size = self._sources.size(table.name)
        for row in self._steps.undone(table.name, rows, lambda: table.read, size, self._note_package):
            if self._is_new:
                self._write_package(row)

    def _note_package(self, row: Values) -> None:
        self._is_new = row[0].strip() not in self._packages
        self._packages.add(row[0].strip())

    def _write_package(self, row: Values) -> None:
        code, product, text = (value.strip() for value in row[:3])
        values = dict(zip(_PACKAGE, row[3:], strict=True))
        display = f"{self._names[product]}, {text}" if product in self._names else text
        inactive = values["NDC_EXCLUDE_FLAG"] in _EXCLUDED
        self._writer.concept(code, display, inactive=inactive)
        if product in self._names:
            self._writer.parent(code, product)
        self._write_values(code, values, _PACKAGE)
        if eleven := eleven_digits(code):
            self._writer.property(code, "ndc11", eleven, "code")
            self._writer.concept(eleven, display, inactive=inactive)
            self._writer.parent(eleven, code)
            self._writer.property(eleven, "ndc10", code, "code")

    def _write_values(self, code: str, values: dict[str, str], kinds: dict[str, str]) -> None:
        for name, text in values.items():
            if text := text.strip():
                is_date = kinds[name] == "dateTime" and re.fullmatch("[0-9]{8}", text)
                value = f"{text[:4]}-{text[4:6]}-{text[6:]}" if is_date else text
                self._writer.property(code, name, value, kinds[name])


def eleven_digits(code: str) -> str:
    """``0002-1433-80`` → ``00002143380``: labeler, product, package with 5, 4, 2 digits. Empty for other codes."""
    parts = code.split("-")
    widths = (5, 4, 2)
    if len(parts) != 3 or any(len(part) > width for part, width in zip(parts, widths, strict=True)):
        return ""
    return "".join(part.zfill(width) for part, width in zip(parts, widths, strict=True))
