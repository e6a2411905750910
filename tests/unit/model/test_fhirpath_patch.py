"""FHIRPath Patch. https://hl7.org/fhir/R4/fhirpatch.html"""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.model.patch import parse_fhirpath_patch
from fhirserver.model.patch.document import MAX_OPERATIONS
from fhirserver.model.validation import validate


def operation(type: str, path: str, **parts: Any) -> JsonObject:
    """One operation. ``value`` is the members of its part; a bare string or number is a name or an index."""
    made: list[JsonObject] = [{"name": "type", "valueCode": type}, {"name": "path", "valueString": path}]
    for name, value in parts.items():
        if name == "value":
            made.append({"name": "value", **value})
        else:
            made.append({"name": name, "valueInteger" if isinstance(value, int) else "valueString": value})
    return {"name": "operation", "part": made}


def parameters(*operations: JsonObject) -> JsonObject:
    return {"resourceType": "Parameters", **({"parameter": [*operations]} if operations else {})}


def patched(resource: JsonObject, *operations: JsonObject) -> JsonObject:
    patch = parameters(*operations)
    assert [issue for issue in validate(patch) if issue.severity == "error"] == []
    return parse_fhirpath_patch(patch)(copy.deepcopy(resource))


def refused(resource: JsonObject, *operations: JsonObject) -> tuple[int, str, str]:
    with pytest.raises(Refusal) as caught:
        parse_fhirpath_patch(parameters(*operations))(copy.deepcopy(resource))
    issue = caught.value.issues[0]
    return caught.value.category.value, issue.code, issue.expression[0]


def patient(**members: Any) -> JsonObject:
    return {"resourceType": "Patient", **members}


def numbered(*values: str) -> list[JsonObject]:
    return [{"system": "http://example.org", "value": f"value {value}"} for value in values]


PULSE = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"text": "pulse"},
    "valueQuantity": {"value": Decimal("70.0"), "unit": "/min"},
    "component": [
        {"code": {"coding": [{"system": "urn:s", "code": "a"}]}, "valueString": "one"},
        {"code": {"coding": [{"system": "urn:s", "code": "b"}]}, "valueInteger": 2},
    ],
}


def test_a_backbone_is_given_by_parts() -> None:
    value = {"part": [{"name": "name", "valueHumanName": {"text": "a name"}}]}
    assert patched(patient(), operation("add", "Patient", name="contact", value=value)) == patient(
        contact=[{"name": {"text": "a name"}}]
    )


def test_a_backbone_goes_with_all_it_holds() -> None:
    assert patched(
        patient(contact=[{"name": {"text": "a name"}}]), operation("delete", "Patient.contact[0]")
    ) == (patient())


def test_parts_nest_repeat_and_hold_choices() -> None:
    parts = [
        {"name": "linkId", "valueString": "g"},
        {"name": "type", "valueCode": "group"},
        {
            "name": "item",
            "part": [
                {"name": "linkId", "valueString": "g.1"},
                {"name": "type", "valueCode": "integer"},
                {"name": "initial", "part": [{"name": "value", "valueInteger": 5}]},
            ],
        },
        {
            "name": "item",
            "part": [{"name": "linkId", "valueString": "g.2"}, {"name": "type", "valueCode": "display"}],
        },
    ]
    form = {"resourceType": "Questionnaire", "status": "draft"}
    (item,) = patched(form, operation("add", "Questionnaire", name="item", value={"part": parts}))["item"]
    assert [inner["linkId"] for inner in item["item"]] == ["g.1", "g.2"]
    assert item["item"][0]["initial"] == [{"valueInteger": 5}]


@pytest.mark.parametrize("name", ["value", "value[x]", "valueString"])
def test_a_choice_in_parts_may_be_named_in_full(name: str) -> None:
    parts = [{"name": "url", "valueUri": "urn:x"}, {"name": name, "valueString": "y"}]
    made = patched(patient(), operation("add", "Patient", name="extension", value={"part": parts}))
    assert made == patient(extension=[{"url": "urn:x", "valueString": "y"}])


