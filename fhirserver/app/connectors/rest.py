"""The kind ``rest``: an EHR with a REST API of its own, as a mapping file describes it (:mod:`adapters.rest`)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from adapters.rest.document import InvalidMapping
from adapters.rest.ehr import RestEhr, RestSettings
from adapters.rest.mapping import MappingFile
from adapters.rest.reading import load_mapping, shipped
from adapters.rest.tokens import Credentials
from adapters.runner.paced import PacedTransport
from fhirserver.app.connectors.kind import Made, Making
from fhirserver.app.connectors.secrets import Secret, Secrets, clear_settings, secret_of, secret_settings
from fhirserver.app.setting_kinds import WrongSetting, kinds
from fhirserver.ports.ehr import EhrError

SUBSCRIBE_SECONDS, RETRY_SECONDS = 3600.0, 10.0

log = logging.getLogger("credence.rest")

SETTINGS = kinds(
    f"mapping mapping_file url client_id webhook_url {secret_settings('client_secret', 'webhook_key')}",
    "types options",
    "visible_within_seconds",
)
CLEAR = clear_settings("client_secret", "webhook_key") | {"mapping_file"}


@dataclass(frozen=True, slots=True)
class RestConnector:
    """See docs/settings.md. ``options`` are what the mapping asks for; ``visible_within`` None: as the mapping says."""

    mapping: MappingFile
    secret: Secret
    webhook_key: Secret
    client_id: str = ""
    url: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    types: tuple[str, ...] = ()
    visible_within: float | None = None
    webhook_url: str = ""

    def settings(self, secrets: Secrets, **more: Any) -> RestSettings:
        """Raises :class:`~fhirserver.app.connectors.secrets.MissingSecret`."""
        return RestSettings(
            self.mapping,
            Credentials(self.client_id, self.secret.read(secrets)),
            self.url,
            dict(self.options),
            self.types,
            visible_within=self.visible_within,
            **more,
        )


def parse(entry: Mapping[str, Any], where: str, folder: Path) -> RestConnector:
    """See :meth:`fhirserver.app.connectors.kind.Kind.parse`."""
    mapping = _mapping(entry, folder)
    options = _options(entry.get("options", []))
    try:
        mapping.with_settings(options)
    except ValueError as error:
        raise WrongSetting("options", f"options: {error}") from None
    within = entry.get("visible_within_seconds")
    if within is not None and within < 0:
        raise WrongSetting("visible_within_seconds", "visible_within_seconds is 0 or more")
    for type in entry.get("types", ()):
        if type not in mapping.resources:
            known = ", ".join(mapping.resources)
            raise WrongSetting("types", f"types: the mapping has no '{type[:64]}'; it has {known}")
    return RestConnector(
        mapping,
        secret_of(entry, "client_secret"),
        secret_of(entry, "webhook_key"),
        client_id=entry.get("client_id", ""),
        url=_url(entry, "url"),
        options=options,
        types=tuple(entry.get("types", ())),
        visible_within=None if within is None else float(within),
        webhook_url=_url(entry, "webhook_url"),
    )


def _mapping(entry: Mapping[str, Any], folder: Path) -> MappingFile:
    name, file = entry.get("mapping", ""), entry.get("mapping_file", "")
    setting = "mapping_file" if file else "mapping"
    if bool(name) == bool(file):
        raise WrongSetting(setting, "one of 'mapping' and 'mapping_file' is needed")
    if name and name not in shipped():
        raise WrongSetting(setting, f"mapping is one of {', '.join(shipped())}; other files are mapping_file")
    try:
        return load_mapping(name or file, folder)
    except InvalidMapping as error:
        raise WrongSetting(setting, f"{setting}: {error}") from None


def _options(texts: list[str]) -> dict[str, str]:
    made: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise WrongSetting("options", 'options are such as "practice=195900"')
        made[name.strip()] = value.strip()
    return made


def _url(entry: Mapping[str, Any], setting: str) -> str:
    text = str(entry.get(setting, ""))
    if text and not text.startswith(("http://", "https://")):
        raise WrongSetting(setting, f"{setting} is such as https://api.example.org")
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise WrongSetting(
            setting, f"{setting} holds a user or password; secrets stand in files of their own"
        )
    return text


def make(own: RestConnector, making: Making) -> Made:
    """See :meth:`fhirserver.app.connectors.kind.Kind.make`."""
    settings = own.settings(making.secrets, retries=making.retries)
    limits = httpx.Limits(
        max_connections=settings.connections, max_keepalive_connections=settings.connections
    )
    transport = PacedTransport(httpx.AsyncHTTPTransport(limits=limits, trust_env=False), making.rate)
    ehr = RestEhr(settings, transport=transport)
    if not own.webhook_url or own.mapping.webhook is None or own.mapping.webhook.subscribe is None:
        return Made(ehr)
    return Made(ehr, loops={"webhook": partial(_keep_subscribed, ehr, own.webhook_url)})


async def _keep_subscribed(ehr: RestEhr, target: str) -> None:
    """Have the vendor tell of changes, and see to it now and then that it still does."""
    while True:
        seconds = SUBSCRIBE_SECONDS
        try:
            await ehr.subscribe(target)
        except EhrError as error:
            log.warning("%s: webhooks are not subscribed to: %s", ehr.mapping.name, type(error).__name__)
            seconds = RETRY_SECONDS
        await asyncio.sleep(seconds)
