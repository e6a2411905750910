"""Reading FHIR XML."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
        '<Patient xmlns="http://hl7.org/fhir"><resourceType value="Group"/></Patient>',
        '<Patient xmlns="http://hl7.org/fhir"><_birthDate value="1"/></Patient>',
        '<Patient xmlns="http://hl7.org/fhir"><nope xmlns="http://other.org" value="1"/></Patient>',
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


@pytest.mark.parametrize(
    ("content", "line", "expression"),
    [
        ("<name>\n<nope xmlns='http://other.org'/></name>", 2, "Patient.name[0].nope"),
        ('<name/>\n<name id="n"/>', 1, "Patient.name[0]"),
        ("\n<birthDate/>", 2, "Patient.birthDate"),
        (
            '<contact><name><given value="A"/>\n<given value="B" xml:lang="y"/></name></contact>',
            2,
            "given[1]",
        ),
        ('<name><id value="n"/></name>', 1, "Patient.name[0].id"),
        (
            '<deceasedBoolean value="true"/><deceasedBoolean value="true"/>',
            1,
            "Patient.deceased.ofType(boolean)",
        ),
        ("<text><status value='empty'/><div/></text>", 1, "Patient.text.div"),
        ("<contained><Nope/></contained>", 1, "Patient.contained[0]"),
        ("<contained><Patient><birthDate/></Patient></contained>", 1, "Patient.contained[0].birthDate"),
        ('<name use="usual"/>', 1, "Patient.name[0].use"),
        ("<name><family/></name>", 1, "Patient.name[0].family"),
        ("<contained/>", 1, "Patient.contained[0]"),
        ("<text><div/></text>", 1, "Patient.text.div"),
        ("<active>yes</active>", 1, "Patient.active"),
    ],
)
def test_a_refusal_names_line_and_element(content: str, line: int, expression: str) -> None:
    with pytest.raises(InvalidXml) as refused:
        patient(content)
    (fault,) = refused.value.faults
    assert fault.line == line
    assert fault.expression.endswith(expression)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidXml) as refused:
        patient(
            """
            <nope value="1"/>
            <active value="true">yes</active>
            <name xmlns="http://other.org"><family value="x"><deeper/>text</family></name>
            <birthDate/>
            <gender value="male"/><gender value="female"><extension/></gender>
            <contained><Nope><family/></Nope></contained>
            <contact><gender value="male" oops="1"/><name/></contact>
            <text><status value="empty"/><div>free</div></text>"""
        )
    assert [(fault.line, fault.expression) for fault in refused.value.faults] == [
        (2, "Patient.nope"),
        (3, "Patient.active"),
        (4, "Patient.name"),
        (5, "Patient.birthDate"),
        (6, "Patient.gender"),
        (7, "Patient.contained[0]"),
        (8, "Patient.contact[0].gender.oops"),
        (8, "Patient.contact[0].name"),
        (9, "Patient.text.div"),
    ]
    with pytest.raises(InvalidXml) as refused:
        patient("<birthDate/>" * 100_000)
    assert len(refused.value.faults) < 200


def test_what_comes_before_a_break_is_said_too() -> None:
    with pytest.raises(InvalidXml) as refused:
        patient("<birthDate/>\n</name>")
    assert [fault.line for fault in refused.value.faults] == [1, 2]


def test_what_the_types_do_not_have_is_left_to_validation() -> None:
    found = patient(
        '<nope value="1"/><nope value="2"/>'
        '<name><other><deep value="x"/>text</other><given value="A" x="y"/></name>'
    )
    assert found == {
        "resourceType": "Patient",
        "nope": "1",
        "name": [{"other": {}, "given": ["A"], "_given": [{"x": "y"}]}],
    }


@pytest.mark.parametrize(
    "document",
    [
        '<Patient xmlns="http://hl7.org/fhir" id="p"/>',
        '<?xml version="1.0" encoding="ISO-8859-1"?><Patient xmlns="http://hl7.org/fhir"><id value="p"/></Patient>',
        '<Patient xmlns="http://hl7.org/fhir" xml:base="http://x"><id value="p"/></Patient>',
        '<Patient xmlns="http://hl7.org/fhir"><id value="&nbsp;"/></Patient>',
        '<Patient xmlns="http://hl7.org/fhir"><id value="p"/></Patient><!-- --><Patient/>',
        '<f:Patient xmlns:f="http://hl7.org/fhir"><id value="p"/></f:Patient>',
    ],
)
def test_refused_documents(document: str) -> None:
    with pytest.raises(InvalidXml):
        read_xml(document)


def test_comments_and_instructions_and_schema_locations_are_passed_over() -> None:
    found = read_xml(
        '<?xml version="1.0"?><!-- a --><?b c?>'
        '<f:Patient xmlns:f="http://hl7.org/fhir" xmlns:x="http://www.w3.org/2001/XMLSchema-instance"'
        ' x:schemaLocation="http://hl7.org/fhir fhir.xsd"><!-- d --><f:active value="true"/><?e?></f:Patient>'
    )
    assert found == {"resourceType": "Patient", "active": True}


def test_a_narrative_with_a_prefix_of_outside_stands_alone() -> None:
    found = read_xml(
        '<Patient xmlns="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><text><status value="empty"/>'
        '<h:div class="a"> <h:p xml:lang="de">1 &lt; 2</h:p> </h:div></text></Patient>'
    )
    div = found["text"]["div"]
    assert div == (
        '<div xmlns="http://www.w3.org/1999/xhtml" class="a"> <p xml:lang="de">1 &lt; 2</p> </div>'
    )


def test_elements_may_be_in_any_order() -> None:
    found = patient('<name id="a"/><gender value="male"/><name id="b"/>')
    assert found == {"resourceType": "Patient", "name": [{"id": "a"}, {"id": "b"}], "gender": "male"}


def test_a_list_of_extensions_alone_has_no_nulls() -> None:
    extension = '<extension url="http://x"><valueCode value="e"/></extension>'
    found = patient(f"<name><given>{extension}</given></name>")
    assert found["name"] == [{"_given": [{"extension": [{"url": "http://x", "valueCode": "e"}]}]}]


def test_long_narratives_and_many_elements_take_linear_time() -> None:
    paragraph = '<h:p xmlns:h="http://www.w3.org/1999/xhtml">x</h:p>' * 20_000
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraph}</div>'
    names = "<name><text value='x'/></name>" * 20_000
    found = patient(f"<text><status value='empty'/>{div}</text>{names}")
    assert len(found["name"]) == 20_000


DOCUMENT = (
    b'<?xml version="1.0"?><Patient xmlns="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml">'
    b'<!-- c --><text><status value="empty"/><h:div><h:p a="b">x &amp; y</h:p></h:div></text>'
    b'<contained><Organization><id value="o"/></Organization></contained>'
    b'<extension url="http://x"><valueDecimal value="1.00"/></extension>'
    b'<name id="n"><given value="A"><extension url="e"><valueCode value="c"/></extension></given></name></Patient>'
)
PIECES = st.sampled_from(
    [b"<", b">", b"/", b'"', b"&", b"\x00", b"\xff", b"<![CDATA[", b"]]>", b"<?x?>", b"<!--", b" "]
)


@given(
    st.lists(
        st.tuples(st.integers(0, len(DOCUMENT)), st.integers(0, 30), PIECES | st.binary(max_size=4)),
        max_size=3,
    )
)
@settings(max_examples=50, deadline=None)
def test_a_broken_document_is_read_or_refused(cuts: list[tuple[int, int, bytes]]) -> None:
    document = DOCUMENT
    for at, length, piece in cuts:
        document = document[:at] + piece + document[at + length :]
    try:
        assert dumps(read_xml(document))
    except InvalidXml as refused:
        assert str(refused)