def test_a_choice_in_parts_is_of_the_type_in_its_name_and_stands_once() -> None:
    url, text = {"name": "url", "valueUri": "urn:x"}, {"name": "valueString", "valueString": "y"}
    for wrong, code in (
        ({"name": "valueBoolean", "valueString": "y"}, "value"),
        ({"name": "valueBoolean", "valueBoolean": True}, "structure"),
    ):
        bad = operation("add", "Patient", name="extension", value={"part": [url, text, wrong]})
        assert refused(TWO, bad) == (422, code, "Parameters.parameter[0].part[3].part[2]")


def test_a_narrative_is_given_by_parts_for_it_is_no_value_of_parameters() -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'
    parts = [{"name": "status", "valueCode": "generated"}, {"name": "div", "valueString": div}]
    changed = patched(patient(), operation("add", "Patient", name="text", value={"part": parts}))
    assert changed["text"] == {"status": "generated", "div": div}


def test_a_resource_can_be_contained() -> None:
    group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True}
    changed = patched(patient(), operation("add", "Patient", name="contained", value={"resource": group}))
    assert changed["contained"] == [group]
    gone = patched(changed, operation("delete", "Patient.contained.where(id = 'g')"))
    assert gone == patient()


@pytest.mark.parametrize(
    ("index", "order"), [(0, "x123"), (1, "1x23"), (2, "12x3"), (3, "123x")], ids=["0", "1", "2", "end"]
)
def test_insert(index: int, order: str) -> None:
    value = {"valueIdentifier": numbered("x")[0]}
    changed = patched(
        patient(identifier=numbered(*"123")),
        operation("insert", "Patient.identifier", index=index, value=value),
    )
    assert changed["identifier"] == numbered(*order)


def test_insert_makes_a_list_that_is_not_there() -> None:
    value = {"valueIdentifier": numbered("x")[0]}
    changed = patched(patient(), operation("insert", "Patient.identifier", index=0, value=value))
    assert changed["identifier"] == numbered("x")


@pytest.mark.parametrize(
    ("source", "destination", "order"),
    [(3, 1, "1423"), (0, 3, "2341"), (1, 1, "1234"), (2, 0, "3124"), (1, 2, "1324")],
)
def test_move_names_the_place_afterwards(source: int, destination: int, order: str) -> None:
    changed = patched(
        patient(identifier=numbered(*"1234")),
        operation("move", "Patient.identifier", source=source, destination=destination),
    )
    assert changed["identifier"] == numbered(*order)


def test_operations_see_what_the_ones_before_left() -> None:
    value = {"valueIdentifier": numbered("x")[0]}
    changed = patched(
        patient(identifier=numbered(*"1234")),
        operation("delete", "Patient.identifier[0]"),
        operation("move", "Patient.identifier", source=2, destination=0),
        operation("insert", "Patient.identifier", index=1, value=value),
        operation("replace", "Patient.identifier[1].value", value={"valueString": "value y"}),
    )
    assert changed["identifier"] == numbered(*"4y23")


def test_choices_change_their_member_with_their_type() -> None:
    changed = patched(PULSE, operation("replace", "Observation.value", value={"valueString": "fast"}))
    assert "valueQuantity" not in changed
    assert changed["valueString"] == "fast"
    for path in (
        "Observation.value.ofType(Quantity).value",
        "(Observation.value as Quantity).value",
        "value.value",
        "Observation.value.as(FHIR.Quantity).value",
    ):
        changed = patched(PULSE, operation("replace", path, value={"valueDecimal": Decimal("71.50")}))
        assert dumps(changed["valueQuantity"]["value"]) == b"71.50", path
    bare = {name: value for name, value in PULSE.items() if name != "valueQuantity"}
    for name in ("value", "value[x]", "valueString"):
        changed = patched(bare, operation("add", "Observation", name=name, value={"valueString": "slow"}))
        assert changed["valueString"] == "slow", name


