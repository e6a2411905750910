"""The opaque text of a page's end. It names a place in the order, so a page stays put while data changes."""

from __future__ import annotations

import base64
import binascii
from decimal import Decimal
from typing import Any

from fhirserver.kernel.json import InvalidJson, dumps, loads
from fhirserver.search.expression import Cursor, SortKey, SortValue

_LARGEST = 2**63 - 1
_LENGTH = 4096
_NUMERIC = {"date": int, "updated": int, "number": float, "quantity": float}


def encode(cursor: Cursor) -> str:
    """base64url without padding."""
    raw = dumps([*cursor.keys, cursor.tie])
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str, sort: tuple[SortKey, ...]) -> Cursor:
    """The place that ``text`` names in the order ``sort``. Raises :class:`ValueError` for any other text."""
    items = _items(text)
    if len(items) != len(sort) + 1 or not _is_tie(items[-1]):
        raise ValueError("expected the _cursor of this search")
    return Cursor(tuple(_sort_value(key, item) for key, item in zip(sort, items, strict=False)), items[-1])


def _items(text: str) -> list[Any]:
    try:
        if len(text) > _LENGTH:
            raise ValueError
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        items = loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, InvalidJson):
        raise ValueError("expected the _cursor of a page") from None
    if not isinstance(items, list):
        raise ValueError("expected the _cursor of a page")
    return items


def _is_tie(item: object) -> bool:
    if isinstance(item, str):
        return _is_text(item)
    return type(item) is int and abs(item) <= _LARGEST  # derived resources have negative numbers


def _is_text(item: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in item)


def _sort_value(key: SortKey, item: Any) -> SortValue:
    wanted = _NUMERIC.get(key.kind, str)
    if item is None:
        return None
    if wanted is str and isinstance(item, str) and _is_text(item):
        return item
    if wanted is int and type(item) is int and abs(item) <= _LARGEST:
        return item
    if wanted is float and isinstance(item, int | Decimal) and not isinstance(item, bool):
        return float(item)
    return _wrong()


def _wrong() -> SortValue:
    raise ValueError("expected the _cursor of this search")
