"""Subscriptions of those who do not see everything: what they may ask for, and that they are told no more than that."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from fhirserver.access.audit.chain import events_of
from fhirserver.access.audit.event import NOTIFICATION, Event
from fhirserver.access.masks import Mask
from fhirserver.access.permissions import Permissions, permissions_of
from fhirserver.access.principals import Principal, token_digest
from fhirserver.access.scopes import parse_scopes
from fhirserver.app.wiring import make_application
from fhirserver.kernel.json import JsonObject
from tests.facade import BASE, SOURCES, Client, Facade, served, settings
from tests.subscriber_process import SubscriberProcess
from tests.subscribing import (
    ON_LOOPBACK,
    criteria_subscription,
    encounter,
    encounter_topic,
    eventually,
    numbers,
    status_of,
    topic_subscription,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

SSN = "http://hl7.org/fhir/sid/us-ssn"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
HIDDEN = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}


def scoped(text: str, patient: str = "") -> Permissions:
    return permissions_of(parse_scopes(text), patient)


EVERYTHING = scoped("user/*.cruds").grants
APPS: dict[str, Permissions] = {
    "ada-app": scoped("patient/*.rs patient/Subscription.cruds", "ada"),
    "ada-wild": scoped("patient/*.cruds", "ada"),
    "labs": scoped(f"user/Observation.rs?category={CATEGORY}|laboratory user/Subscription.cruds"),
    "visits": scoped("user/Encounter.rs user/Subscription.cruds"),
    "reads": scoped("user/*.rs"),
    "clerk": Permissions(EVERYTHING, hidden=frozenset({"R"}), masks=(Mask("Patient", ("identifier",), SSN),)),
}


@dataclass
class World:
    """A server, a client for each app, and a subscriber that is a process of its own."""

    server: Facade
    clients: dict[str, Client]
    subscriber: SubscriberProcess

    def __getattr__(self, name: str) -> Client:
        return self.clients[name.replace("_", "-")]

    def told(self, path: str, kind: str = "event-notification") -> list[JsonObject]:
        """The notifications that were taken at a path."""
        taken = [one for one in self.subscriber.received(path) if one.body and one.status == 200]
        return [one.json for one in taken if status_of(one.json)["type"] == kind]

    def place(self, path: str) -> str:
        return f"{self.subscriber.url}{path}"

    async def followed(self) -> None:
        """Whatever has happened by now is delivered: so is the last of it."""
        await self.server.ehr.put(encounter("mark", "in-progress"))
        before = len(self.told("/marks"))
        await self.server.ehr.put(encounter("mark", "finished"))
        await eventually(lambda: len(self.told("/marks")) > before)
        await asyncio.sleep(0.2)

    async def noted(self) -> list[Event]:
        """The notifications that the audit knows of."""
        recorder: Any = self.server.application._edge.context.audit
        await recorder.flush()
        batches = await self.server.store.storage.trail.read(0, 10_000)
        return [event for batch in batches for event in events_of(batch) if event.what == NOTIFICATION]


@pytest.fixture(scope="module")
def subscriber(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubscriberProcess]:
    with SubscriberProcess(tmp_path_factory.mktemp("subscriber")) as process:
        yield process


@contextlib.asynccontextmanager
async def running(folder: Path, subscriber: SubscriberProcess) -> AsyncIterator[World]:
    plain = replace(settings(folder), subscriptions=ON_LOOPBACK)
    more = tuple(
        (
            token_digest(f"token-{name}"),
            Principal(name, SOURCES["ehr"], frozenset({"read", "write"}), permissions),
        )
        for name, permissions in APPS.items()
    )
    application = make_application(replace(plain, principals=(*plain.principals, *more)))
    async with served(application) as server, contextlib.AsyncExitStack() as stack:
        clients = {}
        for name in APPS:
            headers = {"authorization": f"Bearer token-{name}"}
            http = httpx.AsyncClient(transport=server.transport, base_url=BASE, headers=headers)
            clients[name] = Client(await stack.enter_async_context(http))
        yield World(server, clients, subscriber)


def patient(id: str, **more: Any) -> JsonObject:
    identifier = [{"system": SSN, "value": f"ssn-{id}"}, {"system": "urn:mrn", "value": f"mrn-{id}"}]
    return {"resourceType": "Patient", "id": id, "identifier": identifier, **more}


def observation(id: str, of: str, category: str = "laboratory", **more: Any) -> JsonObject:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        "subject": {"reference": f"Patient/{of}"},
        **more,
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    tmp_path_factory: pytest.TempPathFactory, subscriber: SubscriberProcess
) -> AsyncIterator[World]:
    async with running(tmp_path_factory.mktemp("subscriptions"), subscriber) as world:
        ehr, admin = world.server.ehr, world.server.admin
        for one in (patient("ada"), patient("bob"), patient("p1"), encounter_topic()):
            answer = await (admin if one["resourceType"] == "SubscriptionTopic" else ehr).put(one)
            assert answer.status_code == 201, answer.text
        marks = topic_subscription(world.place("/marks"), filters=("Encounter?patient=Patient/p1",))
        assert (await admin.put({**marks, "id": "marks"})).status_code == 201
        yield world


async def active(client: Client, subscription: JsonObject) -> str:
    """The id of a Subscription that was taken up."""
    answer = await client.post(subscription)
    assert answer.status_code == 201, answer.text
    id = str(answer.json()["id"])

    async def is_active() -> bool:
        return bool((await client.get(f"Subscription/{id}")).json().get("status") == "active")

    await eventually(is_active)
    return id


def by_criteria(world: World, path: str, criteria: str) -> JsonObject:
    return criteria_subscription(world.place(path), criteria, "application/fhir+json")


@pytest.mark.parametrize(
    ("app", "criteria"),
    [
        ("reads", "Observation?code=718-7"),
        ("ada-wild", "Observation?code=718-7"),
        ("ada-app", "Observation?patient=Patient/bob"),
        ("ada-app", "Observation?subject=Patient/bob"),
        ("ada-app", "Patient?_id=bob"),
        ("ada-app", "Observation?code=718-7&patient=Patient/bob,Patient/p1"),
        ("ada-app", "AuditEvent?action=R"),
        ("visits", "Observation?code=718-7"),
        ("visits", "Patient"),
        ("clerk", f"Patient?identifier={SSN}|ssn-ada"),
        ("clerk", f"Observation?patient.identifier={SSN}|ssn-ada"),
        ("clerk", f"Organization?_has:Patient:organization:identifier={SSN}|ssn-ada"),
    ],
)
async def test_what_may_not_be_seen_or_asked_cannot_be_subscribed_to(
    world: World, app: str, criteria: str
) -> None:
    asked = by_criteria(world, "/refused", criteria)
    refused = await world.clients[app].post(asked)
    assert refused.status_code == 403, refused.text
    entry = {"request": {"method": "POST", "url": "Subscription"}, "resource": asked}
    assert (await world.clients[app].transaction(entry)).status_code == 403


async def test_a_topic_of_what_may_not_be_seen_cannot_be_subscribed_to(world: World) -> None:
    other = topic_subscription(world.place("/refused"), filters=("Encounter?patient=Patient/bob",))
    assert (await world.ada_app.post(other)).status_code == 403
    assert (await world.labs.post(topic_subscription(world.place("/refused")))).status_code == 403


async def test_topics_look_at_everything_and_are_not_stated_by_who_may_not(world: World) -> None:
    stated = {**encounter_topic(), "id": "spy", "url": "http://example.org/topics/spy"}
    stated["resourceTrigger"] = [{"resource": "Patient", "fhirPathCriteria": "identifier.exists()"}]
    assert (await world.clerk.put(stated)).status_code == 403
    known = (await world.server.admin.get("Basic/encounter-complete")).json()
    assert (await world.clerk.put(known)).status_code == 403
    assert (await world.clerk("DELETE", "Basic/encounter-complete")).status_code == 403


async def test_an_app_of_one_patient_is_told_of_that_one_and_counts_no_other(world: World) -> None:
    id = await active(world.ada_app, by_criteria(world, "/ada", "Observation?code=718-7"))
    visits = await active(world.ada_app, topic_subscription(world.place("/visits")))
    for number, whose in enumerate(("bob", "ada", "bob", "ada")):
        await world.server.ehr.put(observation(f"o{number}", whose))
        await world.server.ehr.put(encounter(f"v{number}", "finished", whose))
    await world.followed()
    assert [one.path for one in world.subscriber.received("/ada")] == [
        "/ada/Observation/o1",
        "/ada/Observation/o3",
    ]
    assert numbers(world.told("/visits")) == [1, 2], "events of others are none: nor is their number told"
    told = b"".join(one.body for one in world.subscriber.received("/visits"))
    assert b"Patient/bob" not in told and b"Encounter/v1" in told
    for one in (id, visits):
        stands = status_of((await world.ada_app.get(f"Subscription/{one}/$status")).json())
        assert stands["events-since-subscription-start"] == "2"


async def test_a_scope_with_criteria_is_kept_to(world: World) -> None:
    await active(world.labs, by_criteria(world, "/labs", "Observation?code=718-7"))
    await world.server.ehr.put(observation("vital", "bob", "vital-signs"))
    await world.server.ehr.put(observation("lab", "bob"))
    await world.followed()
    assert [one.path for one in world.subscriber.received("/labs")] == ["/labs/Observation/lab"]


async def test_criteria_ask_nothing_of_what_may_not_be_seen(world: World) -> None:
    """Whether somebody has an Observation cannot be found out by subscribing to their visits."""
    asked = "Encounter?_has:Observation:encounter:code=718-7"
    await active(world.visits, by_criteria(world, "/felt", asked))
    await active(world.clerk, by_criteria(world, "/clerk-felt", asked))
    await world.server.ehr.put(encounter("felt", "in-progress", "bob"))
    await world.server.ehr.put(observation("of-visit", "bob", encounter={"reference": "Encounter/felt"}))
    await world.server.ehr.put(encounter("felt", "finished", "bob"))
    await world.followed()
    assert world.subscriber.received("/felt") == []
    assert {one.path for one in world.subscriber.received("/clerk-felt")} == {"/clerk-felt/Encounter/felt"}


async def test_what_is_masked_is_masked_in_what_is_sent(world: World) -> None:
    await active(world.clerk, by_criteria(world, "/masked", "Patient?_id=zoe"))
    await active(
        world.clerk, topic_subscription(world.place("/beside"), filters=("Encounter?patient=Patient/zoe",))
    )
    await world.server.ehr.put(patient("zoe"))
    await world.server.ehr.put(encounter("of-zoe", "finished", "zoe"))
    await world.followed()
    (plain,) = world.subscriber.received("/masked")
    assert [one["value"] for one in plain.json["identifier"]] == ["mrn-zoe"]
    assert plain.json["meta"]["security"][-1]["code"] == "MASKED"
    (beside,) = world.told("/beside")
    assert "mrn-zoe" in str(beside) and "ssn-zoe" not in str(beside)


async def test_it_is_judged_when_it_is_sent(world: World) -> None:
    """What was hidden after it happened is not sent: of a topic's event the number remains."""
    topical = await active(
        world.clerk,
        topic_subscription(world.place("/late/topic"), filters=("Encounter?patient=Patient/ada",)),
    )
    await active(world.clerk, by_criteria(world, "/late/plain", "Encounter?_id=shown,hidden"))
    world.subscriber.fault("status", status=503, path="/late")
    await world.server.ehr.put(encounter("shown", "finished", "ada"))
    await world.server.ehr.put(encounter("hidden", "finished", "ada"))
    await world.server.ehr.put(encounter("hidden", "finished", "ada", meta={"security": [HIDDEN]}))
    await world.followed()
    world.subscriber.heal()
    await eventually(lambda: numbers(world.told("/late/topic")) == [1, 2])
    (told,) = world.told("/late/topic")
    first, second = status_of(told)["events"]
    assert first["focus"]["reference"].endswith("Encounter/shown")
    assert second.keys() == {"events", "event-number", "timestamp"}
    assert "Encounter/hidden" not in str(told)

    async def all_taken() -> bool:
        return all(
            status_of({"entry": [one]}).get("lag-events") == 0
            for one in (await world.clerk.get("Subscription/$status?status=active")).json()["entry"]
        )

    def taken() -> list[str]:
        return [one.path for one in world.subscriber.received("/late/plain") if one.status == 200]

    await eventually(taken)  # one that failed before is not active until then
    await eventually(all_taken)
    assert taken() == ["/late/plain/Encounter/shown"]
    again = (await world.clerk.get(f"Subscription/{topical}/$events?content=full-resource")).json()
    assert "Encounter/hidden" not in str(again) and numbers([again]) == [1, 2]
    whole = (await world.server.admin.get(f"Subscription/{topical}/$events")).json()
    assert "Encounter/hidden" in str(whole), "who asks is told what they may read"


