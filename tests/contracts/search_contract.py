"""What every storage's search must do. The oracle is :func:`fhirserver.search.match.matches`.

A storage's test module subclasses :class:`SearchContract` and gives a fixture ``index``, an :class:`Index`.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any, Protocol, cast

import pytest

from fhirserver.kernel.json import dumps
from fhirserver.search import cursor
from fhirserver.search.coded import LISTED
from fhirserver.search.expression import Query
from fhirserver.search.index import extract
from fhirserver.search.parse import parse
from fhirserver.search.parse_types import parse_types
from fhirserver.search.settling import is_open
from fhirserver.storage.memory.index import MemoryIndex
from terminology.service import TerminologyService
from tests.contracts.search_resources import FAMILIES, world

START = 1_600_000_000_000_000
NOW = 1_700_000_000
TERMINOLOGY = TerminologyService()


class Index(Protocol):
    """A storage under test. ``pk`` is the number in order of creation, ``updated`` is in microseconds."""

    async def put(self, pk: int, resource: dict[str, Any], updated: int) -> None:
        """Create or replace a resource."""
        ...

    async def delete(self, pk: int, type: str, id: str) -> None: ...

    async def search(self, query: Query) -> tuple[list[str], str]:
        """The ids of one page, and the cursor of the next."""
        ...

    async def count(self, query: Query) -> int: ...


def _lines(text: str) -> list[str]:
    return text.split()


QUERIES = _lines(
    r"""
