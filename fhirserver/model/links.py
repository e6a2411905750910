"""The links of a resource, found by the types of its elements, and replaced.

    from fhirserver.model.links import relink

    relink(resource, {"urn:uuid:…": "Patient/23"}.get)

A transaction gives resources new places and must replace "all matching links in the bundle, whether they are
found in the resource ids, resource references, elements of type uri, url, oid, uuid, and <a href="" & <img
src="" in the narrative. Elements of type canonical are not replaced"
(https://hl7.org/fhir/R4/http.html#trules). A string that merely reads like a link, such as an identifier's
value, is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from html import escape, unescape
from operator import is_
from threading import RLock
from typing import TypeAlias

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.definitions import ElementDef, TypeDef, definitions

Find: TypeAlias = Callable[[str], str | None]
"""What stands for a link from now on; None leaves it as it is."""
_Step: TypeAlias = Callable[[Json, Find, Find], Json]
"""``(value, find of uris, find of references)`` to the value with its links replaced: the same when none was."""

LINKS = frozenset({"uri", "url", "oid", "uuid"})
_OWN_SCOPE = frozenset({"Bundle"})
"""References inside a Bundle are resolved among its own entries."""
_NAMES = frozenset({"Extension.url"})
"""Says what something is, not where."""
_ATTRIBUTE = re.compile(r"""(\s(?:href|src)\s*=\s*)("[^"]*"|'[^']*')""")


def relink(resource: JsonObject, uri: Find, reference: Find | None = None) -> JsonObject:
    """A resource with its links replaced by what ``uri`` finds; what holds none is shared with the original.

    ``reference`` serves ``Reference.reference`` where that may be more than a uri, such as ``Type/id`` or
    ``Type?criteria``; without it ``uri`` does. Content that is no R4 resource is left as it is.
    """
    replaced: JsonObject = _resource(resource, uri, reference or uri)
    return replaced


def _resource(value: Json, uri: Find, reference: Find) -> Json:
    name = value.get("resourceType") if isinstance(value, dict) else None
    if not isinstance(name, str) or name not in definitions().resource_types or name in _OWN_SCOPE:
        return value
    step = _ready.get(name)
    if step is None:
        with _lock:
            _compiled("Element")
            step = _ready[name] = _compiled(name)
    return step(value, uri, reference)


def _uri(value: Json, uri: Find, reference: Find) -> Json:
    found = uri(value) if isinstance(value, str) else None
    return value if found is None else found


def _reference(value: Json, uri: Find, reference: Find) -> Json:
    found = reference(value) if isinstance(value, str) else None
    return value if found is None else found


def _xhtml(value: Json, uri: Find, reference: Find) -> Json:
    if not isinstance(value, str) or ("href" not in value and "src" not in value):
        return value
    replaced = _ATTRIBUTE.sub(lambda match: match[1] + _attribute(match[2], uri), value)
    return value if replaced == value else replaced


def _attribute(quoted: str, uri: Find) -> str:
    found = uri(unescape(quoted[1:-1]))
    return quoted if found is None else f'"{escape(found)}"'


# One compiled step for each type that can hold a link.

_lock = RLock()
_steps: dict[str, _Step] = {}
_ready: dict[str, _Step] = {}
"""Those of resource types, with everything they lead to compiled: read without the lock."""


def _compiled(name: str) -> _Step:
    """The step of a type with elements."""
    if name not in _steps:
        definition = definitions().type(name)
        members: dict[str, _Step] = {}
        # Types refer to each other in circles, by extensions at the latest.
        _steps[name] = _object(members)
        if definition is not None:
            members.update(_members(definition))
    return _steps[name]


def _members(holder: TypeDef) -> Iterator[tuple[str, _Step]]:
    for element in holder.elements.values():
        step = _element(element, holder)
        if step is not None:
            yield element.json_name, step
        if _is_primitive(element.type):
            yield f"_{element.json_name}", _siblings


def _element(element: ElementDef, holder: TypeDef) -> _Step | None:
    if f"{holder.name}.{element.name}" in _NAMES:
        return None
    step = _single(element, holder)
    return _each(step) if step is not None and element.is_list else step


def _single(element: ElementDef, holder: TypeDef) -> _Step | None:
    if element.type == "Resource":
        return _resource
    if holder.name == "Reference" and element.name == "reference":
        return _reference
    if element.type in LINKS:
        return _uri
    if element.type == "xhtml":
        return _xhtml
    return None if _is_primitive(element.type) else _compiled(element.type)


def _is_primitive(name: str) -> bool:
    definition = definitions().type(name)
    return definition is not None and definition.kind == "primitive-type"


def _object(members: Mapping[str, _Step]) -> _Step:
    find = members.get

    def step(value: Json, uri: Find, reference: Find) -> Json:
        if not isinstance(value, dict):
            return value
        changed: JsonObject | None = None
        for name, item in value.items():
            inner = find(name)
            if inner is None:
                continue
            if inner is not _uri:
                new = inner(item, uri, reference)
            elif type(item) is not str or (new := uri(item)) is None:  # most links are plain: spare the call
                continue
            if new is not item:
                changed = dict(value) if changed is None else changed
                changed[name] = new
        return value if changed is None else changed

    return step


def _each(inner: _Step) -> _Step:
    def step(value: Json, uri: Find, reference: Find) -> Json:
        if not isinstance(value, list):
            return value
        items = [inner(item, uri, reference) for item in value]
        return value if all(map(is_, items, value)) else items

    return step


def _siblings(value: Json, uri: Find, reference: Find) -> Json:
    """``_given`` and ``_birthDate``: extensions of primitives, in a list or alone."""
    inner = _steps["Element"]
    return _each(inner)(value, uri, reference) if isinstance(value, list) else inner(value, uri, reference)
