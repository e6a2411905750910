"""A server with US Core 6.1.0 and its examples, and apps of the patient ``example`` with scopes of all kinds."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from fhirserver.access.permissions import permissions_of
from fhirserver.access.principals import Principal, token_digest
from fhirserver.access.scopes import parse_scopes
from fhirserver.app.wiring import make_application
from tests.corpus.us_core_guide import Guide
from tests.corpus.us_core_naive import Json
from tests.corpus.us_core_questions import place
from tests.facade import BASE, SOURCES, Client, Facade, entry, served, settings

OBSERVATION = "http://terminology.hl7.org/CodeSystem/observation-category"
CONDITION = "http://terminology.hl7.org/CodeSystem/condition-category"
US_CONDITION = "http://hl7.org/fhir/us/core/CodeSystem/condition-category"
SDOH = "http://hl7.org/fhir/us/core/CodeSystem/us-core-category"
GRANULAR = {
    "granular-1": {
        "Condition": [f"{CONDITION}|encounter-diagnosis", f"{US_CONDITION}|health-concern"],
        "Observation": [f"{OBSERVATION}|laboratory", f"{OBSERVATION}|social-history"],
    },
    "granular-2": {
        "Condition": [f"{CONDITION}|problem-list-item"],
        "Observation": [f"{OBSERVATION}|vital-signs", f"{OBSERVATION}|survey", f"{SDOH}|sdoh"],
    },
}
"""The two sets of scopes of us_core_v610_smart_granular_scopes."""


@dataclass
class Core:
    """The server with what was stored; ``data`` is as the server has it."""

    guide: Guide
    server: Facade
    apps: dict[str, Client]
    data: list[Json]

    def of(self, type: str) -> list[Json]:
        return [one for one in self.data if one["resourceType"] == type]


def scopes() -> dict[str, str]:
    granular = {
        name: " ".join(f"patient/{type}.rs?category={code}" for type, codes in by.items() for code in codes)
        for name, by in GRANULAR.items()
    }
    return {"whole": "patient/*.rs", "demographics": "patient/Patient.rs", **granular}


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[Facade, dict[str, Client]]]:
    """The server with apps of the patient ``example``."""
    plain = settings(folder, "sqlite")
    apps = [
        (
            token_digest(f"token-{name}"),
            Principal(
                name,
                SOURCES["ehr"],
                frozenset({"read"}),
                permissions_of(parse_scopes(text), "example"),
                client=name,
                grant=name,
            ),
        )
        for name, text in scopes().items()
    ]
    application = make_application(replace(plain, principals=(*plain.principals, *apps)))
    async with served(application) as server, contextlib.AsyncExitStack() as stack:
        clients = {}
        for name in scopes():
            headers = {"authorization": f"Bearer token-{name}"}
            http = httpx.AsyncClient(transport=server.transport, base_url=BASE, headers=headers)
            clients[name] = Client(await stack.enter_async_context(http))
        yield server, clients


async def stored(server: Facade, resources: Any) -> None:
    entries = [entry("PUT", place(one), one) for one in {place(one): one for one in resources}.values()]
    answer = await server.ehr.batch(*entries)
    wrong = [one["response"] for one in answer.json()["entry"] if one["response"]["status"][:2] != "20"]
    assert not wrong, wrong[:3]


async def everything(server: Facade, type: str) -> list[Json]:
    answer = await server.ehr.get(f"{type}?_count=1000")
    return [one["resource"] for one in answer.json().get("entry", ())]


def of_example(resource: Json) -> bool:
    subject = resource.get("subject") or resource.get("patient") or resource.get("beneficiary") or {}
    return bool(subject.get("reference") == "Patient/example")


def without_meta(resource: Json) -> Json:
    return {name: value for name, value in resource.items() if name != "meta"}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from references(one)
    elif isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for one in value.values():
            yield from references(one)


def categories(resource: Json) -> set[str]:
    codings = [coding for one in resource.get("category", ()) for coding in one.get("coding", ())]
    return {f"{one.get('system')}|{one.get('code')}" for one in codings}
