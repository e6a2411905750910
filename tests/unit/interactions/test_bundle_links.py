"""What references in a Bundle mean. https://hl7.org/fhir/R4/bundle.html#references"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.interactions.bundle_links import Links
from fhirserver.kernel.outcomes import Refusal

OWN = "http://facade.test/fhir"
ONE = "urn:uuid:5f0c0c5e-0001-4000-8000-000000000001"


def links(*pairs: tuple[str, str], created: bool = True) -> Links:
    found = Links(OWN)
    for number, (full_url, target) in enumerate(pairs):
        found.add(full_url, target, f"Bundle.entry[{number}].fullUrl", created)
    return found


@pytest.mark.parametrize(
    ("reference", "inside", "meant"),
    [
        (ONE, "", "Patient/one"),
        ("urn:oid:1.2.3", "", "Patient/oid"),
        ("http://a.example/fhir/Patient/23", ONE, "Patient/a"),
        ("http://b.example/fhir/Patient/23", "http://a.example/fhir/Observation/1", "Patient/b"),
        ("Patient/23", "http://a.example/fhir/Observation/1", "Patient/a"),
        ("Patient/23", "http://b.example/fhir/Observation/1", "Patient/b"),
        ("Patient/23", "http://c.example/fhir/Observation/1", None),
        ("Patient/23/_history/4", "http://a.example/fhir/Observation/1", "Patient/a/_history/1"),
        ("http://b.example/fhir/Patient/23/_history/4", "", "Patient/b/_history/1"),
        ("Group/7", ONE, "Group/g"),
        ("Group/7", "", "Group/g"),
        ("Group/8", "", None),
        (f"{OWN}/Patient/99", "", "Patient/99"),
        (f"{OWN}/Patient/99/_history/2", "", "Patient/99/_history/2"),
        ("#contained", "", None),
        ("urn:uuid:5f0c0c5e-0009-4000-8000-000000000009", "", None),
        ("Patient?identifier=x", "", None),
    ],
)
def test_references(reference: str, inside: str, meant: str | None) -> None:
    found = links(
        (ONE, "Patient/one"),
        ("urn:oid:1.2.3", "Patient/oid"),
        ("http://a.example/fhir/Patient/23", "Patient/a"),
        ("http://b.example/fhir/Patient/23", "Patient/b"),
        ("http://a.example/fhir/Group/7", "Group/g"),
    )
    assert found.reference(reference, inside) == meant


def test_a_version_of_what_is_updated_is_left_to_its_server() -> None:
    found = links(("http://a.example/fhir/Patient/23", "Patient/23"), created=False)
    assert found.reference("http://a.example/fhir/Patient/23/_history/4") is None


def test_what_could_mean_several_is_refused() -> None:
    found = links(("http://a.example/Patient/23", "Patient/a"), ("http://b.example/Patient/23", "Patient/b"))
    for inside in ("", ONE):
        with pytest.raises(Refusal):
            found.reference("Patient/23", inside)


def test_a_full_url_is_one_entrys() -> None:
    with pytest.raises(Refusal) as caught:
        links((ONE, "Patient/a"), (ONE, "Patient/b"))
    assert caught.value.issues[0].expression == ("Bundle.entry[1].fullUrl",)


BASES = ("http://a.example/fhir/", "http://b.example/", "urn:uuid:")


@given(st.lists(st.tuples(st.sampled_from(BASES), st.integers(0, 4)), unique=True, max_size=8), st.data())
def test_a_reference_never_leads_to_another_entry(
    entries: list[tuple[str, int]], data: st.DataObject
) -> None:
    """Whatever the full URLs: by full URL one's own entry; by type and id that under the same base or none."""

    def full_url(base: str, id: int) -> str:
        return f"{base}00000000-0000-4000-8000-{id:012}" if base == "urn:uuid:" else f"{base}Patient/{id}"

    pairs = [(full_url(*one), f"Patient/new-{number}") for number, one in enumerate(entries)]
    found, targets = links(*pairs), dict(pairs)
    for base, id in [(base, id) for base in BASES for id in range(5)]:
        assert found.reference(full_url(base, id)) == targets.get(full_url(base, id))
    around = data.draw(st.sampled_from(BASES[:2]))
    for id in range(5):
        assert found.reference(f"Patient/{id}", f"{around}Observation/o") == targets.get(
            f"{around}Patient/{id}"
        )
