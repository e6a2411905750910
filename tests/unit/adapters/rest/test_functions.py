"""What expressions of mapping files can say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adapters.rest.codes import make_code_map
from adapters.rest.expressions import Evaluator, Unmappable, compile_expression, prune
from adapters.rest.functions import Functions
from adapters.rest.inward import Made, assemble
from adapters.rest.mapping import Element
from adapters.rest.templates import compile_body, compile_template
from fhirserver.kernel.instants import FixedClock

CODES = {
    "sex": make_code_map({"M": "male", "F": "female"}, None),
    "open": make_code_map({"o": "free", "*": "busy"}, {"free": "o"}),
    "flag": make_code_map({"true": "yes"}, None),
}


@pytest.fixture
def evaluator() -> Evaluator:
    clock = FixedClock(datetime(2026, 11, 28, 3, 0, tzinfo=UTC))
    return Evaluator(Functions(CODES, "America/New_York", "%m/%d/%Y", "%H:%M", clock))


@pytest.mark.parametrize(
    ("text", "record", "value"),
    [
        ("text(a)", {"a": 7}, "7"),
        ("text(a)", {"a": " x "}, "x"),
        ("text(a)", {}, None),
        ("number(a)", {"a": "12"}, 12),
        ("number(a)", {"a": "12a"}, "12a"),
        ("when(a, 'x')", {"a": ""}, None),
        ("when(a, 'x')", {"a": 1}, "x"),
        ("words([a, b])", {"a": "Ada", "b": None}, "Ada"),
        ("capture(a, 'x(\\d+)')", {"a": "ax12"}, "12"),
        ("capture(a, 'x')", {}, None),
        ("part(a, `1`)", {"a": "one two"}, "two"),
        ("part(a, `4`)", {"a": "one two"}, None),
        ("code('sex', a)", {"a": "F"}, "female"),
        ("code('sex', a)", {"a": "Q"}, "Q"),
        ("code('sex', a)", {"a": ""}, None),
        ("code('open', a)", {"a": "x"}, "busy"),
        ("code('flag', a)", {"a": True}, "yes"),
        ("vendor_code('sex', a)", {"a": "male"}, "M"),
        ("ref('Patient', a)", {"a": 12}, "Patient/12"),
        ("ref('Patient', a)", {"a": "0"}, None),
        ("ref('Schedule', [a, b])", {"a": 1, "b": "2"}, "Schedule/1.2"),
        ("ref('Schedule', [a, b])", {"a": 1}, None),
        ("id_of(a)", {"a": "Patient/12"}, "12"),
        ("id_of(a)", {}, None),
        ("actor(a, 'Slot')", {"a": [{"actor": {"reference": "Slot/1"}}]}, "1"),
        ("actor(a, 'Patient')", {"a": [{"actor": {"reference": "Slot/1"}}]}, None),
        ("identifier(a, 's')", {"a": [{"system": "s", "value": "v"}]}, "v"),
        ("mark(a)", {"a": "Patient/1"}, "credence:Patient/1"),
        ("writeback(a).value", {"a": "said: credence:Patient/1."}, "Patient/1."),
        ("writeback(a)", {"a": "nothing of ours"}, None),
        ("phone(a)", {"a": "(617) 555-0100"}, "+16175550100"),
        ("phone(a)", {"a": "1-617-555-0100"}, "+16175550100"),
        ("phone(a)", {"a": "+49 30 1234"}, "+49 30 1234"),
        ("ten_digits(a)", {"a": "+16175550100"}, "6175550100"),
        ("contact('phone', a, 'home')", {"a": ""}, None),
        ("contact('email', a, null)", {"a": "x@y"}, {"system": "email", "value": "x@y"}),
        ("telecom(a, 'phone', 'home')", {"a": [{"system": "phone", "use": "home", "value": "1"}]}, "1"),
        ("telecom(a, 'phone', 'work')", {"a": [{"system": "phone", "use": "home", "value": "1"}]}, None),
        ("date(a)", {"a": "02/29/2024"}, "2024-02-29"),
        ("date(a)", {"a": "29/02/2024"}, "29/02/2024"),
        ("vendor_date(a)", {"a": "2024-02-29"}, "02/29/2024"),
        ("local(a, b, null)", {"a": "12/01/2026", "b": "09:00"}, "2026-12-01T09:00:00-05:00"),
        ("local(a, b, null)", {"a": "07/01/2026", "b": "09:00"}, "2026-07-01T09:00:00-04:00"),
        ("local(a, b, 'US/Pacific')", {"a": "07/01/2026", "b": "09:00"}, "2026-07-01T09:00:00-07:00"),
        ("local(a, b, 'Nowhere/At_all')", {"a": "07/01/2026", "b": "09:00"}, "2026-07-01T09:00:00-04:00"),
        ("local(a, b, null)", {"a": "07/01/2026"}, None),
        ("local_time(a, '%m/%d/%Y %H:%M:%S')", {"a": "07/01/2026 09:00:01"}, "2026-07-01T09:00:01-04:00"),
        ("instant(a)", {"a": "2026-07-01T09:00:00"}, "2026-07-01T09:00:00-04:00"),
        ("instant(a)", {"a": "2026-07-01T09:00:00Z"}, "2026-07-01T09:00:00+00:00"),
        ("later(a, `45`)", {"a": "2026-07-01T09:30:00Z"}, "2026-07-01T10:15:00+00:00"),
        ("later(a, b)", {"a": "2026-07-01T09:30:00Z"}, None),
        ("minutes(a, b)", {"a": "2026-07-01T09:30:00Z", "b": "2026-07-01T06:00:00-04:00"}, 30),
        ("format(a, '%m/%d/%Y %H:%M', null)", {"a": "2026-07-01T02:30:00Z"}, "06/30/2026 22:30"),
        ("format(a, '%H:%M', 'UTC')", {"a": "2026-07-01T02:30:00+02:00"}, "00:30"),
        (
            "overlap(a, `30`, b, c)",
            {"a": "2026-07-01T09:00:00Z", "b": "2026-07-01T09:15:00Z", "c": "2026-07-01T10:00:00Z"},
            True,
        ),
        (
            "overlap(a, `15`, b, c)",
            {"a": "2026-07-01T09:00:00Z", "b": "2026-07-01T09:15:00Z", "c": "2026-07-01T10:00:00Z"},
            False,
        ),
        ("day(`0`)", {}, "11/27/2026"),
        ("day(`4`)", {}, "12/01/2026"),
        ("a[?b == given('_parent.x')].b | [0]", {"a": [{"b": 1}, {"b": 2}]}, 2),
        ("_parent.x", {}, 2),
        ("given('_parent.nothing.there')", {}, None),
    ],
)
def test_functions(evaluator, text, record, value):
    assert evaluator.value(compile_expression(text, "here"), record, {"_parent": {"x": 2}}) == value


def test_a_failure_names_the_place_and_no_value(evaluator):
    with pytest.raises(Unmappable, match=r"resources\.Patient\.fhir\.birthDate") as error:
        evaluator.value(compile_expression("length(a)", "resources.Patient.fhir.birthDate"), {"a": 99123}, {})
    assert "99123" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("/p/${id}", "/p/7"),
        ("${id}", 7),
        ("${nothing}", None),
        ("a${nothing}b", "ab"),
        ("${[{x: id}]}", [{"x": 7}]),
        ("${'}'}", "}"),
        ("plain", "plain"),
    ],
)
def test_templates(evaluator, text, value):
    assert compile_template(text, "here").value(evaluator, {"id": 7}, {}) == value


def test_what_stands_in_a_path_is_made_safe(evaluator):
    made = compile_template("/p/${id}/x", "here").path(evaluator, {"id": "../a?b#c"}, {})
    assert made == "/p/..%2Fa%3Fb%23c/x"


def test_a_body_leaves_out_what_has_no_value(evaluator):
    body = compile_body(
        {"a": "${id}", "b": "${no}", "c": {"d": "${no}"}, "e": ["${id}", "${no}"], "f": 1}, "x"
    )
    assert body.value(evaluator, {"id": 7}, {}) == {"a": 7, "c": {}, "e": [7], "f": 1}


def test_prune():
    assert prune({"a": "", "b": [None, {"c": ""}], "d": [{"e": 0}], "f": False}) == {
        "d": [{"e": 0}],
        "f": False,
    }
    assert prune({}) is None


def made(path: str, steps: tuple[str | int, ...], text: str, value: object) -> Made:
    return Made(Element(path, steps, compile_expression(text, path)), value)


def test_an_object_of_nothing_but_fixed_values_is_left_out():
    content = assemble(
        "Patient",
        [
            made("active", ("active",), "`true`", True),
            made("name[0].use", ("name", 0, "use"), "'official'", "official"),
            made("name[0].family", ("name", 0, "family"), "last", "Tester"),
            made("name[1].use", ("name", 1, "use"), "'nickname'", "nickname"),
            made("name[1].text", ("name", 1, "text"), "nick", None),
            made("maritalStatus.coding[0].system", ("maritalStatus", "coding", 0, "system"), "'s'", "s"),
            made("maritalStatus.coding[0].code", ("maritalStatus", "coding", 0, "code"), "m", None),
        ],
    )
    assert content == {
        "resourceType": "Patient",
        "active": True,
        "name": [{"use": "official", "family": "Tester"}],
    }
