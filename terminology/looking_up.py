"""``CodeSystem/$lookup``. https://hl7.org/fhir/R4/codesystem-operation-lookup.html"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.ports.terminology import Concept, Designation, Question
from terminology.expanding.contains import requested
from terminology.expanding.languages import ENGLISH, PREFERRED, Languages
from terminology.expanding.refusals import missing_supplements
from terminology.library import RequestLibrary
from terminology.systems import System
from terminology.versions import joined, split

_NAMES = frozenset({"system", "name", "version", "display", "definition", "designation"})
_SUBPROPERTY = "http://hl7.org/fhir/StructureDefinition/codesystem-subproperty"
Given = Mapping[str, Sequence[Json]]


def looked_up(library: RequestLibrary, question: Question, limit: int) -> JsonObject:
    """What a code means, as Parameters."""
    given = question.given
    url, code, version = _asked(library, question)
    if missing := library.missing_supplements():
        raise missing_supplements(missing)
    system = known_system(library, url, version)
    concept = system.find(code)
    if concept is None:
        raise _unknown_code(system, code)
    languages = Languages.read(str(_one(given, "displayLanguage") or question.language))
    wanted = frozenset(str(one) for one in given.get("property", ()))
    supplements = library.supplements_of(system.url, system.version)
    used = [_part("used-supplement", "Canonical", joined(one.url, one.version)) for one in supplements]
    return {"resourceType": "Parameters", "parameter": [*_told(system, concept, languages, wanted), *used]}


def _asked(library: RequestLibrary, question: Question) -> tuple[str, str, str]:
    """System, code and version: from ``coding``, or ``code`` with ``system`` and ``version``."""
    given = question.given
    coding = _one(given, "coding")
    if coding is not None and "code" in given:
        text = "Either 'code' with 'system' is given, or 'coding'"
        raise refuse(Category.INVALID, "invalid", text, _at("coding"))
    if isinstance(coding, dict):
        url, code, version = (str(coding.get(name, "")) for name in ("system", "code", "version"))
    else:
        url, code, version = (str(_one(given, name) or "") for name in ("system", "code", "version"))
    if question.instance:
        resource = library.code_system(question.instance) or {}
        url, version = str(resource.get("url", url)), str(resource.get("version", version))
    url, own = split(url)
    for name, value in (("code", code), ("system", url)):
        if not value:
            raise refuse(Category.INVALID, "required", f"'{name}' is needed, or a 'coding'", _at(name))
    return url, code, version or own


def known_system(library: RequestLibrary, url: str, version: str) -> System:
    """The code system, or a refusal."""
    found = library.system(url, version)
    if found is not None:
        return found
    wanted, versions = library.version_for(url, version), library.system_versions(url)
    text = f"A definition for CodeSystem '{url}'"
    if wanted:
        text += f" version '{wanted}'"
    text += " could not be found, so the code cannot be looked up"
    if wanted and versions:
        text += f". Valid versions: {' or '.join(versions)}"
    id = "UNKNOWN_CODESYSTEM_VERSION" if wanted and versions else "UNKNOWN_CODESYSTEM"
    raise Refusal(Category.NOT_FOUND, (Issue("not-found", text, type="not-found", message_id=id),))


def _unknown_code(system: System, code: str) -> Refusal:
    named = joined(system.url, system.version)
    if system.header.get("content") == "fragment":
        text = f"Unknown code in the fragment of the code system '{named}' that is known here"
    else:
        text = f"Unknown code in the code system '{named}'"
    issue = Issue("not-found", text, type="invalid-code", message_id="Unknown_Code_in_Version")
    return Refusal(Category.NOT_FOUND, (issue,))


def _told(
    system: System, concept: Concept, languages: Languages, wanted: frozenset[str]
) -> Iterator[JsonObject]:
    header = system.header
    all = not wanted or "*" in wanted
    shown = languages.choose(concept)
    display = shown.value if shown is not None and shown.value else ""
    yield _part("name", "String", str(header.get("name") or header.get("title") or system.url))
    yield _part("code", "Code", concept.code)
    yield _part("system", "Uri", system.url)
    if system.version:
        yield _part("version", "String", system.version)
    yield _part("display", "String", display or concept.display or concept.code)
    if concept.definition and (all or "definition" in wanted):
        yield _part("definition", "String", concept.definition)
    yield _part("abstract", "Boolean", concept.abstract)
    if all or "designation" in wanted:
        yield from _designations(concept)
    yield from _properties(system, concept, wanted)


def _designations(concept: Concept) -> Iterator[JsonObject]:
    if concept.display:
        yield _designation(Designation(concept.display, concept.language or ENGLISH, dict(PREFERRED)))
    for one in concept.designations:
        yield _designation(one)


def _designation(one: Designation) -> JsonObject:
    parts = [_part("language", "Code", one.language)] if one.language else []
    if one.use:
        parts.append(_part("use", "Coding", one.use))
    if one.source:
        parts.append(_part("source", "Canonical", one.source))
    return {"name": "designation", "part": [*parts, _part("value", "String", one.value)]}


# Properties


def _properties(system: System, concept: Concept, wanted: frozenset[str]) -> Iterator[JsonObject]:
    if wanted and "*" not in wanted:
        for code in sorted(wanted - _NAMES):
            for name, value in requested(code, concept, system):
                yield _property(system, code, name, value)
        if "inactive" not in wanted:
            yield _property(system, "inactive", "valueBoolean", concept.inactive)
        return
    stated = {str(one.get("code", "")) for one in concept.properties}
    for code in ("parent", "child"):
        for name, value in requested(code, concept, system):
            yield _property(system, code, name, value)
    if "inactive" not in stated:
        yield _property(system, "inactive", "valueBoolean", concept.inactive)
    if concept.abstract and "notSelectable" not in stated and not _is_declared(system):
        yield _property(system, "notSelectable", "valueBoolean", True)
    for one in concept.properties:
        if one.get("code") not in ("parent", "child"):
            yield from _stated(system, one)


def _is_declared(system: System) -> bool:
    """Whether the system has the property notSelectable under a code of its own."""
    uris = (str(one.get("uri", "")) for one in system.header.get("property", ()))
    return any(uri.endswith("#notSelectable") for uri in uris)


def _stated(system: System, held: JsonObject) -> Iterator[JsonObject]:
    for name, value in held.items():
        if name.startswith("value"):
            parts = _property(system, str(held.get("code", "")), name, value)
            parts["part"].extend(_subproperties(held))
            yield parts


def _property(system: System, code: str, name: str, value: Json) -> JsonObject:
    parts = [_part("code", "Code", code)]
    if name == "valueCode" and code in ("parent", "child"):
        related = system.find(str(value))
        if related is not None and related.display:
            parts.append(_part("description", "String", related.display))
    return {"name": "property", "part": [*parts, {"name": "value", name: value}]}


def _subproperties(held: JsonObject) -> Iterator[JsonObject]:
    for code, name, value in subproperties(held):
        yield {"name": "subproperty", "part": [_part("code", "Code", code), {"name": "value", name: value}]}


def subproperties(held: JsonObject) -> Iterator[tuple[str, str, Json]]:
    """``(code, value[x], value)`` of each property that is nested in one."""
    for extension in held.get("extension", ()):
        if extension.get("url") == _SUBPROPERTY:
            inner = {one.get("url"): one for one in extension.get("extension", ())}
            code = next((v for n, v in inner.get("code", {}).items() if n.startswith("value")), "")
            for name, value in inner.get("value", {}).items():
                if name.startswith("value"):
                    yield str(code), name, value


# Parameters


def _one(given: Given, name: str) -> Json:
    values = given.get(name, ())
    if len(values) > 1:
        raise refuse(Category.INVALID, "invalid", f"'{name}' may be given once", _at(name))
    return values[0] if values else None


def _part(name: str, type: str, value: Json) -> JsonObject:
    return {"name": name, f"value{type}": value}


def _at(name: str) -> str:
    return f"Parameters.parameter.where(name='{name}')"
