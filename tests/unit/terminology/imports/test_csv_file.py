"""A code system as a table."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from terminology.imports.csv_file import CsvImport
from terminology.imports.kind import Given, InvalidSource
from tests.unit.terminology.imports.rows import Rows

GIVEN = Given("http://example.org/my-codes", "3")
TABLE = '''Code,display,definition,parent,inactive,abstract,status,designation:de,color,weight:decimal,new:boolean
a,Alpha,The first,,,yes,,Erster,red,,
b,"Beta, ""second""",,a,true,,retired,,,1.50,TRUE

c,Gamma,,a | b,,,,,blue,,no
'''


def _file(folder: Path, text: str | bytes, packed: bool = False) -> Path:
    path = folder / "table.csv"
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


def _read(path: Path, rows: Rows | None = None) -> Rows:
    rows = rows or Rows()
    CsvImport().read(path, rows, lambda *_: None)
    return rows


@pytest.mark.parametrize("packed", [False, True])
def test_columns_become_rows(tmp_path: Path, packed: bool) -> None:
    path = _file(tmp_path, "\ufeff" + TABLE, packed)
    rows = _read(path)
    assert rows.concepts == {
        "a": ("Alpha", "The first", False, True, "", []),
        "b": ('Beta, "second"', "", True, False, "retired", []),
        "c": ("Gamma", "", False, False, "", []),
    }
    assert rows.parents == [("b", "a"), ("c", "a"), ("c", "b")]
    assert rows.properties == [
        ("a", "color", "red", "string"),
        ("b", "weight", "1.50", "decimal"),
        ("b", "new", "true", "boolean"),
        ("c", "color", "blue", "string"),
        ("c", "new", "false", "boolean"),
    ]
    assert [(code, one.language, one.value) for code, one in rows.designations] == [("a", "de", "Erster")]
    assert CsvImport().recognise(path)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_cells_may_be_divided_otherwise(tmp_path: Path, delimiter: str) -> None:
    rows = _read(_file(tmp_path, f"code{delimiter}display\na{delimiter}An, or a\n"))
    assert rows.concepts["a"][0] == "An, or a"


def test_the_header_says_what_the_command_line_and_the_columns_say(tmp_path: Path) -> None:
    header = CsvImport().header(_file(tmp_path, TABLE), GIVEN)
    assert (header["url"], header["version"], header["name"]) == (GIVEN.url, "3", "My_codes")
    assert [(one["code"], one["type"]) for one in header["property"]] == [
        ("color", "string"),
        ("weight", "decimal"),
        ("new", "boolean"),
    ]


def test_an_interrupted_import_goes_on_behind_what_is_written(tmp_path: Path) -> None:
    rows = Rows()
    rows.progress = {"reading rows": 2}
    assert [*_read(_file(tmp_path, TABLE), rows).concepts] == ["c"]
    assert rows.progress == {"reading rows": 3}


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("name,display\n", "line 1: no column is named code"),
        ("", "line 1: no column is named code"),
        ("code,x:number\n", "line 1: the type of a column"),
        ("code,display\na,b\nc\n", "line 3: 1 cells, where the first line has 2"),
        ("code,display\n,b\n", "line 2: a row has no code"),
        ("code,inactive\na,perhaps\n", "line 2: inactive is true or false"),
        ("code,n:integer\na,1\nb,1.5\n", "line 3: n is not a integer"),
        ('code,display\na,"b"c\n', "line 2: not a table"),
        (b"code,display\na,\xff\n", "line 2: not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(tmp_path: Path, table: str | bytes, why: str) -> None:
    with pytest.raises(InvalidSource, match=why):
        _read(_file(tmp_path, table))


@pytest.mark.parametrize(("given", "why"), [(Given("", "1"), "--url"), (Given("u", ""), "--version")])
def test_a_table_does_not_say_what_it_is(tmp_path: Path, given: Given, why: str) -> None:
    with pytest.raises(InvalidSource, match=why):
        CsvImport().header(_file(tmp_path, TABLE), given)
