"""Settings: one TOML file, read once, checked whole. Every wrong setting is named with its place."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fhirserver.access.principals import ROLES, Principal, Principals, token_digest
from fhirserver.app.connectors.connector import COMMON, Connector, parse_connector
from fhirserver.app.connectors.secrets import Secrets
from fhirserver.app.setting_kinds import SettingKinds, WrongSetting, check, kinds
from fhirserver.app.smtp_settings import InvalidSmtp, parse_smtp
from fhirserver.app.subscription_settings import (
    InvalidSubscriptions,
    SubscriptionSettings,
    parse_subscriptions,
)
from fhirserver.app.validation_settings import InvalidValidation, parse_claims, parse_rules
from fhirserver.app.verification_settings import InvalidVerification, VerificationSettings, parse_verification
from fhirserver.model.validation.profiles import Rules
from fhirserver.world.policy import InvalidPolicy, Policy, default_policy, parse_policy
from fhirserver.world.review_rules import ReviewRules
from fhirserver.world.sources import KINDS, Source
from fhirserver.world.vocabulary import CERTAIN
from fhirserver.world.voices import MARK

if TYPE_CHECKING:
    from subscriptions.channels.mail import Smtp

_Parsed = TypeVar("_Parsed")

SYSTEM = Source("credence", "system", authoritative=True, acts_on=frozenset({"Task", "Endpoint"}))
"""The server's own voice: review and writeback tasks, and the connectors of the settings."""

MOST_WORKERS = 64
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::\d+)?\Z|https?://\[[0-9a-f:]+\](?::\d+)?\Z")
KNOWN: dict[str, SettingKinds] = {
    "server": kinds("host base_url", "cors_origins", wholes="port workers"),
    "storage": kinds("kind path url database"),
    "policy": kinds("file"),
    "limits": kinds(
        wholes="body_bytes bundle_entries conditional_delete default_count max_count resource_elements",
    ),
    "validation": kinds(
        "profiles unknown_extensions lapses markup_in_text",
        "extension_domains",
        yes_no="for_publication experimental",
    ),
    "verification": kinds(
        "agreement payers model model_url model_key_file",
        numbers="transcript_patience_seconds model_timeout_seconds model_patience_seconds",
        wholes="model_retries model_daily_tokens",
    ),
    "review": kinds(numbers="lease_seconds expire_days", wholes="batch_items statistics_items"),
    "subscriptions": kinds(
        "ca_file key_file",
        "allowed_addresses",
        "retry_cap_seconds off_after_hours",
        "attempts",
        "allow_private allow_http",
    ),
    "subscriptions.smtp": kinds(
        "host tls from user password_file ca_file", "domains", wholes="port", yes_no="attachments"
    ),
    "source": kinds("id kind", "types acts_on", "base maximum", yes_no="authoritative"),
    "principal": kinds("name source token token_sha256 token_file", "roles"),
    "connector": COMMON,
    "secrets": kinds("folder"),
    "runner": kinds(numbers="lease_seconds"),
}
"""Every setting by table, and what it must be; connectors have those of their kind too. See docs/settings.md."""


