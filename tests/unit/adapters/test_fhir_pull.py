import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from adapters.fhir.cursor import MOST_SEEN, Cursor, InvalidCursor, Mark, read_cursor
from adapters.fhir.retries import RetryPolicy
from fhirserver.kernel.instants import instant
from fhirserver.ports.ehr import Permanent, Retryable
from tests.unit.adapters.in_process import BASE, adapter, client, ehr_app, tiny_bundles

T0 = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


@pytest.fixture
async def app(tmp_path):
    app = ehr_app(bundles=tiny_bundles(tmp_path / "bundles"))
    yield app
    app.close()


@pytest.fixture
async def full():
    app = ehr_app()
    yield app
    app.close()


async def pull(ehr, cursor=None):
    """All records of one pull, and the last cursor after its trip through JSON."""
    records = []
    async for page in ehr.pull(cursor):
        records += page.records
        cursor = json.loads(json.dumps(page.cursor))
    return records, cursor


async def test_a_first_pull_brings_everything_once_in_order_of_dependency(full):
    ehr = adapter(full, page_size=50)
    records, _ = await pull(ehr)
    held = {(s.type, s.id) for s in full.records.matching("deleted = ?", (0,))}
    assert {(r.type, r.id) for r in records} == held and len(records) == len(held)
    types = list(dict.fromkeys(r.type for r in records))
    assert types.index("Practitioner") < types.index("Patient") < types.index("Schedule")
    assert types.index("Schedule") < types.index("Slot") < types.index("Appointment")
    await ehr.close()


async def test_a_second_pull_brings_only_what_changed(full):
    ehr = adapter(full)
    _, cursor = await pull(ehr)
    nothing, cursor = await pull(ehr, cursor)
    assert nothing == []
    async with client(full) as http:
        slot = (await http.get("Slot?status=free&_count=1")).json()["entry"][0]["resource"]
        body = {"resourceType": "Appointment", "status": "booked", "participant": []}
        await http.post("Appointment", json={**body, "slot": [{"reference": f"Slot/{slot['id']}"}]})
    changed, cursor = await pull(ehr, cursor)
    assert [(r.type, r.version) for r in changed] == [("Slot", "2"), ("Appointment", "1")]
    assert (await pull(ehr, cursor))[0] == [], "what lies in the overlap is not handed out again"
    await ehr.close()


async def test_an_earlier_cursor_brings_the_same_again(app):
    ehr = adapter(app)
    _, cursor = await pull(ehr)
    async with client(app) as http:
        await http.post("Patient", json={"resourceType": "Patient"})
    first, _ = await pull(ehr, cursor)
    again, _ = await pull(ehr, cursor)
    assert [r.id for r in first] == [r.id for r in again] != []
    await ehr.close()


async def test_a_pull_that_stopped_between_pages_goes_on_without_loss(full):
    ehr = adapter(full, page_size=20)
    got, cursor = [], None
    for _ in range(200):
        pages = ehr.pull(cursor)
        page = await anext(pages)
        await pages.aclose()
        got += [(r.type, r.id) for r in page.records]
        cursor = json.loads(json.dumps(page.cursor))
        if not page.records:
            break
    assert set(got) == {(s.type, s.id) for s in full.records.matching("deleted = ?", (0,))}
    await ehr.close()


async def test_deletions_come_as_deleted_records_once(app):
    ehr = adapter(app)
    _, cursor = await pull(ehr)
    async with client(app) as http:
        made = (await http.post("Patient", json={"resourceType": "Patient"})).json()
        created, cursor = await pull(ehr, cursor)
        await http.delete(f"Patient/{made['id']}")
    deleted, cursor = await pull(ehr, cursor)
    assert [(r.id, r.deleted, r.version) for r in deleted] == [(made["id"], True, "2")]
    assert [r.id for r in created] == [made["id"]]
    assert (await pull(ehr, cursor))[0] == []
    await ehr.close()


async def test_faults_do_not_disturb_a_pull(full):
    full.plan.change({"error_rate": 0.4, "throttle_rate": 0.2, "retry_after": 9})
    ehr = adapter(full, page_size=50)
    records, _ = await pull(ehr)
    assert len({r.reference for r in records}) == len(records) == sum(full.records.counts().values())
    await ehr.close()


class LateEhr:
    """An EHR of one type whose records become visible some time after their lastUpdated."""

    def __init__(self):
        self.now = T0
        self.records = []
        self.links = {}

    def put(self, id, updated, visible, version="1"):
        self.records.append((visible, updated, id, version))

    def __call__(self, request):
        date = {"Date": format_datetime(self.now, usegmt=True)}
        if request.url.path.endswith("metadata"):
            return httpx.Response(200, json={"resourceType": "CapabilityStatement"}, headers=date)
        since = request.url.params.get("_lastUpdated", "ge").removeprefix("ge")
        shown = [r for r in self.records if r[0] <= self.now and instant(r[1]) >= since]
        entries = [
            {
                "resource": {
                    "resourceType": "Patient",
                    "id": id,
                    "meta": {"versionId": version, "lastUpdated": instant(updated)},
                }
            }
            for _, updated, id, version in sorted(shown, key=lambda r: r[1])
        ]
        link = [{"relation": relation, "url": url} for relation, url in self.links.items()]
        body = {"resourceType": "Bundle", "type": "searchset", "entry": entries, "link": link}
        return httpx.Response(200, json=body, headers=date)

    def adapter(self, **settings):
        settings.setdefault("retries", RetryPolicy(attempts=3))
        return adapter(None, httpx.MockTransport(self), types=("Patient",), **settings)


