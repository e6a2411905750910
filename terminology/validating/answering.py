"""Finds what a question of ``$validate-code`` is about, and answers it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.code_validation import CodeAnswer, CodeQuestion
from terminology.systems import System
from terminology.validating import messages
from terminology.validating.known import Known
from terminology.validating.validation import Validator, no_system, unknown_code_system
from terminology.validating.versions import usable

_EXPANSION_PARAMETERS = (
    "http://hl7.org/fhir/StructureDefinition/valueset-expansion-parameter",
    "http://hl7.org/fhir/tools/StructureDefinition/valueset-expansion-parameter",
)


def answer(known: Known, question: CodeQuestion) -> CodeAnswer:
    """Refuses an unknown value set (``not-found``) and supplements that are asked for and not known here."""
    if question.value_set is not None:
        return _of_value_set(known, question, question.value_set)
    missing = known.missing_supplements()
    if missing:
        raise messages.missing_supplements(missing)
    return _of_system(known, question)


def _of_value_set(known: Known, question: CodeQuestion, named: str | JsonObject) -> CodeAnswer:
    value_set = known.value_set(named) if isinstance(named, str) else named
    if value_set is None:
        raise messages.refused(Category.NOT_FOUND, messages.unknown_value_set(str(named)))
    known = known.with_supplements(value_set)
    missing = known.missing_supplements()
    if missing:
        raise messages.missing_supplements(missing)
    return Validator(known, _with_own_parameters(question, value_set), value_set).answer()


def _with_own_parameters(question: CodeQuestion, value_set: JsonObject) -> CodeQuestion:
    """What the value set itself says of how it is to be read, where the question does not."""
    own = dict(_parameters(value_set))
    languages = question.languages or str(own.get("displayLanguage") or value_set.get("language") or "")
    active_only = question.active_only or own.get("activeOnly") is True
    if (languages, active_only) == (question.languages, question.active_only):
        return question
    return replace(question, languages=languages, active_only=active_only)


def _parameters(value_set: JsonObject) -> Iterator[tuple[str, Json]]:
    for extension in value_set.get("compose", {}).get("extension", ()):
        if extension.get("url") in _EXPANSION_PARAMETERS:
            parts = {one.get("url"): _value(one) for one in extension.get("extension", ())}
            yield str(parts.get("name", "")), parts.get("value")


def _value(extension: JsonObject) -> Json:
    return next((value for name, value in extension.items() if name.startswith("value")), None)


def _of_system(known: Known, question: CodeQuestion) -> CodeAnswer:
    url, version = _system_asked(known, question)
    if not url and question.form != "code":
        return no_system(question)
    if not url:
        text = "The code system is needed: as 'url', or in the coding"
        raise refuse(Category.INVALID, "required", text, "Parameters.parameter.where(name='url')")
    wanted = known.version_for(url, version)
    system = usable(known, url, wanted)
    if system is None:
        return unknown_code_system(known, question, url, wanted)
    codings = question.codings
    if question.form == "code":
        codings = tuple(replace(one, system=url) for one in codings)
    asked = replace(question, codings=codings, infer_system=False)
    return Validator(known, asked, _all_of(system), of_system=True).answer()


def _system_asked(known: Known, question: CodeQuestion) -> tuple[str, str]:
    """Url and version: those asked, else those of the first coding."""
    asked, coded = question.code_system, question.codings[0] if question.codings else None
    if isinstance(asked, str) and asked.startswith("CodeSystem/"):
        asked = known.code_system(asked)
    if isinstance(asked, dict):
        return str(asked.get("url", "")), str(asked.get("version", ""))
    url, _, version = (asked or "").partition("|")
    if url or coded is None:
        return url, version or (coded.version if coded is not None and coded.system in ("", url) else "")
    return coded.system, coded.version


def _all_of(system: System) -> JsonObject:
    """The value set of all codes of a system."""
    url = str(system.header.get("valueSet") or f"{system.url}/vs")
    version = {"version": system.version} if system.version else {}
    include = {"system": system.url, **version}
    return {
        "resourceType": "ValueSet",
        "url": url,
        **version,
        "status": system.header.get("status", "active"),
        "experimental": system.header.get("experimental", False),
        "compose": {"include": [include]},
    }
