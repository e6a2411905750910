"""Resources, versions and facts as documents, and back.

The search values of a resource lie in typed arrays of its document, one multikey index each. Strings, tokens,
references and uris are compact texts ``param␟…`` (␟ is U+001F), so that one index serves every parameter;
dates, numbers and quantities are subdocuments; a composite is one subdocument with its parts side by side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from fhirserver.kernel.instants import microseconds
from fhirserver.kernel.json import dumps, loads
from fhirserver.ports.storage import Fact, Key, Version
from fhirserver.search.values import (
    CompositeValue,
    DateValue,
    IndexValue,
    NumberValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
)
from fhirserver.search.words import narrative_words, other_words
from fhirserver.storage.mongo.payloads import Document

SEPARATOR = "\x1f"
ARRAYS = ("string", "text", "token", "reference", "uri", "date", "number", "quantity", "composite", "has")
LETTERS = "abcdefgh"
"""The parts of a composite, in order."""


def compact(*parts: str) -> str:
    """The parts as one text. A separator inside a part, which no FHIR text may hold, is replaced."""
    return SEPARATOR.join(part.replace(SEPARATOR, "\ufffd") for part in parts)


def sort_field(param: str) -> str:
    """Where a parameter's least and greatest value lie. Codes may hold dots, field names may not."""
    return "sort." + _field_name(param)


def _field_name(param: str) -> str:
    return param.replace("%", "%25").replace(".", "%2E").replace("$", "%24")


# --- search values


def part_fields(value: IndexValue) -> Document:
    """The fields of one value in a subdocument, without its parameter."""
    match value:
        case StringValue(_, folded, text):
            return {"f": folded, "t": text}
        case TokenValue(_, system, code):
            return {"s": system, "c": code}
        case ReferenceValue(_, type_name, target):
            return {"y": type_name, "t": target}
        case DateValue(_, low, high) | NumberValue(_, low, high):
            return {"l": low, "h": high}
        case QuantityValue(_, number, low, high, system, code, unit):
            return {"v": number, "l": low, "h": high, "s": system, "c": code, "u": unit}
        case UriValue(_, uri):
            return {"u": uri}
    raise TypeError(f"{type(value).__name__} is not a part of a composite")


def _composite(value: CompositeValue) -> Document:
    fields: Document = {"p": value.param}
    for letter, part in zip(LETTERS, value.parts, strict=False):
        fields.update({letter + name: inner for name, inner in part_fields(part).items()})
    return fields


def _string(value: StringValue, arrays: dict[str, list[Any]]) -> str:
    arrays["string"].append(compact(value.param, value.folded))
    arrays["text"].append(compact(value.param, value.text))
    return value.folded


def _token(value: TokenValue, arrays: dict[str, list[Any]]) -> str:
    arrays["token"] += [compact(value.param, value.code), compact(value.param, value.system, value.code)]
    return value.code


def _reference(value: ReferenceValue, arrays: dict[str, list[Any]]) -> str:
    arrays["reference"].append(compact(value.param, value.type, value.target))
    return value.target


def _uri(value: UriValue, arrays: dict[str, list[Any]]) -> str:
    arrays["uri"].append(compact(value.param, value.uri))
    return value.uri


def _date(value: DateValue, arrays: dict[str, list[Any]]) -> int:
    arrays["date"].append({"p": value.param, **part_fields(value)})
    return value.low


def _number(value: NumberValue, arrays: dict[str, list[Any]]) -> float:
    arrays["number"].append({"p": value.param, **part_fields(value)})
    return value.low


def _quantity(value: QuantityValue, arrays: dict[str, list[Any]]) -> float:
    arrays["quantity"].append({"p": value.param, **part_fields(value)})
    return value.value


_PUT: dict[type, Callable[[Any, dict[str, list[Any]]], Any]] = {
    StringValue: _string,
    TokenValue: _token,
    ReferenceValue: _reference,
    UriValue: _uri,
    DateValue: _date,
    NumberValue: _number,
    QuantityValue: _quantity,
}
"""Each puts a value into the arrays and returns what it is sorted by."""


def index_fields(values: Sequence[IndexValue]) -> Document:
    """The typed arrays, the parameters that have a value, and each one's least and greatest value."""
    arrays: dict[str, list[Any]] = {name: [] for name in ARRAYS}
    sortable: dict[str, list[Any]] = defaultdict(list)
    for value in values:
        if isinstance(value, CompositeValue):
            arrays["composite"].append(_composite(value))
        else:
            sortable[_field_name(value.param)].append(_PUT[type(value)](value, arrays))
    for name in ("string", "text", "token", "reference", "uri"):
        arrays[name] = sorted(set(arrays[name]))
    arrays["has"] = sorted({value.param for value in values})
    ends = {param: {"min": min(found), "max": max(found)} for param, found in sorted(sortable.items())}
    return {**arrays, "sort": ends}


def word_field(content: bytes) -> list[str]:
    """The words of the narrative under ``_text``, and of everything under ``_content``."""
    resource = loads(content) if content else {}
    narrative = narrative_words(resource)
    every = narrative | other_words(resource)
    return sorted([compact("_text", w) for w in narrative] + [compact("_content", w) for w in every])


# --- resources and versions


def version_fields(version: Version, content: Any) -> Document:
    """What resources and old versions have in common; ``content`` as the payloads stored it."""
    return {
        "version": version.version,
        "position": version.position,
        "recorded": version.recorded,
        "deleted": version.deleted,
        "content": content,
    }


VERSION_FIELDS = {"version": 1, "position": 1, "recorded": 1, "deleted": 1, "content": 1}


def to_version(key: Key, document: Document, content: bytes) -> Version:
    return Version(
        key.type,
        key.id,
        document["version"],
        document["position"],
        document["recorded"],
        document["deleted"],
        content,
    )


def old_version(key: Key, pk: int, fields: Document, ended: str) -> Document:
    """A version that is no longer the newest; ``fields`` are those of :func:`version_fields`.

    ``ended`` is when the next one was recorded.
    """
    kept = {name: fields[name] for name in VERSION_FIELDS}
    return {
        "_id": f"{key}/{fields['version']}",
        "key": str(key),
        "type": key.type,
        "id": key.id,
        "pk": pk,
        "updated": microseconds(fields["recorded"]),
        "ended": microseconds(ended),
        **kept,
    }


# --- facts


def fact_document(fact: Fact) -> Document:
    return {
        "_id": fact_id(fact.kind, fact.key),
        "key": fact.key,
        "value": dumps(fact.value),
        "position": fact.position,
    }


def fact_id(kind: str, key: str) -> str:
    return f"{kind}{SEPARATOR}{key}"


def to_fact(kind: str, document: Document) -> Fact:
    return Fact(kind, document["key"], loads(document["value"]), document["position"])
