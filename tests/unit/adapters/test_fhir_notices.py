"""Notifications: who is heard, and what they name. Also our Subscriptions at the EHR."""

import json
import os
from pathlib import Path

import httpx
import pytest

from adapters.fhir.hearing import heard
from adapters.fhir.notices import InvalidNotice, read_notice
from adapters.fhir.subscribing import Wanted
from adapters.simulator.notifier import TOPIC
from fhirserver.ports.ehr import NotHeard, Permanent
from tests.unit.adapters.in_process import adapter, client, ehr_app, tiny_bundles

SECRET = "correct-horse-battery"
RIGHT = {"authorization": f"Bearer {SECRET}"}
CORPUS = Path(os.environ.get("CORPUS") or Path(__file__).parents[4] / "shared" / "corpus") / "subscriptions"


def test_the_empty_post_of_r4_names_nothing():
    assert heard(SECRET, False, "POST", "", RIGHT, b"") == ()


def test_a_resource_that_is_sent_is_only_named():
    body = json.dumps({"resourceType": "Patient", "id": "p1", "birthDate": "1999-01-01"}).encode()
    assert heard(SECRET, False, "PUT", "Patient/p1", RIGHT, body) == (("Patient", "p1"),)
    assert heard(SECRET, False, "POST", "", RIGHT, body) == (("Patient", "p1"),)
    assert heard(SECRET, False, "DELETE", "Patient/p1", RIGHT, b"") == (("Patient", "p1"),)


def test_a_secret_in_the_path_is_taken_where_it_was_agreed():
    assert heard(SECRET, True, "PUT", f"{SECRET}/Patient/p1", {}, b"{}") == (("Patient", "p1"),)
    for in_path, path in ((False, SECRET), (True, ""), (True, f"x/{SECRET}"), (True, f"{SECRET}x")):
        with pytest.raises(NotHeard) as refused:
            heard(SECRET, in_path, "POST", path, {}, b"")
        assert refused.value.status == 401


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": SECRET}, {"authorization": "Bearer é"}, {"authorization": "Basic x"}]
)
def test_nobody_else_is_heard(headers):
    with pytest.raises(NotHeard) as refused:
        heard(SECRET, False, "POST", "", headers, b"")
    assert refused.value.status == 401


def test_without_a_secret_nothing_is_heard():
    with pytest.raises(NotHeard) as refused:
        heard("", False, "POST", "", {"authorization": "Bearer "}, b"")
    assert refused.value.status == 404


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense",
        b"[]",
        b"{}",
        b'{"resourceType":"Bundle"}',
        b'{"resourceType":"Bundle","entry":[{}]}',
        b"[" * 9000,
    ],
)
def test_what_is_no_notification_is_refused(body):
    with pytest.raises(InvalidNotice):
        read_notice("POST", "", body)
    with pytest.raises(NotHeard) as refused:
        heard(SECRET, False, "POST", "", RIGHT, body)
    assert refused.value.status == 400


EXAMPLES = {
    "id_only_notification_bundle_example.json": ("event-notification", {"Encounter"}),
    "full_resource_notification_bundle_example.json": ("event-notification", {"Encounter"}),
    "empty_notification_bundle_example.json": ("event-notification", set()),
    "handshake_bundle_example.json": ("handshake", set()),
    "heartbeat_bundle_example.json": ("heartbeat", set()),
}


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.skipif(not CORPUS.exists(), reason="no corpus here")
def test_the_examples_of_the_backport_are_understood(name):
    kind, types = EXAMPLES[name]
    notice = read_notice("POST", "", (CORPUS / name).read_bytes())
    assert notice.kind == kind and {type for type, _ in notice.references} >= types
    assert notice.subscription and (notice.number is None or notice.number >= 0)
    if not types:
        assert notice.references == ()


@pytest.fixture
async def app(tmp_path):
    app = ehr_app(bundles=tiny_bundles(tmp_path / "bundles"))
    yield app
    await app.settle()
    app.close()


