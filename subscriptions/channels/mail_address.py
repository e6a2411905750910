"""`mailto:` endpoints: exactly one address, and nothing that could become another header.

https://www.rfc-editor.org/rfc/rfc6068
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import unquote

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*")
_MOST_CHARACTERS: Final = 254


class InvalidAddress(ValueError):
    """The endpoint is no single address. The message says what is wrong, without the address."""


def address_of(endpoint: str) -> str:
    """The address of a `mailto:` URL. Raises InvalidAddress."""
    scheme, colon, rest = endpoint.partition(":")
    if not colon or scheme.lower() != "mailto":
        raise InvalidAddress("the endpoint of an email subscription is a mailto: URL")
    if "?" in rest:
        raise InvalidAddress("the mailto: URL may hold an address and nothing else")
    address = unquote(rest)
    if len(address) > _MOST_CHARACTERS or not _ADDRESS.fullmatch(address):
        raise InvalidAddress("the mailto: URL holds no single e-mail address")
    return address


def is_within(address: str, domains: Collection[str]) -> bool:
    """Whether the address is of one of the domains; without any it is."""
    domain = address.rpartition("@")[2].lower()
    return not domains or domain in {one.lower() for one in domains}
