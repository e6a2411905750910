from __future__ import annotations

import pytest

from fhirserver.kernel.json import InvalidJson, loads, loads_unique


@pytest.mark.parametrize(
    "text",
    [
        '{"gender": "male", "gender": "female"}',
        '{"active": true, "active": true}',
        '{"name": [{"family": "a", "family": "b"}]}',
        '{"name": [1, {"period": {"start": "1", "start": "2"}}], "x": "\\u0041"}',
    ],
)
def test_a_member_twice_is_refused(text: str) -> None:
    with pytest.raises(InvalidJson, match="twice"):
        loads_unique(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        '{"a": {"a": [{"a": 1}, {"a": 1.50}]}}',
        r'{"a": "\u0022quoted\u0022", "b": "\\", "c": "\"", "\u0022": 1}',
        '{"a": "\\ud83d\\ude00", "é": "ü", "b": 1e400}',
    ],
)
def test_anything_else_is_read_as_ever(text: str) -> None:
    assert loads_unique(text.encode()) == loads(text.encode())


@pytest.mark.parametrize("data", [b"", b"{", b'{"a": 1,}', b"\xff", b"\xef\xbb\xbf{}"])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidJson):
        loads_unique(data)
