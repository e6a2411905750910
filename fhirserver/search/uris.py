"""Which uris are above and below one another: by path segments, never by half a word.

https://hl7.org/fhir/R4/search.html#modifiers
"""

from __future__ import annotations

from typing import Final

_SEPARATORS: Final = "/#?|:"


def separators(uri: str) -> str:
    """The characters that end a segment; in object identifiers and in versions also the dot."""
    return f"{_SEPARATORS}." if uri.startswith("urn:oid:") or "|" in uri else _SEPARATORS


def is_below(uri: str, above: str) -> bool:
    """Whether ``uri`` is ``above`` itself or lies under it."""
    if not uri.startswith(above):
        return False
    ends = separators(above)
    return len(uri) == len(above) or above[-1:] in ends or uri[len(above)] in ends


def ancestors(uri: str) -> list[str]:
    """Every uri that ``uri`` lies under, itself included."""
    ends = separators(uri)
    found = {uri}
    version = uri.find("|")
    for at, character in enumerate(uri):
        if character in ends and (character != "." or at > version):
            found.update((uri[:at], uri[: at + 1]))
    return sorted(found - {""})
