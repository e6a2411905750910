"""A first load by export: complete, once each, picked up where it stopped, and paged where there is none."""

import json

import httpx
import pytest

from adapters.fhir.bulk import BulkSettings
from adapters.fhir.ehr import FhirEhr, FhirSettings
from adapters.fhir.retries import RetryPolicy
from adapters.fhir.tokens import StaticToken
from fhirserver.ports.ehr import Throttled
from tests.unit.adapters.in_process import BASE, TOKEN, adapter, client, ehr_app, tiny_bundles


@pytest.fixture
async def full():
    app = ehr_app()
    yield app
    app.close()


@pytest.fixture
async def app(tmp_path):
    app = ehr_app(bundles=tiny_bundles(tmp_path / "bundles"))
    app.habits.change({"clock_ahead": -3600})  # what is there has been there for an hour
    async with client(app) as http:
        for number in range(40):
            body = {"resourceType": "Patient", "birthDate": f"19{number + 10}-01-01"}
            assert (await http.post("Patient", json=body)).status_code == 201
    app.habits.change({"reset": True})
    yield app
    app.close()


class Seen(httpx.AsyncBaseTransport):
    """Counts what is asked, by the first part of the path; may answer some of it itself."""

    def __init__(self, app):
        self.inner, self.paths, self.answers = httpx.ASGITransport(app=app), [], {}

    async def handle_async_request(self, request):
        path = request.url.path.removeprefix("/fhir/")
        self.paths.append(f"{request.method} {path}")
        for start, answers in self.answers.items():
            if path.startswith(start) and answers:
                answer = answers.pop(0)
                if isinstance(answer, httpx.Response):
                    return answer
        return await self.inner.handle_async_request(request)

    def count(self, start):
        return sum(path.startswith(start) for path in self.paths)


async def pull(ehr, cursor=None):
    records = []
    async for page in ehr.pull(cursor):
        records += page.records
        cursor = json.loads(json.dumps(page.cursor))
    return records, cursor


def held(app):
    return {(s.type, s.id) for s in app.records.matching("deleted = ?", (0,))}


@pytest.mark.parametrize("level", ["system", "patient", "group"])
async def test_the_first_pull_is_an_export_and_the_next_goes_on_from_there(full, level):
    full.habits.change({"export": level, "export_lines": 7})
    seen = Seen(full)
    ehr = adapter(full, seen, bulk=BulkSettings(level, group="all"))
    records, cursor = await pull(ehr)
    assert {(r.type, r.id) for r in records} == held(full) and len(records) == len(held(full))
    types = list(dict.fromkeys(r.type for r in records))
    assert types.index("Practitioner") < types.index("Patient") < types.index("Appointment")
    assert cursor["export"] == {"over": True}
    assert seen.count("DELETE $export-status") == 1, "the job is tidied away"
    async with client(full) as http:
        made = (await http.post("Patient", json={"resourceType": "Patient"})).json()["id"]
    records, cursor = await pull(ehr, cursor)
    assert made in [r.id for r in records]
    assert seen.count("GET $export") == seen.count("GET $export-") + (level == "system")
    assert full._control.exports.started == 1, "later pulls make no export"
    await ehr.close()


async def test_what_is_written_during_the_export_is_not_missed(app):
    app.habits.change({"export": "system", "export_lines": 10})
    ehr = adapter(app, types=("Patient",), page_size=10)
    records, cursor = [], None
    async for page in ehr.pull():
        records += page.records
        cursor = page.cursor
        if len(records) == 10:
            async with client(app) as http:
                made = (await http.post("Patient", json={"resourceType": "Patient"})).json()["id"]
                await http.put(
                    f"Patient/{records[0].id}",
                    json={"resourceType": "Patient", "id": records[0].id, "gender": "other"},
                )
    assert made in [r.id for r in records]
    assert [r.version for r in records if r.id == records[0].id] == ["1", "2"]
    assert (await pull(ehr, cursor))[0] == []
    await ehr.close()


async def test_a_slow_job_is_waited_for_as_the_ehr_asks(app):
    app.habits.change({"export": "system", "export_seconds": 1.0})
    waits = []
    seen = Seen(app)

    async def sleep(seconds):
        waits.append(seconds)
        app.habits.change({"export_seconds": 0})
        for id, job in app._control.exports._jobs.items():
            from dataclasses import replace

            app._control.exports._jobs[id] = replace(job, ready=0)

    ehr = FhirEhr(
        FhirSettings(BASE, types=("Patient",), retries=RetryPolicy(attempts=1)),
        StaticToken(TOKEN),
        sleep=sleep,
        transport=seen,
    )
    records, _ = await pull(ehr)
    assert len(records) == 41 and waits == [1.0]
    await ehr.close()


