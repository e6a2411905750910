import json

import httpx
import pytest

from adapters.fhir.marking import SYSTEM
from fhirserver.ports.ehr import (
    Change,
    Conflict,
    Gone,
    NeedsPerson,
    Operation,
    Permanent,
    Retryable,
    Unanswered,
    Unauthorized,
)
from tests.unit.adapters.in_process import BASE, TOKEN, adapter, client, ehr_app, tiny_bundles

CREATE, UPDATE, DELETE = Operation.CREATE, Operation.UPDATE, Operation.DELETE
FLAG = {"resourceType": "Flag", "status": "active", "code": {"text": "x"}}


@pytest.fixture(params=[False, True], ids=["conditional", "bare"])
async def app(request, tmp_path):
    app = ehr_app(bundles=tiny_bundles(tmp_path / "bundles"), bare=request.param)
    yield app
    app.close()


@pytest.fixture
async def ehr(app):
    ehr = adapter(app)
    yield ehr
    await ehr.close()


class Cutting(httpx.AsyncBaseTransport):
    """Does the request and loses the answer, as often as it is told."""

    def __init__(self, app):
        self.inner = httpx.ASGITransport(app=app)
        self.cuts = 0

    async def handle_async_request(self, request):
        response = await self.inner.handle_async_request(request)
        if self.cuts and request.method != "GET":
            self.cuts -= 1
            raise httpx.ReadError("cut")
        return response


async def made(ehr, key="made", **content):
    return (await ehr.push(Change(CREATE, "Flag", key, {**FLAG, **content}))).record


async def test_a_create_comes_back_as_the_ehr_holds_it(ehr, app):
    receipt = await ehr.push(Change(CREATE, "Flag", "k1", FLAG))
    assert (receipt.record.version, receipt.replayed) == ("1", False)
    assert receipt.record.content == app.records.current("Flag", receipt.record.id).json()
    assert {"system": SYSTEM, "value": "k1"} in receipt.record.content["identifier"]
    assert await ehr.find("Flag", SYSTEM, "k1") == [receipt.record]


async def test_the_same_key_creates_once(ehr, app):
    first = await ehr.push(Change(CREATE, "Flag", "k1", FLAG))
    second = await ehr.push(Change(CREATE, "Flag", "k1", FLAG, attempt=2))
    assert second.replayed and second.record == first.record
    assert app.records.write_count() == 1


async def test_a_create_whose_answer_was_lost_is_found_again(app):
    transport = Cutting(app)
    transport.cuts = 1
    ehr = adapter(app, transport)
    with pytest.raises(Unanswered):
        await ehr.push(Change(CREATE, "Flag", "k1", FLAG))
    receipt = await ehr.push(Change(CREATE, "Flag", "k1", FLAG, attempt=2))
    assert receipt.replayed and app.records.write_count() == 1
    await ehr.close()


async def test_a_booking_whose_answer_was_lost_is_not_a_conflict_with_itself(tmp_path):
    app = ehr_app(bare=True)
    transport = Cutting(app)
    ehr = adapter(app, transport)
    async with client(app) as http:
        slot = (await http.get("Slot?status=free&_count=1")).json()["entry"][0]["resource"]["id"]
    content = {"resourceType": "Appointment", "status": "booked", "slot": [{"reference": f"Slot/{slot}"}]}
    transport.cuts = 1
    with pytest.raises(Unanswered):
        await ehr.push(Change(CREATE, "Appointment", "k1", content))
    assert (await ehr.push(Change(CREATE, "Appointment", "k1", content, attempt=2))).replayed
    with pytest.raises(Conflict) as refused:
        await ehr.push(Change(CREATE, "Appointment", "k2", content))
    assert refused.value.status == 409
    await ehr.close()
    app.close()


async def test_two_records_under_one_key_need_a_person(app, ehr):
    body = {**FLAG, "identifier": [{"system": SYSTEM, "value": "k1"}]}
    async with client(app) as http:
        for _ in range(2):
            await http.post("Flag", json=body)
    with pytest.raises(NeedsPerson):
        await ehr.push(Change(CREATE, "Flag", "k1", FLAG))


