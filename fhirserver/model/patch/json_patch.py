"""JSON Patch (RFC 6902): https://www.rfc-editor.org/rfc/rfc6902"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from typing import Any

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.model.patch.document import (
    equal,
    malformed,
    refuse_too_many,
    unprocessable,
    weight,
    without_empty,
)

MAX_COPIED = 1_000_000
"""Values that all copies of one patch may make: each may double what the one before it made."""
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*\Z", re.DOTALL)
_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,9})\Z", re.ASCII)


def parse_json_patch(operations: Json) -> Callable[[JsonObject], JsonObject]:
    """A function that applies the patch to a resource, which it may change on the way.

    Raises a refusal (400) that names ``http.body[n]`` where the document is malformed; the function raises one
    (422) likewise for an operation that does not fit.
    """
    if not isinstance(operations, list):
        raise malformed("A JSON Patch is an array of operations", "http.body", "structure")
    refuse_too_many(len(operations), "http.body")
    for number, operation in enumerate(operations):
        _check(operation, f"http.body[{number}]")
    return lambda resource: _apply_all(operations, resource)


def _check(operation: Json, where: str) -> None:
    if not isinstance(operation, dict) or operation.get("op") not in tuple(_OPERATIONS):
        names = ", ".join(_OPERATIONS)
        raise malformed(f"An operation's op is one of {names}", where, "structure")
    for member in ("path", *(("from",) if operation["op"] in ("move", "copy") else ())):
        if not isinstance(operation.get(member), str):
            raise malformed(f"The operation needs a string '{member}'", where, "structure")
        if not _POINTER.match(operation[member]):
            raise malformed(f"'{member}' is not a JSON Pointer", where, "structure")
    if operation["op"] in ("add", "replace", "test") and "value" not in operation:
        raise malformed("The operation needs a 'value'", where, "structure")


def _apply_all(operations: Sequence[JsonObject], resource: JsonObject) -> JsonObject:
    document: Json = resource
    copied = 0
    for number, operation in enumerate(operations):
        where = f"http.body[{number}]"
        try:
            if operation["op"] == "copy":
                copied += weight(_get(document, _pointer(operation["from"])))
            if copied > MAX_COPIED:
                raise refuse(Category.TOO_LARGE, "too-costly", "The patch copies too much", where)
            document = _OPERATIONS[operation["op"]](document, operation)
        except (LookupError, TypeError, ValueError, AttributeError):
            raise unprocessable("The operation's path leads nowhere", where) from None
        except _TestFailed:
            raise unprocessable("The test fails: there is another value", where) from None
    if not isinstance(document, dict):
        raise unprocessable("The patch leaves no resource", f"http.body[{len(operations) - 1}]")
    return without_empty(document)


class _TestFailed(Exception):
    """A ``test`` found another value."""


def _pointer(text: str) -> list[str]:
    if not text:
        return []
    return [part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/")]


def _index(items: list[Json], token: str, end: int) -> int:
    if not _INDEX.match(token) or int(token) > end:
        raise LookupError(token)
    return int(token)


def _get(document: Json, path: Sequence[str]) -> Json:
    for token in path:
        document = (
            document[_index(document, token, len(document) - 1)]
            if isinstance(document, list)
            else document[token]
        )
    return document


def _add(document: Json, operation: JsonObject) -> Json:
    return _insert(document, _pointer(operation["path"]), copy.deepcopy(operation["value"]))


def _insert(document: Json, path: list[str], value: Json) -> Json:
    if not path:
        return value
    parent = _get(document, path[:-1])
    if isinstance(parent, list):
        at = len(parent) if path[-1] == "-" else _index(parent, path[-1], len(parent))
        parent.insert(at, value)
    else:
        parent[path[-1]] = value
    return document


def _remove(document: Json, operation: JsonObject) -> Json:
    return _cut(document, _pointer(operation["path"]))[0]


def _cut(document: Json, path: list[str]) -> tuple[Json, Json]:
    """Take out the value at the path."""
    parent = _get(document, path[:-1])
    key: Any = _index(parent, path[-1], len(parent) - 1) if isinstance(parent, list) else path[-1]
    return document, parent.pop(key)


def _replace(document: Json, operation: JsonObject) -> Json:
    path = _pointer(operation["path"])
    if not path:
        return copy.deepcopy(operation["value"])
    parent = _get(document, path[:-1])
    _get(parent, path[-1:])
    key: Any = int(path[-1]) if isinstance(parent, list) else path[-1]
    parent[key] = copy.deepcopy(operation["value"])
    return document


def _move(document: Json, operation: JsonObject) -> Json:
    source, target = _pointer(operation["from"]), _pointer(operation["path"])
    if target[: len(source)] == source and target != source:
        raise ValueError(operation["path"])
    document, value = _cut(document, source)
    return _insert(document, target, value)


def _copy(document: Json, operation: JsonObject) -> Json:
    return _insert(
        document, _pointer(operation["path"]), copy.deepcopy(_get(document, _pointer(operation["from"])))
    )


def _test(document: Json, operation: JsonObject) -> Json:
    if not equal(_get(document, _pointer(operation["path"])), operation["value"]):
        raise _TestFailed
    return document


_OPERATIONS: dict[str, Callable[[Json, JsonObject], Json]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
