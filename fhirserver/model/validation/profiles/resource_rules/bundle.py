"""Bundle: entries and the references between them. https://hl7.org/fhir/R4/bundle.html#references"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from urllib.parse import parse_qs

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.references import parse_reference
from fhirserver.model.definitions import ElementDef, definitions
from fhirserver.model.validation.profiles.objects import objects, text
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

_CLOSED = frozenset({"document", "message"})
_FIRST = {"document": "Composition", "message": "MessageHeader"}
_REST = re.compile(r"(https?://.+/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})\Z")
_PAGES = frozenset({"first", "previous", "next", "last"})
_LAX = frozenset({"message", "searchset"})
"""Official examples of these types have fullUrls with other ids than their resources."""
_DEEPEST = 40


def check(resource: JsonObject, place: Place, run: Run) -> None:
    """fullUrls that fit their resources, and references of a document or message that lead to one entry."""
    kind = text(resource, "type")
    entries = list(objects(resource, "entry", place))
    _links(resource, kind, place, run)
    searched = _searched(resource) if kind == "searchset" else frozenset()
    for entry, at in entries:
        run.beat()
        _full_url(entry, kind, at, run)
        if kind == "searchset":
            _found(entry, searched, at, run)
    if kind in _CLOSED and entries:
        _References(entries, run).check(kind)


def _full_url(entry: JsonObject, kind: str, place: Place, run: Run) -> None:
    held, url = entry.get("resource"), text(entry, "fullUrl")
    if not isinstance(held, dict):
        return
    if not url:
        if kind not in ("transaction", "batch", "batch-response", "transaction-response", "history", ""):
            run.add("required", "an entry with a resource has a fullUrl", place)
        return
    found, name = _REST.match(url), text(held, "id")
    if found is None or found[2] not in definitions().resource_types:
        return
    if not name:
        words = "is an address on a server, where a resource has an id"
        run.add("invalid", words, (place, "fullUrl", -1))
    elif found[2] != text(held, "resourceType"):
        run.add("invalid", "names another type than the resource has", (place, "fullUrl", -1))
    elif found[3] != name:
        severity = run.rules.lapses if kind in _LAX else "error"
        run.add("invalid", "names another id than the resource has", (place, "fullUrl", -1), severity)


def _links(resource: JsonObject, kind: str, place: Place, run: Run) -> None:
    """Only what a search or a history found has pages."""
    for link, at in objects(resource, "link", place):
        if kind not in ("searchset", "history") and text(link, "relation") in _PAGES:
            run.add("invalid", "a Bundle of this type has no pages", (at, "relation", -1))


def _searched(resource: JsonObject) -> frozenset[str]:
    """The types that the link ``self`` of a searchset asks for; empty where it does not say."""
    for link, _ in objects(resource, "link", (None, "", -1)):
        if text(link, "relation") == "self":
            path, _, query = text(link, "url").partition("?")
            last = path.rpartition("/")[2]
            named = [last] if last in definitions().resource_types else parse_qs(query).get("_type", [])
            return frozenset(name for part in named for name in part.split(","))
    return frozenset()


def _found(entry: JsonObject, searched: frozenset[str], place: Place, run: Run) -> None:
    """What a search found has an id; what it says of itself is an OperationOutcome."""
    held, mode = entry.get("resource"), text(entry.get("search"), "mode")
    if not isinstance(held, dict):
        return
    if text(held, "resourceType") == "OperationOutcome":
        return
    if mode == "outcome":
        run.add("invalid", "only an OperationOutcome is the outcome of a search", (place, "search", -1))
    elif not text(held, "id"):
        run.add("invalid", "what a search found has an id", (place, "resource", -1))
    elif mode == "match" and searched and text(held, "resourceType") not in searched:
        run.add("invalid", "is of another type than what was searched for", (place, "resource", -1))


class _References:
    """The references of a Bundle that has to be complete."""

    def __init__(self, entries: list[tuple[JsonObject, Place]], run: Run):
        self._entries = entries
        self._run = run
        self._by_url: dict[str, list[int]] = defaultdict(list)
        self._by_name: dict[str, list[int]] = defaultdict(list)
        for number, (entry, _) in enumerate(entries):
            held = entry.get("resource")
            self._by_url[text(entry, "fullUrl")].append(number)
            if isinstance(held, dict):
                self._by_name[f"{text(held, 'resourceType')}/{text(held, 'id')}"].append(number)

    def check(self, kind: str) -> None:
        """References of the first entry must lead to an entry; those of others to no more than one."""
        first = self._entries[0][0].get("resource")
        has_first = isinstance(first, dict) and first.get("resourceType") == _FIRST[kind]
        links: list[set[int]] = []
        for number, (entry, place) in enumerate(self._entries):
            held = entry.get("resource")
            links.append({n for url in _texts(held) for n in self._by_url.get(url, ())})
            for reference, at in _references(held, text(held, "resourceType"), (place, "resource", -1), 0):
                must = has_first and number == 0 and (kind == "document" or _is_focus(at))
                links[-1].update(self._reference(reference, text(entry, "fullUrl"), must, at))
        if has_first:
            self._orphans(links, "error" if kind == "document" else "warning")

    def _orphans(self, links: list[set[int]], severity: str) -> None:
        """Every entry is reached from the first by references, in either direction.

        https://hl7.org/fhir/R4/documents.html#content
        """
        linked = [set(ends) for ends in links]
        for start, ends in enumerate(links):
            for end in ends:
                linked[end].add(start)
        reached, rest = {0}, [0]
        while rest:
            new = linked[rest.pop()] - reached
            reached |= new
            rest.extend(new)
        for number, (entry, place) in enumerate(self._entries):
            if number not in reached and isinstance(entry.get("resource"), dict):
                self._run.add("invalid", "is not reached by references from the first entry", place, severity)

    def _reference(self, reference: str, base: str, must: bool, place: Place) -> list[int]:
        if reference.startswith("#"):
            return []
        found = self._matches(reference, base)
        if len(found) > 1:
            self._run.add("invalid", "more than one entry of the Bundle matches this reference", place)
        elif not found and must:
            words = "leads to no entry of the Bundle, which holds what its first entry refers to"
            self._run.add("not-found", words, place)
        return found

    def _matches(self, reference: str, base: str) -> list[int]:
        bare, _, version = reference.partition("/_history/")
        literal = parse_reference(bare)
        is_relative = literal is not None and ":" not in bare
        target = bare
        if is_relative:
            rest = _REST.match(base)
            if rest is not None:
                target = rest[1] + bare
            elif not base.startswith("urn:"):
                return self._by_name.get(bare, [])
        found = self._by_url.get(target, [])
        if not found and is_relative and base.startswith("urn:"):
            found = self._by_name.get(bare, [])
        return [n for n in found if self._version(n) in ("", version)] if version else found

    def _version(self, number: int) -> str:
        held = self._entries[number][0].get("resource")
        return text(held.get("meta"), "versionId") if isinstance(held, dict) else ""


def _texts(node: Json, depth: int = 0) -> Iterator[str]:
    """Every text below a value: an entry may be named by a url that is no Reference."""
    if isinstance(node, str):
        yield node
    elif depth < _DEEPEST and isinstance(node, dict | list):
        for below in node.values() if isinstance(node, dict) else node:
            yield from _texts(below, depth + 1)


def _is_focus(place: Place) -> bool:
    """Whether a reference is one of ``MessageHeader.focus``."""
    return place[0] is not None and place[0][1] == "focus"


def _references(node: Json, type_name: str, place: Place, depth: int) -> Iterator[tuple[str, Place]]:
    """Every literal reference below a value, except those of contained Bundles' own resources."""
    if depth > _DEEPEST or not isinstance(node, dict):
        return
    found = node.get("reference")
    if type_name == "Reference" and isinstance(found, str):
        yield found, (place, "reference", -1)
    definition = definitions().type(type_name)
    for name, value in node.items():
        element = definition.elements.get(name) if definition else None
        if element is not None and (element.type != "Resource" or name == "contained"):
            yield from _references_in(value, element, place, depth)


def _references_in(value: Json, element: ElementDef, place: Place, depth: int) -> Iterator[tuple[str, Place]]:
    label = f"{element.name}.ofType({element.type})" if element.choice else element.name
    for at, item in enumerate(value) if isinstance(value, list) else [(-1, value)]:
        type_name = element.type
        if type_name == "Resource" and isinstance(item, dict):
            type_name = str(item.get("resourceType"))
        yield from _references(item, type_name, (place, label, at), depth + 1)
