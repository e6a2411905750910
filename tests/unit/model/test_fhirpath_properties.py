"""Laws that hold for any expression and any value."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from fhirserver.kernel.json import loads
from fhirserver.model.fhirpath import Environment, FhirPathError, compile_path, temporal
from fhirserver.model.fhirpath.functions.library import FUNCTIONS

PATIENT = loads(
    b"""{"resourceType": "Patient", "id": "p", "active": true, "birthDate": "1974-12",
    "multipleBirthInteger": 2, "name": [{"family": "Doe", "given": ["Eve", null], "_given": [null, {"id": "g"}]}],
    "extension": [{"url": "u", "valueQuantity": {"value": 1.50, "code": "kg", "system": "http://unitsofmeasure.org"}}],
    "generalPractitioner": [{"reference": "Practitioner/1"}]}"""
)
QUICK = Environment(seconds=0.2)

LITERALS = """1 0 -1 2.50 'a' '' '1' '2014-01' true false {} @2014 @2014-01-31 @2014-01-01T10:00Z @2014-01-01T10
@T10:30 4_days 1_'kg' 10.5_'mg' 3_months $this name name.given birthDate active extension.value multipleBirth
%resource $index $total generalPractitioner id Patient 2147483647 0.00000000001 99999999999999999999.9"""
OPERATORS = "+ - * / div mod & | = != ~ !~ < <= > >= in contains and or xor implies"

literals = st.sampled_from(LITERALS.split()).map(lambda text: text.replace("_", " "))
operators = st.sampled_from(OPERATORS.split())
lambdas = st.sampled_from(["where", "select", "all", "exists", "repeat", "aggregate", "sort", "trace", "iif"])
types = st.sampled_from(
    ["string", "Quantity", "System.Boolean", "Integer", "Patient", "HumanName", "DateTime"]
)


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    names = st.sampled_from(sorted(FUNCTIONS))
    arguments = st.lists(inner, max_size=2).map(", ".join)
    return st.one_of(
        st.tuples(inner, operators, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(inner, names, arguments).map(lambda p: f"({p[0]}).{p[1]}({p[2]})"),
        st.tuples(inner, lambdas, arguments).map(lambda p: f"({p[0]}).{p[1]}({p[2]})"),
        st.tuples(inner, st.sampled_from(["is", "as"]), types).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]})[{p[1]}]"),
        inner.map(lambda one: f"-({one})"),
    )


expressions = st.recursive(literals, _grow, max_leaves=12)


def run(expression: str) -> object:
    try:
        return compile_path(expression, "Patient", strict=False)(PATIENT, QUICK)
    except FhirPathError as error:
        return error.kind


@settings(max_examples=50, deadline=None)
@given(expressions)
def test_any_expression_gives_items_or_a_fhirpath_error(expression: str) -> None:
    assert run(expression) != "syntax"


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="ab1.'\"`()[]{}@T:-+*/|&=~!<>$% \\\n,", max_size=40) | st.text(max_size=20))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    run(text)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "code", "unit", "system", "extension", "url", "reference"]), inner
        )
    ),
    max_leaves=8,
)
members = st.sampled_from(
    ["name", "_birthDate", "birthDate", "extension", "active", "contained", "generalPractitioner"]
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(members, json_values), expressions)
def test_any_resource_gives_items_or_a_fhirpath_error(content: dict[str, object], expression: str) -> None:
    try:
        compile_path(expression, "Patient", strict=False)({"resourceType": "Patient", **content}, QUICK)
    except FhirPathError as error:
        assert error.kind != "syntax"


days = st.dates().map(lambda day: day.isoformat())
partial = st.tuples(days, st.sampled_from([4, 7, 10])).map(lambda pair: pair[0][: pair[1]])


@given(partial, partial)
def test_order_is_antisymmetric_and_open_only_where_one_contains_the_other(left: str, right: str) -> None:
    a, b = temporal.parse(left, "System.Date"), temporal.parse(right, "System.Date")
    assert a is not None and b is not None
    forward, back = temporal.compare(a, b), temporal.compare(b, a)
    assert forward == (None if back is None else -back)
    assert (forward is None) == (left != right and (left.startswith(right) or right.startswith(left)))


@given(partial, st.integers(-500, 500), st.sampled_from(["year", "month", "week", "day"]))
def test_adding_keeps_precision_and_order(start: str, amount: int, unit: str) -> None:
    at = temporal.parse(start, "System.Date")
    assert at is not None
    moved = temporal.add(at, amount, unit)
    if moved is not None:
        assert len(moved.fields) == len(at.fields)
        order = temporal.compare(moved, at)
        assert order in ((1, 0) if amount > 0 else (0,) if amount == 0 else (-1, 0))


@given(st.decimals(-(10**9), 10**9, places=4), st.integers(0, 12))
def test_boundaries_enclose_the_value(value: Decimal, places: int) -> None:
    low = compile_path(f"({value:f}).lowBoundary(12)", "Patient")(PATIENT)[0].value
    high = compile_path(f"({value:f}).highBoundary(12)", "Patient")(PATIENT)[0].value
    assert low < value < high