Patient?
Patient?family=muller
Patient?family=MÜLL
Patient?family:exact=Müller
Patient?family:exact=muller
Patient?family:contains=ulle
Patient?name=eve
Patient?name=artist
Patient?name=the%artist
Patient?name:contains=rtis
Patient?given=anna%maria
Patient?phonetic=Miller
Patient?family=odegard
Patient?name=eve,bob
Patient?name=eve&name=muller
Patient?gender=male
Patient?gender=http://hl7.org/fhir/administrative-gender|male
Patient?gender=http://nowhere.org|male
Patient?gender:not=male
Patient?gender:not=male,female
Patient?gender:missing=true
Patient?gender:in=http://hl7.org/fhir/ValueSet/administrative-gender
Patient?gender:not-in=http://hl7.org/fhir/ValueSet/administrative-gender
Patient?gender:in=http://hl7.org/fhir/ValueSet/observation-status,http://hl7.org/fhir/ValueSet/administrative-gender
Patient?gender:below=http://hl7.org/fhir/administrative-gender|male
Observation?status:in=http://hl7.org/fhir/ValueSet/observation-status
Observation?status:above=http://hl7.org/fhir/observation-status|amended
Encounter?class:in=http://terminology.hl7.org/ValueSet/v3-ActEncounterCode
Encounter?class:below=http://terminology.hl7.org/CodeSystem/v3-ActCode|_ActEncounterCode
Encounter?class:above=http://terminology.hl7.org/CodeSystem/v3-ActCode|AMB
Encounter?class:not-in=http://terminology.hl7.org/ValueSet/v3-ActEncounterCode
Patient?_has:Encounter:patient:class:in=http://terminology.hl7.org/ValueSet/v3-ActEncounterCode
Patient?gender:missing=false
Patient?name:missing=true
Patient?organization:missing=true
Patient?organization:below=Organization/org1
Patient?organization:below=org1
Patient?organization:above=Organization/org2
Patient?organization:below=Organization/nobody
Patient?organization:text=clinic
Patient?_has:Observation:patient:patient.organization:below=org0
Organization?partof:below=Organization/org0
Organization?partof:above=Organization/org2
Patient?birthdate:missing=true
Patient?identifier=http://mrn|m3
Patient?identifier=m3
Patient?identifier=http://mrn|
Patient?identifier=|x\,3\|\$\\
Patient?identifier=x\,3\|\$\\
Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|m4
Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|SS|m4
Patient?identifier:text=record
Patient?identifier:not=http://mrn|m3
Patient?birthdate=1980
Patient?birthdate=1980-05
Patient?birthdate=ne1980-05
Patient?birthdate=gt1980
Patient?birthdate=lt1980-05-17
Patient?birthdate=ge1980-05-17
Patient?birthdate=le1980-05
Patient?birthdate=sa1980-05
Patient?birthdate=eb1980-05
Patient?birthdate=ap1980
Patient?birthdate=ge1976&birthdate=lt2000
Patient?birthdate=lt1976,gt2000
Patient?organization=Organization/org0
Patient?organization=org3
Patient?organization:Organization=org3
Patient?organization:identifier=http://npi|1
Patient?organization:identifier=1
Patient?organization.name=clinic
Patient?organization.name=clinic%3
Patient?organization.partof=Organization/org2
Patient?organization.partof.partof.name:contains=LINIC%0
Patient?organization:Organization.partof:Organization.name=clinic%2
Patient?deceased=true
Patient?deceased=false
Patient?phone=+15550004
Patient?_tag=http://tags|odd
Patient?_tag=even&gender=male
Patient?_profile=http://acme.org/StructureDefinition/p
Patient?_profile=http://acme.org/StructureDefinition/p|1
Patient?_id=p3
Patient?_id=p3,p4,nobody
Patient?_id:not=p3
Patient?_id=o3
Patient?_lastUpdated=ge2020-09-13T12:27:00Z
Patient?_lastUpdated=lt2020-09-13T12:27:00Z
Patient?_has:Observation:patient:status=final
Patient?_has:Observation:patient:code=8302-2
Patient?_has:Observation:patient:code:not=8302-2
Patient?_has:Observation:patient:_has:Provenance:target:agent=Organization/org1
Patient?_has:Observation:patient:encounter.status=finished
Patient?_has:Encounter:patient:_id=e3
Patient?_has:Encounter:patient:_lastUpdated=gt2000
Patient?_has:Observation:subject:value-quantity=gt5&gender=female
Patient?_has:Observation:patient:date:missing=true
Observation?patient=p1
Observation?patient=Patient/p1
Observation?subject=p1
Observation?subject=Patient/p1
Observation?subject=Patient/p1,Group/p1
Observation?subject:Group=p1
Observation?subject=http://elsewhere.org/fhir/Patient/p1
Observation?subject=http://own.org/fhir/Patient/p1
Observation?subject=urn:uuid:085e81c0-7a95-4f02-86ef-aa1b4344deed
Observation?subject:missing=true
Observation?encounter=Encounter/e4
Observation?encounter=Encounter/e4/_history/7
Observation?patient.name=eve
Observation?patient.organization.name=clinic
Observation?subject:Patient.gender:not=male
Observation?patient._id=p1
Observation?patient._has:Encounter:patient:status=planned
Observation?encounter.patient.birthdate=ge1980
Observation?code=8302-2
Observation?code=http://loinc.org|8302-2
Observation?code=|local-only
Observation?code=|8302-2
Observation?code=http://loinc.org|
Observation?code:text=body
Observation?code:text=grosse
Observation?code:not=http://loinc.org|8302-2
Observation?combo-code=other
Observation?category:missing=false
Observation?category:text=only
Observation?date=2013
Observation?date=2013-01-14
Observation?date=2013-01-14T10:00:00Z
Observation?date=ne2013-01-14
Observation?date=gt2013-01-14
Observation?date=ge2013-01-14
Observation?date=lt2013-01-14
Observation?date=le2013-01-14T08:00
Observation?date=sa2013-01-14
Observation?date=eb2013-01-15
Observation?date=ap2013
Observation?date:missing=true
Observation?value-quantity=5
Observation?value-quantity=5.4
Observation?value-quantity=5.40
Observation?value-quantity=100
Observation?value-quantity=100.00
Observation?value-quantity=1e2
Observation?value-quantity=ne5
Observation?value-quantity=gt5
Observation?value-quantity=ge5
Observation?value-quantity=lt5
Observation?value-quantity=le5.4
Observation?value-quantity=sa5
Observation?value-quantity=eb5
Observation?value-quantity=lt-2
Observation?value-quantity=5e0
Observation?value-quantity=5.4e0,ne100
Observation?value-quantity=ap100
Observation?value-quantity=-3
Observation?value-quantity=gt5|http://unitsofmeasure.org|mg
Observation?value-quantity=gt5||mg
Observation?value-quantity=gt5||milligram
Observation?value-quantity=5.4|http://unitsofmeasure.org|
Observation?value-quantity=5400|http://unitsofmeasure.org|mg
Observation?value-quantity=5.4|http://unitsofmeasure.org|g
Observation?value-quantity=0.0054|http://unitsofmeasure.org|kg
Observation?value-quantity=lt1|http://unitsofmeasure.org|g
Observation?value-quantity=gt99|http://unitsofmeasure.org|mg
Observation?value-quantity=ne5|http://unitsofmeasure.org|mg
Observation?value-quantity=ap5000|http://unitsofmeasure.org|mg
Observation?value-quantity=5|http://unitsofmeasure.org|[invented]
Observation?code-value-quantity=8302-2$gt0.005|http://unitsofmeasure.org|kg
Observation?code-value-quantity=8302-2$le5400|http://unitsofmeasure.org|mg
Observation?value-quantity:missing=true
Observation?value-string=mull
Observation?value-concept=http://answers|yes
Observation?value-date=ge2013-01-14
Observation?code-value-quantity=8302-2$gt5
Observation?code-value-quantity=http://loinc.org|8302-2$le100||mg
Observation?code-value-quantity=8302-2$gt5,8480-6$lt5
Observation?code-value-concept=8302-2$yes
Observation?code-value-string=8302-2$mull
Observation?code-value-date=8302-2$2013
Observation?component-code-value-quantity=8302-2$gt5
Observation?combo-code-value-quantity=8302-2$gt5
Observation?code-value-quantity:missing=true
Observation?status=final&code=8302-2&patient=p1&date=ge2013
Observation?status=nothing
RiskAssessment?probability=0.5
RiskAssessment?probability=0.50
RiskAssessment?probability=gt0.5
RiskAssessment?probability=ge0.53
RiskAssessment?probability=lt0.5
RiskAssessment?probability=le0.4
RiskAssessment?probability=sa0.5
RiskAssessment?probability=eb0.5
RiskAssessment?probability=ne0.5
RiskAssessment?probability=ap0.5
RiskAssessment?probability:missing=true
Location?near=42.36|-71.06|5|km
Location?near=42.36|-71.06|4|[mi_us]
Location?near=42.36|-71.06|100|m
Location?near=42.36|-71.06
Location?near=42.36|-71.06|400
Location?near=-17|179.95|100|km,40.7|-74|5|km
Location?near=90|0|10|km
Location?near=0|0|30000|km
Location?near=42.36|-71.06|5|km&name=ward%0
Schedule?actor:Location.near=42.36|-71.06|10|km
Location?near:missing=true
Location?_text=etoile
Location?_text=ÉTOILE%4
Location?_text=bone
Location?_content=bone
Location?_content=cafe%OR%clinic
Location?_content=cafe%AND%NOT%3
Location?_content=NOT%clinic
Location?_content=(bone%OR%cafe)%AND%etoile
Location?_content=liv*
Location?_content=uberg*&name=ward%1
Location?_content=bone&_text=0,2
Location?_content=nothing
Location?_content="bone%and%liver"
Location?_content="and%bone"
Location?_content="Bone%AND"%OR%"zum%CAFÉ"
Location?_content=NOT%"bone%and"
Location?_text="bone%and"
Location?_content="zum%cafe"&_sort=-name
Slot?schedule.actor:Location._content="zum%cafe"
Slot?_content=liver
Slot?schedule.actor:Location._content=cafe
Location?_has:Schedule:actor:_has:Slot:schedule:_content=liver
Patient?_filter=family%eq%"muller"
Patient?_filter=family%eq%"MÜLLER"%or%given%eq%bob
Patient?_filter=family%ne%muller
Patient?_filter=family%co%"ull"
Patient?_filter=family%sw%mul
Patient?_filter=family%ew%ler
Patient?_filter=gender%eq%male%and%birthdate%ge%1980
Patient?_filter=not(gender%eq%male)%and%(family%co%mu%or%given%eq%eve)
Patient?_filter=gender%ne%male
Patient?_filter=given%ne%bob
Patient?_filter=identifier%ne%http://mrn|m3
Patient?_filter=identifier%ne%m3
Patient?_filter=identifier%ne%http://mrn|
Patient?_filter=organization%ne%Organization/org0
Patient?_filter=organization%ne%org0
Patient?_filter=gender%in%http://hl7.org/fhir/ValueSet/administrative-gender
Patient?_filter=gender%ni%http://hl7.org/fhir/ValueSet/administrative-gender
Patient?_filter=birthdate%pr%false
Patient?_filter=birthdate%po%1980-05
Patient?_filter=organization%re%Organization/org0
Patient?_filter=organization.name%eq%"clinic%3"
Patient?_filter=organization[name%sw%clinic].partof%re%Organization/org2
Patient?_filter=identifier%eq%http://mrn|m3%or%_id%eq%p4
Encounter?_filter=class%ss%http://terminology.hl7.org/CodeSystem/v3-ActCode|_ActEncounterCode
Encounter?_filter=class%sb%http://terminology.hl7.org/CodeSystem/v3-ActCode|AMB
Encounter?_filter=subject:Patient.gender%eq%male
Observation?_filter=value-quantity%gt%5|http://unitsofmeasure.org|mg%and%status%eq%final
Observation?_filter=value-quantity%ne%5
Observation?_filter=patient[gender%eq%male].organization.name%co%"linic"&status=final
ValueSet?_filter=url%co%acme%and%description%sw%straße
QuestionnaireResponse?questionnaire=http://acme.org/Questionnaire/q1
QuestionnaireResponse?questionnaire=http://acme.org/Questionnaire/q1|1
QuestionnaireResponse?questionnaire:Questionnaire.title=intake%1
QuestionnaireResponse?questionnaire.title:contains=ntake&patient=p1,p0
QuestionnaireResponse?questionnaire.url=http://acme.org/Questionnaire/q2
QuestionnaireResponse?questionnaire:below=http://acme.org/Questionnaire/q0
QuestionnaireResponse?questionnaire:below=http://acme.org/Questionnaire/q0|1
QuestionnaireResponse?questionnaire:below=http://acme.org/Questionnaire/q0|1.2
QuestionnaireResponse?questionnaire=Questionnaire/q1
QuestionnaireResponse?questionnaire.title=intake
QuestionnaireResponse?questionnaire.title=again
QuestionnaireResponse?questionnaire.title=again&_sort=-_id
QuestionnaireResponse?questionnaire.version=1&patient=p0,p1,p2,p3
CarePlan?instantiates-canonical=Questionnaire/q1|1
CarePlan?instantiates-canonical=Questionnaire/q1|2
CarePlan?instantiates-canonical=http://own.org/fhir/Questionnaire/q2
CarePlan?instantiates-canonical.title=intake
Questionnaire?_has:QuestionnaireResponse:questionnaire:patient=p3
Questionnaire?_has:QuestionnaireResponse:questionnaire:patient=p4,p6
Questionnaire?_has:QuestionnaireResponse:questionnaire:status=completed&status=active
Questionnaire?_has:QuestionnaireResponse:questionnaire:status:not=amended
Questionnaire?_has:CarePlan:instantiates-canonical:status=active
Questionnaire?url=http://acme.org/Questionnaire/q0|1
Questionnaire?url=http://acme.org/Questionnaire/q0|1.2
Questionnaire?url=http://acme.org/Questionnaire/q0|2
Questionnaire?url=http://acme.org/Questionnaire/q0|1,http://acme.org/Questionnaire/q1
Questionnaire?url:below=http://acme.org/Questionnaire/q0|1
Patient?_profile:below=http://acme.org/StructureDefinition/p|1
Patient?_profile:above=http://acme.org/StructureDefinition/p|1.2
Patient?_has:QuestionnaireResponse:patient:questionnaire.title=intake%0
Encounter?date=2013-01
Encounter?date=gt2013-01-15
Encounter?date=lt2013-01-15
Encounter?date=ge2013-01-14
Encounter?date=le2013-01-16
Encounter?date=sa2013-01-13
Encounter?date=eb2013-01-17
Encounter?date=ap2013-01-15
Encounter?date=ne2013
Encounter?date:missing=true
Encounter?length=gt30
Encounter?length=30||min
ValueSet?url=http://acme.org/fhir
ValueSet?url=HTTP://acme.org/fhir
ValueSet?url:below=http://acme.org/fhir
ValueSet?url:below=http://acme.org/fhir/ValueSet/
ValueSet?url:below=urn:oid:1.2.3
ValueSet?url:above=http://acme.org/fhir/ValueSet/a/b/c
ValueSet?url:above=urn:oid:1.2.3.4.5
ValueSet?url:contains=acme
ValueSet?description=strasse
ValueSet?context-quantity=3
ValueSet?context-quantity=gt3
ValueSet?context-quantity=lt3||a
Provenance?target=Observation/o3
Provenance?target=Observation/o1/_history/1
Provenance?target=Observation/o1/_history/2
Provenance?target=Observation/o1/_history/3,Patient/p1
Provenance?target:Observation=Observation/o1/_history/1
Provenance?target=Encounter/e5/_history/2
Provenance?target=http://own.org/fhir/Encounter/e5/_history/2
Provenance?target=http://elsewhere.org/fhir/Encounter/e5/_history/2
Provenance?target=Encounter/e5
Provenance?target=p1
Provenance?recorded=ge2020-01-03
Provenance?agent.name=clinic%1
Provenance?target:Observation.status=final
"""
)

SORTS = _lines(
    r"""