async def test_what_became_another_patients_is_not_sent(world: World) -> None:
    await active(world.ada_app, by_criteria(world, "/moved", "Observation?code=718-7"))
    world.subscriber.fault("status", status=503, path="/moved")
    await world.server.ehr.put(observation("mixed-up", "ada"))
    await world.server.ehr.put(observation("mixed-up", "bob"))
    await world.followed()
    world.subscriber.heal()
    await world.server.ehr.put(observation("right", "ada"))
    await eventually(lambda: [one for one in world.subscriber.received("/moved") if one.status == 200])
    taken = [one.path for one in world.subscriber.received("/moved") if one.status == 200]
    assert taken == ["/moved/Observation/right"]


async def test_only_ones_own_are_there(world: World) -> None:
    own = await active(world.visits, by_criteria(world, "/own", "Encounter?status=planned"))
    subscription = (await world.visits.get(f"Subscription/{own}")).json()
    for client in (world.labs, world.ada_app, world.clerk):
        for path in ("", "/_history", "/_history/1", "/$status", "/$events", "/$get-ws-binding-token"):
            answer = await client.get(f"Subscription/{own}{path}")
            assert answer.status_code == 404, (path, answer.text)
        assert (await client("POST", f"Subscription/{own}/$signing-secret")).status_code == 404
        assert own not in await client.ids("Subscription?_count=1000")
        assert own not in (await client.get("Subscription/$status")).text
        assert own not in (await client.get("Subscription/_history")).text
        assert (await client.put(subscription)).status_code == 403
        assert (await client("DELETE", f"Subscription/{own}")).status_code == 404
        assert (await client("DELETE", "Subscription?criteria=Encounter")).status_code in (204, 404, 412)
        patch = [{"op": "replace", "path": "/channel/endpoint", "value": world.place("/mine")}]
        changed = await client("PATCH", f"Subscription/{own}", patch, media="application/json-patch+json")
        assert changed.status_code in (403, 404)
    assert own in await world.visits.ids("Subscription?_count=1000")
    assert own in (await world.visits.get("Subscription/_history")).text
    assert own in (await world.visits.get("_history?_count=1000")).text
    assert (await world.visits.get(f"Subscription/{own}/_history")).status_code == 200
    assert (await world.visits("POST", f"Subscription/{own}/$signing-secret")).status_code == 200
    assert own in (await world.server.admin.get("Subscription/$status")).text
    assert (await world.visits.put({**subscription, "status": "off"})).status_code == 200
    assert (await world.visits("DELETE", f"Subscription/{own}")).status_code == 204
    assert (await world.visits.get(f"Subscription/{own}")).status_code == 410


