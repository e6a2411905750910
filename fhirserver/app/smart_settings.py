"""The settings of ``[smart]`` and ``[[client]]``: the authorization server, and apps that it knows from the start."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fhirserver.access.principals import token_digest
from fhirserver.access.scopes import InvalidScope, parse_scopes
from fhirserver.access.smart.clients import BASIC, CODE, CREDENTIALS, KEYS, PUBLIC, REFRESH, Client, checked
from fhirserver.access.smart.errors import OAuthError
from fhirserver.access.smart.keys import LONGEST_TOKEN_SECONDS, RS256
from fhirserver.access.smart.settings import CLOSED, REGISTRATION, WITH_TOKEN, Lifetimes, Registration
from fhirserver.app.setting_kinds import SettingKinds, WrongSetting, kinds, required
from fhirserver.kernel.json import InvalidJson, JsonObject, loads
from fhirserver.world.sources import Source

_LEAST_TOKEN_SECONDS = 300
_DAY = 86400
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")

SMART: SettingKinds = kinds(
    "issuer registration registration_token_sha256 registration_token_file registration_source"
    " registration_scopes key_folder style_url brands_file brand_system brand_value management_url",
    wholes="access_seconds refresh_days offline_days launch_seconds",
)
CLIENT: SettingKinds = kinds(
    "id name source scopes secret_sha256 secret_file jwks_file jwks_url launch_url logo_url client_url"
    " id_token_algorithm",
    "redirect_uris",
    yes_no="consent launches introspects",
)


@dataclass(frozen=True, slots=True)
class SmartSettings:
    """See docs/settings.md. ``issuer`` empty: the FHIR base without ``/fhir``; ``key_folder`` None: beside the data."""

    issuer: str = ""
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    registration: Registration = field(default_factory=Registration)
    key_folder: Path | None = None
    style_url: str = ""
    brands: JsonObject | None = None
    brand: JsonObject | None = None
    management_url: str = ""


def parse_smart(table: Mapping[str, Any], folder: Path, sources: Mapping[str, Source]) -> SmartSettings:
    """Read ``[smart]``, whose settings are of the right kinds. Raises :class:`WrongSetting`."""
    for name in ("issuer", "style_url", "management_url"):
        _check_url(name, table.get(name, ""))
    standard = Lifetimes()
    lifetimes = Lifetimes(
        access=_between(
            table, "access_seconds", standard.access, _LEAST_TOKEN_SECONDS, LONGEST_TOKEN_SECONDS
        ),
        launch=_between(table, "launch_seconds", standard.launch, 10, 3600),
        refresh_idle=_between(table, "refresh_days", standard.refresh_idle // _DAY, 1, 3650) * _DAY,
        offline=_between(table, "offline_days", 0, 0, 3650) * _DAY,
    )
    return SmartSettings(
        table.get("issuer", "").rstrip("/"),
        lifetimes,
        _registration(table, folder, sources),
        folder / table["key_folder"] if table.get("key_folder") else None,
        table.get("style_url", ""),
        _brands(table, folder),
        _brand(table),
        table.get("management_url", ""),
    )


def _check_url(name: str, url: str) -> None:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment):
        raise WrongSetting(name, f"{name} is a URL such as https://fhir.example")


def _between(table: Mapping[str, Any], name: str, otherwise: int, least: int, most: int) -> int:
    value = int(table.get(name, otherwise))
    if not least <= value <= most:
        raise WrongSetting(name, f"{name} is a whole number from {least} to {most}")
    return value


def _registration(table: Mapping[str, Any], folder: Path, sources: Mapping[str, Source]) -> Registration:
    mode, source = table.get("registration", CLOSED), table.get("registration_source", "")
    if mode not in REGISTRATION:
        raise WrongSetting("registration", f"registration is one of {', '.join(REGISTRATION)}")
    if mode != CLOSED and source not in sources:
        raise WrongSetting("registration_source", "registration_source is the id of a [[source]]")
    scopes = table.get("registration_scopes", Registration().scopes)
    try:
        found = parse_scopes(scopes)
    except InvalidScope as error:
        raise WrongSetting("registration_scopes", f"registration_scopes: {error}") from None
    if any(one.level == "system" for one in found.access) and mode != WITH_TOKEN:
        raise WrongSetting(
            "registration_scopes", f"registration_scopes: system/ needs registration '{WITH_TOKEN}'"
        )
    digest = _secret_digest(table, folder, "registration_token")
    if (mode == WITH_TOKEN) != bool(digest):
        raise WrongSetting(
            "registration",
            f"registration '{WITH_TOKEN}' goes with registration_token_sha256 or …_file",
        )
    return Registration(mode, frozenset({digest} if digest else ()), source, scopes)


def _secret_digest(table: Mapping[str, Any], folder: Path, name: str) -> str:
    """The digest of a secret that is stated as ``…_sha256`` or lies in the file ``…_file``; empty for none."""
    stated, file = table.get(f"{name}_sha256", "").lower(), table.get(f"{name}_file", "")
    if stated and file:
        raise WrongSetting(f"{name}_file", f"{name}_sha256 and {name}_file exclude each other")
    if stated and not _DIGEST.match(stated):
        raise WrongSetting(f"{name}_sha256", f"{name}_sha256 is a SHA-256 in hex")
    return token_digest(_text_of(folder, file, f"{name}_file").strip()) if file else stated


def _text_of(folder: Path, name: str, setting: str) -> str:
    try:
        return (folder / name).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise WrongSetting(setting, f"{setting}: {name} cannot be read") from None


def _json_of(folder: Path, name: str, setting: str) -> JsonObject:
    try:
        found = loads(_text_of(folder, name, setting))
    except InvalidJson as error:
        raise WrongSetting(setting, f"{setting}: {name}: {error}") from None
    if not isinstance(found, dict):
        raise WrongSetting(setting, f"{setting}: {name} is no JSON object")
    return found


def _brands(table: Mapping[str, Any], folder: Path) -> JsonObject | None:
    """https://hl7.org/fhir/smart-app-launch/brands.html"""
    if not table.get("brands_file"):
        return None
    bundle = _json_of(folder, table["brands_file"], "brands_file")
    types = [entry.get("resource", {}).get("resourceType") for entry in bundle.get("entry", [])]
    wrong = (
        "is no Bundle of type collection"
        if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "collection"
        else "has no timestamp"
        if not bundle.get("timestamp")
        else "holds other resources than Organization and Endpoint"
        if set(types) - {"Organization", "Endpoint"}
        else "has no Organization"
        if "Organization" not in types
        else ""
    )
    if wrong:
        raise WrongSetting("brands_file", f"brands_file: {table['brands_file']} {wrong}")
    return bundle


