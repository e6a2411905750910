"""One code of an expansion as ``expansion.contains``, with what R5 adds to it in the form that R4 carries it.

https://hl7.org/fhir/R4/valueset-definitions.html#ValueSet.expansion.contains
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.ports.terminology import Concept, Designation
from terminology.code_systems.meaning import STANDARD, STANDARDS_STATUS, designation
from terminology.expanding.languages import ENGLISH, PREFERRED
from terminology.expanding.members import Member
from terminology.expanding.options import Options
from terminology.systems import System

_EXTENSION = "http://hl7.org/fhir/StructureDefinition/"
CONTAINS_PROPERTY = (
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.contains.property"
)
EXPANSION_PROPERTY = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.property"
STATUS = f"{STANDARD}status"
_COPIED = frozenset(
    f"{_EXTENSION}{name}"
    for name in ("rendering-style", "rendering-xhtml", "valueset-deprecated", "valueset-concept-definition")
)
_OF_DESIGNATIONS = frozenset({f"{_EXTENSION}coding-sctdescid", STANDARDS_STATUS})
_AS_PROPERTIES: Mapping[str, tuple[str, str]] = {
    f"{_EXTENSION}codesystem-label": ("label", "label"),
    f"{_EXTENSION}valueset-label": ("label", "label"),
    f"{_EXTENSION}codesystem-conceptOrder": ("order", "order"),
    f"{_EXTENSION}codesystem-concept-order": ("order", "order"),
    f"{_EXTENSION}valueset-conceptOrder": ("order", "order"),
    f"{_EXTENSION}valueset-concept-order": ("order", "order"),
    f"{_EXTENSION}itemWeight": ("weight", "itemWeight"),
    f"{_EXTENSION}ordinalValue": ("weight", "itemWeight"),
    f"{_EXTENSION}valueset-ordinalValue": ("weight", "itemWeight"),
    f"{_EXTENSION}codesystem-ordinalValue": ("weight", "itemWeight"),
}
"""Extensions that R5 has as properties of the expansion: by which code, and what they mean."""


class Writer:
    """Writes the codes of one expansion; :attr:`properties` are those that were written, by code with their uri.

    ``has_versions`` says of a system whether it must be told in which version each code is.
    """

    def __init__(self, options: Options, has_versions: Callable[[str], bool] = lambda url: False):
        self._options, self._has_versions = options, has_versions
        self.properties: dict[str, str] = {}

    def item(self, member: Member, system: System | None) -> JsonObject:
        concept, own = member
        item: JsonObject = {"system": concept.system} if concept.system else {}
        version = concept.version or (system.version if system is not None else "")
        if version and self._has_versions(concept.system):
            item["version"] = version
        if extensions := self._extensions(concept, own):
            item = {"extension": extensions, **item}
        if concept.abstract:
            item["abstract"] = True
        if concept.inactive:
            item["inactive"] = True
        item["code"] = concept.code
        self._add_names(item, concept, own)
        properties = [_property(code, name, value) for code, name, value in self._properties(member, system)]
        if properties:
            item["extension"] = [*item.get("extension", ()), *properties]
        return item

    # Names

    def _add_names(self, item: JsonObject, concept: Concept, own: JsonObject) -> None:
        more = [designation(one) for one in own.get("designation", ())]
        if own.get("display"):
            more.insert(0, Designation(own["display"], concept.language or ENGLISH))
        shown = self._options.languages.choose(concept, more)
        if shown is not None and not self._options.languages.wanted and own.get("display"):
            shown = more[0]
        if shown is not None and shown.value:
            item["display"] = shown.value
        if self._options.designations:
            designations = [*self._designations(concept, more, shown, item.get("display", ""))]
            if designations:
                item["designation"] = designations

    def _designations(
        self, concept: Concept, more: list[Designation], shown: Designation | None, display: str
    ) -> Iterator[JsonObject]:
        """All names but the one shown; the system's own display, where another is shown, is the preferred one."""
        if concept.display and concept.display != display:
            yield from self._wanted(Designation(concept.display, concept.language, dict(PREFERRED)))
        for one in (*concept.designations, *more):
            if one is not shown and one.value != "":
                if (
                    one.value == display
                    and one.use is None
                    and one.language in ("", concept.language or ENGLISH)
                ):
                    continue
                yield from self._wanted(one)

    def _wanted(self, one: Designation) -> Iterator[JsonObject]:
        uses = self._options.uses
        use = f"{one.use.get('system', '')}|{one.use.get('code', '')}" if one.use else ""
        if not uses or one.language in uses or use in uses or (one.use and one.use.get("code") in uses):
            json: JsonObject = {"language": one.language} if one.language else {}
            if extensions := [e for e in one.extensions if e.get("url") in _OF_DESIGNATIONS]:
                json["extension"] = extensions
            if one.use:
                json["use"] = one.use
            yield {**json, "value": one.value}

    # Extensions and properties

    def _extensions(self, concept: Concept, own: JsonObject) -> list[JsonObject]:
        """Those of the code system that say how the concept is shown, unless the value set says it itself."""
        found = {one["url"]: one for one in concept.extensions if one.get("url") in _COPIED}
        copied = {*_COPIED, STANDARDS_STATUS}
        found.update({one["url"]: one for one in own.get("extension", ()) if one.get("url") in copied})
        return list(found.values())

    def _properties(self, member: Member, system: System | None) -> Iterator[tuple[str, str, Json]]:
        """``(code, value[x], value)``."""
        concept, own = member
        implied: dict[str, tuple[str, Json]] = {}
        for one in (*concept.extensions, *own.get("extension", ())):
            if one.get("url") in _AS_PROPERTIES:
                code, meaning = _AS_PROPERTIES[one["url"]]
                implied[code] = _value(one, code)
                self.properties[code] = f"{STANDARD}{meaning}"
        status = _status(concept)
        if status:
            implied["status"] = ("valueCode", status)
            self.properties["status"] = STATUS
        for code, (name, value) in implied.items():
            yield code, name, value
        for code in self._options.properties:
            if code not in implied:
                yield from self._requested(code, concept, system)

    def _requested(
        self, code: str, concept: Concept, system: System | None
    ) -> Iterator[tuple[str, str, Json]]:
        for name, value in requested(code, concept, system):
            self.properties.setdefault(code, property_uri(code, system))
            yield code, name, value


