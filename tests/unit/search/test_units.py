"""Quantities are found whatever unit they are written in. https://hl7.org/fhir/R4/search.html#quantity"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.kernel.json import MOST_DIGITS, dumps, loads
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath.ucum import unit
from fhirserver.search.expression import QuantityIs
from fhirserver.search.index import extract
from fhirserver.search.match import Entry, matches
from fhirserver.search.parse import parse
from fhirserver.search.units import UCUM, exact, scale
from fhirserver.search.values import CompositeValue, QuantityValue
from fhirserver.storage.memory.index import MemoryIndex

GRAMS = {"kg": Fraction(1000), "g": Fraction(1), "mg": Fraction(1, 1000), "ug": Fraction(1, 10**6)}


def observed(quantity: dict[str, Any]) -> dict[str, Any]:
    resource = {
        "resourceType": "Observation",
        "id": "o",
        "code": {"coding": [{"code": "c"}]},
        "valueQuantity": {"system": UCUM, **quantity},
    }
    return loads(dumps(resource))


def found(resource: dict[str, Any], name: str, value: str) -> bool:
    entry = Entry("Observation", "o", 0, extract(resource))
    return matches(parse("Observation", [(name, value)]).where, entry, MemoryIndex())


def test_every_common_unit_is_understood() -> None:
    value_set = definitions().archive.by_url("http://hl7.org/fhir/ValueSet/ucum-common", "ValueSet")
    assert value_set is not None
    codes = [concept["code"] for part in value_set["compose"]["include"] for concept in part["concept"]]
    assert len(codes) > 1300
    assert [code for code in codes if unit(code) is None] == []


@given(
    st.integers(1, 99_999), st.sampled_from(sorted(GRAMS)), st.sampled_from(sorted(GRAMS)), st.integers(0, 4)
)
def test_a_weight_is_found_in_any_unit(number: int, written: str, asked: str, places: int) -> None:
    resource = observed({"value": Decimal(number).scaleb(-places), "code": written})
    literal = Fraction(number, 10**places) * GRAMS[written] / GRAMS[asked]
    text = f"{Decimal(literal.numerator) / Decimal(literal.denominator):f}"
    assert found(resource, "value-quantity", f"{text}|{UCUM}|{asked}")
    assert not found(resource, "value-quantity", f"ne{text}|{UCUM}|{asked}")
    assert found(resource, "value-quantity", f"ge{text}|{UCUM}|{asked}")
    assert not found(resource, "value-quantity", f"gt{text}|{UCUM}|{asked}")
    assert not found(resource, "value-quantity", f"sa{text}|{UCUM}|{asked}")
    assert found(resource, "code-value-quantity", f"c$le{text}|{UCUM}|{asked}")


def test_the_precision_is_that_of_the_search() -> None:
    resource = observed({"value": 5449, "code": "mg"})
    assert found(resource, "value-quantity", f"5.4|{UCUM}|g")
    assert not found(resource, "value-quantity", f"5.40|{UCUM}|g")
    assert not found(observed({"value": 5450, "code": "mg"}), "value-quantity", f"5.4|{UCUM}|g")
    assert found(observed({"value": 5350, "code": "mg"}), "value-quantity", f"5.4|{UCUM}|g")


def test_a_comparator_holds_in_any_unit() -> None:
    resource = observed({"value": 5, "code": "g", "comparator": "<"})
    assert found(resource, "value-quantity", f"lt4000|{UCUM}|mg")
    assert not found(resource, "value-quantity", f"ge5000|{UCUM}|mg")
    assert found(resource, "value-quantity", f"gt4999|{UCUM}|mg")


def test_numbers_without_a_unit_mean_what_was_written() -> None:
    resource = observed({"value": 5400, "code": "mg", "unit": "milligram"})
    assert found(resource, "value-quantity", "5400")
    assert found(resource, "value-quantity", "5400||milligram")
    assert not found(resource, "value-quantity", "5.4")
    assert not found(resource, "value-quantity", "0.0054")
    assert not found(resource, "value-quantity", f"5400|{UCUM}|mL")


def test_special_units_are_only_themselves() -> None:
    resource = observed({"value": 37, "code": "Cel"})
    assert found(resource, "value-quantity", f"37|{UCUM}|Cel")
    assert not found(resource, "value-quantity", f"310.15|{UCUM}|K")
    assert not found(resource, "value-quantity", f"37|{UCUM}|K")


def test_what_stands_in_the_usual_unit_is_indexed_once() -> None:
    values = extract(observed({"value": 70, "code": "kg"}))
    assert not [value for value in values if value.param.endswith(":ucum")]
    values = extract(observed({"value": 70000, "code": "g"}))
    scaled = [value for value in values if value.param == "value-quantity:ucum"]
    assert scaled == [QuantityValue("value-quantity:ucum", 70, 70, 70, UCUM, "kg", "")]
    assert [v for v in values if isinstance(v, CompositeValue) and v.param == "code-value-quantity:ucum"]


def test_an_invented_unit_is_compared_as_it_stands() -> None:
    query = parse("Observation", [("value-quantity", f"5|{UCUM}|[invented]")])
    assert isinstance(query.where, QuantityIs)
    assert scale("[invented]") is None


@pytest.mark.parametrize("number", ["1e-999999", "1e300", "0." + "1" * (MOST_DIGITS - 2)])
def test_unreasonable_numbers_cost_nothing(number: str) -> None:
    assert exact(Decimal(number)) == Fraction(float(Decimal(number)))
    extract(observed({"value": Decimal(number), "code": "mg"}))
    parse("Observation", [("value-quantity", f"1e300|{UCUM}|kg")])