async def test_a_record_that_becomes_visible_late_is_not_missed():
    late = LateEhr()
    ehr = late.adapter(overlap=30)
    late.put("late", updated=T0 - timedelta(seconds=5), visible=T0 + timedelta(seconds=10))
    late.put("prompt", updated=T0 - timedelta(seconds=1), visible=T0)
    first, cursor = await pull(ehr)
    late.now += timedelta(seconds=15)
    second, cursor = await pull(ehr, cursor)
    assert [[r.id for r in got] for got in (first, second)] == [["prompt"], ["late"]]
    await ehr.close()


async def test_a_quiet_ehr_is_not_asked_for_old_records_for_ever():
    late = LateEhr()
    ehr = late.adapter(overlap=30)
    late.put("old", updated=T0, visible=T0)
    _, cursor = await pull(ehr)
    assert cursor["types"]["Patient"] == {"since": "2026-11-22T13:59:30.000Z", "seen": {"old": "1"}}
    late.now += timedelta(hours=1)
    _, cursor = await pull(ehr, cursor)
    assert cursor["types"]["Patient"] == {"since": "2026-11-22T14:59:30.000Z"}
    await ehr.close()


async def test_a_new_version_in_the_overlap_is_handed_out():
    late = LateEhr()
    ehr = late.adapter()
    late.put("a", updated=T0, visible=T0)
    _, cursor = await pull(ehr)
    late.records.clear()
    late.put("a", updated=T0, visible=T0, version="2")
    again, _ = await pull(ehr, cursor)
    assert [(r.id, r.version) for r in again] == [("a", "2")]
    await ehr.close()


async def test_the_cursor_stays_small_after_a_mass_import():
    late = LateEhr()
    ehr = late.adapter()
    for number in range(MOST_SEEN + 500):
        late.put(str(number), updated=T0, visible=T0)
    records, cursor = await pull(ehr)
    assert len(records) == MOST_SEEN + 500 and len(cursor["types"]["Patient"]["seen"]) == MOST_SEEN
    assert len((await pull(ehr, cursor))[0]) == 500, "what it cannot remember is handed out again"
    await ehr.close()


async def test_a_link_to_another_server_is_not_followed():
    late = LateEhr()
    late.links = {"next": "http://elsewhere.test/fhir/Patient?page=2"}
    ehr = late.adapter()
    with pytest.raises(Permanent, match="another server"):
        await pull(ehr)
    await ehr.close()


async def test_pages_in_a_circle_are_left():
    late = LateEhr()
    late.links = {"next": f"{BASE}/Patient?page=2"}
    ehr = late.adapter()
    with pytest.raises(Permanent, match="circle"):
        await pull(ehr)
    await ehr.close()


@pytest.mark.parametrize(
    "body",
    [
        {"entry": {}, "link": "x"},
        {"entry": [7, None, {}, {"resource": []}, {"search": 1}, {"resource": {"resourceType": "Patient"}}]},
        {"link": [{"relation": "next"}, 3], "entry": None},
        {"entry": [{"resource": {"resourceType": "Patient", "id": "a", "meta": []}}]},
    ],
)
async def test_a_malformed_bundle_does_not_break_a_pull(body):
    def handle(request):
        statement = {"resourceType": "CapabilityStatement", "rest": [3, {"mode": "server", "resource": {}}]}
        bundle = {"resourceType": "Bundle", **body}
        return httpx.Response(200, json=statement if "metadata" in request.url.path else bundle)

    ehr = adapter(None, httpx.MockTransport(handle), types=("Patient",))
    records, _ = await pull(ehr)
    assert [r.id for r in records] in ([], ["a"])
    await ehr.close()


async def test_an_answer_that_is_no_bundle_is_retried_and_then_raised():
    asked = []

    def html(request):
        asked.append(request.url.path)
        return httpx.Response(200, text="<html>please log in</html>")

    ehr = adapter(None, httpx.MockTransport(html), retries=RetryPolicy(attempts=3))
    with pytest.raises(Retryable, match="not JSON"):
        await pull(ehr)
    assert len(asked) == 3
    await ehr.close()


@pytest.mark.parametrize("cursor", [{}, {"format": 2, "types": {}}, {"format": 1, "types": {"Patient": 7}}])
def test_a_foreign_cursor_is_refused(cursor):
    with pytest.raises(InvalidCursor):
        read_cursor(cursor)


def test_a_cursor_survives_its_trip_through_json():
    marks = {"Patient": Mark(T0, {"a": "1"}), "Slot": Mark()}
    assert read_cursor(json.loads(json.dumps(Cursor(marks).as_json()))).types == marks
