"""What Inferno does as an app, a service and a resource server, over the real pages of a running server.

Its tests are at https://github.com/inferno-framework/smart-app-launch-test-kit (STU 2.2) and
https://github.com/onc-healthit/onc-certification-g10-test-kit; docs/conformance-smart.md says which of them is shown by
which of ours.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from fhirserver.access.principals import token_digest
from tests.server_process import ServerProcess, credence
from tests.smart.test_apps import PASSWORD, REDIRECT, Browser, Keep

ORIGIN = "http://127.0.0.1:9"
"""Of the registered redirect URI."""
LAUNCH = f"{ORIGIN}/launch"
SECRET = "a secret of Inferno's own server"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FULL = "launch/patient openid fhirUser offline_access patient/*.rs"
RSA: RSAKey = RSAKey.generate_key(2048, {"kid": "rsa-1"})
EC: ECKey = ECKey.generate_key("P-384", {"kid": "ec-1"})
APPS = ("public", "secret", "keys")
"""One of each kind of client."""

_REGISTERED = (
    "openid fhirUser profile launch launch/patient launch/encounter offline_access online_access"
    " patient/*.rs user/*.rs"
)
_APP = """
[[client]]
id = "{id}"
name = "Inferno"
source = "ehr"
scopes = "{scopes}"
redirect_uris = ["{redirect}"]
launch_url = "{launch}"
{more}
"""
_SERVICE = """
[[client]]
id = "service"
source = "ehr"
scopes = "system/*.rs"
jwks_file = "{keys}"

[[client]]
id = "resource-server"
source = "ehr"
scopes = "system/Patient.r"
jwks_file = "{keys}"
introspects = true
"""

Json = dict[str, Any]


def settings(folder: Path) -> str:
    """An app of each kind, a service, and a resource server that asks after tokens."""
    keys = folder / "keys.json"
    keys.write_text(json.dumps({"keys": [RSA.as_dict(private=False), EC.as_dict(private=False)]}))
    more = {
        "public": "",
        "secret": f'secret_sha256 = "{token_digest(SECRET)}"',
        "keys": f'jwks_file = "{keys}"',
    }
    apps = (
        _APP.format(id=id, scopes=_REGISTERED, redirect=REDIRECT, launch=LAUNCH, more=more[id]) for id in APPS
    )
    return "".join(apps) + _SERVICE.format(keys=keys)


class Person(Browser):
    """A user who looks at pages."""

    def page(self, url: str, login: str, form: str) -> str:
        """The first page with a form that posts to ``form``, signing in and picking on the way."""
        answer = self._http.get(url)
        for _ in range(10):
            if f'action="{form}"' in answer.text:
                return answer.text
            answer = (
                self._http.get(answer.headers["location"])
                if answer.is_redirect
                else self._fill_in(answer.text, login, "p1")
            )
        raise AssertionError(f"no such page: {self.seen}")

    def take_back(self, url: str, login: str) -> None:
        """End what every app was let have, at the page where apps are listed."""
        page = self.page(url, login, "/auth/apps/revoke")
        token = re.search(r'name="form_token" value="([^"]+)"', page)
        assert token is not None
        for grant in re.findall(r'name="grant" value="([^"]+)"', page):
            self._post("/auth/apps/revoke", {"form_token": token[1], "grant": grant})


def challenge_of(verifier: str) -> str:
    """https://www.rfc-editor.org/rfc/rfc7636#section-4.2"""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


