"""Who attacks whom: a server with principals and apps of every kind, two patients and one whose record is a secret.

``ada`` is who most attackers may see. ``bob`` and ``cleo`` are the others: every text, code, identifier and id of
theirs is a mark (``qzbob…``, ``qzcleo…``), so that whatever is told of them can be seen in any answer.
"""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path
from typing import Final

from joserfc.jwk import ECKey, RSAKey

from fhirserver.access.principals import token_digest
from fhirserver.app.commands.init import configuration
from tests.attacks.wire import Wire
from tests.server_process import ServerProcess

ADA: Final = "qzada"
BOB: Final = "qzbob"
CLEO: Final = "qzcleo"
CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
SSN: Final = "http://hl7.org/fhir/sid/us-ssn"
CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
REDIRECT: Final = "https://app.example/cb"
SECRET: Final = "a secret of an app with a server"
PASSWORD: Final = "correct horse battery staple 9"
ALLOWED: Final = "127.0.0.2"
"""The one address inside that the settings open: whoever answers there may send the server elsewhere."""
RSA: RSAKey = RSAKey.generate_key(2048, {"kid": "rsa-1"})
EC: ECKey = ECKey.generate_key("P-384", {"kid": "ec-1"})
OTHERS_KEY: ECKey = ECKey.generate_key("P-384", {"kid": "ec-1"})
"""A key of nobody here, under the same name."""

SECRETS: Final = re.compile(r"qz(?:bob|cleo)[a-z0-9-]*", re.IGNORECASE)
"""Whatever stands in the records of bob and cleo."""


class App:
    """A principal of the settings with scopes."""

    def __init__(
        self,
        *scopes: str,
        patient: str = "",
        roles: tuple[str, ...] = ("read", "write"),
        source: str = "apps",
    ):
        self.scopes, self.patient, self.roles, self.source = scopes, patient, roles, source


APPS: Final[dict[str, App]] = {
    "ada-app": App("patient/*.rs", patient=f"{ADA}-patient"),
    "ada-writes": App("patient/*.cruds", patient=f"{ADA}-patient"),
    "cleo-labs": App(f"patient/Observation.rs?category={CATEGORY}|laboratory", patient=f"{CLEO}-patient"),
    "registry": App("system/Practitioner.rs", "system/Organization.rs", "system/Location.rs"),
    "labs": App(f"system/Observation.cruds?category={CATEGORY}|laboratory"),
    "searcher": App("system/Observation.s"),
    "creator": App("system/Patient.c", "system/Observation.c"),
    "clerk": App(roles=("read",)),
    "cleared": App(roles=("read", "write")),
    "eve": App(roles=("read", "write"), source="apps"),
    "mallory": App(roles=("read", "write"), source="apps"),
    "narrow": App(roles=("read", "write"), source="narrow"),
    "desk": App(roles=("operator",), source="operator"),
    "desk-two": App(roles=("operator",), source="operator"),
}
TOKENS: Final = {name: f"crd_{secrets.token_urlsafe(32)}" for name in APPS}

_SOURCES: Final = """
[[source]]
id = "apps"
kind = "app"
base = 0.9

[[source]]
id = "narrow"
kind = "app"
types = ["Observation"]
maximum = 0.5
base = 0.3

[access]
hidden = ["R"]
cleared = ["write"]
break_glass = ["operator"]

[[mask]]
element = "Patient.identifier"
system = "http://hl7.org/fhir/sid/us-ssn"
shown_to = ["write"]

[[mask]]
element = "Patient.telecom"
shown_to = ["write"]
"""
_PRINCIPAL: Final = """
[[principal]]
name = "{name}"
source = "{source}"
roles = {roles}
token_sha256 = "{digest}"
"""


def principals() -> str:
    """The tables of all apps that come with a token of the settings."""
    tables = [_SOURCES]
    for name, app in APPS.items():
        table = _PRINCIPAL.format(
            name=name, source=app.source, roles=json.dumps(app.roles), digest=token_digest(TOKENS[name])
        )
        if app.scopes:
            table += f"scopes = {json.dumps(app.scopes)}\n"
        if app.patient:
            table += f'patient = "{app.patient}"\n'
        tables.append(table)
    return "".join(tables)


def outside() -> str:
    """The tables by which apps register themselves, and of where the server may be sent."""
    return f"""
[smart]
registration = "open"
registration_source = "apps"

[subscriptions]
allow_http = true
allowed_addresses = ["{ALLOWED}/32"]

[limits]
failed_sign_ins_per_minute = 0
"""


def clients(folder: Path) -> str:
    """The tables of the clients of the authorization server; their keys are put into ``folder``."""
    keys = folder / "keys.json"
    keys.write_text(json.dumps({"keys": [RSA.as_dict(private=False), EC.as_dict(private=False)]}))
    secret, jwks = f'secret_sha256 = "{token_digest(SECRET)}"', f'jwks_file = "{keys}"'
    user = "openid fhirUser launch launch/patient offline_access patient/*.rs user/*.rs"
    return "".join(
        (
            _client("app", user, REDIRECT, "consent = false"),
            _client("asks", user, REDIRECT),
            _client("other", user, "https://other.example/cb", "consent = false"),
            _client("web", user, REDIRECT, "consent = false", secret),
            _client("signed", user, REDIRECT, "consent = false", jwks),
            _client("query", user, "https://app.example/cb?tenant=1", "consent = false"),
            _client("native", user, "com.example.app:/cb", "consent = false"),
            _client("loopback", user, "http://127.0.0.1:9/cb", "consent = false"),
            _client("service", "system/Patient.rs", "", jwks),
            _client("launcher", "system/Patient.rs", "", jwks, "launches = true"),
        )
    )


def _client(id: str, scopes: str, redirect: str, *more: str) -> str:
    lines = [
        "\n[[client]]",
        f'id = "{id}"',
        f'name = "{id.title()}"',
        'source = "apps"',
        f'scopes = "{scopes}"',
        *([f'redirect_uris = ["{redirect}"]'] if redirect else ()),
        *more,
    ]
    return "\n".join(lines) + "\n"


class Attacked(ServerProcess):
    """A server whose settings and tokens are made here: ``credence init`` by itself takes another second."""

    def _initialise(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        text, self.tokens = configuration()
        self.config.touch(0o600)
        self.config.write_text(text.replace("[server]", f"[server]\n{self._server}", 1) + self._settings)


def wire(server: ServerProcess, name: str = "") -> Wire:
    """A connection of a principal of the settings; of nobody without a name."""
    return Wire(server.port, TOKENS.get(name) or (server.tokens[name] if name else ""))
