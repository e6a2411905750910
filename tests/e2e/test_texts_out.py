"""Messages that are ordered: what may not be sent is refused, and one id is one message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from agent.campaigns.ledger import Ledger
from agent.opt_out import bar
from agent.telephony.rest import Made, RestFailed
from agent.text_out import TextDesk, TextSender
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.texts_out import TextOrder
from tests.campaign_world import World, campaign_world

ANN = "+12125550101"
ORDER = TextOrder("o1", ANN, "Patient/ann", "Please fill in https://clinic.test/forms/secret", "form")


@dataclass
class Carrier:
    """Takes messages, or does not; ``kept``: it has the message although its answer was lost."""

    taken: list[tuple[str, str]] = field(default_factory=list)
    failure: RestFailed | None = None
    kept: bool = False

    async def send(self, to: str, text: str, status_callback: str = "") -> str:
        await asyncio.sleep(0)
        self.taken.append((to, text))
        if self.failure is not None:
            raise self.failure
        return f"SM{len(self.taken)}"

    async def messages(self, to: str, since: datetime) -> list[Made]:
        return [Made("SM-found", "sent", since, self.taken[-1][1])] if self.kept else []


@dataclass
class Office:
    world: World
    desk: TextDesk
    carrier: Carrier

    async def refused(self, order: TextOrder = ORDER) -> Refusal:
        before = len(self.carrier.taken)
        with pytest.raises(Refusal) as caught:
            await self.desk.send(order, "ana")
        assert len(self.carrier.taken) == before
        return caught.value


@pytest_asyncio.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with campaign_world(tmp_path) as world:
        await world.person("ann", ANN)
        carrier = Carrier()
        sender = TextSender(Ledger(world.client, world.clock), carrier)
        desk = TextDesk(world.client, sender, "America/New_York", clock=world.clock)
        yield Office(world, desk, carrier)


async def test_it_is_on_record_without_the_secret_in_it(office: Office) -> None:
    ordered = await office.desk.send(ORDER, "ana")
    assert (ordered.message, ordered.status, ordered.repeated) == ("SM1", "completed", False)
    assert office.carrier.taken == [(ANN, ORDER.text)]
    made = await office.world.client.read(ordered.communication)
    assert made is not None and made["status"] == "completed"
    assert made["payload"] == [{"contentString": "Please fill in [link]"}]
    assert made["recipient"] == [{"reference": "Patient/ann", "display": ANN}]


async def test_one_id_is_one_message_also_at_once_and_after_a_restart(office: Office) -> None:
    told = await asyncio.gather(*(office.desk.send(ORDER, "ana") for _ in range(5)))
    fresh = TextDesk(office.world.client, office.desk.sender, "America/New_York", clock=office.world.clock)
    told.append(await fresh.send(ORDER, "ana"))
    assert len(office.carrier.taken) == 1
    assert sorted(one.repeated for one in told) == [False, True, True, True, True, True]
    other = await office.refused(replace(ORDER, to="+12125550199"))
    assert other.category is Category.CONFLICT


async def test_different_messages_at_once_all_go(office: Office) -> None:
    orders = [replace(ORDER, id=f"m{n}") for n in range(3)]
    await asyncio.gather(*(office.desk.send(order, "ana") for order in orders))
    assert len(office.carrier.taken) == 3


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (replace(ORDER, to="2125550101"), "E.164"),
        (replace(ORDER, patient="Patient/none"), "no such patient"),
        (replace(ORDER, to="+12125550102"), "not one on the patient's record"),
        (replace(ORDER, text=""), "1 to 1600"),
        (replace(ORDER, reason="spam"), "'reason' is one of"),
    ],
)
async def test_what_cannot_be_is_refused(office: Office, order: TextOrder, words: str) -> None:
    assert words in str(await office.refused(order))


async def test_without_consent_nothing_goes_out(office: Office) -> None:
    await office.world.person("ann", ANN, consent="deny")
    assert "denied consent" in str(await office.refused())
    await office.world.person("bob", "+12125550102", consent="")
    order = replace(ORDER, to="+12125550102", patient="Patient/bob")
    assert "no consent" in str(await office.refused(order))
    office.desk.consent = "not-denied"
    assert (await office.desk.send(order, "ana")).status == "completed"


async def test_who_wants_none_gets_none(office: Office) -> None:
    await bar(Ledger(office.world.client, office.world.clock), ANN, "sms")
    assert "opted out" in str(await office.refused())


async def test_at_night_nothing_goes_out(office: Office) -> None:
    office.world.clock.at = datetime(2026, 12, 2, 2, tzinfo=UTC)  # 21:00 in New York
    assert "21:00 to 08:00" in str(await office.refused())


async def test_a_lost_answer_is_looked_for(office: Office) -> None:
    office.carrier.failure, office.carrier.kept = RestFailed("no answer", sure=False), True
    assert (await office.desk.send(ORDER, "ana")).message == "SM-found"


async def test_what_the_carrier_does_not_take_is_on_record(office: Office) -> None:
    office.carrier.failure = RestFailed("Twilio answers 400 (code 21610)", True, 21610)
    with pytest.raises(Refusal, match="another id"):
        await office.desk.send(ORDER, "ana")
    [made] = await office.world.client.search("Communication", [])
    assert (made["status"], made["statusReason"]["coding"][0]["code"]) == ("not-done", "opted-out")


async def test_what_did_not_arrive_is_on_record(office: Office) -> None:
    ordered = await office.desk.send(ORDER, "ana")
    id = ordered.communication.removeprefix("Communication/")
    await office.desk.sender.told(id, "delivered")
    await office.desk.sender.told(id, "undelivered")
    await office.desk.sender.told("none", "undelivered")
    made = await office.world.client.read(ordered.communication)
    assert made is not None and made["status"] == "not-done"