@pytest.mark.parametrize("stop_after", range(1, 9))
async def test_a_load_that_stopped_anywhere_goes_on_without_loss_or_a_second_job(app, stop_after):
    app.habits.change({"export": "system", "export_lines": 15})
    seen = Seen(app)
    ehr = adapter(app, seen, types=("Patient",), page_size=6)
    got, cursor = [], None
    pages = ehr.pull()
    for _ in range(stop_after):
        page = await anext(pages)
        got += page.records
        cursor = json.loads(json.dumps(page.cursor))
    await pages.aclose()
    again = adapter(app, seen, types=("Patient",), page_size=6)
    rest, _ = await pull(again, cursor)
    ids = [r.id for r in (*got, *rest)]
    assert set(ids) == {id for _, id in held(app)} and len(ids) == len(set(ids))
    assert app._control.exports.started == 1
    await ehr.close()
    await again.close()


async def test_a_download_cut_in_the_middle_is_picked_up_at_the_line(tmp_path):
    """Over a real socket: half a file arrives, three times over."""
    from tests.unit.adapters.simulated_ehr import SimulatedEhrProcess

    bundles = tiny_bundles(tmp_path / "bundles")
    with SimulatedEhrProcess(
        tmp_path / "ehr.db", "--bundles", str(bundles), "--habit", "export=system"
    ) as ehr_process:
        for number in range(200):
            body = {"resourceType": "Patient", "birthDate": f"1{number + 700}-01-01"}
            ehr_process.http.post(f"{ehr_process.base}/Patient", json=body)
        ehr_process.habits(export_cuts=3)
        ehr = ehr_process.adapter(types=("Patient",), page_size=10)
        records, _ = await pull(ehr)
        assert len(records) == len({r.id for r in records}) == 201
        assert ehr_process.state()["habits"]["export_cuts"] == 0
        await ehr.close()


async def test_a_job_that_the_ehr_forgot_is_started_again(app):
    app.habits.change({"export": "system"})
    ehr = adapter(app, types=("Patient",), page_size=10)
    pages = ehr.pull()
    await anext(pages)
    cursor = (await anext(pages)).cursor
    await pages.aclose()
    app._control.exports._jobs.clear()
    records, cursor = await pull(ehr, cursor)
    assert len({r.id for r in records}) == 41 and app._control.exports.started == 2
    await ehr.close()


@pytest.mark.parametrize(
    ("path", "answers"),
    [
        ("$export", [httpx.Response(404)]),
        ("$export", [httpx.Response(403)]),
        ("$export", [httpx.Response(501)]),
        ("$export", [httpx.Response(202)]),
        ("$export", [httpx.Response(200, json={"resourceType": "Bundle"})]),
        ("$export-status", [httpx.Response(500, json={"resourceType": "OperationOutcome"})] * 3),
        ("$export-status", [httpx.Response(200, json={"output": []})]),
        ("$export-status", [httpx.Response(200, text="<html>")]),
        ("$export-file", [httpx.Response(404)]),
    ],
)
async def test_where_there_is_no_export_after_all_the_records_are_read_page_by_page(app, path, answers):
    app.habits.change({"export": "system"})
    seen = Seen(app)
    seen.answers[path] = list(answers)
    ehr = adapter(app, seen, types=("Patient",), retries=RetryPolicy(attempts=3))
    records, cursor = await pull(ehr)
    assert len({r.id for r in records}) == 41 and cursor["export"] == {"over": True}
    assert seen.count("GET Patient") >= 1
    await ehr.close()


async def test_an_ehr_that_is_busy_with_another_export_is_asked_again_later(app):
    app.habits.change({"export": "system"})
    seen = Seen(app)
    seen.answers["$export"] = [httpx.Response(429, headers={"Retry-After": "1000"})]
    ehr = adapter(app, seen, types=("Patient",))
    with pytest.raises(Throttled):
        await pull(ehr)
    assert len((await pull(ehr))[0]) == 41
    await ehr.close()