@dataclass(frozen=True)
class Inferno:
    """The tester. ``told`` is the SMART configuration."""

    server: ServerProcess
    told: Json
    people: dict[str, Person] = field(default_factory=dict)
    """Who is signed in, each in a browser of their own."""

    @property
    def fhir(self) -> str:
        return self.server.base

    # authorization

    def asked(self, scope: str, client: str, verifier: str, **more: str) -> dict[str, str]:
        """The parameters of an authorization request."""
        return {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": REDIRECT,
            "scope": scope,
            "state": secrets.token_urlsafe(24),
            "aud": self.fhir,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
            **more,
        }

    def redirected(
        self, asked: dict[str, str], login: str = "dana", method: str = "GET", keep: Keep | None = None
    ) -> dict[str, str]:
        """What the app is told at its redirect URI, after its user has been through the pages."""
        url = self.told["authorization_endpoint"]
        if method == "POST":
            return self.person(login).go(url, login, "p1", asked, keep)
        return self.person(login).go(f"{url}?{urlencode(asked)}", login, "p1", keep=keep)

    def person(self, login: str) -> Person:
        """The user in their browser, where they are signed in from the second time on."""
        return self.people.setdefault(login, Person(self.server))

    def code(
        self, scope: str = FULL, client: str = "secret", login: str = "dana", **more: Any
    ) -> dict[str, str]:
        """A code with the verifier that belongs to it; ``method`` and ``keep`` are the user's, all else is asked."""
        users = {name: more.pop(name) for name in ("method", "keep") if name in more}
        verifier = secrets.token_urlsafe(48)
        asked = self.asked(scope, client, verifier, **more)
        told = self.redirected(asked, login, **users)
        assert told.get("state") == asked["state"] and "error" not in told, told
        return {"code": told["code"], "code_verifier": verifier}

    # tokens

    def credentials(self, client: str, key: Any = EC) -> tuple[dict[str, str], dict[str, str]]:
        """How a client proves who it is: headers and form."""
        if client == "public":
            return {}, {"client_id": client}
        if client == "secret":
            return {"authorization": "Basic " + b64encode(f"{client}:{SECRET}".encode()).decode()}, {}
        return {}, {"client_assertion_type": TYPE, "client_assertion": self.assertion(client, key)}

    def assertion(self, client: str, key: Any = EC, **claims: Any) -> str:
        """A client assertion, with these claims instead of the right ones."""
        algorithm = "ES384" if isinstance(key, ECKey) else "RS384"
        stated = {
            "iss": client,
            "sub": client,
            "aud": self.told["token_endpoint"],
            "exp": int(time.time()) + 200,
            "jti": secrets.token_hex(16),
            **claims,
        }
        return jwt.encode(
            {"alg": algorithm, "kid": key.kid, "typ": "JWT"}, stated, key, algorithms=[algorithm]
        )

    def exchanged(self, code: dict[str, str], client: str = "secret", **more: str) -> httpx.Response:
        """The answer of the token endpoint to a code, asked from the app's own origin."""
        headers, form = self.credentials(client)
        sent = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, **code, **form, **more}
        return self.post(self.told["token_endpoint"], sent, {"origin": ORIGIN, **headers})

    def refreshed(self, token: str, client: str = "secret", **more: str) -> httpx.Response:
        headers, form = self.credentials(client)
        sent = {"grant_type": "refresh_token", "refresh_token": token, **form, **more}
        return self.post(self.told["token_endpoint"], sent, headers)

    def tokens(self, scope: str = FULL, client: str = "secret", login: str = "dana", **more: Any) -> Json:
        """All the way to what the app is told with its access token."""
        answer = self.exchanged(self.code(scope, client, login, **more), client)
        assert answer.status_code == 200, answer.text
        told: Json = answer.json()
        return told

    def service(self, key: Any = EC, **more: str) -> httpx.Response:
        """The answer to a backend service; ``more`` instead of what is right."""
        form = {
            "grant_type": "client_credentials",
            "scope": "system/*.rs",
            "client_assertion_type": TYPE,
            "client_assertion": self.assertion("service", key),
            **more,
        }
        return self.post(self.told["token_endpoint"], form)

    def introspected(self, token: str) -> Json:
        """What a resource server is told of a token, which it asks for with a token of its own."""
        form = {"grant_type": "client_credentials", "scope": "system/Patient.r"}
        own = self.post(
            self.told["token_endpoint"], {**form, **self.credentials("resource-server")[1]}
        ).json()
        bearer = {"authorization": f"Bearer {own['access_token']}"}
        answer = self.post(self.told["introspection_endpoint"], {"token": token}, bearer)
        assert answer.status_code == 200, answer.text
        told: Json = answer.json()
        return told

    # launches

    def launched(self, **context: Any) -> dict[str, str]:
        """What the app's launch URL is opened with, after the EHR has made a launch context."""
        made = httpx.post(
            f"{self.told['issuer']}/auth/launches",
            json={"user": "Practitioner/d1", "client_id": "secret", **context},
            headers={"authorization": f"Bearer {self.server.token}"},
        )
        assert made.status_code == 201, made.text
        opened = urlsplit(made.json()["url"])
        assert opened.geturl().startswith(LAUNCH + "?")
        return {name: values[0] for name, values in parse_qs(opened.query).items()}

    # requests

    def post(self, url: str, form: dict[str, str], headers: dict[str, str] | None = None) -> httpx.Response:
        return httpx.post(
            url, data=form, headers={"accept": "application/json", **(headers or {})}, timeout=60
        )

    def get(self, path: str, token: str = "", **headers: str) -> httpx.Response:
        bearer = {"authorization": f"Bearer {token}"} if token else {}
        url = path if path.startswith("http") else f"{self.fhir}/{path}"
        return httpx.get(url, headers={**bearer, **headers}, timeout=60)


def running(folder: Path) -> Iterator[Inferno]:
    """A server with a practitioner, two patients, a relative of one of them, and a visit."""
    with ServerProcess(folder, settings=settings(folder)) as server:
        for resource in _record():
            url = f"{server.base}/{resource['resourceType']}/{resource['id']}"
            assert httpx.put(url, json=resource, headers=server.headers).status_code == 201
        _add_user(server, "dana", "--fhir-user", "Practitioner/d1", "--role", "read")
        _add_user(server, "pat", "--fhir-user", "Patient/p1")
        _add_user(server, "rel", "--fhir-user", "RelatedPerson/r1", "--patient", "RelatedPerson/r1")
        made = Inferno(server, httpx.get(f"{server.base}/.well-known/smart-configuration").json())
        yield made
        for person in made.people.values():
            person.close()


def _record() -> Iterator[Json]:
    linked = {"link": [{"other": {"reference": "Patient/p1"}, "type": "seealso"}]}
    for id, more in (("p1", {}), ("p2", linked)):
        yield {
            "resourceType": "Patient",
            "id": id,
            "name": [{"family": f"Okafor-{id}"}],
            "gender": "other",
            **more,
        }
    yield {"resourceType": "Practitioner", "id": "d1", "active": True}
    yield {
        "resourceType": "RelatedPerson",
        "id": "r1",
        "active": True,
        "patient": {"reference": "Patient/p1"},
    }
    yield {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": "Patient/p1"},
    }


def _add_user(server: ServerProcess, login: str, *more: str) -> None:
    password = server.directory / "password"
    password.write_text(PASSWORD)
    where = ["--config", str(server.config), "--data", str(server.data)]
    added = credence(
        "users", *where, "add", login, "--name", login.title(), "--password-file", str(password), *more
    )
    assert added.returncode == 0, added.stdout
