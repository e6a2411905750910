"""Decimals keep their text from wire to wire. DESIGN §5; https://hl7.org/fhir/R4/datatypes.html#decimal"""

from __future__ import annotations

import copy

import pytest

from fhirserver.kernel.instants import comparable
from fhirserver.kernel.json import InvalidJson, canonical, dumps, loads

TEXTS = ["1.00", "1.0e2", "1E400", "-0.0", "0.000000001", "0e5", "10", "123456789012345678901234567890"]


@pytest.mark.parametrize("text", TEXTS)
def test_numbers_keep_their_text(text: str) -> None:
    value = loads(f'{{"v":[{text}]}}')
    assert dumps(value).decode() == f'{{"v":[{text}]}}'
    assert dumps(copy.deepcopy(value)) == dumps(copy.copy(value)) == dumps(value)


def test_canonical_sorts_members_and_minds_precision() -> None:
    assert canonical(loads('{"b":1,"a":{"d":1,"c":2}}')) == b'{"a":{"c":2,"d":1},"b":1}'
    assert canonical(loads("1.0")) != canonical(loads("1.00"))


@pytest.mark.parametrize("text", ["{", '"\\ud800"', "1e99999999999999999999", "[" * 5000, b"\xff", "NaN"])
def test_what_is_not_json_says_so_without_content(text: str) -> None:
    with pytest.raises(InvalidJson):
        loads(text)


def test_comparable_times() -> None:
    assert comparable("2026-11") == "2026-11-01T00:00:00.000Z"
    assert comparable("2026-11-22T10:00:00+05:00") < comparable("2026-11-22T06:00:00Z")
    with pytest.raises(ValueError):
        comparable("soon")


def test_a_number_that_is_longer_than_any_that_is_real_is_refused() -> None:
    assert dumps(loads("0." + "1" * 998)) == b"0." + b"1" * 998
    with pytest.raises(InvalidJson, match="out of range"):
        loads("0." + "1" * 999)