async def test_without_an_offer_or_when_switched_off_nothing_is_exported(app):
    seen = Seen(app)
    ehr = adapter(app, seen, types=("Patient",))
    assert len((await pull(ehr))[0]) == 41
    app.habits.change({"export": "system"})
    off = adapter(app, seen, types=("Patient",), bulk=BulkSettings("off"))
    assert len((await pull(off))[0]) == 41
    assert seen.count("GET $export") == 0
    await ehr.close()
    await off.close()


async def test_what_the_ehr_could_not_export_is_read_page_by_page_as_well(app):
    app.habits.change({"export": "system", "export_errors": True})
    seen = Seen(app)
    ehr = adapter(app, seen, types=("Patient",))
    records, _ = await pull(ehr)
    assert len({r.id for r in records}) == 41
    assert len(records) == 82, "page by page from the beginning; the runner sees that it is no news"
    await ehr.close()


async def test_a_line_that_cannot_be_read_loses_nothing(app):
    app.habits.change({"export": "system"})
    original = app._control.exports.file

    def broken(id, number):
        answer = original(id, number)
        from dataclasses import replace

        lines = answer.body.split(b"\n")
        lines[3] = lines[3][:40]
        return replace(answer, body=b"\n".join(lines))

    app._control.exports.file = broken
    ehr = adapter(app, types=("Patient",))
    records, _ = await pull(ehr)
    assert len({r.id for r in records}) == 41
    await ehr.close()


async def test_files_that_need_no_token_do_not_get_ours(app):
    app.habits.change({"export": "system", "export_token": False})
    sent = []

    class Watching(Seen):
        async def handle_async_request(self, request):
            if "$export-file" in request.url.path:
                sent.append(request.headers.get("authorization"))
            return await super().handle_async_request(request)

    ehr = adapter(app, Watching(app), types=("Patient",))
    assert len((await pull(ehr))[0]) == 41
    assert sent and set(sent) == {None}
    await ehr.close()


@pytest.mark.parametrize("allowed", [False, True])
async def test_files_on_another_server_are_read_only_where_the_settings_allow_it(app, allowed):
    app.habits.change({"export": "system"})
    hosts = []

    class Elsewhere(Seen):
        async def handle_async_request(self, request):
            hosts.append(request.url.host)
            response = await super().handle_async_request(request)
            if "$export-status" in request.url.path and request.method == "GET":
                body = (await response.aread()).replace(
                    b"http://ehr.test/fhir/$export-f", b"http://files.test/fhir/$export-f"
                )
                return httpx.Response(200, content=body)
            return response

    also = frozenset({"http://files.test"}) if allowed else frozenset()
    ehr = adapter(app, Elsewhere(app), types=("Patient",), also_at=also)
    assert len({r.id for r in (await pull(ehr))[0]}) == 41
    assert ("files.test" in hosts) is allowed
    await ehr.close()


async def test_deletions_of_an_export_are_handed_out():
    lines = {
        "/fhir/f/1": b'{"resourceType":"Patient","id":"a"}\n\n{"resourceType":"Patient","id":"b"}',
        "/fhir/f/2": json.dumps(
            {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [
                    {"request": {"method": "DELETE", "url": "Patient/c"}},
                    {"request": {"method": "DELETE", "url": "Patient/d"}},
                ],
            }
        ).encode(),
    }

    def handle(request):
        path = request.url.path
        if path in lines:
            return httpx.Response(200, content=lines[path])
        if path.endswith("metadata"):
            return httpx.Response(
                200,
                json={
                    "resourceType": "CapabilityStatement",
                    "rest": [{"mode": "server", "operation": [{"name": "$export"}]}],
                },
            )
        if path.endswith("$export"):
            return httpx.Response(202, headers={"Content-Location": f"{BASE}/job"})
        if path.endswith("job"):
            return httpx.Response(
                200,
                json={
                    "transactionTime": "2026-11-22T14:00:00Z",
                    "output": [{"type": "Patient", "url": f"{BASE}/f/1"}, {"type": "Basic", "url": "x"}],
                    "deleted": [{"type": "Bundle", "url": f"{BASE}/f/2"}],
                },
            )
        return httpx.Response(200, json={"resourceType": "Bundle"})

    ehr = adapter(None, httpx.MockTransport(handle), types=("Patient",))
    records, cursor = await pull(ehr)
    assert [(r.id, r.deleted) for r in records] == [("a", False), ("b", False), ("c", True), ("d", True)]
    assert cursor["types"]["Patient"]["since"].startswith("2026-11-22T13:59:30") or cursor["types"]
    await ehr.close()
