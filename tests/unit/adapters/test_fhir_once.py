"""Whatever goes wrong in whatever order, one idempotency key never makes two records."""

import asyncio
import itertools
import tempfile
from pathlib import Path

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.fhir.marking import SYSTEM
from fhirserver.ports.ehr import Change, Conflict, Operation, Retryable
from tests.unit.adapters.in_process import adapter, ehr_app, tiny_bundles

FLAG = {"resourceType": "Flag", "status": "active", "code": {"text": "x"}}
FATES = ("ok", "500", "503", "429", "409", "412", "cut before", "cut after")
_STATUS = {"500": 500, "503": 503, "429": 429, "409": 409, "412": 412}


class Fateful(httpx.AsyncBaseTransport):
    """Deals out fates to requests in turn, and then lets all be well."""

    def __init__(self, app, fates):
        self.inner = httpx.ASGITransport(app=app)
        self.fates = itertools.chain(fates, itertools.repeat("ok"))

    async def handle_async_request(self, request):
        fate = next(self.fates)
        await asyncio.sleep(0)
        if fate in _STATUS:
            return httpx.Response(_STATUS[fate], request=request)
        if fate == "cut before":
            raise httpx.ConnectError("refused")
        response = await self.inner.handle_async_request(request)
        if fate == "cut after":
            raise httpx.ReadError("cut")
        return response


async def deliver(ehr, change):
    """What a runner does with one change, without the waiting."""
    for attempt in range(1, 200):
        try:
            return await ehr.push(Change(change.operation, change.type, change.key, change.content,
                                         change.id, change.version, attempt=attempt))  # fmt: skip
        except Retryable:
            continue
        except Conflict as conflict:
            if conflict.current is not None:
                change = Change(change.operation, change.type, change.key, change.content,
                                change.id, conflict.current.version)  # fmt: skip
    raise AssertionError("it never arrived")


async def scenario(folder, bare, fates, keys):
    app = ehr_app(bundles=tiny_bundles(folder), bare=bare)
    ehr = adapter(app, Fateful(app, fates))
    made = [await deliver(ehr, Change(Operation.CREATE, "Flag", key, FLAG)) for key in keys]
    for receipt in made:
        changed = {**receipt.record.content, "status": "inactive"}
        await deliver(ehr, Change(Operation.UPDATE, "Flag", f"u-{receipt.record.id}", changed,
                                  receipt.record.id, receipt.record.version))  # fmt: skip
    writes = app.records.writes()
    held = {each.json()["identifier"][0]["value"]: each for each in app.records.matching("type = 'Flag'", ())}
    await ehr.close()
    app.close()
    return writes, held


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    fates=st.lists(st.sampled_from(FATES), max_size=25),
    bare=st.booleans(),
    keys=st.integers(1, 3).map(lambda number: [f"k{n}" for n in range(number)]),
)
def test_no_course_of_faults_makes_two_records_or_loses_one(fates, bare, keys):
    with tempfile.TemporaryDirectory() as folder:
        writes, held = asyncio.run(scenario(Path(folder), bare, fates, keys))
    created = [mark for w in writes if w["method"] == "POST" for mark in w["identifiers"] if SYSTEM in mark]
    assert sorted(created) == [f"{SYSTEM}|{key}" for key in keys]
    assert set(held) == set(keys)
    assert all((each.version, each.json()["status"]) == (2, "inactive") for each in held.values())
