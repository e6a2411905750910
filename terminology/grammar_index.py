"""Code systems whose codes follow a grammar and cannot be listed: units, languages, media types, URIs.

https://hl7.org/fhir/R4/terminologies-systems.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.model.fhirpath.ucum import unit
from fhirserver.ports.terminology import Concept
from terminology.code_systems import Test, compile_regex, unsupported
from terminology.ucum import is_unit

_LANGUAGE = re.compile(
    r"(?:(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4}|[a-z]{5,8})"  # language with its extensions
    r"(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"  # script, region
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*"  # variants, extensions
    r"(?:-x(?:-[a-z0-9]{1,8})+)?|x(?:-[a-z0-9]{1,8})+|i-[a-z]{2,8})",
    re.IGNORECASE,
)
"""https://www.rfc-editor.org/rfc/rfc5646#section-2.1"""
_TOKEN = r"[A-Za-z0-9!#$&^_.+-]{1,127}"  # noqa: S105 - of a media type
_MEDIA = re.compile(rf"{_TOKEN}/{_TOKEN}(?:\s*;\s*{_TOKEN}=(?:{_TOKEN}|\"[^\"\\]*\"))*")
"""https://www.rfc-editor.org/rfc/rfc6838#section-4.2"""
_LONGEST = 1000
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


class GrammarSystem:
    """A code system of which only the grammar is known: no displays, no hierarchy."""

    version = ""
    is_complete = True

    def __init__(self, url: str, accepts: Callable[[str], object]):
        self.url = url
        self._accepts = accepts

    def __iter__(self) -> Iterator[Concept]:
        text = f"The codes of {self.url} follow a grammar: there is no end of them"
        raise refuse(Category.UNPROCESSABLE, "too-costly", text)

    def find(self, code: str) -> Concept | None:
        return Concept(self.url, code) if len(code) <= _LONGEST and self._accepts(code) else None

    def is_a(self, code: str, ancestor: str) -> bool:
        return code == ancestor

    def ancestors(self, code: str) -> Sequence[str]:
        return (code,)

    def descendants(self, code: str) -> Sequence[str]:
        return (code,)

    def test(self, condition: JsonObject) -> Test:
        name, op, value = condition["property"], condition["op"], condition["value"]
        if name == "canonical" and op == "=" and self.url == UCUM:
            return lambda code: _same_dimension(code, value)
        if name == "code" and op == "regex":
            return compile_regex(value)
        if name in ("code", "concept") and op in ("=", "is-a"):
            return lambda code: code == value
        raise unsupported(op)


def _same_dimension(code: str, other: str) -> bool:
    one, two = unit(code), unit(other)
    return one is not None and two is not None and one.dimensions == two.dimensions


UCUM = "http://unitsofmeasure.org"
GRAMMARS: Mapping[str, GrammarSystem] = {
    url: GrammarSystem(url, accepts)
    for url, accepts in (
        (UCUM, is_unit),
        ("urn:ietf:bcp:47", _LANGUAGE.fullmatch),
        ("urn:ietf:bcp:13", _MEDIA.fullmatch),
        ("urn:ietf:rfc:3986", _URI.fullmatch),
    )
}
"""By url."""