async def test_an_update_replaces_the_version_it_was_decided_on(ehr):
    flag = await made(ehr)
    wanted = {**flag.content, "status": "inactive"}
    receipt = await ehr.push(Change(UPDATE, "Flag", "u1", wanted, flag.id, flag.version))
    assert (receipt.record.version, receipt.replayed) == ("2", False)
    assert receipt.record.content["status"] == "inactive"


async def test_an_update_to_an_older_version_is_a_conflict_that_shows_the_current_one(ehr):
    flag = await made(ehr)
    await ehr.push(Change(UPDATE, "Flag", "u1", {**FLAG, "status": "inactive"}, flag.id, "1"))
    late = Change(UPDATE, "Flag", "u2", {**FLAG, "code": {"text": "y"}}, flag.id, "1")
    with pytest.raises(Conflict) as refused:
        await ehr.push(late)
    assert refused.value.status == 412
    assert (refused.value.current.version, refused.value.current.content["status"]) == ("2", "inactive")


@pytest.mark.parametrize("tagged", [True, False])
async def test_an_update_whose_answer_was_lost_succeeds_on_the_retry(app, tagged):
    transport = Cutting(app)
    ehr = adapter(app, transport, tag_updates=tagged)
    flag = await made(ehr)
    change = Change(UPDATE, "Flag", "u1", {**flag.content, "status": "inactive"}, flag.id, flag.version)
    transport.cuts = 1
    with pytest.raises(Unanswered):
        await ehr.push(change)
    receipt = await ehr.push(change)
    assert receipt.replayed and receipt.record.version == "2"
    assert app.records.write_count() == 2
    await ehr.close()


async def test_without_versions_a_retry_looks_first(app):
    transport = Cutting(app)
    ehr = adapter(app, transport)
    flag = await made(ehr)
    content = {**flag.content, "status": "inactive"}
    transport.cuts = 1
    with pytest.raises(Unanswered):
        await ehr.push(Change(UPDATE, "Flag", "u1", content, flag.id))
    assert (await ehr.push(Change(UPDATE, "Flag", "u1", content, flag.id, attempt=2))).replayed
    assert app.records.write_count() == 2
    await ehr.close()


async def test_somebody_elses_edit_on_top_of_ours_does_not_make_us_write_again(app, ehr):
    flag = await made(ehr)
    change = Change(UPDATE, "Flag", "u1", {**flag.content, "status": "inactive"}, flag.id, "1")
    ours = (await ehr.push(change)).record
    async with client(app) as http:
        await http.put(f"Flag/{flag.id}", json={**ours.content, "code": {"text": "theirs"}})
    receipt = await ehr.push(change)
    assert receipt.replayed and receipt.record.content["code"] == {"text": "theirs"}


async def test_a_delete_is_done_once_and_found_done(ehr):
    flag = await made(ehr)
    change = Change(DELETE, "Flag", "d1", id=flag.id, version=flag.version)
    first, second = await ehr.push(change), await ehr.push(change)
    assert (first.replayed, second.replayed, second.record.deleted) == (False, True, True)
    with pytest.raises(Gone):
        await ehr.read("Flag", flag.id)


async def test_what_is_gone_cannot_be_updated(ehr):
    flag = await made(ehr)
    await ehr.push(Change(DELETE, "Flag", "d1", id=flag.id))
    for id in (flag.id, "never"):
        with pytest.raises(Gone):
            await ehr.push(Change(UPDATE, "Flag", "u1", FLAG, id, "1"))


