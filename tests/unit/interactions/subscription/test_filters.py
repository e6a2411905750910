"""``filterBy`` in all its forms, with every comparator and modifier, and what a topic does not allow."""

from __future__ import annotations

import pytest

from tests.facade import expressions, issues
from tests.subscribing import encounter
from tests.unit.interactions.subscription.conftest import TOPIC

AMB = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ANY = [{"resource": "Encounter", "filterParameter": name} for name in ("patient", "length", "date", "class")]
ANY += [
    {"resource": "Encounter", "filterParameter": name} for name in ("identifier", "type", "status", "_id")
]
TYPED = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "VN"}]}


def made(number):
    """Encounter ``e1`` to ``e3``: an hour longer and a month later each."""
    return encounter(
        f"e{number}",
        "finished",
        f"p{number}",
        length={"value": number, "unit": "h", "system": "http://unitsofmeasure.org", "code": "h"},
        period={"start": f"2026-0{number}-10", "end": f"2026-0{number}-20"},
        identifier=[{"type": TYPED, "system": "urn:visits", "value": f"v{number}"}],
        type=[{"coding": [{"system": "urn:kinds", "code": f"k{number}"}], "text": f"kind {number}"}],
    )


@pytest.fixture
async def filtered(tried):
    await tried.server.ehr.put(
        {
            "resourceType": "ValueSet",
            "id": "kinds",
            "url": "urn:first-kinds",
            "status": "active",
            "compose": {"include": [{"system": "urn:kinds", "concept": [{"code": "k1"}, {"code": "k2"}]}]},
        }
    )
    await tried.topic({"resource": "Encounter"}, canFilterBy=ANY)

    async def told(*filters):
        answer = await tried.subscribe(filters=filters)
        assert answer.status_code == 201, answer.text
        for number in (1, 2, 3):
            await tried.server.ehr.put(made(number))
        return await tried.happened()

    return told


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (("patient=Patient/p2",), "2"),
        (("Encounter.patient=Patient/p2",), "2"),
        (("Encounter?patient=Patient/p2",), "2"),
        (("Encounter?patient=Patient/p2&status=finished",), "2"),
        (("Encounter.patient=Patient/p2&Encounter.status=planned",), ""),
        (("patient=Patient/p1,Patient/p3",), "13"),
        (("patient=Patient/p1", "patient=Patient/p3"), ""),
        (("length=2",), "2"),
        (("length=eq2",), "2"),
        (("length=ne2",), "13"),
        (("length=gt2",), "3"),
        (("length=ge2",), "23"),
        (("length=lt2",), "1"),
        (("length=le2",), "12"),
        (("length:gt=2",), "3"),
        (("length=ap2.05",), "2"),
        (("date=sa2026-02",), "3"),
        (("date=eb2026-02",), "1"),
        (("date=2026-02",), "2"),
        (("type:in=urn:first-kinds",), "12"),
        (("type:not-in=urn:first-kinds",), "3"),
        (("type:not=urn:kinds|k1",), "23"),
        (("type:text=kind 3",), "3"),
        (("identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|VN|v3",), "3"),
        (("type:missing=true",), ""),
        (("_id=e1,e2",), "12"),
    ],
)
async def test_filters_mean_what_they_mean_in_a_search(filtered, filters, expected):
    assert await filtered(*filters) == [f"e{number}" for number in expected]


@pytest.mark.parametrize(
    ("filters", "where"),
    [
        (("practitioner=Practitioner/1",), 0),
        (("patient=Patient/1", "Observation.patient=Patient/1"), 1),
        (("length=sa2",), 0),
        (("length:missing=true",), 0),
        (("nonsense",), 0),
        (("patient=",), 0),
        (("date=2026-13",), 0),
    ],
)
async def test_what_the_topic_does_not_allow_is_refused_and_named(tried, filters, where):
    allowed = [
        {"resource": "Encounter", "filterParameter": "patient"},
        {"resource": "Encounter", "filterParameter": "length", "comparator": ["gt"], "modifier": ["lt"]},
        {"resource": "Encounter", "filterParameter": "date"},
    ]
    await tried.topic({"resource": "Encounter"}, canFilterBy=allowed)
    for fine in ("length=gt2", "length=lt2", "length=2", "length=eq2"):
        assert (await tried.subscribe("fine", filters=(fine,))).status_code < 300
    refused = await tried.subscribe(filters=filters)
    assert refused.status_code == 422
    assert expressions(refused) == [f"Subscription.criteria.extension[{where}]"]
    assert all("2026" not in issue["diagnostics"] for issue in issues(refused))


async def test_a_filter_parameter_may_be_named_anew_by_its_definition(tried):
    allowed = {
        "resource": "Encounter",
        "filterParameter": "who",
        "filterDefinition": "http://hl7.org/fhir/SearchParameter/clinical-patient",
    }
    await tried.topic({"resource": "Encounter"}, canFilterBy=[allowed])
    assert (await tried.subscribe(filters=("who=Patient/p2",))).status_code == 201
    for number in (1, 2):
        await tried.server.ehr.put(made(number))
    assert await tried.happened() == ["e2"]


async def test_a_filter_is_about_its_own_type_only(tried):
    await tried.topic(
        {"resource": "Encounter"},
        {"resource": "Observation"},
        canFilterBy=[
            {"resource": type, "filterParameter": "patient"} for type in ("Encounter", "Observation")
        ],
    )
    await tried.subscribe("one", filters=("Encounter?patient=Patient/p1",))
    await tried.subscribe("both", filters=("patient=Patient/p1",))
    seen = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": "Patient/p2"},
    }
    for resource in (made(1), made(2), seen):
        await tried.server.ehr.put(resource)
    assert await tried.happened("one") == ["e1", "o"]
    assert await tried.happened("both") == ["e1"]


def test_the_topic_is_the_one_meant():
    assert TOPIC.endswith("tried")
