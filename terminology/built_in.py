"""Systems that are known without a CodeSystem resource: grammars, and lists that others keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial

from fhirserver.kernel.json import JsonObject
from terminology.code_systems.content import ContentSystem
from terminology.grammars import GRAMMARS, grammar
from terminology.lists import LISTS, listed
from terminology.systems import System

_IDS = {
    "http://unitsofmeasure.org": "ucum",
    "urn:ietf:bcp:47": "bcp-47",
    "urn:ietf:bcp:13": "bcp-13",
    "urn:ietf:rfc:3986": "rfc-3986",
    "urn:iso:std:iso:3166": "iso-3166-1",
    "urn:iso:std:iso:3166:-2": "iso-3166-2",
    "urn:iso:std:iso:4217": "iso-4217",
    "http://unstats.un.org/unsd/methods/m49/m49.htm": "m49",
    "https://www.usps.com/": "usps-states",
    "https://www.iana.org/time-zones": "time-zones",
}


def built_in_urls() -> list[str]:
    return [*GRAMMARS, *LISTS]


def built_in(url: str) -> System | None:
    """The system of a url, or None. Kept once it was asked for: all of them take some 5 MB."""
    return grammar(url) or (_of_list(url) if url in LISTS else None)


def resources() -> Mapping[str, tuple[str, Callable[[], JsonObject]]]:
    """By id: the url of each, and what makes the CodeSystem resource that says what it is; of a list with its codes."""
    made = {url: partial(_resource, url) for url in built_in_urls()}
    return {id: (url, made[url]) for url, id in _IDS.items()}


def _resource(url: str) -> JsonObject:
    found = grammar(url)
    return found.header if found is not None else LISTS[url]()


@cache
def _of_list(url: str) -> ContentSystem | None:
    resource = listed(url)
    return ContentSystem(resource) if resource is not None else None
