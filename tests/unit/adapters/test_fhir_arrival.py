from hypothesis import given
from hypothesis import strategies as st

from adapters.fhir import marking
from adapters.fhir.arrival import shows
from adapters.fhir.marking import SYSTEM
from fhirserver.ports.ehr import Record

PHONE = {"system": "phone", "value": "+15551234567"}
EMAIL = {"system": "email", "value": "m@example.org"}
NUMBER = {"system": "urn:mrn", "value": "M1"}
BEFORE = {
    "resourceType": "Patient",
    "id": "1",
    "gender": "female",
    "telecom": [PHONE],
    "identifier": [NUMBER],
}


def test_a_change_has_arrived_when_all_of_it_is_there():
    wanted = {**BEFORE, "telecom": [PHONE, EMAIL]}
    current = {**wanted, "meta": {"versionId": "2"}, "text": {"status": "generated"}}
    assert shows(current, wanted, BEFORE)
    assert not shows(BEFORE, wanted, BEFORE)


def test_what_the_ehr_adds_does_not_matter():
    wanted = {**BEFORE, "telecom": [EMAIL]}
    current = {**wanted, "telecom": [{**EMAIL, "rank": 1}], "active": True}
    assert shows(current, wanted, BEFORE)
    assert not shows(current, wanted, None), "without the version before it cannot be told"
    assert shows({**wanted, "meta": {}}, wanted, None)


def test_what_was_to_be_removed_must_be_gone():
    wanted = {"resourceType": "Patient", "telecom": [EMAIL], "identifier": [NUMBER]}
    assert not shows({**wanted, "gender": "female"}, wanted, BEFORE)
    assert not shows({**wanted, "telecom": [EMAIL, PHONE]}, wanted, BEFORE)
    assert shows(wanted, wanted, BEFORE)


def test_order_of_items_does_not_matter_but_values_do():
    wanted = {**BEFORE, "telecom": [PHONE, EMAIL]}
    assert shows({**wanted, "telecom": [EMAIL, PHONE]}, wanted, BEFORE)
    assert not shows({**wanted, "telecom": [EMAIL, {**PHONE, "value": "+15550000000"}]}, wanted, BEFORE)
    assert not shows({**wanted, "telecom": "x"}, wanted, BEFORE)


json_values = st.recursive(
    st.integers(0, 3) | st.sampled_from(["a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=8,
)
resources = st.dictionaries(st.sampled_from(["p", "q", "r"]), json_values)


@given(resources, resources)
def test_the_wanted_record_itself_always_shows(wanted, before):
    assert shows(wanted, wanted, None)
    assert shows({**wanted, "meta": {"versionId": "9"}}, wanted, wanted)


def test_a_create_is_marked_by_an_identifier_in_place_of_an_older_mark():
    content = {"resourceType": "Appointment", "identifier": [NUMBER, {"system": SYSTEM, "value": "old"}]}
    marked = marking.for_create(content, "new")
    assert marked["identifier"] == [NUMBER, {"system": SYSTEM, "value": "new"}]
    assert marking.search("Appointment", "new") == {"identifier": f"{SYSTEM}|new"}
    assert content["identifier"][1]["value"] == "old", "what was given is not changed"


def test_a_type_without_a_list_of_identifiers_is_marked_by_a_tag():
    marked = marking.for_create({"resourceType": "Provenance"}, "k")
    assert marked["meta"]["tag"] == [{"system": SYSTEM, "code": "k"}]
    assert marking.condition("Provenance", "k") == f"_tag={SYSTEM}|k"
    assert "identifier" not in marking.for_create({"resourceType": "Composition"}, "k")


def test_a_condition_is_a_query_string():
    assert marking.condition("Patient", "a&b=c d") == f"identifier={SYSTEM}|a%26b%3Dc+d"


def test_an_update_carries_its_own_key_only():
    tag = {"system": "urn:other", "code": "x"}
    meta = {"versionId": "3", "tag": [tag, {"system": SYSTEM, "code": "old"}]}
    marked = marking.for_update({"resourceType": "Patient", "meta": meta}, "new")
    assert marked["meta"] == {"tag": [tag, {"system": SYSTEM, "code": "new"}]}
    record = Record("Patient", "1", "4", "", marked)
    assert marking.is_marked(record, "new") and not marking.is_marked(record, "old")
