"""A condition asked of one version says what the search says of it."""

from __future__ import annotations

import pytest

from fhirserver.interactions.subscription.matching import Seen, read_condition
from fhirserver.kernel.outcomes import Refusal
from tests.facade import patient
from tests.subscribing import encounter, subscribable

QUERIES = {
    "Patient": [
        "",
        "gender=female",
        "gender:not=female",
        "family=ok",
        "family:exact=Okafor",
        "name:contains=AFO",
        "birthdate=ge1980&birthdate=lt1990",
        "birthdate=1985",
        "birthdate:missing=true",
        "identifier=urn:mrn|7",
        "identifier=urn:mrn|",
        "_id=a,c",
        "_lastUpdated=gt2020",
        "_lastUpdated=lt2020",
        "telecom=phone|555",
        "_has:Encounter:patient:status=finished",
        "_has:Encounter:patient:_has:Observation:encounter:status=final",
        "general-practitioner.name=who",
        "_filter=gender eq female or birthdate lt 1980",
        "_text=stroke",
        "active=true",
        "organization=Organization/o",
        "organization.name=Clinic",
        "organization.name:missing=true",
    ],
    "Encounter": [
        "patient=Patient/a",
        "patient=a",
        "subject:Patient.gender=female",
        "patient.organization.name=clin",
        "patient._has:Encounter:patient:status=planned",
        "status=finished,planned",
        "class=AMB",
        "location.partof:below=Location/x",
        "date=2026",
    ],
}


async def test_what_one_version_fulfils_is_what_the_search_finds(tmp_path):
    async with subscribable(tmp_path) as server:
        await server.ehr.put({"resourceType": "Organization", "id": "o", "name": "Clinic"})
        await server.ehr.put(patient("a", gender="female", birthDate="1985-03-02", active=True))
        narrative = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">a stroke</div>'}
        await server.ehr.put(patient("b", gender="male", birthDate="1979", text=narrative))
        await server.ehr.put(
            patient(
                "c",
                identifier=[{"system": "urn:mrn", "value": "7"}],
                telecom=[{"system": "phone", "value": "555"}],
                managingOrganization={"reference": "Organization/o"},
            )
        )
        await server.ehr.put(encounter("e1", "finished", "a", period={"start": "2026-01-01"}))
        await server.ehr.put(encounter("e2", "planned", "c"))
        context = server.application._edge.context
        for type, queries in QUERIES.items():
            ids = await server.ehr.ids(type)
            for query in queries:
                expected = await server.ehr.ids(f"{type}?{query}")
                condition = read_condition(context, type, query, "here")
                found = []
                for id in ids:
                    version = await server.store.read(type, id)
                    if await condition.holds(Seen(version, server.store)):
                        found.append(id)
                assert sorted(found) == sorted(expected), (type, query)


@pytest.mark.parametrize(
    "query", ["_sort=name", "_include=Patient:organization", "_list=1", "_count=1", "nme=x"]
)
async def test_what_says_nothing_of_one_resource_is_refused(tmp_path, query):
    async with subscribable(tmp_path) as server:
        with pytest.raises(Refusal) as refused:
            read_condition(server.application._edge.context, "Patient", query, "Subscription.criteria")
        assert refused.value.issues[0].expression == ("Subscription.criteria",)


async def test_a_merged_patient_is_found_by_either_name(tmp_path):
    async with subscribable(tmp_path) as server:
        await server.ehr.put(patient("old"))
        await server.ehr.put(patient("new"))
        merge = [
            {"name": "source-patient", "valueReference": {"reference": "Patient/old"}},
            {"name": "target-patient", "valueReference": {"reference": "Patient/new"}},
        ]
        await server.ana("POST", "Patient/$merge", {"resourceType": "Parameters", "parameter": merge})
        await server.ehr.put(encounter("e", "finished", "new"))
        condition = read_condition(
            server.application._edge.context, "Encounter", "patient=Patient/old", "here"
        )
        version = await server.store.read("Encounter", "e")
        assert await condition.holds(Seen(version, server.store))
