"""JSON that is no JSON: what is wrong, and where. https://hl7.org/fhir/R4/json.html"""

from __future__ import annotations

import pytest

from fhirserver.model.validation.source import read_json


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ('{"a": 1, // x\n"b": 2}', "comments are not allowed in JSON (line 1, column 10)", ""),
        ('{"a": [1, 2,]}', "there is a comma after the last item of the list (line 1, column 13)", "a"),
        ('{"a": 1,}', "there is a comma after the last item of the object (line 1, column 9)", ""),
        ('{"a": {"b": 1\n"c": 2}}', "a comma is missing (line 2, column 1)", "a"),
        ('{"a": 1, "a": 2}', "the object has this member twice (line 1, column 13)", "a"),
        ('{"a": [{"b": }]}', "expected a value (line 1, column 14)", "a[0].b"),
        ('{"a": 1} x', "there is more after the end of the JSON (line 1, column 10)", ""),
        ('{"a": "x\n"}', "a string is not closed, or holds a control character or an unknown escape", "a"),
        ("{a: 1}", "expected the name of a member (line 1, column 2)", ""),
        ('{"a" 1}', "expected a colon (line 1, column 6)", "a"),
        ('{"a": 01}', "expected a comma or the end of the object (line 1, column 8)", ""),
        ("", "expected a value (line 1, column 1)", ""),
        (
            '{"resourceType": "Patient", "name": [{"given": ["a",]}]}',
            "there is a comma",
            "Patient.name[0].given",
        ),
        ('{"resourceType": "Patient",}', "there is a comma", "Patient"),
    ],
)
def test_a_fault_is_named_with_its_place(text: str, words: str, place: str) -> None:
    value, faults = read_json(text.encode())
    assert value is None
    assert faults[0].diagnostics.startswith(words)
    assert faults[0].expression == ((place,) if place else ())


def test_all_faults_that_can_be_told_are_told() -> None:
    _, faults = read_json(b'{"a": [1,], "b": {"c": 1 "d": 2,}}')
    assert len(faults) == 3


def test_comments_may_be_allowed() -> None:
    text = b'{ // one\n "a": "http://x", /* two */ "b": 1.50 }'
    value, faults = read_json(text, allow_comments=True)
    assert faults == [] and value["a"] == "http://x" and str(value["b"]) == "1.50"


def test_good_json_is_read() -> None:
    assert read_json(b'{"a": [1.0, null, true, "\\u00e9"]}')[1] == []


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe{", b'"' + b"\\" * 9999])
def test_hostile_text_is_refused(text: bytes) -> None:
    value, faults = read_json(text)
    assert value is None and faults
