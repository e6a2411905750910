"""Settings: one TOML file, read once, checked whole. Every wrong setting is named with its place."""

from __future__ import annotations

import re
import ssl
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from agent.safety.risk import Thresholds
from fhirserver.access.principals import ROLES, Principal, Principals, token_digest
from fhirserver.access.rules import AccessRules
from fhirserver.access.smart.clients import Client
from fhirserver.app.access_settings import parse_access, parse_permissions
from fhirserver.app.audit_settings import AuditSettings, parse_audit
from fhirserver.app.campaign_settings import CampaignSettings, parse_campaigns
from fhirserver.app.chat_settings import ChatSettings, parse_chat
from fhirserver.app.connectors.connector import Connector, parse_connector
from fhirserver.app.connectors.secrets import Secrets
from fhirserver.app.form_settings import FormSettings, parse_forms
from fhirserver.app.identity_settings import OpenIdSettings, SignInSettings, parse_openid, parse_sign_in
from fhirserver.app.llm_settings import InvalidLlm, LlmSettings, parse_llm
from fhirserver.app.observing.settings import (
    LogSettings,
    MetricsSettings,
    TraceSettings,
    parse_log,
    parse_metrics,
    parse_traces,
)
from fhirserver.app.platform_settings import PlatformSettings, parse_platform
from fhirserver.app.safety_settings import InvalidSafety, parse_safety
from fhirserver.app.secret_files import secret_in
from fhirserver.app.server_settings import RATES, parse_proxies, parse_rates, parse_tls
from fhirserver.app.setting_kinds import WrongSetting, check
from fhirserver.app.setting_tables import KNOWN, lifted
from fhirserver.app.smart_settings import SmartSettings, parse_clients, parse_smart
from fhirserver.app.smtp_settings import InvalidSmtp, parse_smtp
from fhirserver.app.speech_settings import InvalidSpeech, SpeechSettings, speech_settings
from fhirserver.app.storage_settings import mongodb_url
from fhirserver.app.subscription_settings import (
    InvalidSubscriptions,
    SubscriptionSettings,
    parse_subscriptions,
)
from fhirserver.app.telephony_settings import parse_telephony
from fhirserver.app.terminology_settings import TerminologySettings, parse_terminology
from fhirserver.app.tls import Tls
from fhirserver.app.validation_settings import InvalidValidation, parse_claims, parse_rules
from fhirserver.app.verification_settings import InvalidVerification, VerificationSettings, parse_verification
from fhirserver.app.voice.settings import VoiceSettings, parse_turns, parse_voice
from fhirserver.model.validation.profiles import Rules
from fhirserver.rest.visits import Rates
from fhirserver.world.policy import InvalidPolicy, Policy, default_policy, parse_policy
from fhirserver.world.review_rules import ReviewRules
from fhirserver.world.sources import KINDS, Source
from fhirserver.world.vocabulary import CERTAIN
from fhirserver.world.voices import MARK

if TYPE_CHECKING:
    from agent.telephony.settings import TelephonySettings
    from subscriptions.channels.mail import Smtp

_Parsed = TypeVar("_Parsed")
SYSTEM = Source("credence", "system", authoritative=True, acts_on=frozenset({"Task", "Endpoint"}))
"""The server's own voice: review and writeback tasks, and the connectors of the settings."""

