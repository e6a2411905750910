"""history of one resource. https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import loads
from fhirserver.model.validation import validate
from tests.facade import BASE, Facade, expressions, patient


async def test_newest_first_with_deletions(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="male"))
    await server.ehr.put(patient("p", gender="female"))
    await server.ehr("DELETE", "Patient/p")
    await server.ehr.put(patient("p"))
    bundle = loads((await server.ehr.get("Patient/p/_history")).content)
    assert (bundle["type"], bundle["total"]) == ("history", 4)
    assert [one["request"]["method"] for one in bundle["entry"]] == ["PUT", "DELETE", "PUT", "PUT"]
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


async def _all_pages(server: Facade, url: str) -> list[dict[str, object]]:
    """The entries of all pages; every page says the same total, and as many entries come."""
    found: list[dict[str, object]] = []
    totals = set()
    while url:
        answer = await server.ehr.get(url)
        assert answer.status_code == 200, answer.text
        bundle = loads(answer.content)
        assert [issue for issue in validate(bundle) if issue.severity == "error"] == []
        totals.add(bundle["total"])
        found += bundle.get("entry", [])
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
    assert totals == {len(found)}
    return found


def _urls(entries: list[dict[str, object]]) -> list[str]:
    return [f"{one['request']['method']} {one['fullUrl'].rpartition('fhir/')[2]}" for one in entries]


async def test_of_a_type_and_of_the_system(server: Facade) -> None:
    start = instant(datetime.now(UTC))
    await server.ehr.put(patient("p", gender="male"))
    await server.ehr.put({"resourceType": "Basic", "id": "b", "code": {"text": "x"}})
    await server.ehr.put(patient("p", gender="female"))
    await server.ehr("DELETE", "Patient/p")
    assert _urls(await _all_pages(server, "Patient/_history?_count=2")) == [
        "DELETE Patient/p",
        "PUT Patient/p",
        "PUT Patient/p",
    ]
    assert _urls(await _all_pages(server, f"Basic/_history?_since={start}")) == ["PUT Basic/b"]
    system = _urls(await _all_pages(server, f"_history?_count=3&_since={start}"))
    assert [url for url in system if "Provenance" not in url] == [
        "DELETE Patient/p",
        "PUT Patient/p",
        "PUT Basic/b",
        "PUT Patient/p",
    ]
    assert len([url for url in system if url.startswith("POST Provenance/")]) == 4
    oldest = _urls(await _all_pages(server, "Patient/_history?_sort=_lastUpdated&_count=2"))
    assert oldest == ["PUT Patient/p", "PUT Patient/p", "DELETE Patient/p"]


async def test_the_derived_provenance_has_a_history(server: Facade) -> None:
    start = instant(datetime.now(UTC))
    await server.ehr.put(patient("p"))
    entries = await _all_pages(server, f"Provenance/_history?_since={start}")
    assert len(entries) == 1
    one = entries[0]["resource"]["id"]
    assert len(await _all_pages(server, f"Provenance/{one}/_history")) == 1


async def test_at_gives_what_was_current_then(server: Facade) -> None:
    moments = []
    for gender in ("male", "female", "other"):
        version = await server.ehr.put(patient("p", gender=gender))
        moments.append(version.json()["meta"]["lastUpdated"])
        await asyncio.sleep(0.003)
    await server.ehr("DELETE", "Patient/p")
    for number, moment in enumerate(moments, 1):
        (one,) = await _all_pages(server, f"Patient/p/_history?_at={moment}")
        assert one["response"]["etag"] == f'W/"{number}"'
    day = moments[0][:10]
    assert len(await _all_pages(server, f"Patient/_history?_at={day}")) == 4
    assert await _all_pages(server, "Patient/_history?_at=1999") == []
    assert await _all_pages(server, "Patient/_history?_at=2999") == []  # deleted long before


async def test_of_a_list(server: Facade) -> None:
    for id in ("a", "b", "c"):
        await server.ehr.put(patient(id))
    entries = [
        {"item": {"reference": "Patient/a"}},
        {"item": {"reference": f"{BASE}/Patient/b"}},
        {"item": {"reference": "Patient/c"}, "deleted": True},
    ]
    given = {"resourceType": "List", "id": "l", "status": "current", "mode": "changes", "entry": entries}
    assert (await server.ehr.put(given)).status_code == 201
    for url in ("Patient/_history?_list=l&_count=1", "_history?_list=l"):
        assert _urls(await _all_pages(server, url)) == ["PUT Patient/b", "PUT Patient/a"]
    assert await _all_pages(server, "Basic/_history?_list=l") == []
    for query in (
        "_list=nobody",
        "_list=$current-problems",
        "_list=l&_list=l",
        "_sort=name",
        "_at=x",
        "_after=1.2",
    ):
        answer = await server.ehr.get(f"_history?{query}")
        assert (answer.status_code, set(expressions(answer))) == (400, {f"http.{query.partition('=')[0]}"})


async def test_a_count_of_none_gives_the_total(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    bundle = loads((await server.ehr.get("Patient/_history?_count=0")).content)
    assert (bundle["total"], "entry" in bundle) == (1, False)


async def test_a_first_version_is_told_as_it_was_made(server: Facade) -> None:
    posted = (await server.ehr.post(patient())).json()["id"]
    await server.ehr.put(patient("chosen"))
    chosen, made = (await server.ehr.get("Patient/_history")).json()["entry"]
    assert chosen["request"] == {"method": "PUT", "url": "Patient/chosen"}
    assert made["request"] == {"method": "POST", "url": "Patient"}
    assert made["fullUrl"] == f"{BASE}/Patient/{posted}"
    assert {chosen["response"]["status"], made["response"]["status"]} == {"201"}


@pytest.mark.parametrize("query", ["", "?_count=1", "?_sort=_lastUpdated"])
async def test_what_was_deleted_and_made_anew_was_created(server: Facade, query: str) -> None:
    await server.ehr.put(patient("p"))
    await server.ehr("DELETE", "Patient/p")
    assert (await server.ehr.put(patient("p"))).status_code == 201
    await server.ehr.put(patient("p", gender="male"))
    entries = await _all_pages(server, f"Patient/p/_history{query}")
    told = sorted((one["response"]["etag"], one["response"]["status"]) for one in entries)
    assert told == [('W/"1"', "201"), ('W/"2"', "204"), ('W/"3"', "201"), ('W/"4"', "200")]
