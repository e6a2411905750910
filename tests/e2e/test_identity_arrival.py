"""Records that an EHR process hands out are resolved: what is certainly known is that resource, all else is new."""

from fhirserver.kernel.json import loads
from fhirserver.search.expression import Query, TokenIs
from fhirserver.store.followers import Following
from fhirserver.world.duplicates import DUPLICATE, read_duplicate
from fhirserver.world.vocabulary import REVIEW_KIND
from subscriptions.duplicates import Duplicates
from tests.e2e.test_sync_in import create

MARIA = {
    "resourceType": "Patient",
    "name": [{"family": "Alvarez", "given": ["Maria"]}],
    "birthDate": "1979-06-11",
    "gender": "female",
    "telecom": [{"system": "phone", "value": "+15559697967"}],
    "address": [{"line": ["6 Maltby Circuit"], "city": "Springfield", "postalCode": "01103"}],
}
WRITTEN_OTHERWISE = {
    **MARIA,
    "name": [{"family": "Álvarez", "given": ["Maria"]}],
    "birthDate": "1979-11-06",
    "telecom": [{"system": "phone", "value": "(555) 969-7967"}],
    "address": [{"line": ["6 maltby cct"], "city": "Springfield", "postalCode": "01103"}],
}
CLINIC = {"name": "Springfield Clinic", "address": [MARIA["address"][0]]}
NPI = [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}]


async def duplicates(store):
    following = Following(store, Duplicates(store), "credence")
    while await following.step():
        pass
    page = await store.search(Query("Task", TokenIs("code", REVIEW_KIND, DUPLICATE), count=50))
    return [read_duplicate(loads(version.content)) for version in page.versions]


async def test_a_patient_who_is_certainly_known_is_linked(process, practice):
    await practice.put(
        "operator", "Patient", "maria", {k: v for k, v in MARIA.items() if k != "resourceType"}
    )
    made = create(process, WRITTEN_OTHERWISE)
    await practice.pull()
    assert await practice.world_id("Patient", made["id"]) == "maria"
    assert not [one for one in await duplicates(practice.store) if "maria" in (one.patient, one.other)]


async def test_a_possible_patient_is_new_and_an_operator_is_asked(process, practice):
    await practice.put(
        "operator", "Patient", "maria", {k: v for k, v in MARIA.items() if k != "resourceType"}
    )
    made = create(process, {**MARIA, "birthDate": "1958-01-30"})
    await practice.pull()
    world = await practice.world_id("Patient", made["id"])
    assert world != "maria"
    asked = [one for one in await duplicates(practice.store) if "maria" in (one.patient, one.other)]
    assert [{one.patient, one.other} for one in asked] == [{world, "maria"}]
    assert asked[0].grade == "possible"


async def test_one_ehr_with_two_records_of_one_person(process, practice):
    """They stay two records of the source, and the operator is asked."""
    made = [create(process, one) for one in (MARIA, WRITTEN_OTHERWISE)]
    await practice.pull()
    worlds = {await practice.world_id("Patient", record["id"]) for record in made}
    assert len(worlds) == 2
    asked = [one for one in await duplicates(practice.store) if {one.patient, one.other} == worlds]
    assert [one.grade for one in asked] == ["probable"], "the EHR gave them two record numbers"


async def test_practitioner_organization_location_and_coverage_are_resolved(process, practice):
    known = {
        "Practitioner": {"identifier": NPI, "name": [{"family": "Okafor", "given": ["Ada"]}]},
        "Organization": CLINIC,
        "Location": {"name": "Front desk", "address": MARIA["address"][0]},
        "Patient": {**MARIA, "identifier": [{"system": "urn:mpi", "value": "7"}]},
        "Coverage": {
            "status": "active",
            "subscriberId": "ABC 123-45",
            "beneficiary": {"reference": "Patient/known"},
            "payor": [{"display": "Acme Health, Inc."}],
        },
    }
    for type, content in known.items():
        said = {name: value for name, value in content.items() if name != "resourceType"}
        await practice.put("operator", type, "known", said)
    patient = create(process, {**known["Patient"], "resourceType": "Patient"})
    changed = {
        "Practitioner": {"identifier": NPI, "name": [{"family": "Okafor-Lane"}]},
        "Organization": {**CLINIC, "name": "The Springfield Clinic, LLC"},
        "Location": {"name": "front desk", "address": {**MARIA["address"][0], "line": ["6 Maltby Cct"]}},
        "Coverage": {
            **known["Coverage"],
            "subscriberId": "abc12345",
            "beneficiary": {"reference": f"Patient/{patient['id']}"},
        },
    }
    made = {type: create(process, {**content, "resourceType": type}) for type, content in changed.items()}
    await practice.pull()
    worlds = {type: await practice.world_id(type, record["id"]) for type, record in made.items()}
    assert worlds == dict.fromkeys(changed, "known")
