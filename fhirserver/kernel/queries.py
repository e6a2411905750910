"""Query strings (``application/x-www-form-urlencoded``), quick where there is nothing to encode or decode."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import quote_plus, unquote_plus

_SHORT: Final = 200
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
    if "%" not in text and "+" not in text:
        return text
    return _decoded(text) if len(text) < _SHORT else unquote_plus(text, errors="strict")


def _quoted(text: str) -> str:
    if _PLAIN.match(text):
        return text
    return _encoded(text) if len(text) < _SHORT else quote_plus(text)


# The same codes, systems and patients are asked for over and over.


@lru_cache(maxsize=4096)
def _decoded(text: str) -> str:
    return unquote_plus(text, errors="strict")


@lru_cache(maxsize=4096)
def _encoded(text: str) -> str:
    return quote_plus(text)
