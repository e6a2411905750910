"""A subscriber learns its secret by an operation, and knows by it who sent a notification."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from tests.facade import patient
from tests.subscriber_process import Received, SubscriberProcess
from tests.subscribing import criteria_subscription, eventually, subscribable


@pytest.fixture
def subscriber(tmp_path):
    with SubscriberProcess(tmp_path / "subscriber") as process:
        yield process


@pytest.fixture
async def server(tmp_path):
    async with subscribable(tmp_path) as server:
        yield server


def is_signed(came: Received, secret: str) -> bool:
    """As a subscriber would check it."""
    fields = dict(field.split("=", 1) for field in came.headers["x-credence-signature"].split(","))
    text = fields["t"].encode() + b"." + came.body
    return hmac.compare_digest(fields["v1"], hmac.new(secret.encode(), text, hashlib.sha256).hexdigest())


async def subscribed(client, endpoint):
    wanted = criteria_subscription(endpoint, "Patient?active=true", "application/fhir+json")
    id = (await client.post(wanted)).json()["id"]

    async def active():
        return (await client.get(f"Subscription/{id}")).json()["status"] == "active"

    await eventually(active)
    return id


async def secret_of(client, id):
    answer = await client("POST", f"Subscription/{id}/$signing-secret")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["parameter"][0]["valueString"]


async def test_what_comes_is_signed_with_what_the_operation_tells(server, subscriber):
    id = await subscribed(server.ehr, f"{subscriber.url}/a")
    secret = await secret_of(server.ehr, id)
    await server.ehr.put(patient("p1", active=True))
    [came] = await eventually(lambda: subscriber.received("/a"))
    assert is_signed(came, secret)
    assert not is_signed(
        came, await secret_of(server.ehr, await subscribed(server.ehr, f"{subscriber.url}/b"))
    )
    assert secret not in (await server.ehr.get(f"Subscription/{id}")).text


@pytest.mark.parametrize("other", ["lab", "admin", "reader"])
async def test_only_the_owner_is_told(server, subscriber, other):
    id = await subscribed(server.ehr, f"{subscriber.url}/a")
    answer = await getattr(server, other)("POST", f"Subscription/{id}/$signing-secret")
    assert answer.status_code == 403


async def test_who_takes_a_subscription_over_has_another_secret(server, subscriber):
    id = await subscribed(server.ehr, f"{subscriber.url}/a")
    before = await secret_of(server.ehr, id)
    taken = criteria_subscription(
        f"{subscriber.url}/mine", "Patient?active=true", "application/fhir+json", id=id
    )
    assert (await server.lab.put(taken)).status_code == 200

    async def owned():
        return (await server.lab("POST", f"Subscription/{id}/$signing-secret")).status_code == 200

    await eventually(owned)
    assert await secret_of(server.lab, id) != before
    assert (await server.ehr("POST", f"Subscription/{id}/$signing-secret")).status_code == 403


async def test_there_is_none_of_what_is_not_there(server):
    assert (await server.ehr("POST", "Subscription/none/$signing-secret")).status_code == 404
    assert (await server.anonymous("POST", "Subscription/none/$signing-secret")).status_code == 401
    assert (await server.ehr("GET", "Subscription/none/$signing-secret")).status_code == 405
