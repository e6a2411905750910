"""``Prefer: respond-async``: 202, a status to ask, and the answer as a Bundle."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhirserver.access.principals import Principal
from fhirserver.interactions.exchange import Request, Result
from fhirserver.kernel.json import loads
from fhirserver.kernel.outcomes import Refusal
from fhirserver.model.validation import validate
from fhirserver.model.xml import read_xml
from fhirserver.rest.jobs import Jobs
from fhirserver.rest.spool import KEEP_SECONDS, LOST_SECONDS, Spool
from fhirserver.store.store import Store
from tests.facade import BASE, SOURCES, Client, Facade, entry, patient

ASYNC = {"prefer": "return=representation, respond-async"}


async def finished(client: Client, kicked: httpx.Response, **headers: str) -> httpx.Response:
    """The last answer of the status URL."""
    assert (kicked.status_code, kicked.content) == (202, b""), kicked.text
    assert kicked.headers["preference-applied"] == "respond-async"
    for _ in range(200):
        answer = await client.get(kicked.headers["content-location"], **headers)
        if answer.status_code != 202:
            return answer
        assert answer.headers["x-progress"]
        await asyncio.sleep(0.01)
    raise AssertionError("it does not end")


def only(answer: httpx.Response) -> dict[str, Any]:
    """The one entry of the Bundle that is the answer."""
    assert answer.status_code == 200, answer.text
    bundle = loads(answer.content)
    assert (bundle["resourceType"], bundle["type"], len(bundle["entry"])) == ("Bundle", "batch-response", 1)
    assert [issue for issue in validate(bundle) if issue.severity == "error"] == []
    found: dict[str, Any] = bundle["entry"][0]
    return found


async def test_a_search(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    kicked = await server.ehr.get("Patient?family=okafor", **ASYNC)
    assert kicked.headers["content-location"].startswith(f"{BASE}/_async/")
    answer = await finished(server.ehr, kicked)
    done = only(answer)
    assert done["response"]["status"] == "200 OK"
    assert [one["resource"]["id"] for one in done["resource"]["entry"]] == ["p"]
    assert "GMT" in answer.headers["expires"]
    again = await server.ehr.get(kicked.headers["content-location"], accept="application/fhir+xml")
    assert read_xml(again.content)["entry"][0]["resource"]["resourceType"] == "Bundle"


async def test_a_transaction_and_a_batch(server: Facade) -> None:
    for kind in ("transaction", "batch"):
        kicked = await server.ehr.bundle(kind, entry("PUT", f"Patient/{kind}", patient(kind)), **ASYNC)
        done = only(await finished(server.ehr, kicked))
        assert done["resource"]["type"] == f"{kind}-response"
        assert (await server.ehr.get(f"Patient/{kind}")).status_code == 200


async def test_operations_histories_and_searches_by_post(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    for kicked in (
        await server.ehr.get("Patient/p/$lineage", **ASYNC),
        await server.ehr.get("Patient/p/_history", **ASYNC),
        await server.ehr(
            "POST", "Patient/_search", b"family=okafor", media="application/x-www-form-urlencoded", **ASYNC
        ),
    ):
        assert only(await finished(server.ehr, kicked))["response"]["status"] == "200 OK"


async def test_a_refusal_is_the_answer(server: Facade) -> None:
    kicked = await server.ehr.get("Patient?nope=1", **ASYNC)
    response = only(await finished(server.ehr, kicked))["response"]
    assert response["status"] == "400 Bad Request"
    assert response["outcome"]["issue"][0]["expression"] == ["http.nope"]


async def test_what_is_quick_or_not_there_is_answered_at_once(server: Facade) -> None:
    assert (await server.ehr("PUT", "Patient/p", patient("p"), **ASYNC)).status_code == 201
    assert (await server.ehr.get("Patient/p", **ASYNC)).status_code == 200
    assert (await server.ehr.get("Patient/p/$nothing", **ASYNC)).status_code == 404
    assert (await server.ehr("DELETE", "Patient", **ASYNC)).status_code in (405, 412)
    assert (await server.anonymous.get("Patient", **ASYNC)).status_code == 401
    assert (await server.ehr.get("Patient", prefer="not-respond-async")).status_code == 200


async def test_only_who_asked_may_see_it(server: Facade) -> None:
    kicked = await server.ehr.get("Patient", **ASYNC)
    url = kicked.headers["content-location"]
    await finished(server.ehr, kicked)
    for client, status in (
        (server.lab, 404),
        (server.admin, 404),
        (server.anonymous, 401),
        (server.ehr, 200),
    ):
        assert (await client.get(url)).status_code == status
        if status != 200:
            assert (await client("DELETE", url)).status_code == status
    for path in ("_async/" + "0" * 32, "_async/..%2f..%2fcredence.db", "_async/x", "_async"):
        assert (await server.ehr.get(path)).status_code == 404
    answer = await server.ehr("POST", url)
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, HEAD")


async def test_delete_ends_it(server: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()

    async def slow(self: Store, query: object) -> object:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.set()
            raise
        raise AssertionError

    monkeypatch.setattr(Store, "search", slow)
    kicked = await server.ehr.get("Patient", **ASYNC)
    url = kicked.headers["content-location"]
    waiting = await server.ehr.get(url)
    assert (waiting.status_code, waiting.headers["retry-after"]) == (202, "1")
    assert (await server.ehr("DELETE", url)).status_code == 202
    await asyncio.wait_for(ended.wait(), 5)
    assert (await server.ehr.get(url)).status_code == 404


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


EHR = Principal("ehr", SOURCES["ehr"], frozenset({"read"}))


def asked(id: str, method: str = "GET") -> Request:
    return Request(EHR, method, operation="_async", id=id)


async def kick(server: Facade, jobs: Jobs, work: Callable[[], Awaitable[Result]]) -> str:
    taken = jobs.start(server.application._edge.context, EHR, work)
    assert taken is not None
    return taken.headers["Content-Location"].rpartition("/")[2]


async def never() -> Result:
    await asyncio.sleep(60)
    raise AssertionError


async def test_another_process_answers_and_ends_it(server: Facade, tmp_path: Path) -> None:
    folder = tmp_path / "async"
    one, other = Jobs(Spool(folder), beat=0.01), Jobs(Spool(folder))

    async def quick() -> Result:
        return Result(200, b'{"resourceType":"Patient"}', {"ETag": 'W/"1"'})

    id = await kick(server, one, quick)
    while (answer := await other.answer(asked(id))).status == 202:
        await asyncio.sleep(0.01)
    assert loads(answer.body)["entry"][0]["resource"] == {"resourceType": "Patient"}
    slow = await kick(server, one, never)
    assert (await other.answer(asked(slow))).headers["X-Progress"] == "in progress"
    await other.answer(asked(slow, "DELETE"))
    for _ in range(200):
        if not one._running:
            break
        await asyncio.sleep(0.01)
    assert not one._running
    assert not list(folder.glob(f"*{slow}*"))


async def test_files_are_private_and_named_by_chance(server: Facade, tmp_path: Path) -> None:
    folder = tmp_path / "async"
    jobs = Jobs(Spool(folder))
    id = await kick(server, jobs, never)
    await jobs.close()
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"{id}.answer", f"{id}.job"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    answer = await jobs.answer(asked(id))
    assert loads(answer.body)["entry"][0]["response"]["status"] == "503 Service Unavailable"


async def test_a_job_whose_process_died_is_told_as_interrupted(tmp_path: Path) -> None:
    clock = Clock()
    spool = Spool(tmp_path / "async", clock)
    id = spool.create("ehr")
    jobs = Jobs(spool)
    assert (await jobs.answer(asked(id))).status == 202
    clock.now += LOST_SECONDS + 1
    answer = await jobs.answer(asked(id))
    assert loads(answer.body)["entry"][0]["response"]["outcome"]["issue"][0]["code"] == "transient"


async def test_answers_are_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    spool = Spool(tmp_path / "async", clock)
    id = spool.create("ehr")
    spool.finish(id, b"{}")
    clock.now += KEEP_SECONDS + LOST_SECONDS + 1
    with pytest.raises(Refusal):
        await Jobs(spool).answer(asked(id))
    assert list((tmp_path / "async").iterdir()) == []


async def test_what_is_no_fhir_is_a_binary_and_too_many_are_refused(
    server: Facade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(Spool(tmp_path / "async"))

    async def text() -> Result:
        return Result(200, b"hi", content_type="text/plain")

    id = await kick(server, jobs, text)
    while (answer := await jobs.answer(asked(id))).status == 202:
        await asyncio.sleep(0.01)
    resource = loads(answer.body)["entry"][0]["resource"]
    assert resource == {"resourceType": "Binary", "contentType": "text/plain", "data": "aGk="}
    monkeypatch.setattr("fhirserver.rest.jobs.MOST", 0)
    with pytest.raises(Refusal):
        await kick(server, jobs, text)


async def test_without_data_on_disk_nothing_stays(server: Facade) -> None:
    jobs = server.application._edge._jobs
    await finished(server.ehr, await server.ehr.get("Patient", **ASYNC))
    folder = jobs._spool._folder
    assert folder.is_dir()
    await jobs.close()
    assert not folder.exists()


async def test_where_nothing_can_be_kept_it_is_answered_at_once(server: Facade, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    server.application._edge._jobs = Jobs(Spool(tmp_path / "file" / "async"))
    answer = await server.ehr.get("Patient", **ASYNC)
    assert (answer.status_code, answer.json()["type"]) == (200, "searchset")
