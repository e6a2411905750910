"""Pulling from EHRs with habits of their own: nothing is missed, and nothing comes twice for long."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from adapters.fhir.cursor import read_cursor
from adapters.fhir.retries import RetryPolicy
from fhirserver.kernel.instants import FixedClock, instant
from fhirserver.ports.ehr import Change, Operation, Unauthorized
from tests.unit.adapters.in_process import adapter, client, ehr_app, tiny_bundles

T0 = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


@pytest.fixture
async def app(tmp_path):
    app = ehr_app(bundles=tiny_bundles(tmp_path / "bundles"))
    yield app
    app.close()


async def pull(ehr, cursor=None):
    records = []
    async for page in ehr.pull(cursor):
        records += page.records
        cursor = json.loads(json.dumps(page.cursor))
    return records, cursor


async def fill(app, number, **members):
    async with client(app) as http:
        return [
            (await http.post("Patient", json={"resourceType": "Patient", **members})).json()["id"]
            for _ in range(number)
        ]


async def change(app, id, **members):
    async with client(app) as http:
        answer = await http.put(f"Patient/{id}", json={"resourceType": "Patient", "id": id, **members})
        assert answer.status_code == 200


async def remove(app, id):
    async with client(app) as http:
        await http.delete(f"Patient/{id}")


HABITS = {
    "plain": {},
    "whole seconds": {"whole_seconds": True},
    "small pages": {"most_on_a_page": 3},
    "no order": {"sort": "ignored"},
    "refuses an order": {"sort": "refused"},
    "no versions": {"versions": "none"},
    "whole seconds, no versions": {"versions": "none", "whole_seconds": True},
    "no date": {"date_header": False},
    "clock ahead": {"clock_ahead": 3600},
    "clock behind": {"clock_ahead": -3600},
    "history of the system": {"history": "system"},
    "refuses _lastUpdated": {"last_updated": "refused"},
    "ignores _lastUpdated": {"last_updated": "ignored"},
    "everything at once": {
        "whole_seconds": True,
        "versions": "none",
        "sort": "ignored",
        "most_on_a_page": 2,
        "history": "system",
        "clock_ahead": -900,
    },
}


@pytest.mark.parametrize("habits", HABITS.values(), ids=HABITS)
async def test_every_record_every_change_and_every_deletion_arrives(app, habits):
    app.habits.change(habits)
    made = await fill(app, 12)
    ehr = adapter(app, types=("Patient", "Slot"), whole_every=0, overlap=5)
    records, cursor = await pull(ehr)
    assert {r.id for r in records} >= set(made) and len(records) == len({r.id for r in records})
    for gender in ("male", "female"):  # two changes within one second
        await change(app, made[3], gender=gender)
        records, cursor = await pull(ehr, cursor)
        assert [r.content["gender"] for r in records if r.id == made[3]] == [gender]
    await remove(app, made[5])
    records, cursor = await pull(ehr, cursor)
    assert [(r.id, r.deleted) for r in records if r.deleted] == [(made[5], True)]
    records, cursor = await pull(ehr, cursor)
    assert not [r for r in records if r.deleted], "a deletion comes once"
    await ehr.close()


@pytest.mark.parametrize("name", [name for name in HABITS if "_lastUpdated" not in name])
async def test_what_did_not_change_does_not_come_again(app, name):
    app.habits.change(HABITS[name])
    await fill(app, 12)
    ehr = adapter(app, types=("Patient",), overlap=5)
    _, cursor = await pull(ehr)
    assert (await pull(ehr, cursor))[0] == []
    await ehr.close()


@pytest.mark.parametrize("habit", ["refused", "ignored"])
async def test_a_type_without_last_updated_is_read_as_a_whole_now_and_then(app, habit):
    app.habits.change({"last_updated": habit})
    clock = FixedClock(datetime.now(UTC))
    asked = []

    class Counting(httpx.ASGITransport):
        async def handle_async_request(self, request):
            asked.append(request.url.path)
            response = await super().handle_async_request(request)
            response.headers["Date"] = format_datetime(clock.now(), usegmt=True)
            return response

    from adapters.fhir.ehr import FhirEhr, FhirSettings
    from adapters.fhir.tokens import StaticToken
    from tests.unit.adapters.in_process import BASE, TOKEN, no_wait

    settings = FhirSettings(BASE, types=("Patient",), whole_every=900, retries=RetryPolicy(attempts=1))
    ehr = FhirEhr(settings, StaticToken(TOKEN), clock=clock, transport=Counting(app=app), sleep=no_wait)
    first, cursor = await pull(ehr)
    assert first
    clock.at += timedelta(seconds=60)
    _, cursor = await pull(ehr, cursor)  # the EHR shows now what it does not know
    asked.clear()
    for _ in range(10):
        clock.at += timedelta(seconds=10)
        got, cursor = await pull(ehr, cursor)
        assert got == []
    assert not [path for path in asked if path.endswith("Patient")]
    (new,) = await fill(app, 1)
    clock.at += timedelta(seconds=900)
    got, cursor = await pull(ehr, cursor)
    assert new in [r.id for r in got]
    await ehr.close()


async def test_what_shows_late_is_found_within_the_overlap(app):
    ehr = adapter(app, types=("Patient",), overlap=30)
    _, cursor = await pull(ehr)
    app.habits.change({"visible_after": 3600})
    (made,) = await fill(app, 1)
    nothing, cursor = await pull(ehr, cursor)
    assert nothing == []
    app.habits.change({"visible_after": 0})
    assert [r.id for r in (await pull(ehr, cursor))[0]] == [made]
    await ehr.close()


async def test_a_data_base_behind_the_gateway_s_clock_widens_the_overlap():
    """The Date header is a gateway's, five minutes before the clock that dates the records."""
    behind = timedelta(minutes=5)
    records = []
    asked = []

    def handle(request):
        now = T0 + timedelta(seconds=len(asked))
        asked.append(dict(request.url.params))
        headers = {"Date": format_datetime(now, usegmt=True)}
        if request.method == "POST":
            records.append(instant(now - behind))
            meta = {"versionId": "1", "lastUpdated": records[-1]}
            return httpx.Response(
                201, json={"resourceType": "Patient", "id": "ours", "meta": meta}, headers=headers
            )
        if request.url.path.endswith("metadata"):
            return httpx.Response(200, json={"resourceType": "CapabilityStatement"}, headers=headers)
        return httpx.Response(200, json={"resourceType": "Bundle"}, headers=headers)

    ehr = adapter(None, httpx.MockTransport(handle), types=("Patient",), overlap=30)
    await ehr.push(Change(Operation.CREATE, "Patient", "k", {"resourceType": "Patient"}))
    _, cursor = await pull(ehr)
    since = read_cursor(cursor).types["Patient"].since
    assert since <= T0 + timedelta(seconds=10) - behind - timedelta(seconds=30)
    await ehr.close()


