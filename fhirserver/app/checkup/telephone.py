"""What Twilio needs of the settings. Nobody is called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from fhirserver.app.checkup.finding import Finding, error, good, warning

_SID = re.compile(r"AC[0-9a-f]{32}\Z")
_E164 = re.compile(r"\+[1-9]\d{6,14}\Z", re.ASCII)


def telephone(auth_token: str, public_url: str, account_sid: str = "", number: str = "") -> Iterator[Finding]:
    """The token that signatures are checked with, the address they are over, and what calls out need."""
    if auth_token:
        yield good("twilio token", "present")
    else:
        yield error(
            "twilio token", "missing: no call can be let in", "set the auth token of the Twilio console"
        )
    yield _address(public_url)
    if account_sid and not _SID.match(account_sid):
        yield error(
            "twilio account", "no account SID", "copy the Account SID, 'AC' and 32 digits, from the console"
        )
    if number and not _E164.match(number):
        yield error("twilio number", "not in E.164", "write it with + and country code, such as +14125550142")
    if not (account_sid and number):
        todo = "set account_sid and number to call out, transfer and send texts"
        yield warning("twilio calls out", "not possible", todo)


def _address(public_url: str) -> Finding:
    parts = urlsplit(public_url)
    if not parts.hostname:
        return error("public url", "missing", "set the https address at which Twilio reaches this server")
    if parts.scheme != "https":
        return error(
            "public url", f"{parts.scheme or 'no scheme'}, not https", "put TLS in front, and write https://"
        )
    if parts.path.strip("/") or parts.query:
        return warning(
            "public url", "has a path", "signatures are over the exact address: check that it is meant"
        )
    return good("public url", f"https://{parts.hostname}")
