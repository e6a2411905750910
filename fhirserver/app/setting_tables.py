"""Every setting by its table, and what it must be."""

from __future__ import annotations

from typing import Any

from fhirserver.app.access_settings import ACCESS, MASK
from fhirserver.app.audit_settings import AUDIT
from fhirserver.app.campaign_settings import CAMPAIGNS
from fhirserver.app.chat_settings import CHAT
from fhirserver.app.connectors.connector import COMMON
from fhirserver.app.form_settings import FORMS
from fhirserver.app.identity_settings import IDENTITY_TABLES
from fhirserver.app.observing.settings import LOG, METRICS, TRACES
from fhirserver.app.platform_settings import PLATFORM
from fhirserver.app.safety_settings import SAFETY
from fhirserver.app.setting_kinds import SettingKinds, kinds
from fhirserver.app.smart_settings import CLIENT, SMART
from fhirserver.app.speech_settings import SPEECH_TABLES
from fhirserver.app.telephony_settings import TELEPHONY
from fhirserver.app.terminology_settings import TERMINOLOGY
from fhirserver.app.voice.settings import TURNS, VOICE

KNOWN: dict[str, SettingKinds] = {
    "server": kinds(
        "host base_url tls_cert tls_key tls_client_ca", "cors_origins trusted_proxies", wholes="port workers"
    ),
    "storage": kinds("kind path terminology url url_file database"),
    "policy": kinds("file"),
    "limits": kinds(
        wholes="body_bytes bundle_entries conditional_delete default_count max_count resource_elements "
        "connections_per_address",
        numbers="requests_per_second_address requests_per_second_principal failed_sign_ins_per_minute",
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
    **SPEECH_TABLES,
    "llm": kinds(
        "model base_url key_file effort",
        numbers="first_seconds whole_seconds",
        wholes="answer_tokens turn_tokens call_tokens failures retries",
        yes_no="enabled",
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
    "telephony": TELEPHONY,
    "chat": CHAT,
    "forms": FORMS,
    "campaigns": CAMPAIGNS,
    "platform": PLATFORM,
    "audit": AUDIT,
    "source": kinds("id kind", "types acts_on", "base maximum", yes_no="authoritative"),
    "principal": kinds("name source token_sha256 token_file patient", "roles scopes"),
    "access": ACCESS,
    "mask": MASK,
    "connector": COMMON,
    "smart": SMART,
    "client": CLIENT,
    "voice": VOICE,
    "turns": TURNS,
    "secrets": kinds("folder"),
    "runner": kinds(numbers="lease_seconds"),
    "safety": SAFETY,
    "terminology": TERMINOLOGY,
    **IDENTITY_TABLES,
    "log": LOG,
    "metrics": METRICS,
    "traces": TRACES,
}
"""Every setting by table, and what it must be; connectors have those of their kind too. See docs/settings.md."""


def lifted(document: dict[str, Any]) -> dict[str, Any]:
    """The tables inside of others (``[subscriptions.smtp]``) as ones of their own."""
    for name in ("subscriptions.smtp", "oidc.role"):
        table, _, inner = name.partition(".")
        outer = document.get(table)
        if isinstance(outer, dict) and inner in outer:
            rest = {one: value for one, value in outer.items() if one != inner}
            document = {**document, table: rest, name: outer[inner]}
    return document
