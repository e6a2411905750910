"""CVX, the codes of vaccines administered: the list of the CDC as text (pipes) or XML.

https://www2.cdc.gov/vaccines/iis/iisstandards/vaccines.asp?rpt=cvx
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.releases import ReleaseWriter
from fhirserver.ports.terminology import Designation
from terminology.imports.headers import Property, code_system
from terminology.imports.kind import Given, InvalidSource, Progress
from terminology.imports.sources import Sources
from terminology.imports.steps import Steps
from terminology.imports.tables import Layout, Table, Values
from terminology.imports.xml_events import elements

CVX = "http://hl7.org/fhir/sid/cvx"
_COLUMNS = ("CVXCode", "ShortDescription", "FullVaccinename", "Notes", "Status", "Nonvaccine", "LastUpdated")
_FILE = re.compile(r"(?:.*/)?cvx[^/]*\.(?:txt|xml)", re.IGNORECASE)
_PROPERTIES: tuple[Property, ...] = (
    ("VaccineStatus", "code", "Active, Inactive, Pending, Non-US or Never Active"),
    ("Notes", "string", "How the code is used"),
    ("nonvaccine", "boolean", "Whether it is no vaccine (an immune globulin, an antitoxin)"),
    ("LastUpdated", "dateTime", "When the entry was changed last"),
)
_INACTIVE = frozenset({"inactive", "never active"})


class CvxImport:
    """``cvx``. An :class:`terminology.imports.kind.Import`."""

    kind = "cvx"
    title = "CVX: the CDC's list of vaccines as text (cvx.txt) or XML"

    def recognise(self, path: Path) -> bool:
        try:
            return any(_FILE.fullmatch(name) for name in Sources(path).names)
        except (InvalidSource, OSError):
            return False

    def header(self, path: Path, given: Given) -> JsonObject:
        sources = Sources(path)
        version = given.version or max(filter(None, (_date(row[6]) for _, row in _rows(sources))), default="")
        if not version:
            raise InvalidSource(path, "no entry says when it was changed: give a version")
        return code_system(
            CVX,
            version.replace("-", ""),
            "CVX",
            "Vaccine Administered (CVX)",
            _PROPERTIES,
            {"valueSet": f"{CVX}/vs"},
        )

    def read(self, path: Path, writer: ReleaseWriter, progress: Progress) -> None:
        sources = Sources(path)
        name, seen = _needed(sources), set[str]()
        for line, row in Steps(writer, progress).undone(name, _rows(sources), lambda: 0, sources.size(name)):
            code = row[0]
            if not code:
                raise InvalidSource(sources.place(name), "the CVX code is empty", line)
            if code in seen:
                raise InvalidSource(sources.place(name), "the CVX code is there twice", line)
            seen.add(code)
            _write(writer, row)

    def resources(self, path: Path, header: JsonObject) -> Iterator[JsonObject]:
        return iter(())


def _needed(sources: Sources) -> str:
    found = [name for name in sources.names if _FILE.fullmatch(name)]
    if not found and len(sources.names) == 1:
        found = sources.names
    if not found:
        raise InvalidSource(sources.path, "there is no cvx.txt and no cvx.xml in it")
    return found[0]


def _rows(sources: Sources) -> Iterator[tuple[int, Values]]:
    """Line, and the values of the columns."""
    name = _needed(sources)
    with sources.open(name) as file:
        is_xml = file.read(200).lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")
    yield from _xml_rows(sources, name) if is_xml else _text_rows(sources, name)


def _text_rows(sources: Sources, name: str) -> Iterator[tuple[int, Values]]:
    """Without a header; some versions of the list leave out whether it is a vaccine, or close each row with a pipe."""
    table = Table(sources, name, Layout("|", columns=_COLUMNS, legacy=True))
    for row in table.lists():
        values = [text.strip() for text in row]
        if values[-1] == "" and len(values) in (7, 8):
            values.pop()
        if len(values) == 6:
            values.insert(5, "")
        if len(values) != 7:
            raise table.wrong(f"the row has {len(row)} columns instead of 7: it is cut off or damaged")
        yield table.line, tuple(values)


def _xml_rows(sources: Sources, name: str) -> Iterator[tuple[int, Values]]:
    """Two forms are published: elements with names of their own, and pairs of Name and Value."""
    found: dict[str, str] = {}
    label = ""
    for element in elements(sources, name):
        if not element.ended:
            found = {} if element.tag == "CVXInfo" else found
        elif element.tag == "CVXInfo":
            yield element.line, tuple(found.get(column.lower(), "") for column in _COLUMNS)
        elif element.tag == "Name":
            label = re.sub("[^a-z]", "", element.text.lower())
        else:
            found[label if element.tag == "Value" else element.tag.lower()] = element.text


def _date(text: str) -> str:
    """``3/20/2011`` and ``2011/03/20`` as FHIR writes it; empty for anything else."""
    numbers = [int(part) for part in re.findall("[0-9]+", text)[:3]]
    try:
        if len(numbers) == 3:
            year, month, day = numbers if numbers[0] > 31 else (numbers[2], numbers[0], numbers[1])
            return date(year, month, day).isoformat()
    except ValueError:
        pass
    return ""


def _write(writer: ReleaseWriter, row: Values) -> None:
    code, short, full, notes, status, nonvaccine, updated = row
    writer.concept(
        code,
        short or full,
        full if full != short else "",
        inactive=status.lower() in _INACTIVE,
        status=status.lower().replace(" ", "-"),
    )
    if full and full != short:
        writer.designation(code, Designation(full, "en"))
    if status:
        writer.property(code, "VaccineStatus", status, "code")
    if notes:
        writer.property(code, "Notes", notes)
    if nonvaccine:
        writer.property(code, "nonvaccine", "true" if nonvaccine.lower() == "true" else "false", "boolean")
    if day := _date(updated):
        writer.property(code, "LastUpdated", day, "dateTime")
