"""What a Narrative's XHTML may hold. https://hl7.org/fhir/R4/narrative.html#rules"""

from __future__ import annotations

import html.entities
from pyexpat import ExpatError, ParserCreate

from fhirserver.model.definitions import definitions

EMPTY = "has no content other than white space (txt-2)"
XHTML = "http://www.w3.org/1999/xhtml"
_XML_ATTRIBUTES = frozenset({"xmlns", "xml:lang", "xml:space", "xml:id"})
_LINKS = frozenset({"href", "src", "cite", "longdesc"})
_ACTIVE_SCHEMES = ("javascript:", "vbscript:", "data:text/html")


class _Reader:
    """Collects what is wrong while expat reads."""

    def __init__(self) -> None:
        self.problems: set[str] = set()
        self.depth = 0
        self.has_content = False
        known = definitions()
        self._elements = known.narrative_elements
        self._attributes = known.narrative_attributes | _XML_ATTRIBUTES

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.depth == 0 and (name != "div" or attributes.get("xmlns") != XHTML):
            self.problems.add("must be one div element in the XHTML namespace")
        self.depth += 1
        if name not in self._elements:
            self.problems.add("holds an element that is not basic XHTML formatting (txt-1)")
        elif name == "img" and "src" in attributes:
            self.has_content = True
        for attribute, value in attributes.items():
            self._attribute(attribute, value)

    def _attribute(self, name: str, value: str) -> None:
        if name not in self._attributes and not name.startswith("xmlns:"):
            self.problems.add("holds an attribute that is not basic XHTML formatting (txt-1)")
        elif name in _LINKS and _runs_script(value):
            self.problems.add("holds a link that would run a script")

    def end(self, _name: str) -> None:
        self.depth -= 1

    def text(self, data: str) -> None:
        if not self.has_content and not data.isspace():
            self.has_content = True

    def entity(self, name: str, is_parameter: bool) -> None:
        self.has_content = True
        if is_parameter or f"{name};" not in html.entities.html5:
            self.problems.add("uses an entity that XHTML does not define")


def _runs_script(link: str) -> bool:
    return "".join(link.split()).lower().startswith(_ACTIVE_SCHEMES)


def problems(div: str) -> list[str]:
    """What is wrong with the div, in words that hold none of its content; empty when nothing is."""
    if "<!DOCTYPE" in div or "<!ENTITY" in div:
        return ["must not declare a document type"]
    reader = _Reader()
    parser = ParserCreate()
    parser.UseForeignDTD(True)  # named HTML entities then come to the handler instead of being errors
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.SkippedEntityHandler = reader.entity
    try:
        parser.Parse(div, True)
    except (ExpatError, ValueError):
        return ["is not well-formed XHTML"]
    if not (reader.has_content or reader.problems):
        return [EMPTY]
    return sorted(reader.problems)
