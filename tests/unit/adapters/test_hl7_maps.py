"""HL7's maps as they are packed, and what we change in them: every row is read, none is left out silently."""

from __future__ import annotations

import csv
import lzma
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.hl7v2.convert.programs import Library
from adapters.hl7v2.convert.rules import NOT_CONVERTED, compile_structure, label_of
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.maps.tables import FOLDER, MessageRow, Row, tables
from fhirserver.kernel.json import loads

CORPUS = Path(__file__).parents[3] / "../shared/corpus/hl7v2/v2-to-fhir-maps"


def test_every_segment_map_compiles() -> None:
    library = Library(Site())
    for name in tables().segments:
        if name.partition("[")[2].rstrip("]").partition("-")[0] not in NOT_CONVERTED:
            library.segment(name)


def test_every_data_type_map_compiles() -> None:
    library = Library(Site())
    for name in tables().datatypes:
        if "MessageHeader" not in name and name != "PT[Meta]":
            library.data_type(name)


def test_every_message_map_and_structure_compiles() -> None:
    for name in (*tables().messages, *tables().structures):
        assert compile_structure(name).rules


def test_every_patch_hits_a_row_and_has_its_reason() -> None:
    assert tables().stale == ()
    content = tomllib.loads((FOLDER / "patches.toml").read_text("utf-8"))
    for patch in content["patch"]:
        assert patch["reason"], patch
        assert patch.get("drop") or patch.get("set"), patch


def test_every_replacement_hits_something() -> None:
    raw = (FOLDER / "patches.toml").read_text("utf-8")
    patched = tomllib.loads(raw)["replace"]
    untouched = _untouched()
    for one in patched:
        assert any(_hits(one, row) for row in untouched), one["pattern"]


def _untouched() -> list[tuple[str, object]]:
    content = loads(lzma.decompress((FOLDER / "maps.json.xz").read_bytes()))
    rows: list[tuple[str, object]] = []
    for kind in ("segments", "datatypes"):
        rows += [(name, Row("", *row)) for name, lines in content[kind].items() for row in lines]
    rows += [(name, MessageRow("", *row)) for name, lines in content["messages"].items() for row in lines]
    return rows


def _hits(one: dict[str, str], row: tuple[str, object]) -> bool:
    name, content = row
    return one.get("map", name) == name and bool(
        re.search(one["pattern"], getattr(content, one["column"], ""))
    )


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the maps of HL7 are not there")
def test_the_packed_rows_are_hl7s_own() -> None:
    """Line numbers are those of the CSV, and no row with a target is missing."""
    for kind in ("segments", "datatypes"):
        for path in sorted((CORPUS / kind).glob("*.csv")):
            name = path.name.split("_ ", 1)[1].rsplit(" - ", 1)[0]
            lines = {row.line for _, row in _rows_of(kind, name)}
            wanted = {line for line, cells in _records(path) if len(cells) > 9 and cells[9].strip()}
            assert wanted <= lines, name


def _rows_of(kind: str, name: str) -> Iterator[tuple[str, Row]]:
    content = loads(lzma.decompress((FOLDER / "maps.json.xz").read_bytes()))
    return ((name, Row("", *row)) for row in content[kind][name])


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from ((line, cells) for line, cells in enumerate(csv.reader(file), 1) if line > 2)


def test_the_page_of_differences_is_up_to_date() -> None:
    root = Path(__file__).parents[3]
    assert (
        subprocess.run([sys.executable, root / "scripts/write_hl7_differences.py", "--check"]).returncode == 0
    )


def test_a_segment_map_makes_what_the_message_map_says() -> None:
    """But for notes, which every resource takes alike."""
    for name, rows in {**tables().messages, **tables().generic}.items():
        for row in rows:
            if (
                row.target
                and row.segment_map
                and "(" not in row.target
                and not row.segment_map.startswith("NTE")
            ):
                target, made = label_of(row.target).partition("[")[0], row.segment_map.partition("[")[2]
                assert made.rstrip("]").partition("-")[0] == target or target in NOT_CONVERTED, (
                    name,
                    row.source,
                )
