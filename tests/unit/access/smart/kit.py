"""An authorization server in memory, with clients of every kind, users, and a clock that is moved by hand."""

from __future__ import annotations

import hmac
import secrets
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from fhirserver.access.permissions import Rights
from fhirserver.access.principals import Principals, token_digest
from fhirserver.access.server_key import ServerKey
from fhirserver.access.smart import assertions
from fhirserver.access.smart.client_keys import Fetched, FetchFailed
from fhirserver.access.smart.clients import BASIC, CODE, CREDENTIALS, KEYS, REFRESH, Client
from fhirserver.access.smart.keys import KeyRing, MemoryKeys
from fhirserver.access.smart.people import SignedIn
from fhirserver.access.smart.pkce import challenge_of
from fhirserver.access.smart.server import AuthorizationServer, authorization_server
from fhirserver.access.smart.settings import Addresses, AuthorizationSettings, Registration
from fhirserver.access.smart.token_principals import TokenPrincipals
from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.storage.memory.access_records import MemoryAccessRecords
from fhirserver.world.sources import Source

ISSUER = "https://ehr.example"
FHIR = f"{ISSUER}/fhir"
TOKEN = f"{ISSUER}/auth/token"
REDIRECT = "https://app.example/cb"
VERIFIER = "v" * 64
BROWSER = "a browser's secret"
SECRET = "a secret of 32 random characters"
SCOPES = (
    "openid fhirUser profile launch launch/patient launch/encounter offline_access online_access"
    " patient/*.cruds user/*.cruds"
)
KEYS_URL = "https://app.example/jwks.json"

RSA: RSAKey = RSAKey.generate_key(2048, {"kid": "rsa-1"})
EC: ECKey = ECKey.generate_key("P-384", {"kid": "ec-1"})

APP = Client("app", "Growth chart", "apps", redirect_uris=(REDIRECT,), scopes=SCOPES)
WEB = replace(APP, id="web", name="Web", method=BASIC, secret_digest=token_digest(SECRET))
SIGNED = replace(
    APP,
    id="signed",
    name="Signed",
    method=KEYS,
    jwks={"keys": [RSA.as_dict(private=False), EC.as_dict(private=False)]},
)
SERVICE = Client(
    "service",
    "Service",
    "apps",
    KEYS,
    frozenset({CREDENTIALS}),
    scopes="system/Patient.rs system/Observation.cruds",
    jwks_uri=KEYS_URL,
)
QUIET = replace(APP, id="quiet", consent=False)
PLAIN = replace(APP, id="plain", grant_types=frozenset({CODE}))
assert REFRESH in APP.grant_types

CLINICIAN = SignedIn(
    "dana", "sub-dana", "e1", "Dana", "Practitioner/d", frozenset({"read", "write"}), session="s1", at=999_000
)
READER = replace(
    CLINICIAN, login="rea", subject="sub-rea", fhir_user="Practitioner/r", roles=frozenset({"read"})
)
PATIENT = SignedIn(
    "pat", "sub-pat", "e1", "Pat", "Patient/p1", patients=frozenset({"p1"}), session="s2", at=999_000
)
PARENT = replace(
    PATIENT, login="par", subject="sub-par", fhir_user="RelatedPerson/x", patients=frozenset({"p1", "p2"})
)


USERS = {user.login: user for user in (CLINICIAN, READER, PATIENT, PARENT)}


@dataclass
class Crowd:
    """Users as the token endpoint asks after them."""

    gone: set[str] = field(default_factory=set)
    changed: dict[str, Rights] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)

    async def rights(self, login: str, epoch: str) -> Rights | None:
        return None if login in self.gone else self.changed.get(login, USERS[login].rights)

    async def is_open(self, session: str) -> bool:
        return session not in self.closed


class Record:
    """Three patients; one encounter of the first."""

    async def has_patient(self, id: str) -> bool:
        return id in ("p1", "p2", "p3")

    async def patient_of_encounter(self, id: str) -> str:
        return {"e1": "p1"}.get(id, "")


@dataclass
class Publisher:
    """Where a client publishes its keys."""

    keys: list[Any] = field(default_factory=lambda: [RSA, EC])
    asked: int = 0
    down: bool = False
    seconds: float | None = None

    async def __call__(self, url: str) -> Fetched:
        self.asked += 1
        if self.down or url != KEYS_URL:
            raise FetchFailed("nobody answers")
        body = dumps({"keys": [key.as_dict(private=False) for key in self.keys]})
        return Fetched(body, self.seconds)

    def objection(self, url: str) -> str | None:
        return None if url.startswith("https://") else "it is not an https URL"


@dataclass
class Moment:
    """Now, in seconds since 1970."""

    seconds: float = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds


