"""The kind ``fhir``: an EHR that speaks FHIR R4 over HTTP (:mod:`adapters.fhir`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from adapters.fhir.ehr import FhirEhr, FhirSettings
from adapters.fhir.tokens import StaticToken
from adapters.runner.paced import PacedTransport
from fhirserver.app.connectors.kind import Made, Making
from fhirserver.app.connectors.secrets import Secret, clear_settings, secret_of, secret_settings
from fhirserver.app.setting_kinds import kinds, required

SETTINGS = kinds(f"url {secret_settings('token')}", "types")
CLEAR = clear_settings("token")


@dataclass(frozen=True, slots=True)
class FhirConnector:
    """``url``: the FHIR base; ``token``: the bearer token; ``types``: what is pulled, all that is known if empty."""

    url: str
    token: Secret
    types: tuple[str, ...] = ()


def parse(entry: Mapping[str, Any], where: str, folder: Path) -> FhirConnector:
    """See :meth:`fhirserver.app.connectors.kind.Kind.parse`."""
    required(entry, "url")
    return FhirConnector(entry["url"], secret_of(entry, "token"), tuple(entry.get("types", ())))


def make(own: FhirConnector, making: Making) -> Made:
    """See :meth:`fhirserver.app.connectors.kind.Kind.make`."""
    reach = FhirSettings(own.url, retries=making.retries)
    if own.types:
        reach = replace(reach, types=own.types)
    limits = httpx.Limits(max_connections=reach.connections, max_keepalive_connections=reach.connections)
    transport = PacedTransport(httpx.AsyncHTTPTransport(limits=limits, trust_env=False), making.rate)
    return Made(FhirEhr(reach, StaticToken(own.token.read(making.secrets)), transport=transport))
