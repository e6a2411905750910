"""Backend services over real sockets: keys by URL and in the settings, and several workers."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import ForbiddenError
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from adapters.fhir.smart import PrivateKeyJwt, SigningKeys, SmartTokens, TokenSettings
from fhirserver.kernel.json import dumps
from tests.server_process import ServerProcess
from tests.smart.practice import EC, RSA

_SETTINGS = """
[subscriptions]
allow_private = true
allow_http = true

[smart]
access_seconds = 300

[[client]]
id = "published"
source = "ehr"
scopes = "system/Patient.cruds"
jwks_url = "{url}"

[[client]]
id = "inline"
source = "ehr"
scopes = "system/Patient.rs"
jwks_file = "{file}"
"""


class Publisher:
    """A client's JWK Set on a port of its own, which counts how often it is asked."""

    def __init__(self) -> None:
        self.keys: list[Any] = [RSA, EC]
        self.asked = 0
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.asked += 1
                body = dumps({"keys": [key.as_dict(private=False) for key in publisher.keys]})
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/jwks.json"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def publisher() -> Iterator[Publisher]:
    made = Publisher()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, publisher: Publisher) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("smart")
    file = folder / "keys.json"
    file.write_text(json.dumps({"keys": [key.as_dict(private=False) for key in (RSA, EC)]}))
    settings = _SETTINGS.format(url=publisher.url, file=file)
    with ServerProcess(folder, workers=2, settings=settings) as running:
        body = {"resourceType": "Patient", "id": "p1", "name": [{"family": "Okafor"}]}
        put = httpx.put(f"{running.base}/Patient/p1", json=body, headers=running.headers)
        assert put.status_code == 201
        yield running


def token_url(server: ServerProcess) -> str:
    found = httpx.get(f"{server.base}/.well-known/smart-configuration").json()
    assert found["issuer"] == server.base.removesuffix("/fhir")
    return str(found["token_endpoint"])


def assertion(server: ServerProcess, key: Any, client: str = "published", **claims: Any) -> str:
    algorithm = "ES384" if isinstance(key, ECKey) else "RS384"
    stated = {
        "iss": client,
        "sub": client,
        "aud": token_url(server),
        "exp": int(time.time()) + 200,
        "jti": secrets.token_hex(16),
        **claims,
    }
    return jwt.encode({"alg": algorithm, "kid": key.kid}, stated, key, algorithms=[algorithm])


def asked(server: ServerProcess, signed: str, scope: str = "system/Patient.rs") -> httpx.Response:
    form = {
        "grant_type": "client_credentials",
        "scope": scope,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
    }
    return httpx.post(token_url(server), data=form)


def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.05)
    return held


def test_keys_by_url_are_fetched_once_by_each_worker(server: ServerProcess, publisher: Publisher) -> None:
    for _ in range(3):
        for key in (RSA, EC):
            assert asked(server, assertion(server, key)).status_code == 200
    assert 1 <= publisher.asked <= 2
    other: RSAKey = RSAKey.generate_key(2048, {"kid": "rsa-1"})
    assert asked(server, assertion(server, other)).status_code == 401


def test_an_assertion_is_used_once_by_all_workers(server: ServerProcess, publisher: Publisher) -> None:
    signed = assertion(server, EC)
    answers = [asked(server, signed) for _ in range(6)]  # each on a connection of its own
    assert [one.status_code for one in answers].count(200) == 1
    assert {one.json()["error"] for one in answers if one.status_code != 200} == {"invalid_client"}


def test_a_revoked_token_is_refused_by_all_workers(server: ServerProcess, publisher: Publisher) -> None:
    token = asked(server, assertion(server, EC)).json()["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    workers = [httpx.Client(base_url=server.base + "/", headers=bearer) for _ in range(4)]
    try:
        assert all(one.get("Patient/p1").status_code == 200 for one in workers)
        form = {
            "token": token,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion(server, EC),
        }
        revoked = httpx.post(token_url(server).replace("/token", "/revoke"), data=form)
        assert revoked.status_code == 200
        assert eventually(lambda: all(one.get("Patient/p1").status_code == 401 for one in workers))
    finally:
        for one in workers:
            one.close()


def test_keys_survive_a_power_cut_and_tokens_with_them(server: ServerProcess, publisher: Publisher) -> None:
    token = asked(server, assertion(server, EC)).json()["access_token"]
    used = assertion(server, EC)
    assert asked(server, used).status_code == 200
    server.kill()
    server.start()
    bearer = {"authorization": f"Bearer {token}"}
    assert httpx.get(f"{server.base}/Patient/p1", headers=bearer).status_code == 200
    assert asked(server, used).status_code == 401, "what was used stays used"


@pytest.mark.parametrize("client", ["published", "inline"])
@pytest.mark.parametrize("key", [RSA, EC], ids=["RS384", "ES384"])
async def test_a_service_made_with_fhirpy(server: ServerProcess, client: str, key: Any) -> None:
    signed = assertion(server, key, client)
    told = asked(server, signed, "system/Patient.rs system/Observation.rs").json()
    assert told["scope"] == "system/Patient.rs" and "refresh_token" not in told
    again = asked(server, signed)
    assert again.status_code == 401 and again.json()["error"] == "invalid_client", "it was used"
    fhir = AsyncFHIRClient(server.base, authorization=f"Bearer {told['access_token']}")
    assert (await fhir.reference("Patient", "p1").to_resource()).id == "p1"
    assert [one.id for one in await fhir.resources("Patient").search(name="okafor").fetch_all()] == ["p1"]
    for work in (fhir.resources("Observation").fetch(), fhir.resource("Patient", gender="other").save()):
        with pytest.raises(ForbiddenError):
            await work


@pytest.mark.parametrize("kind", ["RS384", "ES384"])
async def test_our_own_client_of_other_ehrs_gets_in(
    server: ServerProcess, publisher: Publisher, kind: str
) -> None:
    """The adapter for FHIR EHRs, which was written against other servers."""
    key: Any = RSA if kind == "RS384" else EC
    keys = SigningKeys(lambda: dumps(key.as_dict(private=True)).decode())
    tokens = SmartTokens(
        TokenSettings(server.base, scope="system/Patient.rs"), PrivateKeyJwt("published", keys)
    )
    try:
        token = await tokens.token()
    finally:
        await tokens.close()
    client = SyncFHIRClient(server.base, authorization=f"Bearer {token}")
    assert [one.id for one in client.resources("Patient").fetch()] == ["p1"]


def test_an_address_inside_is_not_asked_for_keys(tmp_path: Path, publisher: Publisher) -> None:
    """Server-side request forgery: who may register a client may not have us ask our neighbours."""
    settings = _SETTINGS.partition('\n[[client]]\nid = "inline"')[0]
    settings = settings.format(url=publisher.url.replace("http://", "https://"))
    settings = settings.replace("allow_private = true\nallow_http = true\n", "")
    with ServerProcess(tmp_path, settings=settings) as closed:
        before = publisher.asked
        answer = asked(closed, assertion(closed, EC))
        assert answer.status_code == 401 and "may not be" in answer.json()["error_description"]
        assert publisher.asked == before
