"""The settings of ``[telephony]``: the number at Twilio, and where calls go."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fhirserver.app.secret_files import secret_in
from fhirserver.app.setting_kinds import WrongSetting, kinds

if TYPE_CHECKING:
    from agent.telephony.settings import TelephonySettings

TELEPHONY = kinds(
    "account_sid auth_token_file number public_url api_url transfer_number unanswered failed language notice "
    "voicemail call_hours",
    "transfers",
    "ring_seconds answer_within_seconds stream_within_seconds text_idle_seconds text_within_seconds",
    "most_calls most_seconds",
    "recording call_any_number",
)
TOKEN_VARIABLE = "TWILIO_AUTH_TOKEN"  # noqa: S105  (the name of a variable)
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}\Z")
_ACCOUNT = re.compile(r"AC[0-9a-f]{32}\Z")
_HOURS = re.compile(r"((?:[01][0-9]|2[0-3]):[0-5][0-9]) ?- ?((?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)\Z")
_NUMBERS = ("number", "transfer_number")
_TEXTS = ("account_sid", *_NUMBERS, "unanswered", "failed", "language", "notice", "voicemail")
_SECONDS = {
    "ring_seconds": "ring_seconds",
    "answer_within_seconds": "answer_within",
    "stream_within_seconds": "stream_within",
    "text_idle_seconds": "sms_idle",
    "text_within_seconds": "sms_within",
}
_WHOLES = ("most_calls", "most_seconds")


def parse_telephony(table: Mapping[str, Any], folder: Path) -> TelephonySettings | None:
    """Read the table, whose settings are of the right kinds; None for an empty one: then there is no telephone.

    Raises :class:`WrongSetting`.
    """
    if not table:
        return None
    from agent.telephony.settings import TelephonySettings

    for name in _NUMBERS:
        if table.get(name) and not _NUMBER.match(table[name]):
            raise WrongSetting(name, f"{name} is a telephone number such as +15555550100")
    if table.get("account_sid") and not _ACCOUNT.match(table["account_sid"]):
        raise WrongSetting("account_sid", "account_sid is AC and 32 digits of hexadecimal")
    given: dict[str, Any] = {name: table[name] for name in _TEXTS if name in table}
    given |= {"recording": table.get("recording", False), "transfers": _transfers(table.get("transfers", []))}
    given |= {"call_any_number": table.get("call_any_number", False), **_hours(table)}
    given |= _above_nothing(table)
    given |= {name: _address(table, name) for name in ("public_url", "api_url") if name in table}
    if "public_url" not in given:
        raise WrongSetting("public_url", "'public_url' is needed")
    return TelephonySettings(auth_token=_auth_token(table, folder), **given)


def _above_nothing(table: Mapping[str, Any]) -> dict[str, float | int]:
    named = {**_SECONDS, **{name: name for name in _WHOLES}}
    for name in named:
        if name in table and table[name] <= 0:
            raise WrongSetting(name, f"{name} is above 0")
    seconds = {inner: float(table[name]) for name, inner in _SECONDS.items() if name in table}
    return {**seconds, **{name: table[name] for name in _WHOLES if name in table}}


def _hours(table: Mapping[str, Any]) -> dict[str, tuple[time, time]]:
    """The hours in which calls go out; ``00:00-24:00`` is always."""
    if "call_hours" not in table:
        return {}
    found = _HOURS.match(table["call_hours"])
    if found is None or found[1] >= found[2]:
        raise WrongSetting("call_hours", 'call_hours are such as "09:00-20:00"; "00:00-24:00" is always')
    begin = time.fromisoformat(found[1])
    if found[2] == "24:00":
        return {"call_hours": (begin, time.max if begin != time.min else time.min)}
    return {"call_hours": (begin, time.fromisoformat(found[2]))}


def _auth_token(table: Mapping[str, Any], folder: Path) -> str:
    """The content of ``auth_token_file``, or what is in the environment."""
    file = table.get("auth_token_file", "")
    if not file:
        token = os.environ.get(TOKEN_VARIABLE, "").strip()
    else:
        try:
            token = secret_in(folder / file)
        except (OSError, UnicodeDecodeError):
            raise WrongSetting("auth_token_file", f"auth_token_file: {file} cannot be read") from None
    if not token:
        raise WrongSetting(
            "auth_token_file", f"an auth token is needed: name an auth_token_file, or set {TOKEN_VARIABLE}"
        )
    return token


def _address(table: Mapping[str, Any], name: str) -> str:
    value = str(table.get(name, ""))
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise WrongSetting(name, f"{name} is an address such as https://voice.clinic.example")
    return value


def _transfers(values: list[str]) -> dict[str, str]:
    found = {}
    for value in values:
        reason, equals, number = value.rpartition("=")
        if not equals or not reason.strip() or not _NUMBER.match(number.strip()):
            raise WrongSetting("transfers", 'transfers are such as "billing=+15555550101"')
        found[reason.strip()] = number.strip()
    return found
