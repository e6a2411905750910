"""An OpenID provider as a process of its own: it speaks the real protocol over real sockets, and fails when told to.

::

    with OpenIdProcess() as provider:
        provider.person(sub="u-1", name="Ana Ruiz", groups=["front-desk"])   # who sits at the browser
        provider.fault("wrong_nonce")                                        # until heal()
        ...
        provider.asked()                                                     # the requests, by endpoint

What a fault does is said by `FAULTS`.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from joserfc import jws
from joserfc.jwk import RSAKey

FAULTS = {
    "wrong_nonce": "the ID token answers another request",
    "wrong_aud": "the ID token is for another client",
    "wrong_azp": "the ID token was made for another client, for both",
    "wrong_iss": "the ID token is of another issuer",
    "wrong_response_iss": "the browser comes back with the `iss` of another issuer",
    "wrong_configuration": "the configuration names another issuer",
    "expired": "the ID token has expired",
    "old": "the ID token was made an hour ago",
    "no_sub": "the ID token is about nobody",
    "alg_none": "the ID token is not signed",
    "hmac": "the ID token is signed with the public key as a shared secret",
    "forged": "the ID token is signed by somebody else, with the id of the provider's key",
    "no_id_token": "there is no ID token",
    "slow": "every answer takes `seconds`",
    "down": "every answer is 503",
    "token_down": "only the token endpoint answers 503",
    "denied": "the person is not let in: error=access_denied",
    "garbage": "the token endpoint answers what is not JSON",
}
CLIENT, SECRET = "credence", "the provider's s3cret: 100% / ours"


class OpenIdProcess:
    """The process."""

    def __init__(self, public: bool = False) -> None:
        self.url = ""
        self._public = public
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> OpenIdProcess:
        command = [sys.executable, "-m", "tests.openid_process", *(["--public"] if self._public else [])]
        root = Path(__file__).resolve().parent.parent
        self._process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url.startswith("http"), "the provider did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None and self._process.stdout is not None
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)
        self._process.stdout.close()

    def person(self, **claims: Any) -> None:
        """Who sits at the browser, by the claims about them."""
        self._tell({"person": claims})

    def fault(self, kind: str, **more: Any) -> None:
        assert kind in FAULTS, kind
        self._tell({"fault": kind, **more})

    def rotate(self) -> None:
        """From now on sign with another key, and forget the old one."""
        self._tell({"rotate": True})

    def heal(self) -> None:
        """Neither faults nor memories of requests."""
        self._tell({"heal": True})

    def asked(self) -> list[str]:
        """The paths of the requests since the last `heal`."""
        return list(self._tell({}))

    def _tell(self, words: dict[str, Any]) -> Any:
        request = urllib.request.Request(f"{self.url}/control", json.dumps(words).encode())
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)


class _Provider:
    """The provider inside the process."""

    def __init__(self, url: str, public: bool):
        self.url, self.public = url, public
        self.key = _key()
        self.person: dict[str, Any] = {"sub": "u-1", "name": "Ana Ruiz"}
        self.fault: dict[str, Any] = {"fault": ""}
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}

    def is_faulty(self, kind: str) -> bool:
        return bool(self.fault["fault"] == kind)

    def control(self, words: dict[str, Any]) -> list[str]:
        if "person" in words:
            self.person = words["person"]
        if "fault" in words:
            self.fault = words
        if "rotate" in words:
            self.key = _key()
        if "heal" in words:
            self.fault, self.asked = {"fault": ""}, []
        return self.asked

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": "https://other.example" if self.is_faulty("wrong_configuration") else self.url,
            "authorization_endpoint": f"{self.url}/authorize?tenant=a",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["none" if self.public else "client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def authorize(self, query: dict[str, str]) -> Response:
        """What a person is sent here with, as if they had signed in at once."""
        expected = {
            "response_type": "code",
            "client_id": CLIENT,
            "code_challenge_method": "S256",
            "tenant": "a",
        }
        wrong = [name for name, value in expected.items() if query.get(name) != value]
        wrong += [n for n in ("redirect_uri", "state", "nonce", "code_challenge") if not query.get(n)]
        if wrong or "openid" not in query.get("scope", "").split():
            return HTMLResponse(f"wrong: {', '.join(wrong)}", 400)
        answer = {"state": query["state"], "iss": self.url}
        if self.is_faulty("wrong_response_iss"):
            answer["iss"] = "https://other.example"
        if self.is_faulty("denied"):
            answer["error"] = "access_denied"
        else:
            answer["code"] = secrets.token_urlsafe(16)
            self._codes[answer["code"]] = query
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(answer)}", 302)

    def token(self, form: dict[str, str], authorization: str) -> Response:
        if not self._is_client(form, authorization):
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self._codes.pop(form.get("code", ""), None)
        proof = _text(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or proof != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        if self.is_faulty("garbage"):
            return HTMLResponse("<p>Sorry")
        made = {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 60}
        if not self.is_faulty("no_id_token"):
            made["id_token"] = self._id_token(asked["nonce"])
        return JSONResponse(made)

    def _is_client(self, form: dict[str, str], authorization: str) -> bool:
        if self.public:
            return form.get("client_id") == CLIENT and "client_secret" not in form and not authorization
        scheme, _, text = authorization.partition(" ")
        name, _, secret = (
            base64.b64decode(text).decode().partition(":") if scheme == "Basic" else ("", "", "")
        )
        return (unquote(name), unquote(secret.replace("+", " "))) == (CLIENT, SECRET)

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce, **self.person}
        changes: dict[str, dict[str, Any]] = {
            "wrong_nonce": {"nonce": secrets.token_urlsafe(16)},
            "wrong_aud": {"aud": "another"},
            "wrong_azp": {"aud": [CLIENT, "another"], "azp": "another"},
            "wrong_iss": {"iss": "https://other.example"},
            "expired": {"iat": now - 400, "exp": now - 100},
            "old": {"iat": now - 3600},
            "no_sub": {"sub": ""},
        }
        claims |= changes.get(self.fault["fault"], {})
        return self._signed(json.dumps(claims).encode())

    def _signed(self, payload: bytes) -> str:
        head = {"alg": "RS256", "kid": self.key.thumbprint()}
        if self.is_faulty("alg_none"):
            parts = [json.dumps({**head, "alg": "none"}).encode(), payload]
            return ".".join(_text(part) for part in parts) + "."
        if self.is_faulty("hmac"):
            said = ".".join(_text(part) for part in (json.dumps({**head, "alg": "HS256"}).encode(), payload))
            return f"{said}.{_text(hmac.digest(self.key.as_pem(private=False), said.encode(), 'sha256'))}"
        key = _key() if self.is_faulty("forged") else self.key
        return jws.serialize_compact(head, payload, key)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _key() -> RSAKey:
    return RSAKey.generate_key(2048)


def _application(provider: _Provider) -> FastAPI:
    web = FastAPI()

    @web.middleware("http")
    async def fail(request: Request, go_on: Any) -> Response:
        if request.url.path == "/control":
            return await go_on(request)
        provider.asked.append(request.url.path)
        if provider.is_faulty("slow"):
            await asyncio.sleep(provider.fault["seconds"])
        if provider.is_faulty("down") or (provider.is_faulty("token_down") and request.url.path == "/token"):
            return JSONResponse({"error": "temporarily_unavailable"}, 503)
        return await go_on(request)

    @web.post("/control")
    async def control(request: Request) -> JSONResponse:
        return JSONResponse(provider.control(await request.json()))

    @web.get("/.well-known/openid-configuration")
    async def configuration() -> JSONResponse:
        return JSONResponse(provider.configuration())

    @web.get("/authorize")
    async def authorize(request: Request) -> Response:
        return provider.authorize(dict(request.query_params))

    @web.post("/token")
    async def token(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        return provider.token(form, request.headers.get("authorization", ""))

    @web.get("/jwks")
    async def jwks() -> JSONResponse:
        public = provider.key.as_dict(private=False, kid=provider.key.thumbprint(), use="sig", alg="RS256")
        weak = {"kty": "RSA", "kid": "weak", "n": "AQAB", "e": "AQAB"}
        return JSONResponse({"keys": [{"kty": "odd"}, weak, public]})

    return web


async def _serve(public: bool) -> None:
    import socket

    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    provider = _Provider(url, public)
    config = uvicorn.Config(_application(provider), log_level="error", timeout_graceful_shutdown=1)
    print(url, flush=True)
    await uvicorn.Server(config).serve(sockets=[listening])


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--public", action="store_true", help="the client has no secret")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args().public))


def back_from(address: str) -> dict[str, str]:
    """What a browser comes back with that is sent to this address of the provider."""
    import httpx

    answer = httpx.get(address)
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


if __name__ == "__main__":
    _main()
