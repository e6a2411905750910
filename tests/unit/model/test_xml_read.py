"""Reading FHIR XML."""

from __future__ import annotations

import pytest

from fhirserver.kernel.json import dumps
from fhirserver.model.xml import InvalidXml, read_xml


def patient(content: str) -> dict[str, object]:
    return read_xml(f'<Patient xmlns="http://hl7.org/fhir">{content}</Patient>')


def test_order_lists_and_types() -> None:
    found = patient(
        '<active value="true"/><name id="n"><given value="A"/><given value="B"/></name>'
        '<multipleBirthInteger value="2"/>'
    )
    assert found == {
        "resourceType": "Patient",
        "active": True,
        "name": [{"id": "n", "given": ["A", "B"]}],
        "multipleBirthInteger": 2,
    }


def test_decimals_keep_their_text() -> None:
    found = read_xml(
        '<Observation xmlns="http://hl7.org/fhir"><valueQuantity><value value="1.00e2"/></valueQuantity>'
        "</Observation>"
    )
    assert b'"value":1.00e2' in dumps(found)


def test_extensions_on_primitives() -> None:
    extension = '<extension url="http://x"><valueString value="e"/></extension>'
    found = patient(
        f'<name><given value="A"/><given>{extension}</given></name><birthDate value="2000">{extension}</birthDate>'
    )
    sibling = {"extension": [{"url": "http://x", "valueString": "e"}]}
    assert found["name"] == [{"given": ["A", None], "_given": [None, sibling]}]
    assert (found["birthDate"], found["_birthDate"]) == ("2000", sibling)


def test_narrative_keeps_its_source() -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml">Å <b class="x">b</b> &lt;<br/></div>'
    found = patient(f'<text><status value="generated"/>{div}</text><gender value="male"/>')
    assert found["text"] == {"status": "generated", "div": div}
    assert found["gender"] == "male"
    empty = '<div xmlns="http://www.w3.org/1999/xhtml"/>'
    assert patient(f"<text>{empty}</text>")["text"] == {"div": empty}


def test_contained_resources() -> None:
    found = patient('<contained><Organization><id value="o"/></Organization></contained>')
    assert found["contained"] == [{"resourceType": "Organization", "id": "o"}]


@pytest.mark.parametrize(
    "document",
    [
        "",
        "<Patient/>",
        '<Patient xmlns="http://hl7.org/fhir">',
        '<Patient xmlns="http://hl7.org/fhir"><nope value="1"/></Patient>',
        '<Patient xmlns="http://hl7.org/fhir" nope="1"/>',
        '<Patient xmlns="http://hl7.org/fhir">text</Patient>',
        '<Patient xmlns="http://hl7.org/fhir"><active value="true"/><active value="true"/></Patient>',
        '<Nope xmlns="http://hl7.org/fhir"/>',
        '<Resource xmlns="http://hl7.org/fhir"/>',
        '<!DOCTYPE p [<!ENTITY x "y">]><Patient xmlns="http://hl7.org/fhir"><id value="&x;"/></Patient>',
        '<!DOCTYPE Patient SYSTEM "file:///etc/passwd"><Patient xmlns="http://hl7.org/fhir"/>',
        "<a>" * 300 + "</a>" * 300,
    ],
)
def test_refused(document: str) -> None:
    with pytest.raises(InvalidXml):
        read_xml(document)
