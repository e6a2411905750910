"""Code systems whose codes follow a grammar and cannot be listed: units, languages, media types, URIs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from terminology.grammars.grammar import Grammar
from terminology.grammars.languages import URL as LANGUAGES
from terminology.grammars.languages import Languages
from terminology.grammars.media_types import URL as MEDIA_TYPES
from terminology.grammars.media_types import MediaTypes
from terminology.grammars.units import URL as UCUM
from terminology.grammars.units import Units
from terminology.grammars.uris import URL as URIS
from terminology.grammars.uris import Uris

__all__ = ["GRAMMARS", "UCUM", "grammar"]

_KINDS: Mapping[str, Callable[[], Grammar]] = {
    UCUM: Units,
    LANGUAGES: Languages,
    MEDIA_TYPES: MediaTypes,
    URIS: Uris,
}
GRAMMARS = tuple(_KINDS)
"""Their urls."""


def grammar(url: str) -> Grammar | None:
    """The system of a url, or None. Its tables are read when it is first asked for."""
    return _made(url) if url in _KINDS else None


@cache
def _made(url: str) -> Grammar:
    return _KINDS[url]()
