"""Bundles put together from resources that are already encoded: no resource is parsed to be listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fhirserver.kernel.json import JsonObject, dumps


def bundle(
    type: str, entries: Iterable[bytes], links: Sequence[tuple[str, str]], total: int | None = None
) -> bytes:
    """A Bundle of encoded entries. ``links`` are (relation, url)."""
    head: JsonObject = {"resourceType": "Bundle", "type": type}
    if total is not None:
        head["total"] = total
    if links:
        head["link"] = [{"relation": relation, "url": url} for relation, url in links]
    joined = b",".join(entries)
    start = dumps(head)[:-1]
    return start + b',"entry":[' + joined + b"]}" if joined else start + b"}"


def search_entry(full_url: str, content: bytes, mode: bytes = b"match") -> bytes:
    """One entry of a searchset. ``full_url`` holds a base URL, a type and an id: nothing to escape."""
    return b'{"fullUrl":"%s","resource":%s,"search":{"mode":"%s"}}' % (full_url.encode(), content, mode)


def entry(full_url: str, content: bytes, **members: JsonObject) -> bytes:
    """One entry with an encoded resource (left out where empty) and further members."""
    rest = dumps(members)[1:]
    resource = b'"resource":%s,' % content if content else b""
    url = b'"fullUrl":"%s",' % full_url.encode() if full_url else b""
    return b"{" + url + resource + rest