async def test_refusals_keep_their_kind(ehr, app):
    with pytest.raises(Permanent) as refused:
        await ehr.push(Change(CREATE, "Spaceship", "k", {"resourceType": "Spaceship"}))
    assert refused.value.status == 404
    with pytest.raises(Permanent, match="must name the record"):
        await ehr.push(Change(UPDATE, "Flag", "u", FLAG))
    app.plan.change({"error_rate": 1})
    with pytest.raises(Retryable):
        await ehr.push(Change(CREATE, "Flag", "k", FLAG))
    health = await ehr.health()
    assert (health.reachable, health.problem) == (False, "Retryable")
    app.plan.change({"reset": True})
    assert (await ehr.health()).reachable


async def test_injected_conflicts_do_not_write(ehr, app):
    flag = await made(ehr)
    for rate in ("conflict_rate", "precondition_rate"):
        app.plan.change({"reset": True, rate: 1})
        with pytest.raises(Conflict):
            await ehr.push(Change(CREATE, "Flag", rate, FLAG))
        with pytest.raises(Conflict):
            await ehr.push(Change(UPDATE, "Flag", rate, {**FLAG, "status": "inactive"}, flag.id, "1"))
    assert app.records.write_count() == 1


async def test_capabilities_tell_what_the_ehr_can_do(ehr, app):
    can = await ehr.capabilities()
    assert can.fhir_version == "4.0.1" and can.software
    assert can.of("Patient").conditional_create is (not app.options.bare)
    assert {"read", "history-type"} <= can.of("Slot").interactions
    assert {"schedule", "start", "_lastUpdated"} <= can.of("Slot").search_parameters
    assert can.of("Spaceship").interactions == frozenset()


class Renewing:
    """Hands out a stale token until it is asked to renew."""

    def __init__(self, *tokens):
        self.tokens = list(tokens)

    async def token(self, refused=""):
        if refused == self.tokens[0] and len(self.tokens) > 1:
            self.tokens.pop(0)
        return self.tokens[0]

    async def close(self): ...


async def test_a_refused_token_is_renewed_once(app):
    from adapters.fhir.ehr import FhirEhr, FhirSettings

    ehr = FhirEhr(FhirSettings(BASE), Renewing("stale", TOKEN), transport=httpx.ASGITransport(app=app))
    assert (await ehr.push(Change(CREATE, "Flag", "k", FLAG))).record.version == "1"
    await ehr.close()
    ehr = FhirEhr(FhirSettings(BASE), Renewing("stale", "staler"), transport=httpx.ASGITransport(app=app))
    with pytest.raises(Unauthorized):
        await ehr.read("Flag", "e1")
    await ehr.close()


async def test_decimals_keep_their_text_on_the_way(ehr, app):
    from decimal import Decimal

    content = {"resourceType": "Observation", "status": "final", "valueQuantity": {"value": Decimal("1.00")}}
    receipt = await ehr.push(Change(CREATE, "Observation", "k", content))
    assert str(receipt.record.content["valueQuantity"]["value"]) == "1.00"
    assert b'"value":1.00' in app.records.current("Observation", receipt.record.id).content


async def test_an_answer_to_a_create_without_body_or_place_is_asked_for_again():
    answers = {
        "/fhir/metadata": httpx.Response(200, json={"resourceType": "CapabilityStatement"}),
        "/fhir/Flag": httpx.Response(201),
    }

    def handle(request):
        empty = {"resourceType": "Bundle", "type": "searchset"}
        return httpx.Response(200, json=empty) if request.url.query else answers[request.url.path]

    ehr = adapter(None, httpx.MockTransport(handle))
    with pytest.raises(Retryable, match="does not say what was written"):
        await ehr.push(Change(CREATE, "Flag", "k", FLAG))
    await ehr.close()


async def test_no_error_shows_content_or_token(app):
    app.plan.change({"error_rate": 1})
    ehr = adapter(app)
    change = Change(CREATE, "Patient", "k", {"resourceType": "Patient", "name": [{"family": "Secretname"}]})
    with pytest.raises(Retryable) as failed:
        await ehr.push(change)
    told = f"{failed.value} {failed.value!r} {change!r} {json.dumps(failed.value.args)}"
    assert "Secretname" not in told and TOKEN not in told
    await ehr.close()