MOST_WORKERS = 64
_WRONG_TABLES = (
    InvalidVerification,
    InvalidLlm,
    InvalidSubscriptions,
    InvalidSmtp,
    InvalidValidation,
    InvalidSafety,
    WrongSetting,
)
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::\d+)?\Z|https?://\[[0-9a-f:]+\](?::\d+)?\Z")


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
    tls: Tls | None = None
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed."""
    prefix: str = ""
    """The path under which others find what this server has at ``/``: of a workspace in another's server."""
    storage: str = "sqlite"
    path: Path = Path("var/credence.db")
    releases: Path | None = None
    """The folder of imported code systems, where it is not beside ``path``."""
    mongodb_url: str = field(default="", repr=False)
    database: str = "credence"
    policy: Policy = field(default_factory=default_policy)
    review: ReviewRules = field(default_factory=ReviewRules)
    verification: VerificationSettings = field(default_factory=VerificationSettings)
    speech: SpeechSettings = field(default_factory=SpeechSettings)
    voice: VoiceSettings = field(default_factory=VoiceSettings)
    turns: Mapping[str, float] = field(default_factory=dict)
    """The times of turn-taking that are not the default."""
    llm: LlmSettings = field(default_factory=LlmSettings)
    subscriptions: SubscriptionSettings = field(default_factory=SubscriptionSettings)
    smtp: Smtp | None = None
    audit: AuditSettings = field(default_factory=AuditSettings)
    sign_in: SignInSettings = field(default_factory=SignInSettings)
    oidc: OpenIdSettings | None = None
    smart: SmartSettings = field(default_factory=SmartSettings)
    clients: tuple[Client, ...] = ()
    """Apps and services that are known from the start."""
    safety: Thresholds = field(default_factory=Thresholds)
    claims: str = "off"
    """What becomes of writes that break the profiles they claim: ``off``, ``warn`` or ``enforce``."""
    rules: Rules = field(default_factory=Rules)
    """What ``$validate`` holds a resource to where the standard leaves a choice."""
    sources: dict[str, Source] = field(default_factory=dict)
    access: AccessRules = field(default_factory=AccessRules)
    principals: tuple[tuple[str, Principal], ...] = field(default=(), repr=False)
    connectors: tuple[Connector, ...] = ()
    secrets: Secrets = field(default_factory=Secrets)
    lease_seconds: float = 10.0
    terminology: TerminologySettings = field(default_factory=TerminologySettings)
    telephony: TelephonySettings | None = None
    chat: ChatSettings = field(default_factory=ChatSettings)
    forms: FormSettings = field(default_factory=FormSettings)
    campaigns: CampaignSettings = field(default_factory=CampaignSettings)
    platform: PlatformSettings = field(default_factory=PlatformSettings)
    folder: Path = Path()
    """The folder of the file: relative paths are from there."""
    log: LogSettings = field(default_factory=LogSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    traces: TraceSettings = field(default_factory=TraceSettings)
    limits: Mapping[str, int] = field(default_factory=dict)
    """Where they are not the default; the names are those of ``[limits]``."""
    rates: Rates = field(default_factory=Rates)

    @property
    def fhir_base(self) -> str:
        scheme = "https" if self.tls else "http"
        return (self.base_url or f"{scheme}://{self.host}:{self.port}/fhir").rstrip("/")

    @property
    def releases_folder(self) -> Path:
        return self.releases or self.path.parent / "terminology"

    def own_context(self) -> ssl.SSLContext | None:
        """How this server is known at :attr:`fhir_base`, where it speaks TLS and has no other name; else None."""
        return self.tls.own_context() if self.tls and not self.base_url else None

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
    document = lifted(document)
    _known(document, set(KNOWN), "the file")
    server = _table(document, "server")
    storage = _table(document, "storage")
    sources = {
        SYSTEM.id: SYSTEM,
        **dict(_source(number, entry) for number, entry in _entries(document, "source")),
    }
    openid_roles = [entry for _, entry in _entries(document, "oidc.role")]
    if storage.get("kind", "sqlite") not in ("sqlite", "mongo", "memory"):
        raise InvalidSettings("[storage] kind is 'sqlite', 'mongo' or 'memory'")
    return Settings(
        host=str(server.get("host", "127.0.0.1")),
        port=_integer(server.get("port", 8080), "[server] port"),
        workers=_workers(server.get("workers", 1)),
        base_url=str(server.get("base_url", "")),
        cors_origins=_origins(server.get("cors_origins", [])),
        tls=_read("server", parse_tls, document, folder),
        trusted_proxies=_read("server", parse_proxies, document),
        storage=storage.get("kind", "sqlite"),
        path=folder / storage.get("path", "var/credence.db"),
        releases=folder / storage["terminology"] if storage.get("terminology") else None,
        mongodb_url=_read("storage", mongodb_url, document, folder),
        database=storage.get("database", "credence"),
        policy=_policy(_table(document, "policy"), folder),
        review=_review(document),
        verification=_read("verification", parse_verification, document, folder),
        speech=_read("speech openai", speech_settings, document, folder),
        voice=_read("voice", parse_voice, document, folder),
        turns=_read("turns", parse_turns, document),
        llm=_read("llm", parse_llm, document, folder),
        subscriptions=_read("subscriptions", parse_subscriptions, document, folder),
        smtp=_read("subscriptions.smtp", parse_smtp, document, folder),
        audit=_read("audit", parse_audit, document),
        sign_in=_read("sign_in", parse_sign_in, document),
        oidc=_read("oidc", partial(parse_openid, roles=openid_roles, sources=sources), document, folder),
        smart=_read("smart", parse_smart, document, folder, sources),
        clients=_clients(document, folder, sources),
        safety=_read("safety", parse_safety, document),
        claims=_read("validation", parse_claims, document),
        rules=_read("validation", parse_rules, document),
        sources=sources,
        access=(access := _access(document)),
        principals=_principals(document, sources, access),
        log=_read("log", parse_log, document),
        metrics=_read("metrics", parse_metrics, document),
        traces=_read("traces", parse_traces, document, folder),
        limits={name: value for name, value in _limits(document).items() if name not in RATES},
        rates=_read("limits", parse_rates, document),
        connectors=_connectors(document, sources, folder),
        secrets=_secrets(document, folder),
        lease_seconds=_lease_seconds(document),
        terminology=_read("terminology", parse_terminology, document, folder),
        telephony=_read("telephony", parse_telephony, document, folder),
        chat=_read("chat", parse_chat, document),
        forms=_read("forms", parse_forms, document),
        campaigns=_read("campaigns", parse_campaigns, document),
        platform=_read("platform", parse_platform, document),
        folder=folder,
    )


def _known(table: dict[str, Any], allowed: frozenset[str] | set[str], where: str) -> None:
    unknown = sorted(set(table) - allowed)
    if unknown:
        raise InvalidSettings(f"{where}: unknown setting '{unknown[0]}'; known: {', '.join(sorted(allowed))}")


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    return _checked(document.get(name, {}), name, f"[{name}]")


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


def _access(document: dict[str, Any]) -> AccessRules:
    masks = [entry for _, entry in _entries(document, "mask")]
    return _read("access", partial(parse_access, masks=masks), document)


def _principals(
    document: dict[str, Any], sources: dict[str, Source], rules: AccessRules
) -> tuple[tuple[str, Principal], ...]:
    return tuple(_principal(n, entry, sources, rules) for n, entry in _entries(document, "principal"))


def _principal(
    number: int, entry: dict[str, Any], sources: dict[str, Source], rules: AccessRules
) -> tuple[str, Principal]:
    where = f"[[principal]] {number}"
    name, source = _required(entry, "name", where), _required(entry, "source", where)
    if source not in sources:
        raise InvalidSettings(f"{where}: there is no [[source]] with id '{source}'")
    roles = frozenset(entry.get("roles", ["read", "write"]))
    if roles - ROLES:
        raise InvalidSettings(f"{where}: roles are of {', '.join(sorted(ROLES))}")
    try:
        permissions = parse_permissions(entry.get("scopes", ()), entry.get("patient", ""))
    except WrongSetting as wrong:
        raise InvalidSettings(f"{where}: {wrong}") from None
    if permissions is not None and roles & {"operator", "admin"}:
        raise InvalidSettings(f"{where}: operators and administrators see everything; scopes are for others")
    return _digest(entry, where), Principal(name, sources[source], roles, rules.applied(permissions, roles))


def _digest(entry: dict[str, Any], where: str) -> str:
    if entry.get("token_sha256"):
        return str(entry["token_sha256"]).lower()
    if entry.get("token_file"):
        return token_digest(read_secret(entry["token_file"], where))
    raise InvalidSettings(f"{where}: one of token_sha256 and token_file is needed")


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
        return secret_in(Path(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise InvalidSettings(f"{where}: token_file {path}: {reason}") from None


def _read(name: str, parse: Callable[..., _Parsed], document: dict[str, Any], *more: Any) -> _Parsed:
    """A table, or several, as ``parse`` makes something of them. What is wrong is said with the table's name."""
    tables = [_table(document, one) for one in name.split()]
    try:
        return parse(*tables, *more)
    except InvalidSpeech as error:
        raise InvalidSettings(str(error)) from None
    except _WRONG_TABLES as error:
        raise InvalidSettings(f"[{name}] {error}") from None


def _review(document: dict[str, Any]) -> ReviewRules:
    table = _table(document, "review")
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
    table = _table(document, "limits")
    for name, value in table.items():
        if value < 1 and name not in RATES:
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


def _clients(document: dict[str, Any], folder: Path, sources: dict[str, Source]) -> tuple[Client, ...]:
    try:
        return parse_clients([entry for _, entry in _entries(document, "client")], folder, sources)
    except WrongSetting as wrong:
        raise InvalidSettings(f"[[client]] {wrong}") from None


def _secrets(document: dict[str, Any], folder: Path) -> Secrets:
    table = _table(document, "secrets")
    return Secrets(folder / table["folder"] if table.get("folder") else None)


def _lease_seconds(document: dict[str, Any]) -> float:
    seconds = _table(document, "runner").get("lease_seconds", 10.0)
    if not 1 <= seconds <= 3600:
        raise InvalidSettings("[runner] lease_seconds is a number from 1 to 3600")
    return float(seconds)
