"""The kind ``fhir``: an EHR that speaks FHIR R4 over HTTP (:mod:`adapters.fhir`)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from adapters.fhir.bulk import LEVELS, BulkSettings
from adapters.fhir.ehr import FhirEhr, FhirSettings
from adapters.fhir.hearing import heard as read_heard
from adapters.fhir.smart import (
    ClientSecret,
    Credentials,
    InvalidKey,
    PrivateKeyJwt,
    SigningKeys,
    SmartTokens,
    TokenSettings,
)
from adapters.fhir.subscribing import Wanted
from adapters.fhir.tokens import StaticToken, TokenProvider
from adapters.runner.paced import PacedTransport
from fhirserver.app.connectors.kind import Loop, Made, Making
from fhirserver.app.connectors.secrets import (
    MissingSecret,
    Secret,
    Secrets,
    clear_settings,
    secret_of,
    secret_settings,
)
from fhirserver.app.setting_kinds import WrongSetting, kinds, required

if TYPE_CHECKING:
    from fhirserver.app.connectors.hearing import Incoming

_SECRETS = ("token", "client_key", "client_secret", "notify_secret")
SETTINGS = kinds(
    "url client_id client_key_id client_auth jwks_url scope token_url bulk bulk_group"
    f" subscribe notify_url notify_secret_in {secret_settings(*_SECRETS)}",
    "types also_at without_last_updated topics",
    "overlap_seconds whole_seconds bulk_seconds",
    "page_size answer_bytes",
    "if_match tag_updates",
)
CLEAR = clear_settings(*_SECRETS)
SUBSCRIPTION_SECONDS = 300.0
"""How often we look whether our Subscriptions are still there."""
_LEAST_SECRET = 16
_CHOICES = {
    "client_auth": ("basic", "post"),
    "bulk": LEVELS,
    "subscribe": ("off", "criteria", "topic"),
    "notify_secret_in": ("header", "path"),
}


@dataclass(frozen=True, slots=True)
class FhirConnector:
    """``reach`` is how the EHR is asked; the rest is who we are to it, and how it tells us news."""

    reach: FhirSettings
    token: Secret
    client_id: str
    client_key: Secret
    client_key_id: str
    client_secret: Secret
    client_auth: str
    jwks_url: str
    tokens: TokenSettings
    subscribe: str
    topics: tuple[str, ...]
    notify_url: str
    notify_secret: Secret
    notify_in_path: bool


def parse(entry: Mapping[str, Any], where: str, folder: Path) -> FhirConnector:
    """See :meth:`fhirserver.app.connectors.kind.Kind.parse`."""
    required(entry, "url")
    for name, choices in _CHOICES.items():
        if name in entry and entry[name] not in choices:
            raise WrongSetting(name, f"{name} is one of {', '.join(choices)}")
    _check_addresses(entry)
    own = FhirConnector(
        _reach(entry),
        secret_of(entry, "token"),
        entry.get("client_id", ""),
        secret_of(entry, "client_key"),
        entry.get("client_key_id", ""),
        secret_of(entry, "client_secret"),
        entry.get("client_auth", "basic"),
        entry.get("jwks_url", ""),
        TokenSettings(entry["url"], entry.get("scope", TokenSettings("").scope), entry.get("token_url", "")),
        entry.get("subscribe", "off"),
        tuple(entry.get("topics", ())),
        entry.get("notify_url", "").rstrip("/"),
        secret_of(entry, "notify_secret"),
        entry.get("notify_secret_in") == "path",
    )
    _check_whole(own)
    return own


def _check_addresses(entry: Mapping[str, Any]) -> None:
    addresses = [
        (name, entry[name]) for name in ("url", "token_url", "jwks_url", "notify_url") if entry.get(name)
    ]
    for name, address in (*addresses, *(("also_at", origin) for origin in entry.get("also_at", ()))):
        url = httpx.URL(address) if address.isprintable() else httpx.URL()
        if url.scheme not in ("http", "https") or not url.host:
            raise WrongSetting(name, f"{name} is an address that begins with https:// or http://")
        if url.userinfo:
            raise WrongSetting(name, f"{name} holds a user or password; secrets stand in files of their own")


def _check_whole(own: FhirConnector) -> None:
    if bool(own.client_id) != bool(own.client_key or own.client_secret):
        raise WrongSetting("client_id", "client_id goes with client_key or client_secret, and they with it")
    if own.client_key and own.client_secret:
        raise WrongSetting("client_secret", "there is client_key or client_secret, not both")
    if own.client_id and own.token:
        raise WrongSetting("token", "there is token or client_id, not both")
    if own.reach.bulk.level == "group" and not own.reach.bulk.group:
        raise WrongSetting("bulk_group", "bulk_group is needed where bulk is group")
    if own.subscribe != "off" and not (own.notify_url and own.notify_secret):
        raise WrongSetting("subscribe", "subscribe needs notify_url and notify_secret")
    if own.subscribe == "topic" and not own.topics:
        raise WrongSetting("topics", "topics are needed where subscribe is topic")


def _reach(entry: Mapping[str, Any]) -> FhirSettings:
    for name in ("page_size", "answer_bytes", "whole_seconds", "bulk_seconds"):
        if name in entry and entry[name] <= 0:
            raise WrongSetting(name, f"{name} is more than 0")
    if entry.get("overlap_seconds", 0) < 0:
        raise WrongSetting("overlap_seconds", "overlap_seconds is 0 or more")
    plain = FhirSettings(entry["url"])
    bulk = BulkSettings(
        entry.get("bulk", "auto"),
        entry.get("bulk_group", ""),
        float(entry.get("bulk_seconds", plain.bulk.patience)),
    )
    return FhirSettings(
        entry["url"],
        types=tuple(entry.get("types", ())) or plain.types,
        overlap=float(entry.get("overlap_seconds", plain.overlap)),
        page_size=entry.get("page_size", plain.page_size),
        whole_every=float(entry.get("whole_seconds", plain.whole_every)),
        without_last_updated=frozenset(entry.get("without_last_updated", ())),
        tag_updates=entry.get("tag_updates", True),
        if_match=entry.get("if_match", True),
        also_at=frozenset(entry.get("also_at", ())),
        answer_bytes=entry.get("answer_bytes", plain.answer_bytes),
        bulk=bulk,
    )


def make(own: FhirConnector, making: Making) -> Made:
    """See :meth:`fhirserver.app.connectors.kind.Kind.make`."""
    reach = replace(own.reach, retries=making.retries)
    limits = httpx.Limits(max_connections=reach.connections, max_keepalive_connections=reach.connections)
    transport = PacedTransport(httpx.AsyncHTTPTransport(limits=limits, trust_env=False), making.rate)
    ehr = FhirEhr(reach, _tokens(own, making.secrets), transport=transport)
    if own.subscribe == "off":
        return Made(ehr)
    wanted = wanted_of(own, making.connector.name, own.notify_secret.read(making.secrets))
    return Made(ehr, {"subscribe": _keeping(ehr, wanted)})


def _tokens(own: FhirConnector, secrets: Secrets) -> TokenProvider:
    if not own.client_id:
        return StaticToken(own.token.read(secrets))
    credentials: Credentials
    if own.client_key:
        own.client_key.read(secrets)  # a file that is missing is told at once
        keys = SigningKeys(partial(_key, own.client_key, secrets), own.client_key_id)
        credentials = PrivateKeyJwt(own.client_id, keys, own.jwks_url)
    else:
        credentials = ClientSecret(
            own.client_id, own.client_secret.read(secrets), in_form=own.client_auth == "post"
        )
    return SmartTokens(own.tokens, credentials)


def _key(secret: Secret, secrets: Secrets) -> str:
    """The key as it is now: it may have been changed since."""
    try:
        return secret.read(secrets)
    except MissingSecret as missing:
        raise InvalidKey(str(missing)) from None


def wanted_of(own: FhirConnector, name: str, secret: str) -> Wanted:
    """The Subscriptions of the connector of that name."""
    topics = own.topics if own.subscribe == "topic" else ()
    return Wanted(f"{own.notify_url}/notify/{name}", secret, own.notify_in_path, topics)


def _keeping(ehr: FhirEhr, wanted: Wanted) -> Loop:
    async def keep() -> None:
        while True:
            await ehr.keep_subscriptions(wanted)
            await asyncio.sleep(SUBSCRIPTION_SECONDS)

    return keep


def heard(own: FhirConnector, secrets: Secrets, incoming: Incoming) -> tuple[tuple[str, str], ...]:
    """See :class:`fhirserver.app.connectors.hearing.Hears`."""
    secret = own.notify_secret.read(secrets)
    return read_heard(
        secret if len(secret) >= _LEAST_SECRET else "",
        own.notify_in_path,
        incoming.method,
        incoming.path,
        incoming.headers,
        incoming.body,
    )
