"""Media types, ``urn:ietf:bcp:13``. https://www.rfc-editor.org/rfc/rfc6838#section-4.2"""

from __future__ import annotations

import re

from fhirserver.ports.terminology import Concept
from terminology.grammars.grammar import Grammar, header

URL = "urn:ietf:bcp:13"
_LONGEST = 1000
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - of a parameter
_QUOTED = r'"(?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t\x20-\x7e])*"'
_MEDIA = re.compile(rf"({_NAME}/{_NAME})((?:[ \t]*;[ \t]*{_TOKEN}=(?:{_TOKEN}|{_QUOTED}))*)")


class MediaTypes(Grammar):
    """The case of type and subtype does not matter. They have no displays."""

    def __init__(self) -> None:
        super().__init__(
            header(
                URL,
                "MediaTypes",
                "Media types (BCP 13)",
                publisher="IETF",
                description="All that follow the grammar of media types, whether they are registered or not.",
                caseSensitive=False,
                valueSet="http://hl7.org/fhir/ValueSet/mimetypes",
            )
        )

    def find(self, code: str) -> Concept | None:
        """With type and subtype in lower case."""
        found = _MEDIA.fullmatch(code) if len(code) <= _LONGEST else None
        if found is None:
            return None
        return Concept(URL, found[1].lower() + found[2])