async def subscriptions(app):
    async with client(app) as http:
        return [entry["resource"] for entry in (await http.get("Subscription")).json().get("entry", [])]


async def test_what_a_notification_named_is_read_first_and_as_the_ehr_has_it(app):
    ehr = adapter(app, types=("Organization", "Patient"))
    async for page in ehr.pull():
        cursor = page.cursor
    async with client(app) as http:
        made = (await http.post("Patient", json={"resourceType": "Patient", "gender": "other"})).json()
        gone = (await http.post("Patient", json={"resourceType": "Patient"})).json()
        await http.delete(f"Patient/{gone['id']}")
    for type, id in (("Patient", made["id"]), ("Patient", gone["id"]), ("Patient", "never"), ("Basic", "x")):
        ehr.name(type, id)
    page = await anext(ehr.pull(cursor))
    assert [(r.id, r.deleted) for r in page.records] == [(made["id"], False), (gone["id"], True)]
    assert page.records[0].content["gender"] == "other" and page.cursor == cursor, "the cursor stays"
    await ehr.close()


@pytest.mark.parametrize("topics", [(), (TOPIC,)], ids=["criteria", "topic"])
async def test_our_subscriptions_are_made_once_and_mended(app, topics):
    app.habits.change({"subscriptions": "topic" if topics else "criteria"})
    ehr = adapter(app, types=("Patient", "Slot"))
    wanted = Wanted("http://credence.test/notify/clinic", SECRET, topics=topics)
    number = 1 if topics else 2
    for _ in range(3):
        assert await ehr.keep_subscriptions(wanted) == number
    made = await subscriptions(app)
    assert len(made) == number and {each["channel"]["endpoint"] for each in made} == {wanted.endpoint}
    for each in made:
        app.records.put({**each, "status": "off"}, each["id"])
    app.records.put({**made[0], "status": "active"}, "twin")
    await ehr.keep_subscriptions(wanted)
    mended = await subscriptions(app)
    assert len(mended) == number and not [each for each in mended if each["status"] == "off"]
    await ehr.close()


async def test_a_new_secret_reaches_the_ehr(app):
    app.habits.change({"subscriptions": "criteria"})
    ehr = adapter(app, types=("Patient",))
    await ehr.keep_subscriptions(Wanted("http://credence.test/notify/clinic", SECRET))
    await ehr.keep_subscriptions(Wanted("http://credence.test/notify/clinic", "another-secret-of-ours"))
    (made,) = await subscriptions(app)
    assert made["channel"]["header"] == ["Authorization: Bearer another-secret-of-ours"]
    in_path = Wanted("http://credence.test/notify/clinic", SECRET, in_path=True)
    await ehr.keep_subscriptions(in_path)
    assert {each["channel"]["endpoint"] for each in await subscriptions(app)} == {
        in_path.endpoint,
        in_path.address,
    }
    await ehr.close()


async def test_an_ehr_without_subscriptions_says_so(app):
    ehr = adapter(app, types=("Patient",))
    with pytest.raises(Permanent):
        await ehr.keep_subscriptions(Wanted("http://credence.test/notify/clinic", SECRET))
    await ehr.close()


def test_the_secret_is_in_no_repr():
    assert SECRET not in repr(Wanted("http://credence.test/notify/clinic", SECRET))


async def test_an_ehr_that_refuses_one_type_has_the_others():
    made = []

    def handle(request):
        if request.method == "POST":
            body = json.loads(request.content)
            if body["criteria"] == "Slot?":
                return httpx.Response(422)
            made.append(body)
            return httpx.Response(201, json={**body, "id": "1"})
        return httpx.Response(200, json={"resourceType": "Bundle"})

    ehr = adapter(None, httpx.MockTransport(handle), types=("Patient", "Slot"))
    assert await ehr.keep_subscriptions(Wanted("http://credence.test/notify/clinic", SECRET)) == 1
    assert [each["criteria"] for each in made] == ["Patient?"]
    await ehr.close()
