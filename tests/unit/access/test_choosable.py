"""Whose records somebody may choose to open."""

from __future__ import annotations

import pytest

from fhirserver.access.choosable import choosable
from fhirserver.access.users import User

TODAY = "2026-11-29"


def related(patient: str = "Patient/child", **members):
    return {"resourceType": "RelatedPerson", "patient": {"reference": patient}, **members}


WORLD = {
    "RelatedPerson/7": related(),
    "RelatedPerson/over": related(period={"start": "2020-01-01", "end": "2026-11-28"}),
    "RelatedPerson/over-by-year": related(period={"end": "2025"}),
    "RelatedPerson/until-this-month": related(period={"end": "2026-11"}),
    "RelatedPerson/today": related(period={"start": "2026-11-29", "end": "2026-11-29T08:00:00Z"}),
    "RelatedPerson/not-yet": related(period={"start": "2026-11-30"}),
    "RelatedPerson/inactive": related(active=False),
    "RelatedPerson/odd": related("Group/1"),
    "RelatedPerson/elsewhere": related("https://elsewhere.example/fhir/Patient/1"),
    "Person/p": {
        "resourceType": "Person",
        "link": [
            {"target": {"reference": "Patient/self"}},
            {"target": {"reference": "RelatedPerson/7"}},
            {"target": {"reference": "Practitioner/1"}},
            {"target": {"reference": "Person/p"}},
            {"other": 1},
        ],
    },
    "Person/gone": {
        "resourceType": "Person",
        "active": False,
        "link": [{"target": {"reference": "Patient/self"}}],
    },
}


async def read(type: str, id: str):
    return WORLD.get(f"{type}/{id}")


@pytest.mark.parametrize(
    ("fhir_user", "patients", "may"),
    [
        ("Patient/self", (), {"self"}),
        ("Patient/self", ("RelatedPerson/7", "Patient/other"), {"self", "child", "other"}),
        ("RelatedPerson/7", (), {"child"}),
        ("RelatedPerson/until-this-month", (), {"child"}),
        ("RelatedPerson/today", (), {"child"}),
        ("RelatedPerson/over", (), set()),
        ("RelatedPerson/over-by-year", (), set()),
        ("RelatedPerson/not-yet", (), set()),
        ("RelatedPerson/inactive", (), set()),
        ("RelatedPerson/odd", (), set()),
        ("RelatedPerson/elsewhere", (), set()),
        ("RelatedPerson/unknown", (), set()),
        ("Person/p", (), {"self", "child"}),
        ("Person/gone", (), set()),
        ("Person/unknown", (), set()),
        ("", (), set()),
        ("Practitioner/1", (), None),
        ("PractitionerRole/1", (), None),
        ("", ("*",), None),
    ],
)
async def test_whom_somebody_may_choose(fhir_user, patients, may):
    user = User("pat", "Pat", fhir_user=fhir_user, patients=patients)
    assert await choosable(user, read, TODAY) == may