async def test_a_type_that_is_forbidden_does_not_stop_the_others(app):
    async def forbidding(scope, receive, send):
        if scope["path"].startswith("/fhir/Slot"):
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await app(scope, receive, send)

    ehr = adapter(None, httpx.ASGITransport(app=forbidding), types=("Slot", "Patient"))
    records, cursor = await pull(ehr)
    assert records and {r.type for r in records} == {"Patient"} and "Slot" not in cursor["types"]
    health = await ehr.health()
    assert health.reachable and health.problem == "not read: Slot (Unauthorized)"
    alone = adapter(None, httpx.ASGITransport(app=forbidding), types=("Slot",))
    with pytest.raises(Unauthorized):
        await pull(alone)
    await ehr.close()
    await alone.close()


async def test_an_answer_that_says_it_is_not_complete_does_not_move_the_mark():
    broken = [True]

    def handle(request):
        if request.url.path.endswith("metadata"):
            return httpx.Response(200, json={"resourceType": "CapabilityStatement"})
        entries = [{"resource": {"resourceType": "Patient", "id": "a", "meta": {"versionId": "1"}}}]
        if broken[0]:
            issue = {"severity": "error", "code": "incomplete"}
            outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
            entries.append({"resource": outcome, "search": {"mode": "outcome"}})
        return httpx.Response(
            200,
            json={"resourceType": "Bundle", "entry": entries},
            headers={"Date": format_datetime(T0, usegmt=True)},
        )

    ehr = adapter(None, httpx.MockTransport(handle), types=("Patient",))
    records, cursor = await pull(ehr)
    assert [r.id for r in records] == ["a"] and "since" not in cursor["types"]["Patient"]
    broken[0] = False
    _, cursor = await pull(ehr, cursor)
    assert "since" in cursor["types"]["Patient"]
    await ehr.close()


