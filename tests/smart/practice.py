"""One server for all apps: a practice with two patients, people who sign in, and clients of every kind.

An app with pages is a process of its own (``node``), made with fhirclient; browsers are headless Chromium. Its host
is ``localhost`` and the server's ``127.0.0.1``, so that they are different sites to a browser, as in the world.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, RSAKey

from fhirserver.access.principals import token_digest
from tests.npm_packages import NODE, installed
from tests.server_process import ServerProcess, credence

REDIRECT = "http://127.0.0.1:9/cb"
"""Of the apps without pages: their test is their browser."""
SECRET = "a secret of an app with a server"
PASSWORD = "correct horse battery staple 9"
RSA: RSAKey = RSAKey.generate_key(2048, {"kid": "rsa-1"})
EC: ECKey = ECKey.generate_key("P-384", {"kid": "ec-1"})
FAMILY = "Okafor"
_NODE = Path(__file__).with_name("node")
_PACKAGES = Path(__file__).parents[1] / "e2e" / "node"
_SCOPES = "openid fhirUser launch launch/patient offline_access patient/*.rs"
PAGED_SCOPES = (
    "openid fhirUser profile launch launch/patient launch/encounter offline_access online_access"
    " patient/Patient.rs patient/Observation.rs patient/Encounter.rs user/Practitioner.r"
)
_ACCESS = """
[access]
hidden = ["R"]
cleared = ["write"]
break_glass = ["read"]
"""
_CLIENT = """
[[client]]
id = "{id}"
name = "{name}"
source = "ehr"
scopes = "{scopes}"
redirect_uris = ["{redirect}"]
{more}
"""


def _client(
    id: str, more: str = "", name: str = "Growth chart", redirect: str = REDIRECT, scopes: str = _SCOPES
) -> str:
    return _CLIENT.format(id=id, name=name, more=more, redirect=redirect, scopes=scopes)


def settings(folder: Path, app: str) -> str:
    """The tables of the configuration; ``app``: the address of the app with pages, or empty where there is none."""
    keys = folder / "keys.json"
    keys.write_text(json.dumps({"keys": [RSA.as_dict(private=False), EC.as_dict(private=False)]}))
    with_secret = f'secret_sha256 = "{token_digest(SECRET)}"\n'
    paged = [
        _client("chart", f'launch_url = "{app}/launch"', "Height and weight", f"{app}/", PAGED_SCOPES),
        _client(
            "portal",
            f'{with_secret}launch_url = "{app}/portal/launch"',
            "Patient portal",
            f"{app}/portal/back",
            PAGED_SCOPES,
        ),
    ]
    others = [_client("public"), _client("secret", with_secret), _client("keys", f'jwks_file = "{keys}"')]
    return _ACCESS + "".join([*others, *(paged if app else ())])


def command(server: ServerProcess, *words: str) -> str:
    """What ``credence`` prints for this server."""
    where = ["--config", str(server.config), "--data", str(server.data)]
    done = credence(words[0], *where, *words[1:])
    assert done.returncode == 0, done.stdout
    return done.stdout


def add_user(server: ServerProcess, login: str, name: str, *more: str) -> None:
    password = server.directory / "password"
    password.write_text(PASSWORD)
    command(server, "users", "add", login, "--name", name, "--password-file", str(password), *more)


def _observation(
    id: str, patient: str, what: str, value: float, unit: str, on: str, **more: Any
) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"text": what},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": on,
        "valueQuantity": {"value": value, "unit": unit},
        **more,
    }


def records() -> Iterator[dict[str, Any]]:
    """What the EHR says."""
    for id, given, born in (("p1", "Adaeze", "2019-04-01"), ("p2", "Benedict", "2021-11-30")):
        name = [{"family": FAMILY, "given": [given]}]
        yield {"resourceType": "Patient", "id": id, "name": name, "gender": "other", "birthDate": born}
    yield {"resourceType": "Practitioner", "id": "d1", "name": [{"family": "Grey"}]}
    yield _observation("h1", "p1", "Body height", 104, "cm", "2025-03-02")
    yield _observation("w1", "p1", "Body weight", 16.5, "kg", "2025-03-02T09:00:00Z")
    yield _observation("w2", "p1", "Body weight", 18, "kg", "2026-03-05")
    yield _observation("w3", "p2", "Body weight", 14, "kg", "2026-03-05")
    restricted = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    yield _observation("r1", "p1", "Alcohol", 0.2, "g/L", "2026-03-06", meta={"security": [restricted]})
    yield {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"code": "AMB"},
        "type": [{"text": "Check-up"}],
        "subject": {"reference": "Patient/p1"},
        "period": {"start": "2026-03-05T09:00:00Z", "end": "2026-03-05T09:30:00Z"},
    }


@contextmanager
def app_process(folder: Path) -> Iterator[str]:
    """The app with pages; its address. Skips the test where there is no node, or no registry of npm."""
    packages = installed(_PACKAGES)
    assert NODE is not None
    for script in _NODE.glob("*.mjs"):
        shutil.copy(script, packages)
    library = packages / "node_modules" / "fhirclient" / "build" / "fhir-client.min.js"
    words = [NODE, "app.mjs", str(library), SECRET]
    with (
        (folder / "app.log").open("wb") as log,
        subprocess.Popen(words, cwd=packages, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()