class InvalidSettings(ValueError):
    """The settings file is wrong; the message says where and what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set."""

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    base_url: str = ""
    cors_origins: frozenset[str] = frozenset()
    storage: str = "sqlite"
    path: Path = Path("var/credence.db")
    mongodb_url: str = ""
    database: str = "credence"
    policy: Policy = field(default_factory=default_policy)
    review: ReviewRules = field(default_factory=ReviewRules)
    verification: VerificationSettings = field(default_factory=VerificationSettings)
    subscriptions: SubscriptionSettings = field(default_factory=SubscriptionSettings)
    smtp: Smtp | None = None
    claims: str = "off"
    """What becomes of writes that break the profiles they claim: ``off``, ``warn`` or ``enforce``."""
    rules: Rules = field(default_factory=Rules)
    """What ``$validate`` holds a resource to where the standard leaves a choice."""
    sources: dict[str, Source] = field(default_factory=dict)
    principals: tuple[tuple[str, Principal], ...] = ()
    connectors: tuple[Connector, ...] = ()
    secrets: Secrets = field(default_factory=Secrets)
    lease_seconds: float = 10.0
    folder: Path = Path()
    """The folder of the file: relative paths are from there."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """Where they are not the default; the names are those of ``[limits]``."""

    @property
    def fhir_base(self) -> str:
        return (self.base_url or f"http://{self.host}:{self.port}/fhir").rstrip("/")

    def authenticator(self) -> Principals:
        return Principals(self.principals)


def load_settings(path: Path) -> Settings:
    """Read the file. Raises :class:`InvalidSettings`."""
    try:
        document = tomllib.loads(path.read_text(), parse_float=Decimal)
    except FileNotFoundError:
        raise InvalidSettings(f"{path}: not there; 'credence init' writes one") from None
    except OSError as error:
        raise InvalidSettings(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{path}: not TOML: {error}") from None
    return parse_settings(document, path.parent)


def parse_settings(document: dict[str, Any], folder: Path) -> Settings:
    """Check a settings document. Relative paths are from ``folder``."""
    document = _lifted(document)
    _known(document, set(KNOWN), "the file")
    server = _table(document, "server", set(KNOWN["server"]))
    storage = _table(document, "storage", {"kind", "path", "url", "database"})
    sources = {
        SYSTEM.id: SYSTEM,
        **dict(_source(number, entry) for number, entry in _entries(document, "source")),
    }
    if storage.get("kind", "sqlite") not in ("sqlite", "mongo", "memory"):
        raise InvalidSettings("[storage] kind is 'sqlite', 'mongo' or 'memory'")
    return Settings(
        host=str(server.get("host", "127.0.0.1")),
        port=_integer(server.get("port", 8080), "[server] port"),
        workers=_workers(server.get("workers", 1)),
        base_url=str(server.get("base_url", "")),
        cors_origins=_origins(server.get("cors_origins", [])),
        storage=storage.get("kind", "sqlite"),
        path=folder / storage.get("path", "var/credence.db"),
        mongodb_url=_mongodb_url(storage),
        database=storage.get("database", "credence"),
        policy=_policy(_table(document, "policy", {"file"}), folder),
        review=_review(document),
        verification=_read("verification", parse_verification, document, folder),
        subscriptions=_read("subscriptions", parse_subscriptions, document, folder),
        smtp=_read("subscriptions.smtp", parse_smtp, document, folder),
        claims=_read("validation", parse_claims, document),
        rules=_read("validation", parse_rules, document),
        sources=sources,
        principals=tuple(_principal(n, entry, sources) for n, entry in _entries(document, "principal")),
        limits=_limits(document),
        connectors=_connectors(document, sources, folder),
        secrets=_secrets(document, folder),
        lease_seconds=_lease_seconds(document),
        folder=folder,
    )


def _lifted(document: dict[str, Any]) -> dict[str, Any]:
    """The table ``[subscriptions.smtp]`` as one of its own."""
    outer = document.get("subscriptions")
    if isinstance(outer, dict) and "smtp" in outer:
        rest = {name: value for name, value in outer.items() if name != "smtp"}
        return {**document, "subscriptions": rest, "subscriptions.smtp": outer["smtp"]}
    return document


def _known(table: dict[str, Any], allowed: frozenset[str] | set[str], where: str) -> None:
    unknown = sorted(set(table) - allowed)
    if unknown:
        raise InvalidSettings(f"{where}: unknown setting '{unknown[0]}'; known: {', '.join(sorted(allowed))}")


def _table(document: dict[str, Any], name: str, allowed: set[str]) -> dict[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise InvalidSettings(f"[{name}] must be a table")
    _known(table, allowed, f"[{name}]")
    return _checked(table, name, f"[{name}]")


def _checked(table: Any, name: str, where: str) -> dict[str, Any]:
    """The table, with no setting that is unknown or of the wrong kind."""
    if not isinstance(table, dict):
        raise InvalidSettings(f"{where} must be a table")
    try:
        check(table, KNOWN[name])
    except WrongSetting as wrong:
        raise InvalidSettings(f"{where}: {wrong}") from None
    return table


def _entries(document: dict[str, Any], name: str) -> list[tuple[int, dict[str, Any]]]:
    return [(n, _checked(entry, name, f"[[{name}]] {n}")) for n, entry in _listed(document, name)]


def _listed(document: dict[str, Any], name: str) -> list[tuple[int, Any]]:
    entries = document.get(name, [])
    if not isinstance(entries, list):
        raise InvalidSettings(f"write [[{name}]], with two brackets: there may be several")
    return list(enumerate(entries, 1))


def _integer(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidSettings(f"{where} is a whole number")
    return value


def _workers(value: int) -> int:
    """How many processes serve; 0: one per processor."""
    if not 0 <= value <= MOST_WORKERS:
        raise InvalidSettings(
            f"[server] workers is a whole number from 0 (one per processor) to {MOST_WORKERS}"
        )
    return value


def _origins(values: list[str]) -> frozenset[str]:
    """Origins as browsers send them: scheme, host, port; no path."""
    for value in values:
        if value != "*" and not _ORIGIN.match(value):
            raise InvalidSettings('[server] cors_origins are such as "https://app.example", or "*"')
    return frozenset(values)


def _decimal(value: Any, where: str) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise InvalidSettings(f"{where} is a number from 0 to 1") from None
    if not 0 <= number <= 1:
        raise InvalidSettings(f"{where} is a number from 0 to 1")
    return number


def _required(entry: dict[str, Any], name: str, where: str) -> str:
    if not isinstance(entry.get(name), str) or not entry[name]:
        raise InvalidSettings(f"{where}: '{name}' is needed")
    return str(entry[name])


def _source(number: int, entry: dict[str, Any]) -> tuple[str, Source]:
    where = f"[[source]] {number}"
    _known(entry, {"id", "kind", "base", "maximum", "authoritative", "types", "acts_on"}, where)
    id, kind = _required(entry, "id", where), entry.get("kind", "app")
    if MARK in id:
        raise InvalidSettings(f"{where}: an id has no '{MARK}'")
    if kind not in KINDS:
        raise InvalidSettings(f"{where}: kind is one of {', '.join(sorted(KINDS))}")
    maximum = _decimal(entry.get("maximum", CERTAIN), f"{where} maximum")
    base = _decimal(entry.get("base", maximum), f"{where} base")
    if base > maximum:
        raise InvalidSettings(f"{where}: base {base} is above maximum {maximum}")
    source = Source(
        id,
        kind,
        base,
        maximum,
        bool(entry.get("authoritative", False)),
        frozenset(entry.get("types", ["*"])),
        frozenset(entry.get("acts_on", [])),
    )
    return id, source


def _principal(number: int, entry: dict[str, Any], sources: dict[str, Source]) -> tuple[str, Principal]:
    where = f"[[principal]] {number}"
    _known(entry, {"name", "source", "roles", "token", "token_sha256", "token_file"}, where)
    name, source = _required(entry, "name", where), _required(entry, "source", where)
    if source not in sources:
        raise InvalidSettings(f"{where}: there is no [[source]] with id '{source}'")
    roles = frozenset(entry.get("roles", ["read", "write"]))
    if roles - ROLES:
        raise InvalidSettings(f"{where}: roles are of {', '.join(sorted(ROLES))}")
    return _digest(entry, where), Principal(name, sources[source], roles)


def _digest(entry: dict[str, Any], where: str) -> str:
    if entry.get("token_sha256"):
        return str(entry["token_sha256"]).lower()
    if entry.get("token_file"):
        return token_digest(read_secret(entry["token_file"], where))
    if entry.get("token"):
        return token_digest(str(entry["token"]))
    raise InvalidSettings(f"{where}: one of token_sha256, token_file or token is needed")


def _policy(table: dict[str, Any], folder: Path) -> Policy:
    if not table.get("file"):
        return default_policy()
    try:
        return parse_policy((folder / table["file"]).read_text("utf-8"))
    except OSError as error:
        raise InvalidSettings(f"[policy] file: {table['file']}: {error.strerror}") from None
    except (UnicodeDecodeError, InvalidPolicy) as error:
        raise InvalidSettings(f"[policy] file: {table['file']}: {error}") from None


def read_secret(path: str, where: str) -> str:
    """The content of a file that holds a token."""
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise InvalidSettings(f"{where}: token_file {path}: {error.strerror}") from None


def _mongodb_url(storage: dict[str, Any]) -> str:
    """The URL of the settings, or of the environment where a secret keeps it out of the file."""
    url = str(storage.get("url") or os.environ.get("MONGODB_URL", ""))
    if storage.get("kind") == "mongo" and not url:
        raise InvalidSettings("[storage] kind 'mongo' needs a url, here or as MONGODB_URL in the environment")
    return url


def _read(name: str, parse: Callable[..., _Parsed], document: dict[str, Any], *folder: Path) -> _Parsed:
    """A table as ``parse`` makes something of it. What it finds wrong is said with the table's name."""
    table = _table(document, name, set(KNOWN[name]))
    try:
        return parse(table, *folder)
    except (InvalidVerification, InvalidSubscriptions, InvalidSmtp, InvalidValidation) as error:
        raise InvalidSettings(f"[{name}] {error}") from None


