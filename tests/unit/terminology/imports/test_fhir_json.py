"""A CodeSystem as JSON, read in a stream: any nesting, any order of members, interrupted, broken."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirserver.kernel.json import JsonObject, dumps, loads
from terminology.imports import json_scan
from terminology.imports.fhir_json import FhirImport
from terminology.imports.json_scan import Scan
from terminology.imports.kind import Given, InvalidSource
from tests.unit.terminology.imports.rows import Rows

HEADER: JsonObject = {
    "resourceType": "CodeSystem",
    "url": "http://example.org/s",
    "version": "1",
    "content": "complete",
    "property": [{"code": "parent", "type": "code"}],
}
_TEXT = st.text(st.sampled_from('ab"\\{}[], :concept\u00e9\n'), max_size=6)
_LEAF = st.fixed_dictionaries(
    {}, optional={"display": _TEXT, "definition": _TEXT, "extra": st.lists(_TEXT, max_size=2)}
)


def _nested(inner: Any) -> Any:
    members = {"display": _TEXT, "extra": st.dictionaries(_TEXT, _TEXT, max_size=2)}
    return st.fixed_dictionaries({"concept": st.lists(inner, max_size=3)}, optional=members)


_CONCEPTS = st.lists(st.recursive(_LEAF, _nested, max_leaves=8), min_size=1, max_size=4)


def _coded(concepts: list[Any], code_first: bool, prefix: str = "c") -> list[JsonObject]:
    made = []
    for number, concept in enumerate(concepts):
        code = f"{prefix}{number}"
        held = (
            {**concept, "concept": _coded(concept["concept"], code_first, code)}
            if "concept" in concept
            else concept
        )
        made.append({"code": code, **held} if code_first else {**held, "code": code})
    return made


def _listed(concepts: list[JsonObject], outer: str | None = None) -> list[tuple[JsonObject, str | None]]:
    found = []
    for one in concepts:
        found.append(({name: value for name, value in one.items() if name != "concept"}, outer))
        found += _listed(one.get("concept", []), one["code"])
    return found


@settings(max_examples=60, deadline=None)
@given(_CONCEPTS, st.booleans(), st.booleans(), st.sampled_from([1, 7, 1 << 20]), st.sampled_from([None, 2]))
def test_concepts_are_read_as_they_stand(
    concepts: list[Any], code_first: bool, header_first: bool, chunk: int, indent: int | None
) -> None:
    made = _coded(concepts, code_first)
    whole = {**HEADER, "concept": made} if header_first else {"concept": made, **HEADER}
    stream = io.BytesIO(json.dumps(whole, indent=indent, ensure_ascii=False).encode())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_scan, "_CHUNK", chunk)
        scan, found, inside = Scan(Path("x"), stream), [], {}
        for read, held, outer in scan.concepts():
            found.append(read)
            if outer is not None:
                inside[read["code"]] = outer
            for one in held.inner:
                inside[one] = held
    expected = _listed(made)
    assert sorted(found, key=lambda one: str(one["code"])) == sorted(
        (one for one, _ in expected), key=lambda one: str(one["code"])
    )
    assert set(inside) == {one["code"] for one, outer in expected if outer is not None}
    assert scan.header == HEADER


def _file(folder: Path, resource: object, packed: bool = False) -> Path:
    path = folder / "system.json"
    data = resource if isinstance(resource, bytes) else dumps(resource)
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


def _read(path: Path, rows: Rows | None = None) -> Rows:
    rows = rows or Rows()
    FhirImport().read(path, rows, lambda *_: None)
    return rows


CONCEPTS: list[JsonObject] = [
    {
        "concept": [{"code": "b", "property": [{"code": "parent", "valueCode": "c"}]}],
        "code": "a",
        "designation": [{"language": "de", "value": "Ah", "use": {"code": "x"}}],
    },
    {
        "code": "c",
        "display": "C",
        "extension": [{"url": "urn:e", "valueBoolean": True}],
        "property": [
            {"code": "child", "valueCode": "d"},
            {"code": "weight", "valueDecimal": 1.50},
            {"code": "like", "valueCoding": {"code": "b"}},
            {"code": "status", "valueCode": "retired"},
            {"code": "notSelectable", "valueBoolean": True},
        ],
    },
    {"code": "d"},
]


@pytest.mark.parametrize("packed", [False, True])
def test_nesting_properties_and_designations_become_rows(tmp_path: Path, packed: bool) -> None:
    data = dumps({**HEADER, "concept": CONCEPTS}).replace(b"1.5", b"1.50")
    rows = _read(_file(tmp_path, data, packed))
    assert sorted(rows.parents) == [("b", "a"), ("b", "c"), ("d", "c")]
    assert rows.concepts["c"] == ("C", "", True, True, "retired", [{"url": "urn:e", "valueBoolean": True}])
    assert rows.properties[:2] == [
        ("c", "weight", "1.50", "decimal"),
        ("c", "like", '{"code":"b"}', "Coding"),
    ]
    assert [(code, one.language, one.value, one.use) for code, one in rows.designations] == [
        ("a", "de", "Ah", {"code": "x"})
    ]


def test_an_interrupted_import_goes_on_behind_what_is_written(tmp_path: Path) -> None:
    path = _file(tmp_path, {**HEADER, "concept": CONCEPTS})
    rows = Rows()
    rows.progress = {"reading concepts": 2}
    _read(path, rows)
    assert [*rows.concepts] == ["c", "d"]
    assert rows.progress["reading concepts"] == 4


def test_the_header_needs_no_more_than_what_stands_before_the_concepts(tmp_path: Path) -> None:
    begin = dumps({**HEADER, "count": 4, "concept": CONCEPTS})[:-20]
    header = FhirImport().header(_file(tmp_path, begin), Given(version="2"))
    assert header == {**HEADER, "version": "2"}
    behind = dumps({"concept": CONCEPTS, **HEADER})
    assert FhirImport().header(_file(tmp_path, behind), Given()) == HEADER


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"[1]", "line 1: not a JSON object"),
        (b"", "line 1: not a JSON object"),
        (b'{"a":\n {', "line 2: it ends in the middle"),
        (dumps({**HEADER, "concept": [{"code": "a"}]})[:-1], "ends in the middle"),
        (dumps({**HEADER, "concept": [{"code": "a"}]})[:-2] + b",\n\n x]}", "line 3: not a list of concepts"),
        (dumps({**HEADER, "concept": [{"code": "a"}]})[:-2] + b",\n{'code'}]}", "line 2: not JSON"),
        (dumps({**HEADER, "concept": [{"display": "a"}]}), "a concept has no code"),
        (dumps({**HEADER, "concept": [{"code": "a", "display": 1}]}), "not as FHIR has it"),
        (dumps({**HEADER, "concept": [{"code": "a", "property": [{"code": "x"}]}]}), "not as FHIR has it"),
        (b'{"a":' * 20_000, "ends in the middle"),
        (b'{"concept":[' * 20_000, "nested more than"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(InvalidSource, match=why):
        _read(_file(tmp_path, content))


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"resourceType": "ValueSet"}, "not a CodeSystem"),
        ({"content": "supplement"}, "no concepts of its own"),
        ({"version": ""}, "give one with --version"),
    ],
)
def test_what_is_no_complete_system_is_refused(tmp_path: Path, header: JsonObject, why: str) -> None:
    with pytest.raises(InvalidSource, match=why):
        FhirImport().header(_file(tmp_path, {**HEADER, **header, "concept": CONCEPTS}), Given())


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, {**HEADER, "concept": CONCEPTS}, packed=True)
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(InvalidSource, match="damaged"):
        _read(path)
    with pytest.raises(InvalidSource, match="cannot be read"):
        _read(tmp_path / "nowhere")


def test_it_is_recognised(tmp_path: Path) -> None:
    one = FhirImport()
    assert one.recognise(_file(tmp_path, HEADER)) and one.recognise(_file(tmp_path, HEADER, packed=True))
    assert not one.recognise(_file(tmp_path, loads("[]"))) and not one.recognise(tmp_path)