@pytest.mark.parametrize(
    "path",
    [
        "Observation.component[1].value",
        "Observation.component.where(code.coding.code = 'b').value",
        "Observation.component.last().value",
        "Observation.component.tail().first().value",
        "Observation.component.skip(1).value",
        "Observation.component.where($index = 1).single().value",
        "Observation.component.value.ofType(integer)",
        "%resource.component[0 + 1].value",
        "component[%resource.component.count() - 1].value",
        "DomainResource.component[1].value",
        "$this.component.take(2).last().value",
    ],
)
def test_paths_that_select(path: str) -> None:
    changed = patched(PULSE, operation("replace", path, value={"valueInteger": 3}))
    assert [component.get("valueInteger") for component in changed["component"]] == [None, 3]
    assert changed["component"][0] == PULSE["component"][0]  # type: ignore[index]


def test_primitives_in_lists_keep_their_extensions_with_them() -> None:
    extension = {"extension": [{"url": "urn:x", "valueString": "nick"}]}
    before = patient(name=[{"given": ["A", "B", "C"], "_given": [None, extension, None]}])
    (name,) = patched(before, operation("move", "Patient.name[0].given", source=1, destination=2))["name"]
    assert name == {"given": ["A", "C", "B"], "_given": [None, None, extension]}
    (name,) = patched(before, operation("delete", "Patient.name.given.where($this = 'B')"))["name"]
    assert name == {"given": ["A", "C"]}
    (name,) = patched(before, operation("replace", "Patient.name[0].given[0]", value={"valueString": "Z"}))[
        "name"
    ]
    assert name == {"given": ["Z", "B", "C"], "_given": [None, extension, None]}


def test_extensions_of_primitives() -> None:
    extension = {"url": "urn:x", "valueCode": "unknown"}
    parts = [{"name": "url", "valueUri": "urn:x"}, {"name": "value", "valueCode": "unknown"}]
    added = patched(
        patient(birthDate="1980-01-01", name=[{"given": ["A", "B"]}]),
        operation("add", "Patient.birthDate", name="extension", value={"part": parts}),
    )
    assert added["_birthDate"] == {"extension": [extension]}
    changed = patched(
        added,
        operation("replace", "Patient.birthDate.extension('urn:x').value", value={"valueCode": "masked"}),
        operation("add", "Patient.name[0].given[1]", name="id", value={"valueString": "i"}),
    )
    assert changed["_birthDate"]["extension"][0]["valueCode"] == "masked"
    assert changed["name"] == [{"given": ["A", "B"], "_given": [None, {"id": "i"}]}]
    gone = patched(changed, operation("delete", "Patient.birthDate.extension"))
    assert "_birthDate" not in gone
    assert gone["birthDate"] == "1980-01-01"


def test_a_value_may_be_an_extension_alone() -> None:
    sibling = {"extension": [{"url": "urn:x", "valueCode": "unknown"}]}
    changed = patched(
        patient(birthDate="1980-01-01"),
        operation("replace", "Patient.birthDate", value={"_valueDate": sibling}),
    )
    assert changed == patient(_birthDate=sibling)


@pytest.mark.parametrize(
    "value", [{"valueString": "male"}, {"valueCode": "male"}], ids=["as a string", "as a code"]
)
def test_primitives_fit_where_their_json_does(value: JsonObject) -> None:
    assert patched(patient(), operation("add", "Patient", name="gender", value=value))["gender"] == "male"


def test_deleting_what_is_not_there_is_no_error() -> None:
    for path in ("Patient.birthDate", "Patient.contact[3].name", "Patient.name.where(use = 'old')"):
        assert patched(patient(active=True), operation("delete", path)) == patient(active=True)


