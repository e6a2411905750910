"""The settings of ``[log]``, ``[metrics]`` and ``[traces]``."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from fhirserver.app.setting_kinds import WrongSetting, kinds

LOG: Final = kinds("format level", "levels", yes_no="access")
METRICS: Final = kinds(texts="open_to", yes_no="enabled")
TRACES: Final = kinds("endpoint headers_file", numbers="sample")

FORMATS: Final = ("text", "json")
LEVELS: Final = ("debug", "info", "warning", "error", "critical")
OURS: Final = ("credence", "uvicorn.error", "asyncio")
"""Loggers whose level may be set. Those of libraries stay at warnings: below that they tell URLs and content."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """``levels`` are of loggers by name; ``access``: whether each request leaves a line."""

    format: str = "text"
    level: str = "info"
    levels: Mapping[str, str] = field(default_factory=dict)
    access: bool = False


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """``open_to``: networks whose clients need no token for ``/metrics``."""

    enabled: bool = True
    open_to: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    def is_open_to(self, address: str) -> bool:
        try:
            host = ipaddress.ip_address(address)
        except ValueError:
            return False
        host = getattr(host, "ipv4_mapped", None) or host
        return any(host in network for network in self.open_to)


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """``endpoint``: where spans go by OTLP over HTTP, empty for nowhere; ``sample``: the share of traces that begin
    here and are kept; ``headers``: what the receiver wants with them, such as an API key."""

    endpoint: str = ""
    sample: float = 1.0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def parse_log(table: Mapping[str, Any]) -> LogSettings:
    """The table ``[log]``. Raises :class:`~fhirserver.app.setting_kinds.WrongSetting`."""
    chosen, level = table.get("format", "text"), _level("level", table.get("level", "info"))
    if chosen not in FORMATS:
        raise WrongSetting("format", f"format is one of {', '.join(FORMATS)}")
    levels = dict(_of_logger(entry) for entry in table.get("levels", ()))
    return LogSettings(chosen, level, levels, table.get("access", False))


def _of_logger(entry: str) -> tuple[str, str]:
    name, equals, level = entry.partition("=")
    if not equals:
        raise WrongSetting("levels", 'levels are such as "credence.runner=debug"')
    if not any(name == ours or name.startswith(f"{ours}.") for ours in OURS):
        raise WrongSetting("levels", f"levels are of loggers below {', '.join(OURS)}; others would tell URLs")
    return name, _level("levels", level)


def _level(setting: str, level: str) -> str:
    if level not in LEVELS:
        raise WrongSetting(setting, f"a level is one of {', '.join(LEVELS)}")
    return level


def parse_metrics(table: Mapping[str, Any]) -> MetricsSettings:
    """The table ``[metrics]``. Raises :class:`~fhirserver.app.setting_kinds.WrongSetting`."""
    try:
        networks = tuple(ipaddress.ip_network(one) for one in table.get("open_to", ()))
    except ValueError:
        text = 'open_to has addresses and networks such as "127.0.0.1" and "10.1.0.0/16"'
        raise WrongSetting("open_to", text) from None
    return MetricsSettings(table.get("enabled", True), networks)


def parse_traces(table: Mapping[str, Any], folder: Path) -> TraceSettings:
    """The table ``[traces]``. Raises :class:`~fhirserver.app.setting_kinds.WrongSetting`."""
    endpoint, sample = table.get("endpoint", ""), float(table.get("sample", 1.0))
    parts = urlsplit(endpoint)
    if endpoint and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username):
        raise WrongSetting("endpoint", 'endpoint is a URL such as "http://127.0.0.1:4318/v1/traces"')
    if not 0 <= sample <= 1:
        raise WrongSetting("sample", "sample is a number from 0 to 1")
    file = table.get("headers_file", "")
    return TraceSettings(endpoint, sample, _headers(folder / file) if file else {})


def _headers(path: Path) -> Mapping[str, str]:
    """Lines of ``name: value``. The values are secrets."""
    try:
        lines = [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        raise WrongSetting("headers_file", f"headers_file {path} cannot be read") from None
    pairs = [line.partition(":") for line in lines]
    if any(not colon or not name.strip() for name, colon, _ in pairs):
        raise WrongSetting("headers_file", "headers_file has lines such as 'api-key: …'")
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