def _review(document: dict[str, Any]) -> ReviewRules:
    table = _table(document, "review", set(KNOWN["review"]))
    for name, value in table.items():
        least = 0 if name == "expire_days" else 1
        if value < least:
            raise InvalidSettings(f"[review] {name} is at least {least}")
    rules = ReviewRules()
    return ReviewRules(
        lease_seconds=float(table.get("lease_seconds", rules.lease_seconds)),
        expire_days=float(table.get("expire_days", rules.expire_days)),
        batch_items=table.get("batch_items", rules.batch_items),
        statistics_items=table.get("statistics_items", rules.statistics_items),
    )


def _limits(document: dict[str, Any]) -> dict[str, int]:
    table = _table(document, "limits", set(KNOWN["limits"]))
    for name, value in table.items():
        if value < 1:
            raise InvalidSettings(f"[limits] {name} is at least 1")
    return table


def _connectors(document: dict[str, Any], sources: dict[str, Source], folder: Path) -> tuple[Connector, ...]:
    found: dict[str, Connector] = {}
    for number, entry in _listed(document, "connector"):
        where = f"[[connector]] {number}"
        if not isinstance(entry, dict):
            raise InvalidSettings(f"{where} must be a table")
        try:
            connector = parse_connector(entry, where, folder, sources)
        except WrongSetting as wrong:
            raise InvalidSettings(f"{where}: {wrong}") from None
        if connector.name in found:
            raise InvalidSettings(f"{where}: there is another one with the name '{connector.name}'")
        found[connector.name] = connector
    return tuple(found.values())


def _secrets(document: dict[str, Any], folder: Path) -> Secrets:
    table = _table(document, "secrets", set(KNOWN["secrets"]))
    return Secrets(folder / table["folder"] if table.get("folder") else None)


def _lease_seconds(document: dict[str, Any]) -> float:
    seconds = _table(document, "runner", set(KNOWN["runner"])).get("lease_seconds", 10.0)
    if not 1 <= seconds <= 3600:
        raise InvalidSettings("[runner] lease_seconds is a number from 1 to 3600")
    return float(seconds)
