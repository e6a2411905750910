"""Narratives beyond what every write is held to: paragraphs, links, images. https://hl7.org/fhir/R4/narrative.html"""

from __future__ import annotations

import base64
import binascii
import re
from pyexpat import ExpatError, ParserCreate

from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

_BLOCKS = frozenset({"div", "blockquote", "table", "ol", "ul", "p"})
_LINKS = ("href", "src")
_DATA = re.compile(r"data:([A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+)?(;[^,;]+)*,(.*)\Z", re.DOTALL)


class _Reader:
    def __init__(self) -> None:
        self.problems: dict[str, None] = {}
        self._paragraphs = 0
        self._parser = ParserCreate()
        self._parser.UseForeignDTD(True)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def read(self, div: str) -> None:
        try:
            self._parser.Parse(div, True)
        except (ExpatError, ValueError):
            pass  # said by the structural validation
        finally:
            self._parser.StartElementHandler = self._parser.EndElementHandler = None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._paragraphs and name in _BLOCKS:
            self.problems["holds a block inside of a paragraph, which XHTML does not allow"] = None
        self._paragraphs += name == "p"
        for attribute in _LINKS:
            if attribute in attributes and (problem := _problem_of(attributes[attribute])):
                self.problems[problem] = None

    def _end(self, name: str) -> None:
        self._paragraphs -= name == "p"


def _problem_of(link: str) -> str:
    if re.search(r"\s", link.strip()) and not link.startswith(("data:", "mailto:")):
        return "holds a link with white space"
    if not link.startswith("data:"):
        return ""
    found = _DATA.match(link)
    if found is None:
        return "holds a data: link that is malformed"
    if ";base64" in (found[2] or "") and not _is_base64(found[3]):
        return "holds a data: link that is no base64"
    return ""


def _is_base64(data: str) -> bool:
    try:
        base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def check(narrative: JsonObject, place: Place, run: Run) -> None:
    """What the reference validator finds in the XHTML and a write is not refused for."""
    div = narrative.get("div")
    if isinstance(div, str) and "<!" not in div[:200]:
        reader = _Reader()
        reader.read(div)
        for problem in reader.problems:
            run.add("invalid", problem, (place, "div", -1))
