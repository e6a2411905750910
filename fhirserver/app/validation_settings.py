"""The settings of ``[validation]``: what writes and ``$validate`` are held to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhirserver.model.validation.profiles import Rules


class InvalidValidation(ValueError):
    """The table is wrong; the message names the setting and what to do."""


def parse_claims(table: Mapping[str, Any]) -> str:
    """What becomes of writes that break the profiles in their meta.profile. Raises :class:`InvalidValidation`."""
    value = table.get("profiles", "off")
    if value not in ("off", "warn", "enforce"):
        raise InvalidValidation("profiles is 'off', 'warn' or 'enforce'")
    return str(value)


def parse_rules(table: Mapping[str, Any]) -> Rules:
    """What ``$validate`` holds a resource to. Raises :class:`InvalidValidation`."""
    rules = {name: value for name, value in table.items() if name != "profiles"}
    for name in ("unknown_extensions", "lapses", "markup_in_text"):
        if rules.get(name, "error") not in ("error", "warning", "information"):
            raise InvalidValidation(f"{name} is 'error', 'warning' or 'information'")
    if "extension_domains" in rules:
        rules["extension_domains"] = tuple(rules["extension_domains"])
    return Rules(**rules)