class Kit:
    """The server and what is around it. ``records`` may be another server's: both are then processes of one."""

    def __init__(self, registration: Registration | None = None, other: Kit | None = None):
        self.now = other.now if other else Moment()
        self.crowd, self.publisher = other.crowd if other else Crowd(), Publisher()
        self.records = other.records if other else MemoryAccessRecords(self.now)
        self.keys = other.keys if other else MemoryKeys()
        self.server_key = other.server_key if other else ServerKey.random()
        settings = AuthorizationSettings(
            Addresses(ISSUER, FHIR), registration=registration or Registration(), style_url=f"{ISSUER}/style"
        )
        self.server: AuthorizationServer = authorization_server(
            settings,
            self.records,
            KeyRing(self.keys, self.now),
            self.server_key,
            self.crowd,
            Record(),
            (APP, WEB, SIGNED, SERVICE, QUIET, PLAIN),
            self.publisher,
            self.now,
        )
        self.principals = TokenPrincipals(
            Principals(()),
            self.server.tokens,
            self.server.revocations,
            {"apps": Source("apps")},
            {"app": "apps"},
            now=self.now,
        )

    async def begin(
        self, client: str = "app", scope: str = "launch/patient patient/*.rs", **more: str
    ) -> str:
        return await self.server.authorizations.begin(request(client, scope, **more), BROWSER)

    async def code(
        self,
        client: str = "app",
        scope: str = "launch/patient patient/*.rs",
        user: SignedIn = CLINICIAN,
        patient: str = "p1",
        **more: str,
    ) -> str:
        """Go all the way to a code; every offered scope is left."""
        flow = await self.begin(client, scope, **more)
        return query(await self.decided(flow, user, patient))["code"]

    async def decided(self, flow: str, user: SignedIn, patient: str = "p1") -> str:
        """Where the browser is sent in the end."""
        authorizations = self.server.authorizations
        standing = await authorizations.standing(flow, BROWSER, user)
        form = standing.pending.form_token
        if standing.step.value == "patient":
            standing = await authorizations.pick_patient(flow, BROWSER, form, user, patient)
        if standing.step.value == "encounter":
            standing = await authorizations.pick_encounter(flow, BROWSER, form, user, "e1")
        if standing.step.value == "done":
            return (await authorizations.finish(standing)).location
        offered = standing.pending.offered(standing.client, user)
        return (await authorizations.allow(flow, BROWSER, form, user, str(offered).split())).location

    async def redeem(
        self, code: str, client: str = "app", authorization: str = "", **more: str
    ) -> JsonObject:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
            **({} if authorization or "client_assertion" in more else {"client_id": client}),
            **more,
        }
        return (await self.server.endpoint.issue(authorization, {k: v for k, v in form.items() if v})).told

    async def tokens(self, **how: Any) -> JsonObject:
        """The answer of the token endpoint, for a public client."""
        client = how.get("client", "app")
        return await self.redeem(await self.code(**how), client)

    async def refresh(self, token: str, client: str = "app", **more: str) -> JsonObject:
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client, **more}
        return (await self.server.endpoint.issue("", form)).told

    def assertion(
        self, client: str = "service", key: Any = RSA, header: JsonObject | None = None, **claims: Any
    ) -> str:
        """A client assertion; a claim of None is left out."""
        algorithm = "ES384" if isinstance(key, ECKey) else "RS384"
        head = {"alg": algorithm, "kid": key.kid, "typ": "JWT", **(header or {})}
        stated = {
            "iss": client,
            "sub": client,
            "aud": TOKEN,
            "exp": int(self.now()) + 240,
            "jti": secrets.token_urlsafe(16),
            **claims,
        }
        stated = {name: value for name, value in stated.items() if value is not None}
        return jwt.encode(head, stated, key, algorithms=[head["alg"]])

    async def service(self, assertion: str, scope: str = "system/Patient.rs", **more: str) -> JsonObject:
        """What a backend service is told."""
        form = {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": assertions.TYPE,
            "client_assertion": assertion,
            **more,
        }
        return (await self.server.endpoint.issue("", form)).told


def request(
    client: str = "app", scope: str = "launch/patient patient/*.rs", **more: str
) -> list[tuple[str, str]]:
    """The parameters of an authorization request; an empty one is left out."""
    given = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": REDIRECT,
        "scope": scope,
        "state": "st4te",
        "aud": FHIR,
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        **more,
    }
    return [(name, value) for name, value in given.items() if value]


def query(location: str) -> dict[str, str]:
    """The parameters with which a browser comes back to an app."""
    assert location.startswith(f"{REDIRECT}?"), location
    return dict(parse_qsl(urlsplit(location).query))


def basic(id: str, secret: str) -> str:
    return "Basic " + b64encode(f"{id}:{secret}".encode()).decode()


def by_hmac(header: JsonObject, claims: JsonObject, secret: bytes) -> str:
    """A token of these claims, signed with HMAC-SHA-256: what confuses who believes ``alg``, or takes any key."""
    text = ".".join(urlsafe_b64encode(dumps(part)).decode().rstrip("=") for part in (header, claims))
    mac = hmac.digest(secret, text.encode(), "sha256")
    return f"{text}.{urlsafe_b64encode(mac).decode().rstrip('=')}"