Patient?_sort=family
Patient?_sort=-family
Patient?_sort=birthdate
Patient?_sort=-birthdate
Patient?_sort=gender,-birthdate
Patient?_sort=-gender,birthdate,_id
Patient?_sort=_id
Patient?_sort=-_id
Patient?_sort=_lastUpdated
Patient?_sort=-_lastUpdated
Patient?_sort=organization
Patient?_sort=-identifier
Patient?_sort=_profile
Patient?gender=male&_sort=-birthdate
Patient?gender:not=male&_sort=family
Patient?name=muller&_sort=-_id
Observation?_sort=date
Observation?_sort=-date
Observation?_sort=value-quantity
Observation?_sort=-value-quantity
Observation?_sort=code,-date
Observation?patient=p1&_sort=-date
Observation?patient=Patient/p1&_sort=-date
Observation?patient=Patient/p1&code=8302-2&_sort=-date
Observation?patient=Patient/p1&code=http://loinc.org|8302-2&date=ge2013&date=lt2014&_sort=-date
Observation?patient=Patient/p1&date=ge2013&_sort=date
Observation?subject=Patient/p1&code=http://loinc.org|8302-2&_sort=date
Observation?patient.name=eve&_sort=-date
Observation?code=8302-2&_sort=-date
Encounter?_sort=date
Encounter?_sort=-date
Encounter?_sort=length
RiskAssessment?_sort=probability
RiskAssessment?_sort=-probability
ValueSet?_sort=url
ValueSet?_sort=-url
Patient?
Observation?status=final
"""
)


def query(text: str, listed: int = LISTED, **options: Any) -> Query:
    """A query from ``Type?name=value&…``; ``%`` stands for a space."""
    type_name, _, tail = text.partition("?")
    pairs = [tuple(pair.replace("%", " ").split("=", 1)) for pair in tail.split("&") if pair]
    about: dict[str, Any] = {"base": "http://own.org/fhir", "now": NOW, "terminology": TERMINOLOGY}
    asked = parse(type_name, cast("list[tuple[str, str]]", pairs), listed=listed, **about)
    return replace(asked, **{"count": 1000, **options})


class Oracle:
    """The same resources in memory, and the order that is expected."""

    def __init__(self) -> None:
        self.memory = MemoryIndex()
        self.ids: dict[int, str] = {}

    def put(self, pk: int, resource: dict[str, Any], updated: int) -> None:
        self.memory.put(
            pk, resource["resourceType"], resource["id"], updated, extract(resource), dumps(resource)
        )
        self.ids[pk] = resource["id"]

    def search(self, asked: Query) -> list[str]:
        return [self.ids[pk] for pk in self.memory.select(asked)[0]]


SEVERAL = _lines(
    r"""
