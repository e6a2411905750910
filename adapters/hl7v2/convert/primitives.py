"""Texts of a message as values of FHIR's primitive types. None where a text is no such value."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.hl7v2.convert import times

Coerce = Callable[..., Any]
"""Text and the site's time zone to the JSON value."""

_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?\Z|[+-]?\.\d+\Z")
_INTEGER = re.compile(r"[+-]?\d+(?:\.0+)?\Z")
_WHITE = re.compile(r"[ \t\r\n]+")
_TRUE = frozenset(("Y", "YES", "TRUE", "T", "1"))
_FALSE = frozenset(("N", "NO", "FALSE", "F", "0"))


def decimal(text: str, zone: str) -> Decimal | None:
    """With the digits it was written with; a bare ``.5`` becomes ``0.5``."""
    text = text.strip()
    if not _DECIMAL.match(text):
        return None
    try:
        return Decimal(text.lstrip("+"))
    except InvalidOperation:
        return None


def integer(text: str, zone: str, least: int = -(2**31)) -> int | None:
    text = text.strip()
    if not _INTEGER.match(text):
        return None
    number = int(Decimal(text))
    return number if least <= number < 2**31 else None


def boolean(text: str, zone: str) -> bool | None:
    upper = text.strip().upper()
    return True if upper in _TRUE else False if upper in _FALSE else None


def string(text: str, zone: str) -> str | None:
    return text.strip() or None


def code(text: str, zone: str) -> str | None:
    if text.isalnum():
        return text
    return _WHITE.sub(" ", text).strip() or None


def uri(text: str, zone: str) -> str | None:
    stripped = text.strip()
    return stripped if stripped and not _WHITE.search(stripped) else None


def date(text: str, zone: str) -> str | None:
    return times.date(text)


def time(text: str, zone: str) -> str | None:
    return times.time(text)


def _positive(text: str, zone: str) -> int | None:
    return integer(text, zone, 1)


def _unsigned(text: str, zone: str) -> int | None:
    return integer(text, zone, 0)


COERCE: dict[str, Coerce] = {
    "decimal": decimal,
    "integer": integer,
    "positiveInt": _positive,
    "unsignedInt": _unsigned,
    "boolean": boolean,
    "string": string,
    "markdown": string,
    "code": code,
    "id": uri,
    "uri": uri,
    "url": uri,
    "canonical": uri,
    "oid": uri,
    "date": date,
    "dateTime": times.date_time,
    "instant": times.instant,
    "time": time,
    "base64Binary": uri,
}
