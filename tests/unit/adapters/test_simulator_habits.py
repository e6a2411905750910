"""The habits of the simulated EHR are what they say."""

import pytest

from adapters.simulator.__main__ import parse
from adapters.simulator.habits import HabitBook
from tests.unit.adapters.in_process import client, ehr_app, tiny_bundles

PATIENT = {"resourceType": "Patient", "name": [{"family": "Lane"}], "birthDate": "1980-01-01"}


@pytest.fixture
async def ehr(tmp_path):
    app = ehr_app(bundles=tiny_bundles(tmp_path / "bundles"))
    async with client(app) as http:
        http.app = app
        yield http
    await app.settle()
    app.close()


async def habits(ehr, **settings):
    answer = await ehr.post("http://ehr.test/admin/habits", json=settings)
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize(
    "settings",
    [{"sort": "maybe"}, {"whole_seconds": 1}, {"clock_ahead": "x"}, {"unknown": 1}, {"export_lines": True}],
)
async def test_a_habit_that_is_none_is_refused_and_nothing_changes(ehr, settings):
    before = (await ehr.get("http://ehr.test/admin/habits")).json()
    answer = await ehr.post("http://ehr.test/admin/habits", json={"xml": True, **settings})
    assert answer.status_code == 400
    assert (await ehr.get("http://ehr.test/admin/habits")).json() == before


def test_habits_are_given_at_the_start():
    options = parse(["--token", "t", "--habit", "export=system", "--habit", "clock_ahead=-3.5"])
    assert (options.habits.export, options.habits.clock_ahead) == ("system", -3.5)
    with pytest.raises(SystemExit):
        parse(["--token", "t", "--habit", "export=moon"])


def test_reset_clears_all():
    book = HabitBook()
    book.change({"xml": True})
    book.change({"reset": True, "history": "none"})
    assert not book.now.xml and book.now.history == "none"


async def test_whole_seconds_no_versions_and_a_clock_of_its_own(ehr):
    await habits(ehr, whole_seconds=True, versions="none", clock_ahead=86400)
    made = await ehr.post("Patient", json=PATIENT)
    meta = made.json()["meta"]
    assert len(meta["lastUpdated"]) == 20 and "versionId" not in meta and "etag" not in made.headers
    found = (await ehr.get("Patient", params={"_lastUpdated": f"ge{meta['lastUpdated']}"})).json()
    assert found["total"] == 1


@pytest.mark.parametrize(
    ("manner", "status", "kind"),
    [
        ("html", 404, "text/html"),
        ("empty", 404, None),
        ("success", 200, "application/fhir+json"),
        ("outcome", 404, "application/fhir+json"),
    ],
)
async def test_it_refuses_in_its_manner(ehr, manner, status, kind):
    await habits(ehr, refusals=manner)
    answer = await ehr.get("Patient/none")
    assert answer.status_code == status
    assert (answer.headers.get("content-type") or "").split(";")[0] == (kind or "")


async def test_duplicates_are_refused(ehr):
    await habits(ehr, duplicates=True)
    assert (await ehr.post("Patient", json=PATIENT)).status_code == 201
    again = await ehr.post("Patient", json=PATIENT)
    assert again.status_code == 422 and again.json()["issue"][0]["code"] == "duplicate"


async def test_versions_unchecked_let_everything_through(ehr):
    made = (await ehr.post("Patient", json=PATIENT)).json()
    stale = {"If-Match": 'W/"7"'}
    assert (await ehr.put(f"Patient/{made['id']}", json=made, headers=stale)).status_code == 412
    await habits(ehr, versions="unchecked")
    assert (await ehr.put(f"Patient/{made['id']}", json=made, headers=stale)).status_code == 200


async def test_the_capability_statement_tells_of_the_habits(ehr):
    await habits(
        ehr,
        history="system",
        export="system",
        subscriptions="criteria",
        last_updated="refused",
        versions="none",
    )
    server = (await ehr.get("metadata")).json()["rest"][0]
    patient = next(each for each in server["resource"] if each["type"] == "Patient")
    assert (
        server["interaction"] == [{"code": "history-system"}] and server["operation"][0]["name"] == "export"
    )
    assert patient["versioning"] == "no-version" and "history-type" not in str(patient["interaction"])
    assert "_lastUpdated" not in [each["name"] for each in patient["searchParam"]]
    assert "Subscription" in [each["type"] for each in server["resource"]]


async def test_exports_need_to_be_asked_for_as_the_standard_says(ehr):
    assert (await ehr.get("$export", headers={"Prefer": "respond-async"})).status_code == 404
    await habits(ehr, export="system")
    assert (await ehr.get("$export")).status_code == 400
    begun = await ehr.get("$export?_type=Patient", headers={"Prefer": "respond-async"})
    assert begun.status_code == 202
    manifest = (await ehr.get(begun.headers["content-location"])).json()
    assert [file["type"] for file in manifest["output"]] == ["Patient"]
    assert (await ehr.delete(begun.headers["content-location"])).status_code == 202
    assert (await ehr.get(begun.headers["content-location"])).status_code == 404


async def test_an_export_since_tells_what_was_deleted(ehr):
    await habits(ehr, export="system")
    made = (await ehr.post("Patient", json=PATIENT)).json()
    await ehr.delete(f"Patient/{made['id']}")
    begun = await ehr.get("$export?_type=Patient&_since=2020-01-01", headers={"Prefer": "respond-async"})
    manifest = (await ehr.get(begun.headers["content-location"])).json()
    (file,) = manifest["deleted"]
    assert f"Patient/{made['id']}" in (await ehr.get(file["url"])).text


async def test_a_history_has_pages(ehr):
    made = (await ehr.post("Patient", json=PATIENT)).json()
    for _ in range(5):
        await ehr.put(f"Patient/{made['id']}", json=made)
    page = (await ehr.get(f"Patient/{made['id']}/_history", params={"_count": 4})).json()
    assert len(page["entry"]) == 4
    rest = (await ehr.get(page["link"][0]["url"])).json()
    assert len(rest["entry"]) == 2 and not rest["link"]
