"""String functions. https://hl7.org/fhirpath/N1/#string-manipulation"""

from __future__ import annotations

import base64
import binascii
import html
from collections.abc import Callable

from fhirserver.kernel import json
from fhirserver.model.fhirpath import regex
from fhirserver.model.fhirpath.arithmetic import MAX_TEXT, text
from fhirserver.model.fhirpath.environment import Frame
from fhirserver.model.fhirpath.errors import FhirPathError
from fhirserver.model.fhirpath.functions.signature import Apply, Function, Functions
from fhirserver.model.fhirpath.lexer import unescaped
from fhirserver.model.fhirpath.values import (
    BOOLEAN,
    INTEGER,
    STRING,
    Items,
    boolean,
    integer,
    single_integer,
    single_string,
    string,
)

_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def _on_string(apply: Callable[[str], Items]) -> Apply:
    def function(frame: Frame, items: Items) -> Items:
        value = single_string(items)
        return [] if value is None else apply(value)

    return function


def _with_string(apply: Callable[[str, str], Items]) -> Apply:
    def function(frame: Frame, items: Items, argument: Items) -> Items:
        value, other = single_string(items), single_string(argument)
        return [] if value is None or other is None else apply(value, other)

    return function


def _with_two_strings(apply: Callable[[str, str, str], Items]) -> Apply:
    def function(frame: Frame, items: Items, first: Items, second: Items) -> Items:
        value, one, two = single_string(items), single_string(first), single_string(second)
        return [] if value is None or one is None or two is None else apply(value, one, two)

    return function


def substring(frame: Frame, items: Items, start: Items, length: Items | None = None) -> Items:
    value, begin = single_string(items), single_integer(start)
    size = None if length is None else single_integer(length)
    if value is None or begin is None or not 0 <= begin < len(value):
        return []
    return string(value[begin:] if size is None else value[begin : begin + max(size, 0)])


def _replace(value: str, pattern: str, substitution: str) -> Items:
    grown = len(value) + value.count(pattern) * (len(substitution) - len(pattern))
    if grown > MAX_TEXT:
        raise FhirPathError(f"the string is longer than {MAX_TEXT} characters")
    return string(value.replace(pattern, substitution))


def split(frame: Frame, items: Items, separator: Items) -> Items:
    value, by = single_string(items), single_string(separator)
    if value is None or by is None:
        return []
    parts = value.split(by) if by else list(value)
    frame.spend(len(parts))
    return [part for one in parts for part in string(one)]


def join(frame: Frame, items: Items, separator: Items | None = None) -> Items:
    by = (single_string(separator) if separator is not None else "") or ""
    parts = [part for item in items if (part := single_string([item])) is not None]
    return text(by.join(parts)) if items else []


def to_chars(frame: Frame, items: Items) -> Items:
    value = single_string(items) or ""
    frame.spend(len(value))
    return [char for one in value for char in string(one)]


def _encode(value: str, form: str) -> Items:
    data = value.encode("utf-8", "replace")
    if form == "hex":
        return text(data.hex())
    if form == "base64":
        return text(base64.b64encode(data).decode())
    return text(base64.urlsafe_b64encode(data).decode()) if form == "urlbase64" else []


def _decode(value: str, form: str) -> Items:
    decoders: dict[str, Callable[[str], bytes]] = {
        "hex": bytes.fromhex,
        "base64": lambda coded: base64.b64decode(coded, validate=True),
        "urlbase64": lambda coded: base64.b64decode(coded, altchars=b"-_", validate=True),
    }
    decode = decoders.get(form)
    try:
        return string(decode(value).decode()) if decode is not None else []
    except (ValueError, binascii.Error):
        return []


def _escape(value: str, form: str) -> Items:
    if form == "html":
        return text(html.escape(value, quote=True))
    return text(json.dumps(value).decode()[1:-1]) if form == "json" else []


def _unescape(value: str, form: str) -> Items:
    if form == "html":
        return text(html.unescape(value))
    return text(unescaped(value, _CONTROLS)) if form == "json" else []


FUNCTIONS: Functions = {
    "indexOf": Function(_with_string(lambda v, s: integer(v.find(s))), 1, 1, INTEGER, input="string"),
    "lastIndexOf": Function(_with_string(lambda v, s: integer(v.rfind(s))), 1, 1, INTEGER, input="string"),
    "substring": Function(substring, 1, 2, STRING, input="string"),
    "startsWith": Function(
        _with_string(lambda v, s: boolean(v.startswith(s))), 1, 1, BOOLEAN, input="string"
    ),
    "endsWith": Function(_with_string(lambda v, s: boolean(v.endswith(s))), 1, 1, BOOLEAN, input="string"),
    "contains": Function(_with_string(lambda v, s: boolean(s in v)), 1, 1, BOOLEAN, input="string"),
    "upper": Function(_on_string(lambda v: text(v.upper())), result=STRING, input="string"),
    "lower": Function(_on_string(lambda v: text(v.lower())), result=STRING, input="string"),
    "trim": Function(_on_string(lambda v: string(v.strip())), result=STRING, input="string"),
    "length": Function(_on_string(lambda v: integer(len(v))), result=INTEGER, input="string"),
    "toChars": Function(to_chars, result=STRING, many=True, input="string"),
    "replace": Function(_with_two_strings(_replace), 2, 2, STRING, input="string"),
    "matches": Function(
        _with_string(lambda v, p: boolean(regex.search(p, v))), 1, 1, BOOLEAN, input="string"
    ),
    "matchesFull": Function(
        _with_string(lambda v, p: boolean(regex.matches_all(p, v))), 1, 1, BOOLEAN, input="string"
    ),
    "replaceMatches": Function(
        _with_two_strings(lambda v, p, s: text(regex.replace(p, v, s))), 2, 2, STRING, input="string"
    ),
    "split": Function(split, 1, 1, STRING, many=True, input="string"),
    "join": Function(join, 0, 1, STRING, input="string"),
    "encode": Function(_with_string(_encode), 1, 1, STRING, input="string"),
    "decode": Function(_with_string(_decode), 1, 1, STRING, input="string"),
    "escape": Function(_with_string(_escape), 1, 1, STRING, input="string"),
    "unescape": Function(_with_string(_unescape), 1, 1, STRING, input="string"),
}
