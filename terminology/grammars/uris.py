"""URIs, ``urn:ietf:rfc:3986``. https://www.rfc-editor.org/rfc/rfc3986#appendix-A"""

from __future__ import annotations

import re

from fhirserver.ports.terminology import Concept
from terminology.grammars.grammar import Grammar, header

URL = "urn:ietf:rfc:3986"
_LONGEST = 4000
_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:"
    r"(?:[A-Za-z0-9._~:/?@!$&'()*+,;=\[\]-]|%[0-9A-Fa-f]{2})+"
    r"(?:#(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?"
)


class Uris(Grammar):
    """Absolute ones, with a scheme. They have no displays."""

    def __init__(self) -> None:
        super().__init__(
            header(
                URL,
                "Uris",
                "Uniform Resource Identifiers (RFC 3986)",
                publisher="IETF",
                description="All that follow the grammar of URIs.",
                caseSensitive=True,
            )
        )

    def find(self, code: str) -> Concept | None:
        return Concept(URL, code) if len(code) <= _LONGEST and _URI.fullmatch(code) else None
