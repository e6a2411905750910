"""The simulated EHR's authorization server: SMART backend services, client secrets, and tokens that expire.

https://hl7.org/fhir/smart-app-launch/backend-services.html
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from adapters.simulator.answers import Answer, plain
from adapters.simulator.call import Call
from fhirserver.kernel.json import JsonObject, dumps, loads

ALGORITHMS = ["ES384", "RS384"]
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MOST_LIFE = 300.0
_LEEWAY = 5.0


class InvalidClient(ValueError):
    """The registration of a client is wrong; the message names the member."""


class Refused(Exception):
    """An error of RFC 6749. https://www.rfc-editor.org/rfc/rfc6749#section-5.2"""

    def __init__(self, error: str, text: str, status: int = 400):
        self.error, self.text, self.status = error, text, status
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client: with its public keys, where they are published, or a secret."""

    id: str
    keys: JsonObject | None = None
    keys_at: str = ""
    secret: str = ""


class Authority:
    """Knows the clients, and the tokens it gave them."""

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}
        self._tokens: dict[str, float] = {}
        self._used: dict[str, float] = {}
        self.issued = 0

    def register(self, settings: JsonObject) -> None:
        """A client by ``client_id`` with ``jwks``, ``jwks_uri`` or ``secret``; replaces the one of that id."""
        id = settings.get("client_id")
        if not isinstance(id, str) or not id:
            raise InvalidClient("client_id is needed")
        client = Client(id, settings.get("jwks"), settings.get("jwks_uri", ""), settings.get("secret", ""))
        if not (client.keys or client.keys_at or client.secret):
            raise InvalidClient("jwks, jwks_uri or secret is needed")
        self._clients[id] = client

    def expire_tokens(self) -> None:
        """Let every token that was given end now."""
        self._tokens.clear()

    def accepts(self, token: str) -> bool:
        return self._tokens.get(token, 0.0) > time.monotonic()

    def configuration(self, call: Call) -> Answer:
        """https://hl7.org/fhir/smart-app-launch/conformance.html"""
        methods = ["private_key_jwt", "client_secret_basic", "client_secret_post"]
        return plain(
            {
                "token_endpoint": f"{call.root}/oauth/token",
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": methods,
                "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
                "scopes_supported": ["system/*.cruds"],
                "capabilities": ["client-confidential-asymmetric", "permission-v2"],
            }
        )

    async def token(self, call: Call, seconds: float, now: float) -> Answer:
        """A token, or the error. ``now`` is this EHR's clock, in seconds since 1970."""
        form = dict(parse_qsl(call.body.decode("utf-8", "replace")))
        try:
            if form.get("grant_type") != "client_credentials":
                raise Refused("unsupported_grant_type", "grant_type is client_credentials")
            if not form.get("scope"):
                raise Refused("invalid_scope", "scope is needed")
            await self._authenticate(call, form, now)
        except Refused as refused:
            body = dumps({"error": refused.error, "error_description": refused.text})
            return Answer(refused.status, body, media_type="application/json")
        token = secrets.token_urlsafe(24)
        self._tokens[token] = time.monotonic() + seconds
        self.issued += 1
        given = {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": int(seconds),
            "scope": form["scope"],
        }
        return plain(given)

    async def _authenticate(self, call: Call, form: dict[str, str], now: float) -> None:
        if "client_assertion" in form:
            if form.get("client_assertion_type") != ASSERTION:
                raise Refused("invalid_request", "client_assertion_type is wrong")
            await self._assertion(form["client_assertion"], f"{call.root}/oauth/token", now)
            return
        id, secret = _basic(call) or (form.get("client_id", ""), form.get("client_secret", ""))
        client = self._clients.get(id)
        if (
            client is None
            or not client.secret
            or not hmac.compare_digest(client.secret.encode(), secret.encode())
        ):
            raise Refused("invalid_client", "the client is not known", 401)

    async def _assertion(self, text: str, audience: str, now: float) -> None:
        """https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html#signature-verification"""
        from joserfc import jws, jwt  # half of what this process imports, and few clients bring assertions
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        try:
            stated = jws.extract_compact(text.encode())
            header: dict[str, Any] = dict(stated.headers())
            client = self._client(jwt_issuer(stated.payload))
            keys = await self._keys(client, header)
            claims = jwt.decode(text, KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims
        except (JoseError, ValueError, KeyError) as error:
            raise Refused(
                "invalid_client", f"the assertion is not valid: {type(error).__name__}", 401
            ) from None
        self._check(claims, client, audience, now)

    def _client(self, id: str) -> Client:
        client = self._clients.get(id)
        if client is None:
            raise Refused("invalid_client", "the client is not known", 401)
        return client

    async def _keys(self, client: Client, header: dict[str, Any]) -> Any:
        """The client's public keys of the assertion's ``kid``."""
        keys = client.keys
        if client.keys_at:
            if header.get("jku") not in (None, client.keys_at):
                raise Refused("invalid_client", "jku is not the registered address", 401)
            import httpx

            async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
                keys = (await http.get(client.keys_at)).json()
        fitting = [key for key in (keys or {}).get("keys", []) if key.get("kid") == header.get("kid")]
        if not fitting:
            raise Refused("invalid_client", "no key has that kid", 401)
        return {"keys": fitting}

    def _check(self, claims: dict[str, Any], client: Client, audience: str, now: float) -> None:
        wrong = [
            name
            for name, right in (
                ("iss", claims.get("iss") == client.id),
                ("sub", claims.get("sub") == client.id),
                ("aud", claims.get("aud") == audience),
                ("exp", now < float(claims.get("exp", 0)) <= now + MOST_LIFE + _LEEWAY),
                ("iat", float(claims.get("iat", now)) <= now + _LEEWAY),
                ("jti", bool(claims.get("jti")) and claims["jti"] not in self._used),
            )
            if not right
        ]
        if wrong:
            raise Refused("invalid_client", f"of the assertion these are wrong: {', '.join(wrong)}", 401)
        self._used = {jti: until for jti, until in self._used.items() if until > now}
        self._used[claims["jti"]] = float(claims["exp"])


def jwt_issuer(payload: bytes) -> str:
    """Who says to have made it; not believed before the signature is verified."""
    claims = loads(payload)
    return str(claims.get("iss", "")) if isinstance(claims, dict) else ""


def _basic(call: Call) -> tuple[str, str] | None:
    scheme, _, packed = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        id, _, secret = base64.b64decode(packed).decode().partition(":")
    except ValueError:
        return None
    return unquote(id), unquote(secret)
