"""A patient who has signed in by SMART writes to the practice."""

from __future__ import annotations

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.server_process import ServerProcess
from tests.smart.practice import REDIRECT, add_user
from tests.smart.test_apps import authorized, configuration

pytestmark = pytest.mark.xdist_group("smart")


def token_of(server: ServerProcess, login: str, patient: str) -> str:
    with OAuth2Client(
        "public",
        token_endpoint_auth_method="none",
        redirect_uri=REDIRECT,
        scope="openid fhirUser launch/patient patient/*.rs",
        code_challenge_method="S256",
        timeout=60,
    ) as app:
        told = app.fetch_token(
            configuration(server)["token_endpoint"], **authorized(server, app, login, patient)
        )
        return str(told["access_token"])


def test_a_patient_is_known_by_the_token(server: ServerProcess) -> None:
    base = f"{server.root}/chat/services/default/conversations"
    headers = {"Authorization": f"Bearer {token_of(server, 'pat', 'p1')}"}
    begun = httpx.post(base, headers=headers, timeout=60)
    assert begun.status_code == 201, begun.text
    url = f"{base}/{begun.json()['id']}/messages"

    def say(text: str) -> str:
        answer = httpx.post(url, json={"text": text}, headers=headers, timeout=90).json()
        return " ".join(
            e["text"] for e in answer["events"] if e["kind"] == "message" and e["from"] == "agent"
        )

    # Adaeze is a child: no name and no birth date is asked for, but who speaks for her.
    told = say("I want to know when my appointment is")
    assert "parent or guardian" in told.lower() and "birth" not in told, told
    told = say("yes, I am her mother")
    assert "appointment" in told and "birth" not in told, told


def test_who_is_related_to_a_patient_speaks_for_them_until_that_ends(server: ServerProcess) -> None:
    url = f"{server.base}/RelatedPerson/grandma"
    related = {
        "resourceType": "RelatedPerson",
        "id": "grandma",
        "active": True,
        "patient": {"reference": "Patient/p1"},
        "relationship": [{"text": "grandmother"}],
    }
    assert httpx.put(url, json=related, headers=server.headers).status_code < 300
    add_user(server, "rel", "Ruth Jones", "--fhir-user", "RelatedPerson/grandma")
    base = f"{server.root}/chat/services/default/conversations"
    headers = {"Authorization": f"Bearer {token_of(server, 'rel', 'p1')}"}
    begun = httpx.post(base, headers=headers, timeout=60)
    assert begun.status_code == 201, begun.text
    messages = f"{base}/{begun.json()['id']}/messages"
    answer = httpx.post(messages, json={"text": "When is the appointment?"}, headers=headers, timeout=90)
    told = " ".join(e["text"] for e in answer.json()["events"] if e.get("from") == "agent")
    assert "appointment" in told and "birth" not in told and "guardian" not in told, told
    assert httpx.put(url, json={**related, "active": False}, headers=server.headers).status_code < 300
    refused = httpx.post(messages, json={"text": "hello?"}, headers=headers)
    assert refused.status_code == 403 and "not active" in refused.json()["title"], refused.text


def test_a_doctor_whose_app_shows_a_patient_is_not_that_patient(server: ServerProcess) -> None:
    headers = {"Authorization": f"Bearer {token_of(server, 'dana', 'p2')}"}
    answer = httpx.post(f"{server.root}/chat/services/default/conversations", headers=headers)
    assert answer.status_code == 403 and answer.headers["content-type"] == "application/problem+json"


def test_a_socket_ends_with_the_token(server: ServerProcess) -> None:
    token, other = token_of(server, "pat", "p1"), token_of(server, "pat", "p1")
    base = f"{server.root}/chat/services/default/conversations"
    begun = httpx.post(base, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    address = f"{base}/{begun.json()['id']}/socket".replace("http://", "ws://")

    def revoke(what: str) -> None:
        form = {"token": what, "client_id": "public"}
        assert httpx.post(configuration(server)["revocation_endpoint"], data=form).status_code == 200

    with connect(address, additional_headers={"Authorization": f"Bearer {token}"}) as socket:
        socket.send('{"authorize": "nobody\'s"}')
        while "problem" not in (frame := str(socket.recv(timeout=30))):
            pass
        assert "401" in frame
        socket.send(f'{{"authorize": "{other}"}}')
        socket.send('{"say": {"text": "hello", "key": "m1"}}')
        while '"answered"' not in str(socket.recv(timeout=60)):
            pass
        revoke(other)
        socket.send('{"say": {"text": "are you there?", "key": "m2"}}')
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                socket.recv(timeout=30)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 4401
    events = httpx.get(
        f"{base}/{begun.json()['id']}/events", headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
    assert "are you there?" not in events.text
