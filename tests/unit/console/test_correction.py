"""Forms for corrections: fields out of JSON, JSON out of fields, errors at the field they are about."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhirserver.console.correction import Form, form, value_of, with_errors
from fhirserver.kernel.outcomes import Issue

PHONE: dict[str, Any] = {
    "telecom": [{"system": "phone", "value": "+1555", "use": "home", "extension": [{"url": "urn:x"}]}]
}


def made(type: str, base: Any, codes: Any = None) -> Form:
    return form(type, base, codes or (lambda binding: ()))


def sent(form: Form, **changes: str) -> dict[str, str]:
    """The form as a browser sends it; changes by the last part of the pointer."""
    fields = {one.name: changes.get(one.pointer.rpartition("/")[2], one.value) for one in form.fields}
    return {"base": form.base, **fields}


@pytest.mark.parametrize(
    ("type", "base"),
    [
        ("Patient", PHONE),
        ("Patient", {"deceasedBoolean": False}),
        ("Patient", {"multipleBirthInteger": 2}),
        ("Coverage", {"payor": [{"display": "Aetna"}, {"reference": "Organization/a"}]}),
        ("Observation", {"valueQuantity": {"value": Decimal("1.50"), "unit": "kg", "system": "urn:u"}}),
        (
            "Patient",
            {"name": [{"family": "Okafor", "given": ["Ada", "Chioma"], "period": {"start": "2020"}}]},
        ),
    ],
)
def test_a_form_that_nobody_changed_says_the_same(type: str, base: Any) -> None:
    assert value_of(sent(made(type, base))) == base


def test_what_is_typed_takes_the_place_of_what_was() -> None:
    value = value_of(sent(made("Patient", PHONE), value="+1777"))
    assert value["telecom"][0] == {**PHONE["telecom"][0], "value": "+1777"}
    assert value_of(sent(made("Patient", {"multipleBirthInteger": 2}), multipleBirthInteger="3")) == {
        "multipleBirthInteger": 3
    }


def test_an_empty_field_takes_its_part_out_and_an_empty_element_is_absent() -> None:
    base = {"contact": [{"name": {"text": "Eve"}}], "gender": "male"}
    assert value_of(sent(made("Patient", base), text="")) == {"contact": None, "gender": "male"}


def test_fields_are_of_the_kind_their_definition_says() -> None:
    codes = [("home", "Home"), ("work", "Work")]

    def codes_of(binding: Any) -> Any:
        return codes if binding is not None and "contact-point-use" in binding.value_set else ()

    by_label = {one.label: one for one in made("Patient", PHONE, codes_of).fields}
    assert by_label["telecom use"].kind == "select"
    assert by_label["telecom use"].codes == codes
    assert by_label["telecom value"].kind == "text"
    born = made("Patient", {"birthDate": "1984-07-02"}).fields[0]
    assert "1984-07-02" in born.form and born.pattern
    assert made("Patient", {"deceasedBoolean": True}).fields[0].codes == (("true", "yes"), ("false", "no"))


def test_errors_stand_at_the_field_they_point_at() -> None:
    shown = made("Patient", {"telecom": [{"value": "1"}, {"value": "2"}]})
    issues = [
        Issue("value", "Not a phone number", ("Patient.telecom[1].value",)),
        Issue("business-rule", "Something else", ("Patient.name",)),
    ]
    again = with_errors(shown, "Patient", issues, sent(shown, value="x"))
    assert [one.error for one in again.fields] == ["", "Not a phone number"]
    assert [one.value for one in again.fields] == ["x", "x"], "what was typed is not lost"
    assert again.errors == ["Something else"]


@pytest.mark.parametrize(
    "given",
    [
        {"base": "{"},
        {"base": "[]"},
        {"base": '{"a":1}', "field:/b": "x"},
        {"base": '{"a":[1]}', "field:/a/x": "x"},
        {"base": '{"a":1}', "field:/a/b/c": "x"},
    ],
)
def test_what_is_no_form_of_ours_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="not a form"):
        value_of(given)
