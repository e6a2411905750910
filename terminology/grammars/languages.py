"""Language tags, ``urn:ietf:bcp:47``: valid ones by the registry of IANA. https://www.rfc-editor.org/info/bcp47"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.ports.terminology import Concept, Designation
from terminology.code_systems.meaning import designation
from terminology.grammars.grammar import Grammar, header
from terminology.grammars.subtags import registry
from terminology.grammars.tags import Tag, read

URL = "urn:ietf:bcp:47"
_NAMED = "http://hl7.org/fhir/ValueSet/languages"
_PARTS = {
    "language": "The language",
    "ext-lang": "The extended language",
    "script": "The script",
    "region": "The country or region",
    "variant": "A variant",
    "extension": "An extension",
    "private-use": "A part for private use",
}


class Languages(Grammar):
    """Whatever their case: the codes of concepts are in normal case, ``zh-Hant-HK``."""

    def __init__(self) -> None:
        super().__init__(_header(registry().version))

    def find(self, code: str) -> Concept | None:
        tag = read(code)
        if tag is None:
            return None
        display, *others = names_of(tag)
        named = _named().get(tag.code, {})
        return Concept(
            system=URL,
            code=tag.code,
            display=display,
            designations=(
                *(Designation(other, "en") for other in others),
                *(designation(one) for one in named.get("designation", ()) if one.get("value") != display),
            ),
            version=self.version,
            language="en",
            properties=tuple(
                {"code": name, "valueCode": value} for name in _PARTS for value in parts_of(tag, name)
            ),
        )

    def values(self, concept: Concept, name: str) -> Sequence[str]:
        if name not in _PARTS:
            return super().values(concept, name)
        return [str(held["valueCode"]) for held in concept.properties if held["code"] == name]

    def usual(self) -> Sequence[str]:
        return _languages()

    def usual_names(self) -> Iterator[Sequence[str]]:
        named = _named()
        for code in named:
            found = self.find(code)
            yield (code, found.display, *(one.value for one in found.designations)) if found else (code,)
        yield from (row for row in _registered() if row[0] not in named)

    def holds(self, code: str, condition: JsonObject) -> bool:
        if condition.get("op") == "=":
            name, value = str(condition.get("property", "")), str(condition.get("value", ""))
            condition = {**condition, "value": _in_case(name, value)}
        return super().holds(code, condition)


def _in_case(name: str, value: str) -> str:
    """What a filter asks for, as a tag in normal case writes it."""
    match name:
        case "script":
            return value.title()
        case "region":
            return value.upper()
        case "code" | "concept":
            tag = read(value)
            return value if tag is None else tag.code
    return value.lower()


def parts_of(tag: Tag, name: str) -> Sequence[str]:
    """A part as a tag in normal case writes it; empty where the tag has none of it."""
    match name:
        case "language":
            return (tag.language,) if tag.language else ()
        case "ext-lang":
            return tag.extlang
        case "script":
            return (tag.script.title(),) if tag.script else ()
        case "region":
            return (tag.region.upper(),) if tag.region else ()
        case "variant":
            return tag.variants
        case "extension":
            return tag.extensions
    return (tag.private,) if tag.private else ()


def names_of(tag: Tag) -> list[str]:
    """``German (Switzerland)``, then with each further name of the language, then with the parts said: ``German
    (Region=Switzerland)``."""
    if tag.irregular:
        found = registry().find("grandfathered", tag.irregular)
        return list(found.names) if found is not None else [tag.code]
    language = registry().find("language", tag.language) if tag.language else None
    if language is None:
        return [f"Private use ({tag.private})"]
    parts = list(_said(tag))
    if not parts:
        return list(language.names)
    plain = ", ".join(said for _, said in parts)
    names = [f"{name} ({plain})" for name in language.names]
    return [*names, f"{language.names[0]} ({', '.join(f'{kind}={said}' for kind, said in parts)})"]


def _said(tag: Tag) -> Iterator[tuple[str, str]]:
    """Each part but the language, with what the registry calls it."""
    held = (
        ("Extended language", "extlang", tag.extlang),
        ("Script", "script", (tag.script,) if tag.script else ()),
        ("Region", "region", (tag.region,) if tag.region else ()),
        ("Variant", "variant", tag.variants),
    )
    for said, kind, subtags in held:
        for subtag in subtags:
            found = registry().find(kind, subtag)
            yield said, found.names[0] if found is not None else subtag
    for extension in tag.extensions:
        yield "Extension", extension
    if tag.private:
        yield "Private use", tag.private


@cache
def _named() -> Mapping[str, JsonObject]:
    """The languages that R4 lists, which have names in other languages."""
    listed = definitions().archive.by_url(_NAMED, "ValueSet") or {}
    parts = listed.get("compose", {}).get("include", ())
    return {one["code"]: one for part in parts for one in part.get("concept", ())}


@cache
def _languages() -> Sequence[str]:
    """Those that R4 lists, then every language of the registry."""
    return tuple(dict.fromkeys((*_named(), *(row[0] for row in _registered()))))


def _registered() -> Iterator[Sequence[str]]:
    """Every language of the registry that is not a range of them: its subtag and names."""
    return (row for row in registry().all("language") if ".." not in row[0])


def _header(version: str) -> JsonObject:
    return header(
        URL,
        "LanguageTags",
        "Tags for identifying languages (BCP 47)",
        version=version,
        date=version,
        language="en",
        publisher="IETF",
        description="Language tags whose subtags are in the IANA language subtag registry of that date.",
        caseSensitive=False,
        valueSet="http://hl7.org/fhir/ValueSet/all-languages",
        filter=[
            {
                "code": name,
                "description": f"{text} of the tag",
                "operator": ["exists", "=", "in", "not-in", "regex"],
                "value": "true, false, or what the tag has",
            }
            for name, text in _PARTS.items()
        ],
        property=[{"code": name, "description": text, "type": "code"} for name, text in _PARTS.items()],
    )
