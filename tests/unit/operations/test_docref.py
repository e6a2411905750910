"""``DocumentReference/$docref``: a patient's documents by when care was given, or the newest of each type."""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject
from tests.facade import Facade, expressions, patient

CCD, NOTE = "34133-9", "28570-0"
LOINC = "http://loinc.org"


def document(
    id: str, code: str, care: str = "", written: str = "", of: str = "p", **members: Any
) -> JsonObject:
    start, _, end = care.partition("/")
    context = {"context": {"period": {"start": start, "end": end}}} if care else {}
    return {
        "resourceType": "DocumentReference",
        "id": id,
        "status": "current",
        "type": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": f"Patient/{of}"},
        "content": [{"attachment": {"contentType": "text/plain", "data": "YQ=="}}],
        **context,
        **({"date": written} if written else {}),
        **members,
    }


@pytest.fixture
async def documents(server: Facade) -> Facade:
    await server.ehr.put(patient("p"))
    for one in (
        document("ccd-1", CCD, "2024-01-01/2024-01-10", "2024-05-01T10:00:00Z"),
        document("ccd-2", CCD, "2024-03-01/2024-03-10", "2024-04-01T10:00:00Z"),
        document("ccd-old", CCD, "2025-01-01/2025-01-02", status="superseded"),
        document("note", NOTE, "", "2024-03-05T10:00:00Z"),
        document("note-0", NOTE),
        document("others", CCD, "2026-01-01/2026-01-02", of="q"),
    ):
        answer = await server.ehr.put(one)
        assert answer.status_code == 201, answer.text
    return server


async def asked(server: Facade, query: str) -> set[str]:
    answer = await server.reader.get(f"DocumentReference/$docref?{query}")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    ids = [one["resource"]["id"] for one in body.get("entry", ())]
    assert body["type"] == "searchset" and body["total"] == len(ids)
    return {*ids}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("patient=p", {"ccd-2", "note"}),
        ("patient=Patient/p", {"ccd-2", "note"}),
        ("patient=p&type=http://loinc.org|34133-9", {"ccd-2"}),
        ("patient=p&type=34133-9&type=28570-0", {"ccd-2", "note"}),
        ("patient=p&start=2024-01-05&end=2024-02-01", {"ccd-1"}),
        ("patient=p&start=2024-02-01", {"ccd-2", "note"}),
        ("patient=p&end=2024-03-04T00:00:00Z", {"ccd-1", "ccd-2"}),
        ("patient=p&start=2030-01-01", set()),
        ("patient=p&on-demand=true", set()),
        ("patient=p&on-demand=false", {"ccd-2", "note"}),
        ("patient=nobody", set()),
    ],
)
async def test_which_documents(documents: Facade, query: str, ids: set[str]) -> None:
    assert await asked(documents, query) == ids


async def test_by_post_with_a_coding(documents: Facade) -> None:
    parameters = [
        {"name": "patient", "valueId": "p"},
        {"name": "type", "valueCoding": {"system": LOINC, "code": NOTE}},
    ]
    body = {"resourceType": "Parameters", "parameter": parameters}
    answer = await documents.reader("POST", "DocumentReference/$docref", body)
    assert [one["resource"]["id"] for one in answer.json()["entry"]] == ["note"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", "patient"),
        ("patient=p&patient=q", "patient"),
        ("patient=a%20b", "http.patient"),
        ("patient=p&start=soon", "http.start"),
        ("patient=p&on-demand=perhaps", "http.on-demand"),
        ("patient=p&profile=http://x.test/ccd", "http.profile"),
    ],
)
async def test_what_is_wrong_is_named(server: Facade, query: str, named: str) -> None:
    answer = await server.reader.get(f"DocumentReference/$docref?{query}")
    assert answer.status_code == 400 and named in expressions(answer)[0], answer.text