VALUE, NAME, PLACE = 3, 2, 1
"""Where ``operation`` puts value (after name, index or nothing), name and path."""
TWO = patient(birthDate="1980-01-01", identifier=numbered("1", "2"), name=[{"family": "F"}])


@pytest.mark.parametrize(
    ("bad", "code", "part"),
    [
        (operation("replace", "Patient.gender", value={"valueCode": "male"}), "not-found", PLACE),
        (operation("replace", "Patient.identifier", value={"valueString": "x"}), "multiple-matches", PLACE),
        (operation("delete", "Patient.identifier"), "multiple-matches", PLACE),
        (operation("delete", "Patient.identifer[0]"), "processing", PLACE),
        (operation("delete", "Observation.status"), "processing", PLACE),
        (operation("delete", "Patient.name.family.lower()"), "processing", PLACE),
        (operation("delete", "Patient.name.family + 'x'"), "processing", PLACE),
        (operation("delete", "'Patient'"), "processing", PLACE),
        (operation("delete", "%ucum"), "processing", PLACE),
        (operation("delete", "Patient.name.where(nope = 1)"), "processing", PLACE),
        (operation("delete", "Patient.name.first(1)"), "processing", PLACE),
        (operation("delete", "Patient.name['x']"), "processing", PLACE),
        (operation("delete", "Patient.name.ofType(Nope)"), "processing", PLACE),
        (operation("delete", "Patient"), "not-supported", PLACE),
        (operation("replace", "Patient", value={"resource": patient()}), "not-supported", PLACE),
        (operation("add", "Patient", name="nope", value={"valueString": "x"}), "structure", NAME),
        (operation("add", "Patient", name="birthDate", value={"valueDate": "1990"}), "duplicate", NAME),
        (operation("add", "Patient", name="maritalStatus", value={"valueString": "x"}), "value", VALUE),
        (operation("add", "Patient", name="active", value={"valueString": "true"}), "value", VALUE),
        (operation("add", "Patient", name="deceased", value={"valueString": "no"}), "value", VALUE),
        (
            operation("add", "Patient", name="deceasedBoolean", value={"valueDateTime": "2020"}),
            "value",
            VALUE,
        ),
        (operation("add", "Patient.contact", name="gender", value={"valueCode": "male"}), "not-found", PLACE),
        (operation("insert", "Patient.identifier", index=3, value={"valueIdentifier": {}}), "value", NAME),
        (operation("insert", "Patient.identifier", index=-1, value={"valueIdentifier": {}}), "value", NAME),
        (operation("insert", "Patient.birthDate", index=0, value={"valueDate": "1990"}), "structure", PLACE),
        (operation("insert", "Patient", index=0, value={"valueDate": "1990"}), "processing", PLACE),
        (
            operation("insert", "Patient.identifier[0]", index=0, value={"valueIdentifier": {}}),
            "processing",
            PLACE,
        ),
        (
            operation("insert", "Patient.contact.telecom", index=0, value={"valueContactPoint": {}}),
            "processing",
            PLACE,
        ),
        (operation("move", "Patient.identifier", source=2, destination=0), "value", NAME),
        (operation("move", "Patient.identifier", source=0, destination=2), "value", VALUE),
        (operation("move", "Patient.birthDate", source=0, destination=0), "structure", PLACE),
    ],
)
def test_what_does_not_fit_is_422_and_named(bad: JsonObject, code: str, part: int) -> None:
    fine = operation("delete", "Patient.photo")
    assert refused(TWO, fine, bad) == (422, code, f"Parameters.parameter[1].part[{part}]")