Patient,Organization,Observation,Encounter?
Patient,Organization?name=clinic,muller
Patient,Organization?_sort=name
Patient,Organization?_sort=-name,_id
Patient,Observation,Encounter?_sort=-_lastUpdated
Patient,Observation?_id=p3,o3&_sort=_id
Patient,Observation?_id:not=p3
Observation,Encounter?subject:Patient.gender=male&_sort=-status
Observation,Encounter?date=ge1900&_sort=date
Patient,Observation?_has:Provenance:target:agent=Organization/org1
"""
)


def several(text: str) -> Query:
    """``Type,Type?parameters`` as a query on several types."""
    types, _, tail = text.partition("?")
    pairs = [tuple(pair.split("=", 1)) for pair in tail.split("&") if pair]
    options = {"now": NOW, "default_count": 1000, "maximum_count": 1000}
    return parse_types(types.split(","), cast("list[tuple[str, str]]", pairs), **options)


SETS = [
    *(
        text
        for text in QUERIES
        if any(f":{name}=" in text for name in ("in", "not-in")) and "ValueSet" in text
    ),
    "Patient?gender:below=http://hl7.org/fhir/administrative-gender|male",
    "Encounter?class:below=http://terminology.hl7.org/CodeSystem/v3-ActCode|_ActEncounterCode",
    "Encounter?subject:Patient.gender:in=http://hl7.org/fhir/ValueSet/administrative-gender",
    "Patient?_has:Observation:subject:status:in=http://hl7.org/fhir/ValueSet/observation-status",
    "Patient?_has:Observation:subject:status:not-in=http://hl7.org/fhir/ValueSet/observation-status",
    "Patient?_filter=gender%in%http://hl7.org/fhir/ValueSet/administrative-gender",
    "Patient?_filter=not%(gender%in%http://hl7.org/fhir/ValueSet/administrative-gender)",
    "Patient?_filter=gender%ni%http://hl7.org/fhir/ValueSet/administrative-gender%and%family%sw%m",
    "Encounter?_filter=class%ss%http://terminology.hl7.org/CodeSystem/v3-ActCode|_ActEncounterCode",
]


class Loaded:
    """An index and the oracle, both holding the world."""

    def __init__(self, index: Index):
        self.index = index
        self.oracle = Oracle()

    async def fill(self) -> Loaded:
        for pk, resource in enumerate(world(), 1):
            await self.put(pk, resource)
        return self

    async def put(self, pk: int, resource: dict[str, Any], later: int = 0) -> None:
        updated = START + pk * 1_000_000 + later
        await self.index.put(pk, resource, updated)
        self.oracle.put(pk, resource, updated)

    async def delete(self, pk: int, type: str, id: str) -> None:
        await self.index.delete(pk, type, id)
        self.oracle.memory.remove(pk, type)

    async def check(self, asked: Query) -> list[str]:
        """Search both, compare, and give the answer."""
        found, _ = await self.index.search(asked)
        assert found == self.oracle.search(asked)
        assert await self.index.count(asked) == len(found)
        return found

    async def pages(self, asked: Query, size: int) -> list[str]:
        """All pages of a search, one after another."""
        found: list[str] = []
        place = ""
        while True:
            decoded = cursor.decode(place, asked.sort) if place else None
            page, place = await self.index.search(replace(asked, count=size, cursor=decoded))
            found += page
            assert len(page) == size or not place
            if not place:
                return found


class SearchContract:
    """Subclass it and give the fixture ``index``. ``page_sizes``: a very small one now and then, a small one."""

    page_sizes = (1, 3)
    combinations = 150

    @pytest.fixture
    async def loaded(self, index: Index) -> Loaded:
        return await Loaded(index).fill()

    async def test_every_query_finds_what_matches(self, loaded: Loaded) -> None:
        empty = []
        for text in QUERIES:
            try:
                found = await loaded.check(query(text))
            except AssertionError as error:
                raise AssertionError(text) from error
            if not found:
                empty.append(text)
        assert len(empty) < len(QUERIES) / 6, empty

    async def test_sets_of_codes_that_are_not_listed(self, loaded: Loaded) -> None:
        """What is in them is asked of each code in use, and comes to the same as a list."""
        listed = {text: await loaded.check(query(text)) for text in SETS}
        for text in SETS:
            asked = query(text, listed=0)
            assert is_open(asked), text
            assert await loaded.check(asked) == listed[text], text
            assert await loaded.pages(asked, 3) == listed[text], text
        assert sum(map(bool, listed.values())) > len(SETS) * 3 / 4

    async def test_every_sort_is_kept_over_pages(self, loaded: Loaded) -> None:
        for number, text in enumerate(SORTS):
            asked = query(text)
            expected = await loaded.check(asked)
            for size in (self.page_sizes[bool(number % 4)], len(expected) or 1):
                assert await loaded.pages(asked, size) == expected, (text, size)

    async def test_combined_at_random(self, loaded: Loaded) -> None:
        random = Random(11)
        by_type: dict[str, list[str]] = {}
        for text in [*QUERIES, *SORTS]:
            type_name, _, tail = text.partition("?")
            by_type.setdefault(type_name, []).append(tail)
        for _ in range(self.combinations):
            type_name = random.choice(("Patient", "Observation", "Encounter"))
            text = f"{type_name}?{'&'.join(random.sample(by_type[type_name], random.randint(2, 3)))}"
            try:
                await loaded.check(query(text))
            except AssertionError as error:
                raise AssertionError(text) from error

    async def test_several_types_at_once(self, loaded: Loaded) -> None:
        for text in SEVERAL:
            asked = several(text)
            expected = await loaded.check(asked)
            assert expected, text
            for size in (3, len(expected)):
                assert await loaded.pages(asked, size) == expected, (text, size)

    async def test_an_update_replaces_what_is_found(self, loaded: Loaded) -> None:
        patient = {
            "resourceType": "Patient",
            "id": "p3",
            "name": [{"family": "Renamed"}],
            "gender": "unknown",
        }
        pk = next(pk for pk, id in loaded.oracle.ids.items() if id == "p3")
        await loaded.put(pk, patient, later=5_000_000)
        assert await loaded.check(query("Patient?family=renamed")) == ["p3"]
        for family in FAMILIES:
            assert "p3" not in await loaded.check(query(f"Patient?family={family.replace(' ', '%')}"))
        assert "p3" not in await loaded.check(query("Patient?identifier=m3"))
        assert (await loaded.check(query("Patient?_sort=-_lastUpdated")))[0] != ""
        assert await loaded.check(query("Patient?_content=renamed")) == ["p3"]
        assert "p3" not in await loaded.check(query("Patient?_content=m3"))

    async def test_a_deleted_resource_is_found_no_more(self, loaded: Loaded) -> None:
        pk = next(pk for pk, id in loaded.oracle.ids.items() if id == "p1")
        await loaded.delete(pk, "Patient", "p1")
        for text in ("Patient?", "Patient?_id=p1", "Patient?identifier=m1", "Patient?gender:not=nothing"):
            assert "p1" not in await loaded.check(query(text))
        assert not await loaded.check(query("Observation?patient._id=p1"))
        assert await loaded.check(query("Observation?patient=p1"))

    @pytest.mark.parametrize("text", ["Patient?_sort=family", "Patient?_sort=-birthdate", "Patient?"])
    async def test_pages_stay_put_while_data_changes(self, loaded: Loaded, text: str) -> None:
        asked = query(text)
        before = await loaded.check(asked)
        page, place = await loaded.index.search(replace(asked, count=8))
        newcomer = {
            "resourceType": "Patient",
            "id": "a-newcomer",
            "name": [{"family": "Aaa"}],
            "birthDate": "2020-01-01",
        }
        await loaded.put(9000, newcomer)
        gone = next(pk for pk, id in loaded.oracle.ids.items() if id == page[2])
        await loaded.delete(gone, "Patient", page[2])
        decoded = cursor.decode(place, asked.sort)
        following, _ = await loaded.index.search(replace(asked, cursor=decoded))
        assert [id for id in following if id != "a-newcomer"] == before[8:]

    async def test_count_zero_gives_no_page(self, loaded: Loaded) -> None:
        assert await loaded.index.search(query("Patient?", count=0)) == ([], "")

    async def test_a_type_without_resources(self, loaded: Loaded) -> None:
        for text in ("Appointment?", "Appointment?status=booked", "Appointment?_sort=-date"):
            assert await loaded.check(query(text)) == []
