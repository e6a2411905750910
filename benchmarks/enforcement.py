"""What enforcement costs: the same requests by a principal without permissions and by others, in turn, on one server.

``an app`` is a backend service with an access token (its signature is verified once, then it is known) and
``system/*.cruds``; ``one patient's app`` has ``patient/*.rs``, so that every query is narrowed to the compartment of
the patient whom all its requests are about. Ratios are to the principal that asks the same without permissions.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from rich.console import Console
from rich.table import Table

from benchmarks.dataset import IDENTIFIER, Person, people
from benchmarks.load import Loaded, LoadFailed
from benchmarks.measure import Figures, measure
from benchmarks.operations import Operation, create_observation, read, search_observation, search_patient
from benchmarks.server import Target
from benchmarks.wire import Address
from fhirserver.access.principals import token_digest
from fhirserver.kernel.json import dumps

CONNECTIONS = 16
ROUNDS = 12
"""Of each measurement, in turn: neighbours in time meet the same machine, and a disturbance is in few of them."""
APP = "an app"
PATIENT = "one patient's app"
_PATIENT_ID = "bench-patient"
_CLIENT = "bench-app"
_SETTINGS = """
[[client]]
id = "{client}"
source = "ehr"
scopes = "system/*.cruds"
jwks_file = "{jwks}"

[[principal]]
name = "bench-patient-app"
source = "ehr"
roles = ["read"]
token_sha256 = "{digest}"
scopes = ["patient/*.rs"]
patient = "{patient}"
"""


@dataclass(frozen=True, slots=True)
class Callers:
    """Who asks beside the principal without permissions."""

    key: ECKey
    patient_token: str

    @classmethod
    def fresh(cls) -> Callers:
        return cls(ECKey.generate_key("P-384", {"kid": "bench"}), secrets.token_urlsafe(32))

    def settings(self, folder: Path) -> str:
        """The tables of the configuration; the app's public key goes into ``folder``."""
        jwks = folder / "bench-app.json"
        jwks.write_bytes(dumps(KeySet([self.key]).as_dict(private=False)))
        return _SETTINGS.format(
            client=_CLIENT, jwks=jwks, digest=token_digest(self.patient_token), patient=_PATIENT_ID
        )

    def access_token(self, address: Address) -> str:
        """One of the client credentials grant. Raises :class:`LoadFailed`."""
        base = f"http://{address.host}:{address.port}"
        known = httpx.get(f"{base}{address.path}/.well-known/smart-configuration").json()
        url = str(known["token_endpoint"])
        claims = {
            "iss": _CLIENT,
            "sub": _CLIENT,
            "aud": url,
            "exp": int(time.time()) + 240,
            "jti": secrets.token_hex(16),
        }
        signed = jwt.encode({"alg": "ES384", "kid": "bench"}, claims, self.key, algorithms=["ES384"])
        form = {
            "grant_type": "client_credentials",
            "scope": "system/*.cruds",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": signed,
        }
        answer = httpx.post(url, data=form)
        if answer.status_code != 200:
            raise LoadFailed(f"no access token: {answer.status_code} {answer.text}")
        return str(answer.json()["access_token"])


@dataclass(frozen=True, slots=True)
class Cost:
    """An operation as ``caller`` asked it, and as the principal without permissions did."""

    caller: str
    op: str
    figures: Figures
    plain: Figures
    ratios: tuple[float, ...]

    @property
    def error(self) -> str:
        """Why the figures count for nothing; empty where they do."""
        return self.figures.error or self.plain.error

    @property
    def ratio(self) -> float:
        """How much of the throughput is left: the median of the rounds."""
        return median(self.ratios) if self.ratios else 0.0