def test_a_part_of_parts_that_does_not_fit_is_named() -> None:
    for part, code in (
        ({"name": "nope", "valueString": "x"}, "structure"),
        ({"name": "gender", "valueBoolean": True}, "value"),
    ):
        value = {"part": [{"name": "name", "valueHumanName": {"text": "n"}}, part]}
        bad = operation("add", "Patient", name="contact", value=value)
        assert refused(TWO, bad) == (422, code, "Parameters.parameter[0].part[3].part[1]")
    twice = {"part": [{"name": "gender", "valueCode": "male"}, {"name": "gender", "valueCode": "male"}]}
    bad = operation("add", "Patient", name="contact", value=twice)
    assert refused(TWO, bad) == (422, "structure", "Parameters.parameter[0].part[3].part[1]")


def without(made: JsonObject, name: str) -> JsonObject:
    return {**made, "part": [part for part in made["part"] if part["name"] != name]}


GOOD = operation("insert", "Patient.identifier", index=0, value={"valueIdentifier": {"value": "v"}})


@pytest.mark.parametrize(
    ("bad", "code", "where"),
    [
        ({"name": "operations", "part": []}, "invalid", ".name"),
        ({"name": "operation"}, "required", ""),
        *((without(GOOD, name), "required", "") for name in ("type", "path", "index", "value")),
        ({**GOOD, "part": [*GOOD["part"], GOOD["part"][1]]}, "structure", ".part[4]"),
        (
            {**GOOD, "part": [*GOOD["part"], {"name": "comment", "valueString": "x"}]},
            "invalid",
            ".part[4]",
        ),
        (operation("upsert", "Patient"), "value", ".part[0]"),
        (operation("delete", "Patient.name["), "invalid", ".part[1]"),
        (operation("delete", ""), "invalid", ".part[1]"),
        (operation("delete", "(" * 3000), "invalid", ".part[1]"),
        (operation("move", "Patient.name", source="x", destination=0), "value", ".part[2]"),
        (operation("delete", "Patient.name", value={"valueString": "x"}), "invalid", ".part[2]"),
        ({**GOOD, "part": [*GOOD["part"][:3], {"name": "value"}]}, "required", ".part[3]"),
    ],
)
def test_what_is_no_patch_is_400_and_named(bad: JsonObject, code: str, where: str) -> None:
    assert refused(TWO, GOOD, bad) == (400, code, f"Parameters.parameter[1]{where}")


def test_a_patch_has_an_end() -> None:
    with pytest.raises(Refusal) as caught:
        parse_fhirpath_patch(parameters(*[GOOD] * (MAX_OPERATIONS + 1)))
    assert caught.value.category is Category.TOO_LARGE


def test_a_patch_can_be_applied_again() -> None:
    value = {"part": [{"name": "name", "valueHumanName": {"text": "a"}}]}
    apply = parse_fhirpath_patch(
        parameters(
            operation("add", "Patient", name="contact", value=value),
            operation("replace", "Patient.contact[0].name.text", value={"valueString": "b"}),
        )
    )
    assert apply(patient()) == apply(patient()) == patient(contact=[{"name": {"text": "b"}}])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.data())
def test_lists_behave_as_lists(start: list[int], data: st.DataObject) -> None:
    """Insert, move and delete against a Python list."""
    model = [str(number) for number in start]
    operations = []
    for _ in range(data.draw(st.integers(1, 5))):
        kind = data.draw(st.sampled_from(("insert", "move", "delete") if model else ("insert",)))
        at = data.draw(st.integers(0, len(model) - (kind != "insert")))
        if kind == "insert":
            model.insert(at, "x")
            value = {"valueString": "x"}
            operations.append(operation("insert", "Patient.name[0].given", index=at, value=value))
        elif kind == "move":
            to = data.draw(st.integers(0, len(model) - 1))
            model.insert(to, model.pop(at))
            operations.append(operation("move", "Patient.name[0].given", source=at, destination=to))
        else:
            del model[at]
            operations.append(operation("delete", f"Patient.name[0].given[{at}]"))
    before = patient(name=[{"family": "F", "given": [str(number) for number in start]}])
    assert patched(before, *operations)["name"][0].get("given", []) == model
