"""Query strings (``application/x-www-form-urlencoded``), quick where there is nothing to encode or decode."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote_plus, unquote_plus

_PLAIN = re.compile(r"[A-Za-z0-9_.~\-]*\Z")


class TooMany(ValueError):
    """A query string has more parameters than are read."""


def decode_query(text: str, most: int) -> list[tuple[str, str]]:
    """The names and values in order; blank values are kept.

    Raises :class:`UnicodeDecodeError` for bytes that are not UTF-8 and :class:`TooMany`; both are ValueErrors.
    """
    parts = text.split("&")
    if len(parts) > most:
        raise TooMany(f"more than {most} parameters")
    pairs = []
    for part in parts:
        name, _, value = part.partition("=")
        if part:
            pairs.append((_unquoted(name), _unquoted(value)))
    return pairs


def encode_query(pairs: Iterable[tuple[str, str]]) -> str:
    """The query string of names and values."""
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def _unquoted(text: str) -> str:
    return unquote_plus(text, errors="strict") if "%" in text or "+" in text else text


def _quoted(text: str) -> str:
    return text if _PLAIN.match(text) else quote_plus(text)
