"""What a Narrative's XHTML may hold. https://hl7.org/fhir/R4/narrative.html#rules"""

from __future__ import annotations

import html.entities
from pyexpat import ExpatError, ParserCreate

from fhirserver.model.definitions import definitions

EMPTY = "has no content other than white space (txt-2)"
XHTML = "http://www.w3.org/1999/xhtml"
MOST_NESTED = 90
"""How deep elements of a narrative may nest: what is deeper would not be read back from XML."""
_XML_ATTRIBUTES = frozenset({"xmlns", "xml:lang", "xml:space", "xml:id"})
_LINKS = frozenset({"href", "src", "cite", "longdesc"})
_ACTIVE_SCHEMES = ("javascript:", "vbscript:", "data:text/html")


class _Reader:
    """Collects what is wrong while expat reads; a handler that has seen enough takes itself out."""

    def __init__(self) -> None:
        known = definitions()
        self.problems: set[str] = set()
        self.has_content = False
        self._elements = known.narrative_elements
        self._attributes = known.narrative_attributes
        self._parser = ParserCreate()
        self._parser.UseForeignDTD(True)  # named HTML entities then come to a handler instead of being errors
        self._parser.StartElementHandler = self._root
        self._parser.CharacterDataHandler = self._text
        self._parser.SkippedEntityHandler = self._entity

    def read(self, div: str) -> None:
        """Raises ExpatError for what is not well-formed."""
        parser = self._parser
        try:
            parser.Parse(div, True)
        finally:  # or reader and parser would hold each other until the garbage collector runs
            parser.StartElementHandler = parser.CharacterDataHandler = parser.SkippedEntityHandler = None

    def _root(self, name: str, attributes: dict[str, str]) -> None:
        if name != "div" or attributes.get("xmlns") != XHTML:
            self.problems.add("must be one div element in the XHTML namespace")
        self._parser.StartElementHandler = self._element
        self._element(name, attributes)

    def _element(self, name: str, attributes: dict[str, str]) -> None:
        if name not in self._elements:
            self.problems.add("holds an element that is not basic XHTML formatting (txt-1)")
        elif name == "img" and "src" in attributes:
            self.has_content = True
        if attributes:
            for attribute, value in attributes.items():
                self._attribute(attribute, value)

    def _attribute(self, name: str, value: str) -> None:
        if name in _LINKS:
            if _runs_script(value):
                self.problems.add("holds a link that would run a script")
        elif name not in self._attributes and name not in _XML_ATTRIBUTES and not name.startswith("xmlns:"):
            self.problems.add("holds an attribute that is not basic XHTML formatting (txt-1)")

    def _text(self, data: str) -> None:
        if not data.isspace():
            self.has_content = True
            self._parser.CharacterDataHandler = None

    def _entity(self, name: str, is_parameter: bool) -> None:
        self.has_content = True
        if is_parameter or f"{name};" not in html.entities.html5:
            self.problems.add("uses an entity that XHTML does not define")


def _depth(div: str) -> int:
    """How deep elements are nested; only asked where there are enough of them."""
    now = most = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)

    def end(name: str) -> None:
        nonlocal now
        now -= 1

    parser = ParserCreate()
    parser.UseForeignDTD(True)
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(div, True)
    return most


def _runs_script(link: str) -> bool:
    return "".join(link.split()).lower().startswith(_ACTIVE_SCHEMES)


def problems(div: str) -> list[str]:
    """What is wrong with the div, in words that hold none of its content; empty when nothing is."""
    if "<!DOCTYPE" in div or "<!ENTITY" in div:
        return ["must not declare a document type"]
    reader = _Reader()
    try:
        reader.read(div)
        too_deep = div.count("<") > 2 * MOST_NESTED and _depth(div) > MOST_NESTED
    except (ExpatError, ValueError):
        return ["is not well-formed XHTML"]
    if too_deep:
        return [f"nests more than {MOST_NESTED} elements in each other"]
    if not (reader.has_content or reader.problems):
        return [EMPTY]
    return sorted(reader.problems)
