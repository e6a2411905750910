"""Whose a number is: a system goes out as an authority by which it comes back."""

from __future__ import annotations

import pytest

from adapters.hl7v2.convert.codes import authority
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.outbound.profile import Profile

SYSTEMS = [
    "https://credence.health/fhir/athenahealth/patient",
    "https://credence.health/fhir/athenahealth/department",
    "http://hl7.org/fhir/sid/us-mbi",
    "urn:oid:2.16.840.1.113883.19.5",
]


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_address_goes_out_whole_and_is_known_when_it_comes_back(system: str) -> None:
    known = Profile().known_as(system)
    assert len(known.namespace) <= 20, "IS has no room for more"
    assert authority(known.namespace, known.universal, known.type, Site()) == system
