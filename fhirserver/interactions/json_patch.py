"""JSON Patch (RFC 6902) as a pure function on JSON values."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.world.units import same


def parse_json_patch(operations: Json) -> Callable[[JsonObject], JsonObject]:
    """A function that applies the patch. Raises a refusal (400) where the document is malformed."""
    if not isinstance(operations, list):
        raise refuse(Category.INVALID, "structure", "A JSON Patch is an array of operations", "http.body")
    for number, operation in enumerate(operations):
        _check(number, operation)
    return lambda resource: _apply_all(operations, resource)


def _check(number: int, operation: Json) -> None:
    where = f"http.body[{number}]"
    if not isinstance(operation, dict) or operation.get("op") not in _OPERATIONS:
        names = ", ".join(_OPERATIONS)
        raise refuse(Category.INVALID, "structure", f"An operation's op is one of {names}", where)
    for member in ("path", *(("from",) if operation["op"] in ("move", "copy") else ())):
        if not isinstance(operation.get(member), str):
            raise refuse(Category.INVALID, "structure", f"The operation needs a string '{member}'", where)
    if operation["op"] in ("add", "replace", "test") and "value" not in operation:
        raise refuse(Category.INVALID, "structure", "The operation needs a 'value'", where)


def _apply_all(operations: Sequence[JsonObject], resource: JsonObject) -> JsonObject:
    document: Json = resource
    for number, operation in enumerate(operations):
        try:
            document = _OPERATIONS[operation["op"]](document, operation)
        except (LookupError, TypeError, ValueError):
            raise _unprocessable(number, f"There is nothing at the path '{operation['path']}'") from None
    if not isinstance(document, dict):
        raise _unprocessable(len(operations) - 1, "The patch leaves no resource")
    kept: JsonObject = _without_empty(document)
    return kept


def _without_empty(value: Json) -> Json:
    """Without the arrays and objects that removals left empty: FHIR has none.

    Done once at the end, so that an operation finds what the one before it left, as RFC 6902 says.
    """
    if isinstance(value, dict):
        inner = {name: _without_empty(part) for name, part in value.items()}
        return {name: part for name, part in inner.items() if part not in ({}, [])}
    if isinstance(value, list):
        return [part for part in map(_without_empty, value) if part not in ({}, [])]
    return value


def _unprocessable(number: int, diagnostics: str) -> Refusal:
    return refuse(Category.UNPROCESSABLE, "processing", diagnostics, f"http.body[{number}]")


def _pointer(text: str) -> list[str]:
    if not text:
        return []
    if not text.startswith("/"):
        raise ValueError(text)
    return [part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/")]


def _index(items: list[Json], token: str, end: int) -> int:
    if not token.isdigit() or (len(token) > 1 and token[0] == "0") or int(token) > end:
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
    if not same(_get(document, _pointer(operation["path"])), operation["value"]):
        raise refuse(
            Category.UNPROCESSABLE, "processing", f"The test at '{operation['path']}' fails", "http.body"
        )
    return document


_OPERATIONS: dict[str, Callable[[Json, JsonObject], Json]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
