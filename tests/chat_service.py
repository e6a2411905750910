"""A chat service on a server, and the backend of the app whose users it serves."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from fhirserver.kernel.json import dumps
from fhirserver.world.configuration import Configured, library
from tests.workspace import Served

ISSUER, AUDIENCE = "https://app.example", "credence"


class ChatService:
    """The service ``clinic``, whose word about patients is believed where ``trusts``; Eve Adams is a patient."""

    def __init__(self, server: Served, id: str = "clinic", trusts: bool = True):
        self.server, self.id = server, id
        self.key, self._foreign = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
        document = {
            "practice": "Lakeside Clinic",
            "origins": ["https://app.example"],
            "users": {
                "issuer": ISSUER,
                "audience": AUDIENCE,
                "jwks": {"keys": [{**self.key.as_dict(private=False), "kid": "k1"}]},
                "trusts_patient": trusts,
            },
        }
        self.put(library(Configured("chat-service", id, "Lakeside chat", document, "active")))
        self.put(
            {
                "resourceType": "Patient",
                "id": "eve",
                "name": [{"family": "Adams", "given": ["Eve"]}],
                "birthDate": "1982-03-03",
            }
        )
        deadline = time.monotonic() + 20
        while self.user("ready").get("").status_code == 404 and time.monotonic() < deadline:
            time.sleep(0.1)

    @property
    def base(self) -> str:
        return f"{self.server.root}/chat/services/{self.id}"

    def put(self, resource: dict[str, Any]) -> None:
        url = f"{self.server.base}/{resource['resourceType']}/{resource['id']}"
        configures = resource["resourceType"] == "Library"
        headers = self.server.headers_of("admin") if configures else self.server.headers
        answer = httpx.put(url, content=dumps(resource), headers=headers)
        assert answer.status_code < 300, answer.text

    def token(self, subject: str, foreign: bool = False, **claims: Any) -> str:
        """What the app's backend gives its user."""
        stated = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "exp": int(time.time()) + 3000} | claims
        key = self._foreign if foreign else self.key
        return jwt.encode({"alg": "ES256", "kid": "k1"}, stated, key, algorithms=["ES256"])

    def unsigned(self, subject: str) -> str:
        parts = [
            {"alg": "none"},
            {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "exp": int(time.time()) + 300},
        ]
        texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
        return f"{texts[0]}.{texts[1]}."

    def user(self, subject: str, **claims: Any) -> ChatUser:
        return ChatUser(self, self.token(subject, **claims))


class ChatUser:
    """One user of the app."""

    def __init__(self, service: ChatService, token: str):
        self.base, self.token = service.base, token
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return httpx.get(f"{self.base}{path}", headers={**self.headers, **(headers or {})}, timeout=60)

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return httpx.post(f"{self.base}{path}", json=body, headers=self.headers, timeout=60)

    def say(self, id: str, text: str, key: str = "", accept: str = "application/json") -> httpx.Response:
        headers = {**self.headers, "Accept": accept} | ({"Idempotency-Key": key} if key else {})
        url = f"{self.base}/conversations/{id}/messages"
        return httpx.post(url, json={"text": text}, headers=headers, timeout=90)

    def attach(self, id: str, content: bytes, type: str, key: str = "") -> httpx.Response:
        headers = {**self.headers, "Content-Type": type} | ({"Idempotency-Key": key} if key else {})
        url = f"{self.base}/conversations/{id}/attachments"
        return httpx.post(url, content=content, headers=headers, timeout=90)