def one_patient(address: Address, observations: int) -> Loaded:
    """One more patient, under the id that the settings name, with observations. Raises :class:`LoadFailed`."""
    made = people(1, observations)[0]
    identifiers = [{"system": IDENTIFIER, "value": "B-one"}]
    person = Person(
        {**made.patient, "name": [{"family": "Solitary"}], "identifier": identifiers}, made.observations
    )
    ids = tuple(f"{_PATIENT_ID}-{number}" for number in range(len(person.observations)))
    subject = {"reference": f"Patient/{_PATIENT_ID}"}
    kept = [{**person.patient, "id": _PATIENT_ID}]
    kept += [
        {**seen, "id": id, "subject": subject} for id, seen in zip(ids, person.observations, strict=True)
    ]
    base = f"http://{address.host}:{address.port}{address.path}"
    headers = {"Authorization": f"Bearer {address.token}", "Content-Type": "application/fhir+json"}
    with httpx.Client(headers=headers) as client:
        for one in kept:
            answer = client.put(f"{base}/{one['resourceType']}/{one['id']}", content=dumps(one))
            if answer.status_code != 201:
                raise LoadFailed(f"{one['resourceType']}: {answer.status_code} {answer.text}")
    return Loaded((person,), (_PATIENT_ID,), (ids,))


@dataclass(frozen=True, slots=True)
class Pair:
    """One operation as two principals ask it."""

    caller: str
    target: Target
    operation: Operation
    plain: Operation


Make = Callable[[Address], Operation]


def pairs(plain: Target, callers: Callers, loaded: Loaded, alone: Loaded) -> list[Pair]:
    """What is compared."""
    app = replace(plain, address=replace(plain.address, token=callers.access_token(plain.address)))
    patient = replace(plain, address=replace(plain.address, token=callers.patient_token))
    asked: list[tuple[str, Target, Make]] = [
        (APP, app, lambda address: read(address, loaded)),
        (APP, app, lambda address: search_patient(address, loaded)),
        (APP, app, lambda address: search_observation(address, loaded)),
        (PATIENT, patient, lambda address: read(address, alone)),
        (PATIENT, patient, lambda address: search_observation(address, alone)),
        (APP, app, lambda address: create_observation(address, alone)),
    ]
    return [Pair(caller, target, make(target.address), make(plain.address)) for caller, target, make in asked]


async def costs(
    plain: Target, asked: Sequence[Pair], seconds: float, told: Callable[[str], None]
) -> list[Cost]:
    """Measure every pair, ``seconds`` for each of its two, in :data:`ROUNDS` turns."""
    found = []
    for pair in asked:
        told(f"{pair.caller}: {pair.operation.name}")
        mine, theirs, ratios = Figures(), Figures(), []
        for turn in range(ROUNDS):
            one, other = await _turn(pair, plain, seconds / ROUNDS, own_first=turn % 2 == 0)
            mine, theirs = mine + one, theirs + other
            ratios += [one.rate / other.rate] if other.rate else []
        found.append(Cost(pair.caller, pair.operation.name, mine, theirs, tuple(ratios)))
    return found


async def _turn(pair: Pair, plain: Target, seconds: float, own_first: bool) -> tuple[Figures, Figures]:
    """Both one after the other; who comes first has no advantage over all."""
    seen: dict[bool, Figures] = {}
    for own in (own_first, not own_first):
        target, operation = (pair.target, pair.operation) if own else (plain, pair.plain)
        seen[own] = await measure(target, operation, CONNECTIONS, seconds, 0.1)
    return seen[True], seen[False]


def show(found: Sequence[Cost], console: Console) -> None:
    """The table for people."""
    table = Table(
        "who asks", "operation", "req/s", "without permissions", "ratio", title="What enforcement costs"
    )
    for cost in found:
        rates = [f"{cost.figures.rate:,.0f}", f"{cost.plain.rate:,.0f}", f"{cost.ratio:.3f}"]
        table.add_row(cost.caller, cost.op, *(["failed", "", ""] if cost.error else rates))
        if cost.error:
            console.print(f"{cost.caller}, {cost.op}: {cost.error}", markup=False)
    console.print(table)
