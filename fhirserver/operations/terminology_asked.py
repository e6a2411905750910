"""What requests to the terminology say of how they are to be answered: resources brought along, versions, languages.

https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/requirements.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from fhirserver.interactions.exchange import Context, Request
from fhirserver.interactions.registry import Parameter
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.operations.parameters import one
from fhirserver.ports.terminology_asked import Asked

Given = dict[str, list[Json]]
_LANGUAGE = re.compile(r"\s*(\*|[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*)\s*(;.*)?")
_TAKEN = ("CodeSystem", "ValueSet", "ConceptMap")

ASKED = (
    Parameter("tx-resource", "Resource", "A code system, value set or concept map to be used", 0, "*"),
    Parameter("cache-id", "id", "Keeps the tx-resources for later requests with the same id"),
    Parameter("system-version", "canonical", "The version of a system where none is named", 0, "*"),
    Parameter("check-system-version", "canonical", "The version of a system that must be used", 0, "*"),
    Parameter("force-system-version", "canonical", "The version of a system whatever is named", 0, "*"),
    Parameter(
        "default-valueset-version", "canonical", "The version of a value set where none is named", 0, "*"
    ),
    Parameter("useSupplement", "canonical", "A supplement to be used", 0, "*"),
    Parameter(
        "displayLanguage", "code", "The languages of displays, the best first: else those of Accept-Language"
    ),
    Parameter("diagnostics", "boolean", "Taken, and without effect"),
)


def asked_of(request: Request, given: Given) -> Asked:
    """From the parameters of a request. Refuses (400) what is no canonical, no resource, or given in two versions."""
    resources = tuple(_resource(value) for value in (*given.get("tx-resource", ()), *_inline(given)))
    cache, who = str(one(given, "cache-id") or ""), request.principal
    return Asked(
        resources,
        cache,
        "/".join((who.name, who.user, who.grant)) if cache else "",
        _versions(given, "system-version"),
        _versions(given, "check-system-version"),
        _versions(given, "force-system-version"),
        _versions(given, "default-valueset-version"),
        tuple(str(value) for value in given.get("useSupplement", ())),
    )


def _inline(given: Given) -> Sequence[Json]:
    """The code system that is asked itself, which is used like one that is brought along."""
    for value in given.get("codeSystem", ()):
        if not isinstance(value, dict) or not value.get("url"):
            where = "Parameters.parameter.where(name='codeSystem').resource.url"
            raise refuse(Category.INVALID, "required", "A codeSystem has a url", where)
    return given.get("codeSystem", [])


async def asked_with_kept(context: Context, request: Request, given: Given) -> Asked:
    """The same, with what is kept under its ``cache-id``."""
    asked = asked_of(request, given)
    return asked if context.kept_resources is None else await context.kept_resources.with_kept(asked)


def _resource(value: Json) -> JsonObject:
    if not isinstance(value, dict) or value.get("resourceType") not in _TAKEN:
        text = "A tx-resource is a CodeSystem, ValueSet or ConceptMap"
        raise refuse(Category.INVALID, "invalid", text, "Parameters.parameter.where(name='tx-resource')")
    return value


def _versions(given: Given, name: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for value in given.get(name, ()):
        url, _, version = str(value).partition("|")
        if not version or found.setdefault(url, version) != version:
            text = f"{name} is a canonical with a version, and one for each system"
            raise refuse(Category.INVALID, "value", text, f"Parameters.parameter.where(name='{name}')")
    return found


def languages_of(request: Request, given: Given) -> str:
    """``displayLanguage``, else ``Accept-Language``; empty for any. Refuses (400) what names no language."""
    asked = one(given, "displayLanguage")
    if asked is None:
        return request.headers.get("accept-language", "")
    if not all(_LANGUAGE.fullmatch(part) for part in str(asked).split(",")):
        text = f"Invalid displayLanguage: '{str(asked)[:64]}'"
        issue = Issue("processing", text, type="invalid-display", message_id="INVALID_DISPLAY_NAME")
        raise Refusal(Category.INVALID, (issue,))
    return str(asked)
