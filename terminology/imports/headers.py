"""What the CodeSystem of an imported release says, beside its url and version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from fhirserver.kernel.json import JsonObject

Property: TypeAlias = tuple[str, str, str]
"""``(code, type, description)``"""
HIERARCHY: tuple[Property, ...] = (
    ("parent", "code", "A concept right above"),
    ("child", "code", "A concept right below"),
)


def code_system(
    url: str,
    version: str,
    name: str,
    title: str,
    properties: Sequence[Property],
    about: Mapping[str, object],
) -> JsonObject:
    """A CodeSystem with everything of the release; ``about`` has what else is said of it."""
    return {
        "resourceType": "CodeSystem",
        "url": url,
        "version": version,
        "name": name,
        "title": title,
        "status": "active",
        "caseSensitive": True,
        "content": "complete",
        "language": "en",
        **about,
        "property": [{"code": code, "type": kind, "description": text} for code, kind, text in properties],
    }
