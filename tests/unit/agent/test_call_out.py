"""Orders of calls out: what is refused, what is on record, and that one id is one attempt whatever happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import time, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fhir_stand_in import StandIn, reply
from practice import EVE, NOW, practice

from agent.call_out import CallDesk, Hours
from agent.errand import Errand, NotPlaced
from agent.tools.client import FhirClient
from fhirserver.kernel.instants import FixedClock
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.calls_out import CallOrder

ORDER = CallOrder("o1", EVE, "Patient/eve", "confirm")


@dataclass
class Carrier:
    """Takes calls, or does not."""

    taken: list[tuple[str, str, Errand]] = field(default_factory=list)
    failure: NotPlaced | None = None
    full: bool = False

    async def place(self, key: str, to: str, errand: Errand) -> str:
        await asyncio.sleep(0)
        self.taken.append((key, to, errand))
        if self.failure is not None:
            raise self.failure
        return f"CA{key}"

    def placed(self, key: str) -> str:
        return f"CA{key}" if any(k == key for k, _, _ in self.taken) and self.failure is None else ""


@dataclass
class Office:
    """A desk with its server and its carrier."""

    desk: CallDesk
    server: StandIn
    carrier: Carrier

    async def refused(self, order: CallOrder = ORDER) -> Refusal:
        """The refusal of an order, which nobody was called for."""
        before = len(self.carrier.taken)
        with pytest.raises(Refusal) as caught:
            await self.desk.order(order, "anna")
        assert len(self.carrier.taken) == before
        return caught.value

    def patient(self, **members: Any) -> None:
        self.server.put({**self.server.store["Patient/eve"], **members})


@pytest_asyncio.fixture
async def office() -> AsyncIterator[Office]:
    server, carrier = practice(), Carrier()

    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.001)  # others come in between, as on a network
        return server.handle(request)

    client = FhirClient("http://test/fhir", "t", httpx.MockTransport(answer))
    desk = CallDesk(client, carrier, Hours("America/New_York"), clock=FixedClock(NOW))
    yield Office(desk, server, carrier)
    await client.close()


def words(refusal: Refusal) -> str:
    return " ".join(issue.diagnostics for issue in refusal.issues)


async def test_an_order_is_audited_and_on_record_before_the_carrier_hears_of_it(office: Office) -> None:
    placed = await office.desk.order(ORDER, "anna")
    assert (placed.call, placed.status, placed.repeated) == ("CAo1", "in-progress", False)
    [(key, to, errand)] = office.carrier.taken
    assert (key, to, errand.purpose, errand.patient) == ("o1", EVE, "confirm", "Patient/eve")
    assert errand.communication == placed.communication
    assert [path for _, path, _, _ in office.server.writes()] == ["AuditEvent", "Communication"]
    [event], [made] = office.server.of("AuditEvent"), office.server.of("Communication")
    assert event["agent"][0]["who"]["display"] == "anna"
    assert event["entity"] == [{"what": {"reference": "Patient/eve"}}]
    assert (made["status"], made["subject"]) == ("preparation", {"reference": "Patient/eve"})
    assert made["recipient"] == [{"reference": "Patient/eve", "display": EVE}]
    for _, _, _, headers in office.server.writes():
        said = json.loads(headers["x-provenance"])
        assert said["agent"][-1]["who"]["display"] == "anna"
        assert "onBehalfOf" not in str(said)


async def test_orders_at_once_under_one_id_call_once(office: Office) -> None:
    told = await asyncio.gather(*(office.desk.order(ORDER, "anna") for _ in range(5)))
    assert len(office.carrier.taken) == 1 and len(office.server.of("Communication")) == 1
    assert sorted(t.repeated for t in told) == [False, True, True, True, True]


async def test_after_a_restart_the_same_id_calls_nobody(office: Office) -> None:
    await office.desk.order(ORDER, "anna")
    again = await replace(office.desk, places=(fresh := Carrier())).order(ORDER, "anna")
    assert again.repeated and again.call == "" and again.status == "preparation"
    assert fresh.taken == []


async def test_a_repeated_order_is_answered_outside_the_hours_too(office: Office) -> None:
    await office.desk.order(ORDER, "anna")
    night = replace(office.desk, clock=FixedClock(NOW + timedelta(hours=9)))
    assert (await night.order(ORDER, "anna")).repeated


async def test_an_id_of_another_call_is_refused(office: Office) -> None:
    await office.desk.order(ORDER, "anna")
    other = await office.refused(CallOrder("o1", "+14125550177", "Patient/ada", "confirm"))
    assert other.category is Category.CONFLICT


@pytest.mark.parametrize(
    ("hours", "late", "goes"),
    [
        (Hours("America/New_York"), 0, True),  # 14:47
        (Hours("America/New_York"), 6, False),  # 20:47
        (Hours("America/New_York", time(15), time(20)), 0, False),
        (Hours("America/New_York", time(0), time(0)), 12, True),
        (Hours("Europe/Berlin"), 0, False),  # 20:47 there
    ],
)
def test_calls_go_out_in_the_hours_of_the_practice(hours: Hours, late: int, goes: bool) -> None:
    assert hours.hold(FixedClock(NOW + timedelta(hours=late))) is goes


async def test_outside_the_hours_nobody_is_called(office: Office) -> None:
    office.desk.clock = FixedClock(NOW + timedelta(hours=9))
    assert "from 09:00 to 20:00" in words(await office.refused())
    assert office.server.writes() == []


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"deceasedBoolean": True}, "deceased"),
        ({"deceasedDateTime": "2026-01-01"}, "deceased"),
        ({"active": False}, "not active"),
        ({"telecom": [{"system": "phone", "value": EVE, "use": "old"}]}, "not on the patient's record"),
        ({"telecom": [{"system": "fax", "value": EVE}]}, "not on the patient's record"),
        ({"telecom": []}, "not on the patient's record"),
    ],
)
async def test_who_may_not_be_called_is_not(office: Office, members: dict[str, Any], why: str) -> None:
    office.patient(**members)
    refusal = await office.refused()
    assert why in words(refusal) and EVE not in words(refusal)
    assert office.server.writes() == []


async def test_numbers_of_no_record_are_called_where_the_settings_allow(office: Office) -> None:
    stranger = CallOrder("o2", "+14125550100", "Patient/eve", "confirm")
    await office.refused(stranger)
    office.desk.any_number = True
    assert (await office.desk.order(stranger, "anna")).call == "CAo2"


async def test_too_many_calls_are_not_made(office: Office) -> None:
    office.carrier.full = True
    assert (await office.refused()).category is Category.BUSY


@pytest.mark.parametrize("type", ["AuditEvent", "Communication"])
async def test_what_cannot_be_put_on_record_is_not_done(office: Office, type: str) -> None:
    def fault(request: httpx.Request) -> httpx.Response | None:
        return reply(500, {}) if request.method == "POST" and request.url.path.endswith(type) else None

    office.server.faults.append(fault)
    assert (await office.refused()).category is Category.BUSY


async def test_without_the_server_nobody_is_called(office: Office) -> None:
    def gone(request: httpx.Request) -> httpx.Response | None:
        raise httpx.ConnectError("gone")

    office.server.faults.append(gone)
    assert "does not answer" in words(await office.refused())


@pytest.mark.parametrize(("sure", "advice"), [(True, "another id"), (False, "may ring nevertheless")])
async def test_what_the_carrier_refuses_is_told_and_not_tried_again(
    office: Office, sure: bool, advice: str
) -> None:
    office.carrier.failure = NotPlaced("Twilio answers 400 (code 21211)", sure)
    with pytest.raises(Refusal) as caught:
        await office.desk.order(ORDER, "anna")
    assert "code 21211" in words(caught.value) and advice in words(caught.value)
    assert (await office.desk.order(ORDER, "anna")).repeated
    assert len(office.carrier.taken) == 1
