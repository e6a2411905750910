"""Writing FHIR XML, and that it reads back as the same JSON."""

from __future__ import annotations

import time
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhirserver.kernel.json import JsonObject, canonical, dumps, loads
from fhirserver.model.definitions import ElementDef, definitions
from fhirserver.model.xml import NotInXml, read_xml, write_xml

DIV = '<div xmlns="http://www.w3.org/1999/xhtml"> <p>a &lt; b</p>\n <br/> </div>'


def written(**members: Any) -> str:
    text = write_xml({"resourceType": "Patient", **members}).decode()
    return text.partition('<Patient xmlns="http://hl7.org/fhir">')[2].removesuffix("</Patient>")


def test_elements_come_in_the_order_of_the_definitions() -> None:
    found = written(gender="male", name=[{"given": ["A", "B"], "family": "F"}], id="p", active=True)
    assert found == (
        '<id value="p"/><active value="true"/>'
        '<name><family value="F"/><given value="A"/><given value="B"/></name><gender value="male"/>'
    )


def test_siblings_of_primitives_are_attributes_and_children() -> None:
    extension = [{"url": "http://x", "valueInteger": 1}]
    found = written(
        name=[{"given": ["A", None], "_given": [{"id": "g"}, {"extension": extension}]}],
        _birthDate={"extension": extension},
    )
    inner = '<extension url="http://x"><valueInteger value="1"/></extension>'
    assert found == (
        f'<name><given id="g" value="A"></given><given>{inner}</given></name><birthDate>{inner}</birthDate>'
    )


def test_characters_that_xml_would_change_are_escaped() -> None:
    text = "a<b>&\"'\t\r\n é \U0001f600"
    found = written(name=[{"text": text}])
    assert ElementTree.fromstring(found)[0].get("value") == text


def test_a_narrative_stands_as_it_is_with_the_entities_of_html_as_characters() -> None:
    found = written(text={"status": "generated", "div": DIV.replace("a &lt;", "a&nbsp;&lt;")})
    assert found == '<text><status value="generated"/>' + DIV.replace("a &lt;", "a\xa0&lt;") + "</text>"


def test_contained_resources_and_entries_are_wrapped() -> None:
    found = written(contained=[{"resourceType": "Organization", "id": "o"}])
    assert found == '<contained><Organization><id value="o"/></Organization></contained>'


def test_decimals_keep_their_text() -> None:
    quantity = loads('{"resourceType":"Observation","valueQuantity":{"value":1.00e-2}}')
    assert b'<value value="1.00e-2"/>' in write_xml(quantity)


def test_pretty_indents_all_but_the_narrative() -> None:
    resource = {"resourceType": "Patient", "text": {"status": "empty", "div": DIV}, "active": True}
    found = write_xml(resource, pretty=True).decode()
    assert "\n  <text>\n    <status value=" in found
    assert DIV in found
    assert read_xml(found) == resource


@pytest.mark.parametrize(
    "resource",
    [
        {},
        {"resourceType": "Nope"},
        {"resourceType": "Patient", "nope": 1},
        {"resourceType": "Patient", "_name": [{}]},
        {"resourceType": "Patient", "name": {"family": "x"}},
        {"resourceType": "Patient", "birthDate": {"a": 1}},
        {"resourceType": "Patient", "name": [{"family": "\x00"}]},
        {"resourceType": "Patient", "name": [{"family": "\ufffe"}]},
        {"resourceType": "Patient", "name": [{"family": "\ud800"}]},
    ],
)
def test_what_xml_cannot_hold_is_refused(resource: JsonObject) -> None:
    with pytest.raises(NotInXml):
        write_xml(resource)


# A resource of any type, with any of its elements.

CHARACTERS = st.characters(
    codec="utf-8",
    exclude_categories=("Cs", "Cc"),
    include_characters="\t\r\n",
    exclude_characters="\ufffe\uffff",
)
TEXT = st.text(CHARACTERS, min_size=1, max_size=12)
NUMBERS = {"integer", "positiveInt", "unsignedInt"}


def primitives(type: str) -> st.SearchStrategy[Any]:
    if type == "boolean":
        return st.booleans()
    if type in NUMBERS:
        return st.integers(-(10**12), 10**12)
    if type == "decimal":
        texts = st.from_regex(r"-?(0|[1-9][0-9]{0,9})\.[0-9]{1,9}(e-?[1-9][0-9]?)?", fullmatch=True)
        return texts.map(loads)
    return TEXT


@st.composite
def an_object(draw: Any, type: str, depth: int) -> JsonObject:
    found = definitions().type(type)
    assert found is not None
    elements = [e for e in found.elements.values() if _is_drawn(e, depth)]
    out: JsonObject = {}
    for element in draw(st.lists(st.sampled_from(elements), min_size=1, max_size=5, unique=True)):
        _fill(draw, out, element, depth)
    return out


def _is_drawn(element: ElementDef, depth: int) -> bool:
    found = definitions().type(element.type)
    simple = element.type == "xhtml" or (found is not None and found.kind == "primitive-type")
    return simple or (depth > 0 and element.type != "Resource")


def _fill(draw: Any, out: JsonObject, element: ElementDef, depth: int) -> None:
    name = element.json_name
    found = definitions().type(element.type)
    if element.type == "xhtml":
        out[name] = DIV
    elif found is None or found.kind != "primitive-type":
        inner = an_object(element.type, depth - 1)
        out[name] = draw(st.lists(inner, min_size=1, max_size=2)) if element.is_list else draw(inner)
    elif not element.is_list:
        out[name] = draw(primitives(element.type))
        if not element.xml_attribute and name != "id" and draw(st.booleans()):
            out[f"_{name}"] = {"id": "a"}
    else:
        _fill_list(draw, out, name, primitives(element.type))


def _fill_list(draw: Any, out: JsonObject, name: str, values: st.SearchStrategy[Any]) -> None:
    sibling = st.just({"extension": [{"url": "http://x", "valueCode": "c"}]})
    pairs = draw(
        st.lists(
            st.tuples(values, st.none()) | st.tuples(st.none(), sibling) | st.tuples(values, sibling),
            min_size=1,
            max_size=3,
        )
    )
    for key, items in ((name, [value for value, _ in pairs]), (f"_{name}", [one for _, one in pairs])):
        if any(item is not None for item in items):
            out[key] = items


@st.composite
def a_resource(draw: Any) -> JsonObject:
    type = draw(st.sampled_from(sorted(definitions().resource_types)))
    return {"resourceType": type, **draw(an_object(type, 3))}


@given(a_resource(), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_json_to_xml_to_json_is_the_same(resource: JsonObject, pretty: bool) -> None:
    document = write_xml(resource, pretty)
    ElementTree.fromstring(document)
    assert canonical(read_xml(document)) == canonical(resource)


def test_writing_a_large_bundle_is_quick() -> None:
    patient = {
        "resourceType": "Patient",
        "name": [{"family": "F", "given": ["A"]}],
        "birthDate": "2000-01-01",
    }
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": patient}] * 5000}
    started = time.process_time()
    assert len(write_xml(bundle)) > len(dumps(bundle))
    assert time.process_time() - started < 2.0
