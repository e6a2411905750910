"""A chat service: the document of a ``chat-service`` configuration (:mod:`fhirserver.world.configuration`).

::

    {"greeting": "Hello, this is Lakeside Clinic. How can I help?", "practice": "Lakeside Clinic",
     "agent": "front-desk", "origins": ["https://app.example"], "languages": ["en"],
     "users": {"issuer": "https://app.example", "audience": "credence", "jwks": {"keys": […]},
               "trusts_patient": true}}
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.chats import AppUsers, ChatService

KIND = "chat-service"
DEFAULT = "default"
"""The service that there is without a configuration: for patients who sign in by SMART alone."""
_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9.\-]+|\[[0-9a-f:]+\])(?::\d{1,5})?\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\Z")
_MOST_TEXT, _MOST_LIST, _MOST_KEYS = 500, 50, 50


class InvalidService(ValueError):
    """The document is none of a chat service. ``pointer`` is where (a JSON Pointer)."""

    def __init__(self, pointer: str, problem: str):
        self.pointer, self.problem = pointer, problem
        super().__init__(f"{pointer or '/'}: {problem}")


def chat_service(id: str, title: str, document: JsonObject) -> ChatService:
    """Read a document. Raises :class:`InvalidService`."""
    known = {"greeting", "practice", "agent", "origins", "languages", "smart", "users"}
    _only(document, known, "")
    texts = {name: _text(document, name, "") for name in ("greeting", "practice", "agent")}
    origins = _texts(document, "origins", _ORIGIN.match, "an origin such as https://app.example")
    languages = _texts(document, "languages", _LANGUAGE.match, "a language such as en or es") or ("en",)
    smart = document.get("smart", True)
    if not isinstance(smart, bool):
        raise InvalidService("/smart", "is true or false")
    users = _users(document["users"]) if "users" in document else None
    return ChatService(
        id, title, origins=origins, languages=languages, smart=smart, users=users, document=document, **texts
    )


def _users(told: Any) -> AppUsers:
    if not isinstance(told, dict):
        raise InvalidService("/users", "is an object")
    _only(told, {"issuer", "audience", "jwks", "jwks_url", "trusts_patient"}, "/users")
    issuer, audience = (_text(told, name, "/users") for name in ("issuer", "audience"))
    if not issuer or not audience:
        raise InvalidService("/users", "needs issuer and audience")
    jwks, url = told.get("jwks"), _text(told, "jwks_url", "/users")
    if (jwks is None) == (not url):
        raise InvalidService("/users", "has either jwks or jwks_url")
    if jwks is not None:
        _check_keys(jwks)
    elif not url.startswith("https://"):
        raise InvalidService("/users/jwks_url", "is an address that begins with https://")
    trusts = told.get("trusts_patient", False)
    if not isinstance(trusts, bool):
        raise InvalidService("/users/trusts_patient", "is true or false")
    return AppUsers(issuer, audience, jwks, url, trusts)


def _check_keys(jwks: Any) -> None:
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not 0 < len(keys) <= _MOST_KEYS:
        raise InvalidService("/users/jwks", f"is a JWK Set of 1 to {_MOST_KEYS} keys")
    for i, key in enumerate(keys):
        if not isinstance(key, dict) or key.get("kty") not in ("RSA", "EC", "OKP") or "d" in key:
            raise InvalidService(f"/users/jwks/keys/{i}", "is no public key (RSA, EC or OKP)")


def _only(told: JsonObject, known: set[str], where: str) -> None:
    for name in told:
        if name not in known:
            raise InvalidService(f"{where}/{name}", f"is not known; known: {', '.join(sorted(known))}")


def _text(told: JsonObject, name: str, where: str) -> str:
    value = told.get(name, "")
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise InvalidService(f"{where}/{name}", f"is a text of at most {_MOST_TEXT} characters")
    return value


def _texts(told: JsonObject, name: str, right: Callable[[str], object], what: str) -> tuple[str, ...]:
    values = told.get(name, [])
    if not isinstance(values, list) or len(values) > _MOST_LIST:
        raise InvalidService(f"/{name}", f"is a list of at most {_MOST_LIST} texts")
    for i, value in enumerate(values):
        if not isinstance(value, str) or len(value) > _MOST_TEXT or not right(value):
            raise InvalidService(f"/{name}/{i}", f"is {what}")
    return tuple(values)
