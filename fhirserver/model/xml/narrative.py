"""A narrative's XHTML inside FHIR XML: its source as it stands, or written again where it would not stand alone.

https://hl7.org/fhir/R4/narrative.html#xhtml
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

_END_TAG = re.compile(rb"</(?:[^\s:>]+:)?([^\s:>]+)\s*>")
_PLAIN_START = re.compile(r"<div(?:\s+(?!xmlns:)[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?>")
_DEFAULT = re.compile(r"""\sxmlns\s*=\s*["']http://www\.w3\.org/1999/xhtml["']""")
_PREFIXED = re.compile(r"</?(?!xml:)[\w.-]+:|\s(?!xml:)[\w.-]+:[\w.-]+\s*=")
_XML = "http://www.w3.org/XML/1998/namespace "


class Capture:
    """The div while it is parsed: where its source begins, and what it is without prefixes."""

    def __init__(self, start: int, depth: int, tag: str, attributes: dict[str, str]):
        self.depth = depth
        self._from, self._name = start, tag.rpartition(" ")[2]
        self._parts: list[str] = []
        self._namespaces = [""]
        self.start(tag, attributes)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition(" ")
        declared = f" xmlns={quoteattr(namespace)}" if namespace != self._namespaces[-1] else ""
        plain = "".join(f" {_attribute(key)}={quoteattr(value)}" for key, value in attributes.items())
        self._parts.append(f"<{name}{declared}{plain}>")
        self._namespaces.append(namespace)

    def text(self, text: str) -> None:
        self._parts.append(escape(text))

    def end(self, tag: str) -> None:
        self._namespaces.pop()
        self._parts.append(f"</{tag.rpartition(' ')[2]}>")

    def source(self, data: bytes, end: int) -> str:
        """The div. ``end`` is where its end tag begins in ``data``, or what follows an empty element."""
        tag = _END_TAG.match(data, end)
        closed = tag.end() if tag is not None and tag[1].decode() == self._name else end
        raw = data[self._from : closed].decode()
        return raw if _stands_alone(raw) else "".join(self._parts)


def _stands_alone(raw: str) -> bool:
    start = _PLAIN_START.match(raw)
    return start is not None and _DEFAULT.search(start[0]) is not None and _PREFIXED.search(raw) is None


def _attribute(name: str) -> str:
    return f"xml:{name.removeprefix(_XML)}" if name.startswith(_XML) else name.rpartition(" ")[2]
