"""What an authorization server is set to."""

from __future__ import annotations

from dataclasses import dataclass, field

from fhirserver.kernel.json import JsonObject

CLOSED, WITH_TOKEN, OPEN = "closed", "token", "open"
REGISTRATION = (CLOSED, WITH_TOKEN, OPEN)
_SCOPES = (
    "openid fhirUser profile launch launch/patient launch/encounter"
    " offline_access online_access patient/*.rs user/*.rs"
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the server is reached. ``issuer`` is compared character by character; ``fhir`` is the FHIR base, and the
    audience of access tokens. Both without a trailing slash."""

    issuer: str
    fhir: str

    @property
    def token(self) -> str:
        """The token endpoint, and the audience of client assertions."""
        return f"{self.issuer}/auth/token"


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """In seconds. ``refresh_idle``: after how long without use a refresh token ends; ``offline``: after how long a
    grant with offline access ends all the same; 0: never.

    US certification asks for refresh tokens that hold for three months: no three are longer than 92 days."""

    access: int = 600
    code: int = 60
    launch: int = 300
    pending: int = 900
    refresh_idle: int = 92 * 86400
    offline: int = 0


@dataclass(frozen=True, slots=True)
class Registration:
    """Who may register an app by :rfc:`7591`: nobody (``closed``), who has an initial access token (``token``), all
    (``open``). ``tokens`` are digests. Apps that come this way speak as ``source``, and ask for ``scopes`` at most."""

    mode: str = CLOSED
    tokens: frozenset[str] = frozenset()
    source: str = ""
    scopes: str = _SCOPES


@dataclass(frozen=True, slots=True)
class AuthorizationSettings:
    """All of it. ``brands`` is a user-access brand Bundle, ``brand`` the identifier of the one that is ours in it."""

    addresses: Addresses
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    registration: Registration = field(default_factory=Registration)
    style_url: str = ""
    brands: JsonObject | None = None
    brand: JsonObject | None = None
    management_url: str = ""
