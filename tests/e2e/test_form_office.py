"""The forms office over a server in this process, with a clock that stands: why there is no form, and what ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from agent.campaigns.contacts import UNMADE
from agent.communication import OUTCOME
from agent.forms.filling import Closed, Filling, LinkClosed
from agent.forms.links import Links
from agent.forms.office import Office
from agent.forms.overdue import HANDED_ON, NEVER_HANDED_ON, Overdue
from agent.forms.requirements import SHIPPED
from agent.forms.task import DONE, moved
from agent.forms.triggers import Triggers
from agent.tools.client import FhirClient
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.forms import FormOrder
from fhirserver.ports.texts_out import OrderedText, TextOrder
from tests.campaign_world import World, campaign_world
from tests.facade import BASE

ORDER = FormOrder("Patient/ann", "missing-data", "operator")
ANN = "+12125550101"


@dataclass
class Texts:
    """Notes what is ordered; answers with ``told``, or refuses."""

    told: OrderedText = field(default_factory=lambda: OrderedText("", "SM1", "Communication/c", "completed"))
    refusal: Refusal | None = None
    ordered: list[TextOrder] = field(default_factory=list)

    async def send(self, order: TextOrder, by: str) -> OrderedText:
        self.ordered.append(order)
        if self.refusal is not None:
            raise self.refusal
        again = OrderedText(order.id, "SM2", "", "completed")
        return replace(self.told, id=order.id) if len(self.ordered) == 1 else again


@dataclass
class Site:
    world: World
    office: Office
    texts: Texts

    async def refused(self, order: FormOrder = ORDER) -> str:
        with pytest.raises(Refusal) as caught:
            await self.office.make(order, "ana")
        assert caught.value.category is Category.CONFLICT
        return caught.value.problem

    async def task(self, id: str) -> Any:
        found = await self.world.client.read(f"Task/{id}")
        assert found is not None
        return found

    async def versions(self, id: str) -> int:
        return int((await self.task(id))["meta"]["versionId"])


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with campaign_world(tmp_path) as world:
        await world.person("ann", ANN)
        texts = Texts()
        links = Links(lambda purpose: [b"k" * 32])
        client = FhirClient(BASE, "token-ehr", world.server.transport)
        office = Office(client, links, world.clock, "https://clinic.test/forms", texts=lambda: texts)
        yield Site(world, office, texts)
        await client.close()


async def test_why_there_is_no_form_is_told_apart(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(SHIPPED["missing-data"], most_forms_per_month=2)
    monkeypatch.setitem(SHIPPED, "missing-data", few)
    first = await site.office.make(replace(ORDER, subjects=("email",)), "ana")
    assert first.status == "ready"
    assert await site.refused(replace(ORDER, subjects=("email",))) == "asked-lately"
    assert await site.refused(replace(ORDER, subjects=("phone",))) == "nothing-missing"
    await site.office.make(replace(ORDER, subjects=("coverage",)), "ana")
    assert await site.refused(ORDER) == "enough-forms"


async def test_an_overdue_form_that_was_handed_on_has_failed_once(site: Site) -> None:
    made = await site.office.make(ORDER, "ana")
    link = (await site.office.link(made.id)).rpartition("/")[2]
    site.world.clock.at += timedelta(hours=167)
    assert await Overdue(site.office).close() == 0
    site.world.clock.at += timedelta(hours=1)
    lookers = [Overdue(site.office) for _ in range(4)]
    assert sum(await asyncio.gather(*(one.close() for one in lookers))) >= 1
    task, versions = await site.task(made.id), await site.versions(made.id)
    assert (task["status"], task["statusReason"]["text"]) == ("failed", HANDED_ON)
    assert task["businessStatus"]["coding"][0]["code"] == "expired"
    assert versions == 3, "made, sent, closed: once, whoever looks"
    assert await lookers[0].close() == 0 and await Overdue(site.office).close() == 0
    assert await site.versions(made.id) == 3
    assert (await site.office.state(made.id)).status == "expired"
    filling = Filling(site.office, site.world.client, ())
    with pytest.raises(LinkClosed) as closed:
        await filling.opened(link)
    assert closed.value.why is Closed.EXPIRED
    assert await site.refused() == "asked-lately", "the patient was asked"
    site.world.clock.at += timedelta(days=30)
    assert (await site.office.make(ORDER, "ana")).status == "ready"


async def test_an_overdue_form_that_nobody_saw_counts_for_nothing(site: Site) -> None:
    made = await site.office.make(ORDER, "ana")
    link = site.office.links.make(made.id, 0, made.patient, made.purpose)
    site.world.clock.at += timedelta(hours=168)
    early = await site.office.make(ORDER, "ana")
    assert early.id != made.id, "before it is closed, too"
    await Overdue(site.office).close()
    task = await site.task(made.id)
    assert (task["status"], task["statusReason"]["text"]) == ("cancelled", NEVER_HANDED_ON)
    assert (await site.office.state(made.id)).status == "expired"
    with pytest.raises(LinkClosed) as closed:
        await Filling(site.office, site.world.client, ()).opened(link)
    assert closed.value.why is Closed.EXPIRED


async def test_a_form_whose_message_went_out_counts_as_handed_on_whatever_its_task_says(site: Site) -> None:
    made = await site.office.make(ORDER, "ana")
    sent = {
        "resourceType": "Communication",
        "id": "sent",
        "identifier": [{"system": "https://credence.health/fhir/sid/call-out", "value": f"form-{made.id}"}],
        "status": "completed",
        "subject": {"reference": "Patient/ann"},
    }
    assert (await site.world.client.send("PUT", "Communication/sent", sent)).ok
    site.world.clock.at += timedelta(hours=200)
    assert await Overdue(site.office).close() == 1
    assert (await site.task(made.id))["status"] == "failed"


async def test_a_form_that_is_sent_in_is_never_overdue(site: Site) -> None:
    made = await site.office.make(ORDER, "ana")
    now = site.world.clock.now()
    await site.office.change(made.id, lambda one: moved(one, DONE, now))
    site.world.clock.at += timedelta(hours=300)
    assert await Overdue(site.office).close() == 0


async def _not_done(client: FhirClient, outcome: str) -> None:
    reason = {"coding": [{"system": OUTCOME, "code": outcome}], "text": outcome}
    made = {"resourceType": "Communication", "id": "c", "status": "not-done", "statusReason": reason}
    assert (await client.send("PUT", "Communication/c", {**made, "subject": {"reference": "Patient/ann"}})).ok


async def test_a_message_that_was_certainly_never_made_is_made_under_the_next_name(site: Site) -> None:
    made = await site.office.make(ORDER, "ana")
    await _not_done(site.world.client, UNMADE)
    site.texts.told = OrderedText("", "", "Communication/c", "not-done", repeated=True)
    assert (await site.office.send(made.id, "ana")).status == "sent"
    assert [one.id for one in site.texts.ordered] == [f"form-{made.id}", f"form-{made.id}.2"]


async def test_a_message_that_did_not_arrive_is_not_sent_again_and_the_form_waits(site: Site) -> None:
    made = await site.office.make(ORDER, "ana")
    await _not_done(site.world.client, "undelivered")
    site.texts.told = OrderedText("", "", "Communication/c", "not-done", repeated=True)
    with pytest.raises(Refusal) as caught:
        await site.office.send(made.id, "ana")
    assert caught.value.problem == "message-not-sent"
    assert (await site.office.state(made.id)).status == "ready" and len(site.texts.ordered) == 1


async def test_what_could_not_be_sent_at_night_goes_out_in_the_morning(site: Site) -> None:
    await site.world.visit("soon", "ann", days=2)
    triggers = Triggers(site.office, timedelta(days=3), False)
    site.texts.refusal = refuse(Category.UNPROCESSABLE, "business-rule", "quiet hours")
    assert await triggers.before() == 1
    [made] = await site.office.list("Patient/ann")
    assert made.status == "ready"
    site.texts.refusal = None
    assert await Triggers(site.office, timedelta(days=3), False).before() == 0, "none is made a second time"
    assert (await site.office.state(made.id)).status == "sent"
    tried = len(site.texts.ordered)
    assert await triggers.before() == 0 and len(site.texts.ordered) == tried
