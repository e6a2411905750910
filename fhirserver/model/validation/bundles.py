"""The rules of Bundles: bdl-1 to bdl-12, and fullUrls. https://hl7.org/fhir/R4/bundle.html#invs"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.validation.report import Place, Report

_WITH_TOTAL = frozenset({"searchset", "history"})
_REQUESTS = frozenset({"batch", "transaction", "history"})
_RESPONSES = frozenset({"batch-response", "transaction-response", "history"})
_FIRST = {"document": ("Composition", "bdl-11"), "message": ("MessageHeader", "bdl-12")}
_ONE_OF = frozenset({"self", "first", "previous", "prev", "next", "last"})


def bundle(value: JsonObject, place: Place, report: Report) -> None:
    """What a Bundle of its type must and may have."""
    kind = value.get("type")
    if not isinstance(kind, str):
        return
    if "total" in value and kind not in _WITH_TOTAL:
        report.add("invariant", "stands only in a searchset or history (bdl-1)", (place, "total", -1))
    _links(value.get("link"), place, report)
    entries = list(_entries(value))
    for at, entry in entries:
        _entry(entry, kind, (place, "entry", at), report)
    if kind != "history":
        _unique(
            [(at, entry) for at, entry in entries if isinstance(entry.get("fullUrl"), str)], place, report
        )
    if kind in _FIRST:
        _first(entries, *_FIRST[kind], place, report)
    if kind == "document" and report.minimums:
        _document(value, place, report)


def _entries(value: JsonObject) -> Iterator[tuple[int, JsonObject]]:
    entries = value.get("entry")
    for at, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            yield at, entry


def _links(links: Json, place: Place, report: Report) -> None:
    """Where a page goes on can only be said once."""
    if not isinstance(links, list):
        return
    seen: set[str] = set()
    for at, link in enumerate(links):
        relation = link.get("relation") if isinstance(link, dict) else None
        if isinstance(relation, str) and relation in _ONE_OF:
            if relation in seen:
                report.add(
                    "invariant", "this relation was given before", ((place, "link", at), "relation", -1)
                )
            seen.add(relation)


def _entry(entry: JsonObject, kind: str, place: Place, report: Report) -> None:
    if "search" in entry and kind != "searchset":
        report.add("invariant", "stands only in a searchset (bdl-2)", (place, "search", -1))
    _only_in("request", entry, kind in _REQUESTS, "bdl-3", place, report)
    _only_in("response", entry, kind in _RESPONSES, "bdl-4", place, report)
    if not ("resource" in entry or "request" in entry or "response" in entry):
        report.add("invariant", "has neither a resource, a request nor a response (bdl-5)", place)
    full_url = entry.get("fullUrl")
    if isinstance(full_url, str):
        _full_url(full_url, (place, "fullUrl", -1), report)


def _only_in(name: str, entry: JsonObject, expected: bool, rule: str, place: Place, report: Report) -> None:
    if expected and name not in entry and report.minimums:
        report.add("invariant", f"is required in a Bundle of this type ({rule})", (place, name, -1))
    elif name in entry and not expected:
        report.add("invariant", f"does not stand in a Bundle of this type ({rule})", (place, name, -1))


def _full_url(text: str, place: Place, report: Report) -> None:
    if ":" not in text:
        report.add("value", "must be an absolute URL", place)
    elif "/_history/" in text:
        report.add("invariant", "must not name a version (bdl-8)", place)


def _unique(entries: list[tuple[int, JsonObject]], place: Place, report: Report) -> None:
    """bdl-7: a fullUrl stands once, or once for each version."""
    times = Counter(entry["fullUrl"] for _, entry in entries)
    seen: set[tuple[str, Json]] = set()
    for at, entry in entries:
        if times[entry["fullUrl"]] > 1:
            key = (entry["fullUrl"], _version(entry.get("resource")))
            if key in seen:
                where = ((place, "entry", at), "fullUrl", -1)
                report.add("duplicate", "stands at another entry too (bdl-7)", where)
            seen.add(key)


def _version(resource: Json) -> str:
    meta = resource.get("meta") if isinstance(resource, dict) else None
    return str(meta.get("versionId", "")) if isinstance(meta, dict) else ""


def _first(
    entries: list[tuple[int, JsonObject]], type_name: str, rule: str, place: Place, report: Report
) -> None:
    resource = entries[0][1].get("resource") if entries else None
    if not (isinstance(resource, dict) and resource.get("resourceType") == type_name):
        report.add("invariant", f"begins with a {type_name} ({rule})", place)


def _document(value: JsonObject, place: Place, report: Report) -> None:
    identifier = value.get("identifier")
    if not (isinstance(identifier, dict) and "system" in identifier and "value" in identifier):
        words = "a document has an identifier with a system and a value (bdl-9)"
        report.add("invariant", words, (place, "identifier", -1))
    if "timestamp" not in value and "_timestamp" not in value:
        report.add("invariant", "a document has a date (bdl-10)", (place, "timestamp", -1))