@pytest.mark.parametrize(
    "entry",
    [
        {"request": {"method": "DELETE", "url": "Patient/p1"}},
        {"request": {"method": "DELETE", "url": "Patient/p1/_history/3"}},
        {"request": {"method": "DELETE", "url": "https://ehr.test/fhir/Patient/p1"}},
        {"fullUrl": "https://ehr.test/fhir/Patient/p1", "request": {"method": "DELETE"}},
    ],
)
async def test_a_deletion_is_understood_in_every_form_that_ehrs_write_it(entry):
    def handle(request):
        statement = {
            "resourceType": "CapabilityStatement",
            "rest": [
                {
                    "mode": "server",
                    "resource": [
                        {
                            "type": "Patient",
                            "interaction": [{"code": "search-type"}, {"code": "history-type"}],
                        }
                    ],
                }
            ],
        }
        if request.url.path.endswith("metadata"):
            return httpx.Response(200, json=statement)
        entries = [entry] if request.url.path.endswith("_history") else []
        return httpx.Response(200, json={"resourceType": "Bundle", "entry": entries})

    ehr = adapter(None, httpx.MockTransport(handle), types=("Patient",))
    cursor = {"format": 1, "types": {"Patient": {"since": instant(T0)}}}
    records, _ = await pull(ehr, cursor)
    assert [(r.type, r.id, r.deleted) for r in records] == [("Patient", "p1", True)]
    await ehr.close()


async def test_a_record_deleted_and_made_again_is_there(app):
    ehr = adapter(app, types=("Patient",))
    (made,) = await fill(app, 1)
    _, cursor = await pull(ehr)
    await remove(app, made)
    app.records.put({"resourceType": "Patient", "gender": "other"}, made)
    records, _ = await pull(ehr, cursor)
    assert [(r.id, r.deleted) for r in records] == [(made, False)]
    await ehr.close()


async def test_a_long_history_of_deletions_is_read_to_its_end(app):
    made = await fill(app, 25)
    ehr = adapter(app, types=("Patient",), page_size=10)
    _, cursor = await pull(ehr)
    for id in made:
        await remove(app, id)
    records, _ = await pull(ehr, cursor)
    assert {r.id for r in records if r.deleted} == set(made)
    await ehr.close()


@pytest.mark.parametrize("history", ["type", "system"])
async def test_a_history_that_is_refused_after_all_stops_nothing(app, history):
    app.habits.change({"history": history})
    ehr = adapter(app, types=("Patient", "Slot"))
    _, cursor = await pull(ehr)
    app.habits.change({"history": "none"})
    (made,) = await fill(app, 1)
    records, _ = await pull(ehr, cursor)
    assert [r.id for r in records] == [made]
    await ehr.close()


async def test_an_ehr_without_version_checks_is_looked_at_before_it_is_written_to(app):
    for versions in ("unchecked", "none"):
        app.habits.change({"versions": versions})
        (id,) = await fill(app, 1, gender="male")
        ehr = adapter(app)
        before = await ehr.read("Patient", id)
        await change(app, id, gender="other")
        wanted = {**before.content, "birthDate": "1980-01-01"}
        late = Change(
            Operation.UPDATE, "Patient", f"late-{versions}", wanted, id, before.version, before.content
        )
        from fhirserver.ports.ehr import Conflict

        with pytest.raises(Conflict) as refused:
            await ehr.push(late)
        assert refused.value.current.content["gender"] == "other"
        now = refused.value.current
        again = Change(
            Operation.UPDATE,
            "Patient",
            f"again-{versions}",
            {**now.content, "birthDate": "1980-01-01"},
            id,
            now.version,
            now.content,
        )
        assert (await ehr.push(again)).record.content["birthDate"] == "1980-01-01"
        writes = app.records.write_count()
        assert (await ehr.push(again)).replayed and app.records.write_count() == writes
        await ehr.close()
