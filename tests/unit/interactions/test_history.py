"""history of one resource. https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import loads
from fhirserver.model.validation import validate
from tests.facade import Facade, expressions, patient


async def test_newest_first_with_deletions(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="male"))
    await server.ehr.put(patient("p", gender="female"))
    await server.ehr("DELETE", "Patient/p")
    await server.ehr.put(patient("p"))
    bundle = loads((await server.ehr.get("Patient/p/_history")).content)
    assert (bundle["type"], bundle["total"]) == ("history", 4)
    assert [one["request"]["method"] for one in bundle["entry"]] == ["PUT", "DELETE", "PUT", "POST"]
    assert [one["response"]["etag"] for one in bundle["entry"]] == [f'W/"{n}"' for n in (4, 3, 2, 1)]
    assert ["resource" in one for one in bundle["entry"]] == [True, False, True, True]
    assert [issue for issue in validate(bundle) if issue.severity == "error"] == []


async def test_pages_hold_every_version_once(server: Facade) -> None:
    for number in range(5):
        await server.ehr.put(patient("p", birthDate=f"19{80 + number}-01-01"))
    url, seen = "Patient/p/_history?_count=2", []
    while url:
        bundle = (await server.ehr.get(url)).json()
        assert bundle["total"] == 5 + (len(seen) >= 2)
        seen += [one["resource"]["meta"]["versionId"] for one in bundle["entry"]]
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
        if len(seen) == 4:
            continue
        if len(seen) == 2:  # a write between two pages moves nothing
            await server.ehr.put(patient("p", birthDate="2000-01-01"))
    assert seen == ["5", "4", "3", "2", "1"]


async def test_since(server: Facade) -> None:
    for number in range(4):
        await server.ehr.put(patient("p", birthDate=f"19{80 + number}-01-01"))
    future = instant(datetime.now(UTC) + timedelta(hours=1))
    past = instant(datetime.now(UTC) - timedelta(hours=1))
    assert "entry" not in (await server.ehr.get(f"Patient/p/_history?_since={future}")).json()
    bundle = (await server.ehr.get(f"Patient/p/_history?_since={past}&_count=3")).json()
    assert len(bundle["entry"]) == 3
    (following,) = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
    assert "_since=" in following
    assert len((await server.ehr.get(following)).json()["entry"]) == 1


async def test_refusals(server: Facade) -> None:
    assert (await server.ehr.get("Patient/never/_history")).status_code == 404
    await server.ehr.put(patient("p"))
    for query, name in (("_since=now", "_since"), ("_count=-1", "_count"), ("name=x", "name")):
        answer = await server.ehr.get(f"Patient/p/_history?{query}")
        assert (answer.status_code, expressions(answer)) == (400, [f"http.{name}"])
