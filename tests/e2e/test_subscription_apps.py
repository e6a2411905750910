"""Subscriptions of real apps: they work as long as the authorization does, over all its tokens, and no longer."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from fhirserver.app.cli import main
from tests.server_process import ServerProcess
from tests.smart.practice import PASSWORD, REDIRECT
from tests.smart.test_apps import authorized, configuration
from tests.subscriber_process import SubscriberProcess
from tests.subscribing import criteria_subscription, encounter, encounter_topic, status_of, topic_subscription

EC: ECKey = ECKey.generate_key("P-384", {"kid": "ec-1"})
SCOPES = "launch/patient offline_access patient/*.rs patient/Subscription.cruds"
SERVICE = "system/Encounter.rs system/Subscription.cr"
_SETTINGS = """
[subscriptions]
allow_private = true
allow_http = true
attempts = 2

[[client]]
id = "hooks"
name = "Hooks"
source = "ehr"
scopes = "{scopes}"
redirect_uris = ["{redirect}"]
"""


@pytest.fixture(scope="module")
def subscriber(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubscriberProcess]:
    with SubscriberProcess(tmp_path_factory.mktemp("subscriber")) as process:
        yield process


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("hooks")
    with ServerProcess(folder, settings=_SETTINGS.format(scopes=SCOPES, redirect=REDIRECT)) as running:
        for id in ("p1", "p2"):
            put(running, {"resourceType": "Patient", "id": id, "name": [{"family": "Okafor"}]})
        put(running, encounter_topic())
        password = ["--password-file", str(running.secret(PASSWORD, "password"))]
        may = ["--fhir-user", "Practitioner/d1", "--role", "read", "--role", "write", "--source", "ehr"]
        command(running, "users", "add", "dana", "--name", "Dana", *may, *password)
        keys = folder / "keys.json"
        keys.write_text(json.dumps(KeySet([EC]).as_dict(private=False)))
        command(
            running,
            "clients",
            "add",
            "nightly",
            "--source",
            "ehr",
            "--scopes",
            SERVICE,
            "--jwks-file",
            str(keys),
        )
        yield running


def put(server: ServerProcess, resource: dict[str, Any]) -> None:
    place = f"{server.base}/{resource['resourceType']}/{resource['id']}"
    answer = httpx.put(place, json=resource, headers=server.headers)
    assert answer.status_code in (200, 201), answer.text


def command(server: ServerProcess, name: str, *arguments: str) -> None:
    assert main([name, "--config", str(server.config), "--data", str(server.data), *arguments]) == 0


def eventually(holds: Callable[[], Any], seconds: float = 20.0) -> Any:
    until = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < until, "it did not come to be"
        time.sleep(0.05)
    return found


@dataclass
class App:
    """An app that was let in by dana for p1."""

    server: ServerProcess
    client: OAuth2Client
    token: dict[str, Any]

    def __call__(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {
            "authorization": f"Bearer {self.token['access_token']}",
            "content-type": "application/fhir+json",
        }
        return httpx.request(method, f"{self.server.base}/{path}", json=body, headers=headers, timeout=30)

    def subscribed(self, subscription: dict[str, Any]) -> str:
        """The id of a Subscription that is active."""
        made = self("POST", "Subscription", subscription)
        assert made.status_code == 201, made.text
        id = str(made.json()["id"])
        eventually(lambda: self.stands(id)["status"] == "active")
        return id

    def stands(self, id: str) -> dict[str, Any]:
        """The Subscription as who looks after all sees it."""
        found: dict[str, Any] = httpx.get(
            f"{self.server.base}/Subscription/{id}", headers=self.server.headers
        ).json()
        return found

    def refresh(self) -> None:
        old = self.token["refresh_token"]
        self.token = self.client.refresh_token(
            configuration(self.server)["token_endpoint"], refresh_token=old
        )

    def revoke(self) -> None:
        told = configuration(self.server)
        self.client.revoke_token(told["revocation_endpoint"], token=self.token["refresh_token"])


@pytest.fixture
def app(server: ServerProcess) -> Iterator[App]:
    with OAuth2Client(
        "hooks", token_endpoint_auth_method="none", redirect_uri=REDIRECT, scope=SCOPES,
        code_challenge_method="S256", timeout=60,
    ) as client:  # fmt: skip
        code = authorized(server, client, "dana", "p1")
        yield App(server, client, client.fetch_token(configuration(server)["token_endpoint"], **code))


def test_it_works_over_all_tokens_of_an_authorization_and_ends_with_it(
    server: ServerProcess, subscriber: SubscriberProcess, app: App
) -> None:
    asked = criteria_subscription(f"{subscriber.url}/own", "Encounter", "application/fhir+json")
    id = app.subscribed(asked)
    put(server, encounter("v1", "planned", "p1"))
    put(server, encounter("v2", "planned", "p2"))
    eventually(lambda: subscriber.received("/own"))
    app.refresh()
    put(server, encounter("v3", "planned", "p1"))
    eventually(lambda: len(subscriber.received("/own")) == 2)
    assert [one.path for one in subscriber.received("/own")] == ["/own/Encounter/v1", "/own/Encounter/v3"]
    assert app("GET", f"Subscription/{id}/$status").status_code == 200, (
        "with the next token it is the app's still"
    )
    signed = app("POST", f"Subscription/{id}/$signing-secret")
    assert signed.status_code == 200, signed.text

    app.revoke()
    put(server, encounter("v4", "planned", "p1"))
    off = eventually(lambda: (now := app.stands(id))["status"] == "off" and now)
    assert off["error"] == "the authorization that it was made by has ended"
    put(server, encounter("v5", "planned", "p1"))
    time.sleep(0.5)
    assert len(subscriber.received("/own")) == 2
    assert app("GET", f"Subscription/{id}").status_code == 401


def test_it_ends_without_any_event_too_and_another_authorization_does_not_have_it(
    server: ServerProcess, subscriber: SubscriberProcess, app: App
) -> None:
    id = app.subscribed(topic_subscription(f"{subscriber.url}/quiet"))
    before = subscriber.received("/quiet")
    app.revoke()
    eventually(lambda: app.stands(id)["status"] == "off")
    assert len(subscriber.received("/quiet")) == len(before)
    code = authorized(server, app.client, "dana", "p1")
    again = App(server, app.client, app.client.fetch_token(configuration(server)["token_endpoint"], **code))
    assert again("GET", f"Subscription/{id}").status_code == 404
    assert again("PUT", f"Subscription/{id}", {**app.stands(id), "status": "requested"}).status_code == 403


def test_a_socket_is_told_and_closed_with_the_authorization(server: ServerProcess, app: App) -> None:
    asked = topic_subscription("")
    asked["channel"].pop("endpoint")
    asked["channel"]["type"] = "websocket"
    id = app.subscribed(asked)
    told = app("GET", f"Subscription/{id}/$get-ws-binding-token")
    assert told.status_code == 200, told.text
    given = {part["name"]: part for part in told.json()["parameter"]}
    with connect(given["websocket-url"]["valueUrl"], proxy=None) as socket:
        socket.send(f"bind-with-token {given['token']['valueString']}")
        assert status_of(json.loads(socket.recv(20)))["type"] == "handshake"
        put(server, encounter("w2", "finished", "p2"))
        put(server, encounter("w1", "finished", "p1"))
        event = json.loads(socket.recv(20))
        assert status_of(event)["events"][0]["event-number"] == "1"
        assert event["entry"][1]["resource"]["id"] == "w1"
        app.revoke()
        put(server, encounter("w3", "finished", "p1"))
        with pytest.raises(ConnectionClosed):
            socket.recv(20)


def test_it_ends_with_the_user_and_a_services_with_its_registration(
    server: ServerProcess, subscriber: SubscriberProcess, app: App
) -> None:
    """The last of these: nobody is let in by dana any more."""
    url = configuration(server)["token_endpoint"]

    def headers() -> dict[str, str]:
        claims = {"iss": "nightly", "sub": "nightly", "aud": url, "exp": int(time.time()) + 200}
        signed = jwt.encode(
            {"alg": "ES384", "kid": EC.kid},
            {**claims, "jti": secrets.token_hex(16)},
            EC,
            algorithms=["ES384"],
        )
        form = {"grant_type": "client_credentials", "scope": SERVICE, "client_assertion": signed}
        form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        token = httpx.post(url, data=form).json()["access_token"]
        return {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}

    asked = criteria_subscription(f"{subscriber.url}/nightly", "Encounter", "application/fhir+json")
    made = httpx.post(f"{server.base}/Subscription", json=asked, headers=headers())
    assert made.status_code == 201, made.text
    nightly = str(made.json()["id"])
    read = f"{server.base}/Subscription/{nightly}"
    eventually(lambda: httpx.get(read, headers=headers()).json()["status"] == "active")
    by_user = app.subscribed(
        criteria_subscription(f"{subscriber.url}/user", "Encounter", "application/fhir+json")
    )
    put(server, encounter("n1", "planned", "p2"))
    eventually(lambda: subscriber.received("/nightly"))

    command(server, "clients", "remove", "nightly")
    command(server, "users", "disable", "dana")
    put(server, encounter("n2", "planned", "p1"))
    for id, why in (
        (nightly, "the app that made it is not registered"),
        (by_user, "The user who granted this is no"),
    ):
        off = eventually(lambda id=id: (now := app.stands(id))["status"] == "off" and now)
        assert why in off["error"]
    assert [one.path for one in subscriber.received("/nightly")] == ["/nightly/Encounter/n1"]
    assert subscriber.received("/user") == []
    log = (server.directory / "server.log").read_text()
    assert "Okafor" not in log and "whsec_" not in log