async def test_what_is_just_made_is_ones_own_at_once(world: World) -> None:
    for number in range(5):
        made = {**by_criteria(world, "/fresh", "Encounter?status=planned"), "id": f"fresh-{number}"}
        assert (await world.visits.put(made)).status_code == 201
        assert (await world.visits.get(f"Subscription/fresh-{number}")).status_code == 200
        assert f"fresh-{number}" in await world.visits.ids("Subscription?_count=1000")
        assert (await world.visits.get(f"Subscription/fresh-{number}/$status")).status_code == 200
        assert (await world.labs.get(f"Subscription/fresh-{number}")).status_code == 404
        assert (await world.visits("DELETE", f"Subscription/fresh-{number}")).status_code == 204


async def test_each_notification_with_content_is_noted(world: World) -> None:
    place = world.place("/noted")
    ids = await active(world.ada_app, topic_subscription(place, content="id-only"))
    await active(world.ada_app, topic_subscription(world.place("/unsaid"), content="empty"))
    await world.server.ehr.put(encounter("noted", "finished", "ada"))
    await world.followed()
    assert world.told("/noted") and world.told("/unsaid")
    (event,) = [one for one in await world.noted() if one.id == ids]
    assert (event.principal, event.status, event.type) == ("ada-app", 200, "Subscription")
    assert event.shown == (("Encounter", "noted", 1), ("Patient", "ada", 1))
    assert event.details["channel"] == "rest-hook" and event.address == f"{world.subscriber.url}/"
    query = f"AuditEvent?patient=Patient/ada&subtype=disclose&entity=Subscription/{ids}"
    (found,) = (await world.server.officer.get(query)).json()["entry"]
    resource = found["resource"]
    assert resource["meta"]["profile"] == [
        "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PrivacyDisclosure.Source"
    ]
    gives, gets, asks = resource["agent"]
    assert gets["network"] == {"address": f"{world.subscriber.url}/", "type": "5"}
    assert asks["who"]["identifier"] == {"value": "ada-app"} and asks["requestor"]
    assert gives["who"] == resource["source"]["observer"]


async def test_an_attempt_that_may_have_arrived_is_noted_once(world: World) -> None:
    id = await active(world.ada_app, topic_subscription(world.place("/lost"), max_count=1))
    world.subscriber.fault("drop", path="/lost", times=3)
    await world.server.ehr.put(encounter("lost", "finished", "ada"))
    await eventually(lambda: world.told("/lost"))
    async with asyncio.timeout(20):  # it is noted after the answer has come
        while (noted := [one.status for one in await world.noted() if one.id == id]) != [504, 200]:
            assert noted in ([], [504])
            await asyncio.sleep(0.05)
    assert len(world.subscriber.received("/lost")) >= 4