def _brand(table: Mapping[str, Any]) -> JsonObject | None:
    if not table.get("brand_value"):
        return None
    system = table.get("brand_system", "")
    return {**({"system": system} if system else {}), "value": table["brand_value"]}


def parse_clients(
    entries: Sequence[Mapping[str, Any]], folder: Path, sources: Mapping[str, Source]
) -> tuple[Client, ...]:
    """Read every ``[[client]]``. Raises :class:`WrongSetting`, which says of which."""
    found: dict[str, Client] = {}
    for number, entry in enumerate(entries, 1):
        try:
            client = client_of(entry, folder, sources)
        except WrongSetting as wrong:
            raise WrongSetting(wrong.setting, f"{number}: {wrong.problem}") from None
        if client.id in found:
            raise WrongSetting("id", f"{number}: there is another one with the id '{client.id}'")
        found[client.id] = client
    return tuple(found.values())


def client_of(entry: Mapping[str, Any], folder: Path, sources: Mapping[str, Source], **more: Any) -> Client:
    """One client: what it has (a secret, keys or nothing) says how it proves who it is, and what it asks for (redirect
    URIs, ``system/`` scopes) what it may do. Raises :class:`WrongSetting`."""
    required(entry, "id", "source", "scopes")
    if entry["source"] not in sources:
        raise WrongSetting("source", f"source: there is no [[source]] with id '{entry['source']}'")
    digest = _secret_digest(entry, folder, "secret")
    jwks = _json_of(folder, entry["jwks_file"], "jwks_file") if entry.get("jwks_file") else None
    has_keys = jwks is not None or bool(entry.get("jwks_url"))
    if digest and has_keys:
        raise WrongSetting("secret", "a client has a secret or keys, not both")
    grants = {CODE, REFRESH} if entry.get("redirect_uris") else set()
    if has_keys and "system/" in entry["scopes"]:
        grants.add(CREDENTIALS)
    client = Client(
        entry["id"],
        entry.get("name", entry["id"]),
        entry["source"],
        BASIC if digest else KEYS if has_keys else PUBLIC,
        frozenset(grants),
        tuple(entry.get("redirect_uris", ())),
        entry["scopes"],
        digest,
        jwks,
        entry.get("jwks_url", ""),
        client_uri=entry.get("client_url", ""),
        logo_uri=entry.get("logo_url", ""),
        launch_uri=entry.get("launch_url", ""),
        id_token_alg=entry.get("id_token_algorithm", RS256),
        consent=entry.get("consent", True),
        launches=entry.get("launches", False),
        introspects=entry.get("introspects", False),
        **more,
    )
    try:
        return checked(client)
    except OAuthError as error:
        raise WrongSetting("client", error.description) from None
