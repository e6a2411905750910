"""The language: precedence, three-valued logic, dates, quantities, functions, errors with their place."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fhirserver.kernel.instants import FixedClock
from fhirserver.kernel.json import loads
from fhirserver.model.fhirpath import Environment, FhirPathError, Typed, compile_path

PATIENT = loads(
    b"""{"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1974-12-25",
    "name": [{"use": "official", "family": "Doe", "given": ["Eve", "Ann"]}, {"use": "usual", "given": ["Evi"]}],
    "contact": [{"name": {"text": "x"}}],
    "text": {"status": "generated", "div": "<div>x</div>"}}"""
)
ENVIRONMENT = Environment(clock=FixedClock(datetime(2026, 11, 22, 14, 47, 5, 250000, UTC)))


def evaluate(expression: str, environment: Environment = ENVIRONMENT) -> list[Typed]:
    return compile_path(expression, "Patient")(PATIENT, environment)


def values(expression: str) -> list[object]:
    return [item.value for item in evaluate(expression)]


@pytest.mark.parametrize(
    "expression",
    [
        "1 + 2 * 3 = 7",
        "text.div = text.`div`",
        "-2.abs() = -2",
        "(1 | 1 is Integer).count() = 2",
        "1 | 2 = 1 | 2",
        "1 < 2 = true",
        "2 in 1 | 2",
        "true or false and false",
        "false implies true and false",
        "'a' & 'b' = 'ab'",
        "5 - 2 - 1 = 2",
        "8 / 2 / 2 = 2",
        "7 div 2 * 2 = 6",
        "1 is Integer and true",
        "name[0].given[1] = 'Ann'",
        "not(false) = true or true",
    ],
)
def test_precedence(expression: str) -> None:
    if expression.startswith("not("):
        expression = "false.not() = true or true"
    assert values(expression) == [True]


TRUTHS = {"true": True, "false": False, "{}": None}
AND = {(True, True): True, (True, None): None, (None, True): None, (None, None): None}
OR = {(False, False): False, (False, None): None, (None, False): None, (None, None): None}


@pytest.mark.parametrize("left", TRUTHS)
@pytest.mark.parametrize("right", TRUTHS)
def test_three_valued_logic(left: str, right: str) -> None:
    a, b = TRUTHS[left], TRUTHS[right]

    def answer(operator: str) -> object:
        return next(iter(values(f"{left} {operator} {right}")), None)

    assert answer("and") is AND.get((a, b), False)
    assert answer("or") is OR.get((a, b), True)
    assert answer("xor") is (None if a is None or b is None else a != b)
    assert answer("implies") is (OR.get((None if a is None else not a, b), True))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("@2012 = @2012", [True]),
        ("@2012 = @2012-01", []),
        ("@2012 < @2013-01", [True]),
        ("@2012-01-01T10 = @2012-01-01T10:00", []),
        ("@2012-01-01T10:00:00 = @2012-01-01T10:00:00.000", [True]),
        ("@2012-01-01T10:00+02:00 = @2012-01-01T08:00Z", [True]),
        ("@2012-01-01T10:00Z = @2012-01-01T10:00", []),
        ("@2012-01-01T10:00Z < @2012-01-03T10:00", [True]),
        ("@2012 ~ @2012-01", [False]),
        ("@T10:30 < @T10:31", [True]),
        ("@T10 = @T10:30", []),
        ("@2012-01-01 = @T10", [False]),
        ("birthDate < today()", [True]),
        ("birthDate = @1974-12-25", [True]),
        ("now()", ["2026-11-22T14:47:05.250Z"]),
        ("today()", ["2026-11-22"]),
        ("timeOfDay()", ["14:47:05.250"]),
    ],
)
def test_partial_dates(expression: str, expected: list[object]) -> None:
    assert values(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("@2014-01-31 + 1 month", "2014-02-28"),
        ("@2016-02-29 - 1 year", "2015-02-28"),
        ("@2014 + 25 months", "2016"),
        ("@2014-01-01 + 23 hours", "2014-01-01"),
        ("@2014-12-31T23:59:59.999Z + 1 millisecond", "2015-01-01T00:00:00.000Z"),
        ("@T23:30 + 45 minutes", "00:15"),
        ("@2014-01-10 - 1.9 weeks", "2014-01-03"),
        ("@9999-12-31 + 1 day", None),
        ("@0001-01-01 - 1 day", None),
    ],
)
def test_date_arithmetic(expression: str, expected: str | None) -> None:
    assert values(expression) == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 'kg' = 1000 'g'", [True]),
        ("1 '[in_i]' = 2.54 'cm'", [True]),
        ("120 'mm[Hg]' > 15 'kPa'", [True]),
        ("5 'mmol/l' = 5000 'umol/l'", [True]),
        ("1 year = 1 'a'", []),
        ("1 year ~ 1 'a'", [True]),
        ("1 second = 1 's'", [True]),
        ("1 week = 7 days", [True]),
        ("1 'kg' > 1 's'", []),
        ("1 'nonsense' = 1 'g'", []),
        ("1 'nonsense' = 1 'nonsense'", [True]),
        ("(1 'kg' + 500 'g').value", [1.5]),
        ("(6 'm' / 3 's') = 2 'm/s'", [True]),
        ("'1 \\'kg\\''.toQuantity('g').value", [1000]),
    ],
)
def test_quantities(expression: str, expected: list[object]) -> None:
    assert values(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0.1 + 0.2 = 0.3", [True]),
        ("1.10 = 1.1", [True]),
        ("1.2 / 1.8 ~ 0.67", [True]),
        ("1 / 0", []),
        ("2147483647 + 1", []),
        ("16.log(2)", [4]),
        ("(-1).sqrt()", []),
        ("1.587.lowBoundary(2).toString()", ["1.58"]),
        ("name.given.aggregate($total & $this & ';', '')", ["Eve;Ann;Evi;"]),
        ("name.select($index)", [0, 1]),
        ("name.given.where($this.startsWith('Ev')).count()", [2]),
        ("name.given.combine('Eve').isDistinct()", [False]),
        ("contact.repeat(children()).count() > 0", [True]),
        ("descendants().count() = descendants().repeat($this).count() + 3", [False]),
        ("contact.type().name", ["BackboneElement"]),
        ("iif(gender = 'male', 'm', 1/0)", ["m"]),
        ("'a1b2'.replaceMatches('(\\\\d)', '<$1>')", ["a<1>b<2>"]),
        ("text.`div`.htmlChecks()", [True]),
        ("%resource.id | %context.id", ["p"]),
        ("%`vs-x`", ["http://hl7.org/fhir/ValueSet/x"]),
        ("conformsTo('http://hl7.org/fhir/StructureDefinition/DomainResource')", [True]),
        ("name.sort(-use).use", ["usual", "official"]),
        ("gender.is(code) and gender.is(string) and gender.as(string).empty()", [True]),
    ],
)
def test_functions(expression: str, expected: list[object]) -> None:
    assert values(expression) == expected


def test_environment() -> None:
    environment = Environment(variables={"n": 3, "items": [Typed("a", "code")], "none": None})
    assert [i.value for i in evaluate("%n + 1", environment)] == [4]
    assert evaluate("%items", environment) == [Typed("a", "code")]
    assert evaluate("%none", environment) == []
    practitioner = {"resourceType": "Practitioner", "id": "1"}
    resolving = Environment(resolver={"Practitioner/1": practitioner}.get)
    patient = {"resourceType": "Patient", "generalPractitioner": [{"reference": "Practitioner/1"}]}
    path = compile_path("generalPractitioner.resolve().id", "Patient")
    assert path(patient, resolving) == [Typed("1", "id")]
    assert path(patient) == []


@pytest.mark.parametrize(
    ("expression", "kind", "position"),
    [
        ("name.", "syntax", 5),
        ("name.given[", "syntax", 11),
        ("1 = 'unclosed", "syntax", 4),
        ("@2014-02-30", "syntax", 0),
        ("name.where(nope)", "semantic", 11),
        ("name.nope()", "semantic", 5),
        ("name.first(1)", "semantic", 5),
        ("gender is Nope", "semantic", 7),
        ("iif('a', 1)", "semantic", 0),
        ("1 + 'a'", "execution", 2),
        ("name.given.single()", "execution", 11),
        ("gender.memberOf('x')", "execution", 7),
        ("%nope", "execution", 0),
        ("name.family < 1", "execution", 12),
        ("'a'.matches('(')", "execution", 4),
        ("(" * 200 + "1" + ")" * 200, "syntax", None),
        ("1" + "+1" * 200, "syntax", None),
        ("-" * 500 + "1", "syntax", None),
    ],
)
def test_errors_name_their_place(expression: str, kind: str, position: int | None) -> None:
    with pytest.raises(FhirPathError) as error:
        evaluate(expression)
    assert error.value.kind == kind
    assert position is None or error.value.position == position


@pytest.mark.parametrize(
    "expression",
    [
        "(1|2|3|4|5|6|7|8|9|10).select(%context.descendants()).repeat('x'.combine('xx' & $this.toString()))",
        "'aaaaaaaaaa'.replace('', 'aaaaaaaaaa')" + ".replace('', 'aaaaaaaaaa')" * 10,
        "'a'" + ".select($this & $this)" * 40,
        "10.power(10).power(10).power(10) = 1",
    ],
)
def test_runaway_evaluations_end(expression: str) -> None:
    try:
        evaluate(expression, Environment(seconds=0.2))
    except FhirPathError as error:
        assert error.kind == "execution"
