"""People at their browsers, and the apps that they let in: real pages, real tokens."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import io
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from fhirserver.access.smart.assertions import TYPE
from fhirserver.app.commands import users
from fhirserver.kernel.json import dumps
from tests.attacks.trail import Trail
from tests.attacks.wire import Answer, Wire
from tests.attacks.world import EC, PASSWORD, REDIRECT
from tests.server_process import ServerProcess

USERS: Final = {
    "dana": ("--fhir-user", "Practitioner/qzdoc", "--role", "read"),
    "pat": ("--fhir-user", "Patient/qzada-patient"),
    "mal": ("--fhir-user", "Patient/qzbob-patient"),
    "oona": ("--role", "operator"),
    "otto": ("--role", "operator"),
}
"""Who signs in, and what they are."""


def add_users(server: ServerProcess) -> None:
    """What ``credence users add`` does, in this process: five starts of Python would take as many seconds."""
    password = server.directory / "password"
    password.write_text(PASSWORD)
    where = ["--config", str(server.config), "--data", str(server.data)]
    for login, more in USERS.items():
        given = ["add", login, "--name", login.title(), "--password-file", str(password), *more]
        with contextlib.redirect_stdout(io.StringIO()):
            assert users.run([*where, *given]) == 0


def as_bytes(part: str) -> bytes:
    """What a part of a token stands for."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def as_text(value: Any) -> str:
    """A part of a token."""
    raw = value if isinstance(value, bytes) else dumps(value)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def challenge_of(verifier: str) -> str:
    return as_text(hashlib.sha256(verifier.encode()).digest())


def hidden_fields(page: str, action: str) -> dict[str, str]:
    """The fields of the form on a page that posts to ``action``."""
    for where, inside in re.findall(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', page, re.DOTALL):
        if html.unescape(where) == action:
            tags = re.findall(r"<(?:input|button)[^>]*>", inside)
            found = {_attribute(tag, "name"): _attribute(tag, "value") for tag in tags}
            return {name: value for name, value in found.items() if name}
    raise AssertionError(f"no form for {action}: {page[:2000]}")


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return html.unescape(found[1]) if found else ""


def query(location: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(location).query, keep_blank_values=True))


@dataclass
class Person:
    """Somebody who is signed in at the pages for apps."""

    server: ServerProcess
    login: str
    wire: Wire = field(init=False)

    def __post_init__(self) -> None:
        self.wire = Wire(self.server.port)
        fields = hidden_fields(self.wire.get("/auth/sign-in").text, "/auth/sign-in")
        answer = self.wire.form("/auth/sign-in", {**fields, "login": self.login, "password": PASSWORD})
        assert answer.status == 303 and "wrong" not in answer.header("location"), answer

    def request(self, client: str = "app", verifier: str = "v" * 64, **more: str | None) -> dict[str, str]:
        """The parameters of an authorization request; one that is None is left out."""
        given: dict[str, str | None] = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": REDIRECT,
            "scope": "launch/patient patient/*.rs offline_access",
            "state": "st4te",
            "aud": self.server.base,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
            **more,
        }
        return {name: value for name, value in given.items() if value is not None}

    def authorize(self, pairs: Any) -> Answer:
        return self.wire.get(f"/auth/authorize?{urlencode(pairs)}")

    def begun(self, client: str = "app", **more: str | None) -> str:
        """The address of an authorization in progress."""
        answer = self.authorize(self.request(client, **more))
        location = answer.header("location")
        assert location.startswith("/auth/continue?"), answer
        return location

    def code(self, client: str = "app", **more: str | None) -> str:
        """A code, after all pages."""
        answer = self.wire.get(self.begun(client, **more))
        if answer.status == 200:
            fields = hidden_fields(answer.text, "/auth/consent")
            offered = re.findall(r'name="scope"\s+value="([^"]*)"', answer.text)
            answer = self.wire.form("/auth/consent", {**fields, "scope": offered, "decision": "allow"})
        assert answer.status == 303, answer
        return query(answer.header("location"))["code"]

    def redeem(self, code: str, client: str = "app", **more: str | None) -> Answer:
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": client,
            "redirect_uri": REDIRECT,
            "code_verifier": "v" * 64,
            **more,
        }
        return Wire(self.server.port).form("/auth/token", {k: v for k, v in form.items() if v is not None})

    def token(self, client: str = "app", **more: str | None) -> dict[str, Any]:
        """The answer of the token endpoint."""
        answer = self.redeem(self.code(client, **more), client)
        assert answer.status == 200, answer
        told: dict[str, Any] = answer.json()
        return told


def refresh(server: ServerProcess, token: str, client: str = "app", **more: str) -> Answer:
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client, **more}
    return Wire(server.port).form("/auth/token", form)


def reads(server: ServerProcess, token: str, path: str = "Patient/qzada-patient") -> Answer:
    return Wire(server.port, token).get(f"/fhir/{path}")


def assertion(
    server: ServerProcess, client: str = "service", key: Any = EC, header: Any = None, **claims: Any
) -> str:
    """A client assertion; a claim of None is left out."""
    algorithm = "ES384" if isinstance(key, ECKey) else "RS384"
    head = {"alg": algorithm, "kid": key.kid, "typ": "JWT", **(header or {})}
    stated = {
        "iss": client,
        "sub": client,
        "aud": f"{server.root}/auth/token",
        "exp": int(time.time()) + 200,
        "jti": secrets.token_hex(16),
        **claims,
    }
    stated = {name: value for name, value in stated.items() if value is not None}
    return jwt.encode(head, stated, key, algorithms=[head["alg"]])


def as_service(server: ServerProcess, assertion: str, scope: str = "system/Patient.rs") -> Answer:
    form = {
        "grant_type": "client_credentials",
        "scope": scope,
        "client_assertion_type": TYPE,
        "client_assertion": assertion,
    }
    return Wire(server.port).form("/auth/token", form)


def dead(server: ServerProcess, trail: Trail, told: Mapping[str, Any]) -> None:
    """Nothing of a grant opens anything any more."""
    trail.refused(reads(server, told["access_token"]), 401, "login")
    if "refresh_token" in told:
        trail.refused(refresh(server, told["refresh_token"]), 400, "invalid_grant")