def requested(code: str, concept: Concept, system: System | None) -> Iterator[tuple[str, Json]]:
    """``(value[x], value)`` of each value of a property that is asked for by its code."""
    if code == "definition":
        if concept.definition:
            yield "valueString", concept.definition
    elif code in ("parent", "child") and system is not None:
        related = system.parents(concept.code) if code == "parent" else system.children(concept.code)
        yield from (("valueCode", one) for one in related)
    else:
        stated = [one for one in concept.properties if one.get("code") == code]
        for one in stated:
            yield from ((name, value) for name, value in one.items() if name.startswith("value"))
        if not stated and code == "inactive":
            yield "valueBoolean", concept.inactive
        elif not stated and code == "notSelectable" and concept.abstract:
            yield "valueBoolean", True


def property_uri(code: str, system: System | None) -> str:
    """What a property means: as its code system says, else the standard one of that name."""
    declared: Iterable[JsonObject] = system.header.get("property", ()) if system is not None else ()
    return next(
        (str(one["uri"]) for one in declared if one.get("code") == code and one.get("uri")),
        f"{STANDARD}{code}",
    )


def _status(concept: Concept) -> str:
    if concept.status and concept.status != "active":
        return concept.status
    return "inactive" if concept.inactive else ""


def _value(extension: JsonObject, code: str) -> tuple[str, Json]:
    name, value = next(((n, v) for n, v in extension.items() if n.startswith("value")), ("valueString", ""))
    if code == "label":
        return "valueString", str(value)
    return ("valueDecimal", value) if isinstance(value, int | Decimal) else (name, value)


def _property(code: str, name: str, value: Json) -> JsonObject:
    return {
        "url": CONTAINS_PROPERTY,
        "extension": [{"url": "code", "valueCode": code}, {"url": "value", name: value}],
    }


def declared(properties: Mapping[str, str]) -> list[JsonObject]:
    """The properties that an expansion has, in the form of extensions of ``ValueSet.expansion``."""
    return [
        {
            "url": EXPANSION_PROPERTY,
            "extension": [{"url": "code", "valueCode": code}, {"url": "uri", "valueUri": uri}],
        }
        for code, uri in properties.items()
    ]
