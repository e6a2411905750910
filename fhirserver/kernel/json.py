"""JSON whose decimals keep their text.

FHIR says that the precision of a decimal is significant: ``1.00`` is not ``1.0``
(https://hl7.org/fhir/R4/datatypes.html#decimal). Floats lose it, so numbers with a point or an exponent
are read as :class:`decimal.Decimal` and written back with the very characters they came with.

msgspec is the one third-party package of the kernel: the standard library can neither keep the text nor
write it (ADR 0003).
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

import msgspec

Json: TypeAlias = Any
"""Any JSON value: dict, list, str, int, Decimal, bool or None."""
JsonObject: TypeAlias = dict[str, Any]


class DecimalText(Decimal):
    """A decimal whose text is not the one Python would print, such as ``1.0e2``."""

    text: str

    def __copy__(self) -> DecimalText:
        return self

    def __deepcopy__(self, memo: object) -> DecimalText:
        """Itself: it is immutable, and Decimal's own copy would lose the text."""
        return self


class InvalidJson(ValueError):
    """The bytes are not JSON. The message names the byte offset and holds nothing of the content."""


MOST_DIGITS = 1000
"""Characters of one number: FHIR asks for 18 digits, and to read a number takes the square of its length."""


def _decimal(text: str) -> Decimal:
    if len(text) > MOST_DIGITS:
        raise InvalidOperation
    value = Decimal(text)
    if str(value) != text:
        value = DecimalText(text)
        value.text = text
    return value


def _raw(value: object) -> msgspec.Raw:
    if isinstance(value, DecimalText):
        return msgspec.Raw(value.text.encode())
    raise TypeError(f"{type(value).__name__} is not a JSON type")


_decoder = msgspec.json.Decoder(float_hook=_decimal)
_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_raw)
_sorted_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_raw, order="sorted")


def loads(data: bytes | str) -> Json:
    """Parse JSON; decimals become :class:`Decimal`. Raises :class:`InvalidJson`."""
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise InvalidJson(str(error)) from None
    except (UnicodeDecodeError, RecursionError):
        raise InvalidJson("JSON is not valid UTF-8 or is nested too deeply") from None
    except (InvalidOperation, ValueError):
        raise InvalidJson("JSON holds a number out of range") from None


dumps = _encoder.encode
"""Encode to compact UTF-8 bytes, object members in the order given."""

canonical = _sorted_encoder.encode
"""Encode with sorted member names, for comparison and hashing."""


MOST_LEVELS = 200
"""How deep objects and lists may be nested in a resource: what walks it is recursive, and nothing real comes near."""
_NO_MARKS = bytes(set(range(256)) - set(b'[]{}"'))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_TEXT = re.compile(rb'"[^"]*"')
_ESCAPE = re.compile(rb"\\.")


def too_deep(data: bytes) -> bool:
    """Whether valid JSON is nested deeper than :data:`MOST_LEVELS`. Free where there are too few brackets for it."""
    if data.count(b"{") + data.count(b"[") <= MOST_LEVELS:
        return False
    if b"\\" in data:
        data = _ESCAPE.sub(b"", data)
    # Of texts only the brackets in them are left: two quotation marks side by side say nothing of what is inside.
    left = data.translate(_ONE_KIND, _NO_MARKS).replace(b'""', b"")
    if b'"' in left:
        left = _TEXT.sub(b"", left)
    for _ in range(MOST_LEVELS):
        left = left.replace(b"[]", b"")
        if not left:
            return False
    return True


def loads_unique(data: bytes) -> Json:
    """Like :func:`loads`, and no object may have a member twice: one of the two values would be lost unseen.

    Nor may it be nested deeper than :data:`MOST_LEVELS`.

    Written again, such JSON has fewer quotation marks. So they are counted, which costs a tenth of a
    validation, and only where the counts differ (an escape may be the reason) it is read again by a slower parser.
    """
    value = loads(data)
    if too_deep(data):
        raise InvalidJson(f"JSON is nested more than {MOST_LEVELS} levels deep")
    if data.count(b'"') != dumps(value).count(b'"'):
        try:
            json.loads(data, object_pairs_hook=_refuse_twins, parse_float=str, parse_int=str)
        except RecursionError:
            raise InvalidJson("JSON is nested too deeply") from None
    return value


def _refuse_twins(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise InvalidJson("an object has the same member twice")


def pretty(value: Json) -> bytes:
    """Encode with two-space indentation."""
    return msgspec.json.format(dumps(value), indent=2)
