"""capabilities: https://hl7.org/fhir/R4/http.html#capabilities - generated from the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.instantiated import instantiated
from fhirserver.interactions.registry import Handler, Registry
from fhirserver.interactions.subscription.vocabulary import GUIDE, PROFILE, SERVER, TOPIC_CANONICAL
from fhirserver.interactions.subset import Subset, subset_params, subset_version
from fhirserver.interactions.terminology_capabilities import terminology_capabilities
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.model.definitions import SearchParameter, definitions
from fhirserver.search.defined import Parameters
from fhirserver.search.parameters import searchable

TERMINOLOGY_SERVER = "http://hl7.org/fhir/CapabilityStatement/terminology-server"
TX_TESTS = "1.9.0"
"""The newest release of the tests of the terminology ecosystem that is not newer than those that ``make corpus`` runs
(docs/terminology/validating.md). Clients of the ecosystem refuse servers that name none."""
_CODE = Path(__file__).parents[1]
_TYPE_LEVELS = frozenset({"instance", "version", "instance-history", "type-history", "type", "type-search"})
_COMPARTMENT = "http://hl7.org/fhir/CompartmentDefinition/"
_SYSTEM_LEVELS = frozenset({"system", "system-history", "system-search"})


def capabilities(
    registry: Registry, version: str, started: str, cors: bool = False, security: JsonObject | None = None
) -> Handler:
    """The handler of ``GET /metadata``. ``started`` is the instant the server came up, ``security`` what is stated of
    the authorization server.

    ``mode`` is ``full``, ``normative`` or ``terminology``; ``_summary`` and ``_elements`` cut from it. Refuses (400)
    others.
    """
    terminology = terminology_capabilities(registry, version, started)
    known: dict[tuple[str, int, int, Parameters, tuple[str, ...]], bytes] = {}

    async def handler(context: Context, request: Request) -> Result:
        mode, subset = _asked(request)
        await context.conformance.catch_up()
        if mode == "terminology":
            return Result(200, subset_version(await terminology(context), _TYPES[mode], subset))
        await context.store.parameters.refresh()
        await context.topics.refresh()
        own, topics = context.store.parameters.current, context.topics.urls()
        deletes = context.limits.conditional_delete
        key = (context.base_url, deletes, context.conformance.generation, own, tuple(topics))
        if key not in known:
            profiles = context.conformance.profiles()
            made = capability_statement(registry, context.base_url, version, started, cors, deletes, profiles)
            known.clear()
            told = with_security(with_topics(with_own_parameters(made, own), topics), security or {})
            guides = [one.resource() for one in context.conformance.stored("CapabilityStatement")]
            told["instantiates"] = [*told["instantiates"], *instantiated(told, guides)]
            known[key] = dumps(with_sockets(told, context.channels.websocket_url))
        body = dumps(normative_part(loads(known[key]))) if mode == "normative" else known[key]
        return Result(200, subset_version(body, _TYPES[mode], subset))

    return handler


_TYPES = {
    "full": "CapabilityStatement",
    "normative": "CapabilityStatement",
    "terminology": "TerminologyCapabilities",
}
"""What each mode answers with."""


def _asked(request: Request) -> tuple[str, Subset]:
    """The mode, and which elements."""
    modes = {value for name, value in request.params if name == "mode"} or {"full"}
    if not modes <= _TYPES.keys() or len(modes) > 1:
        raise refuse(Category.INVALID, "not-supported", f"mode is one of {', '.join(_TYPES)}", "http.mode")
    rest = [pair for pair in request.params if pair[0] != "mode"]
    mode = modes.pop()
    return mode, subset_params(_TYPES[mode], rest, request.lenient)


_TRIAL_USE = frozenset(
    {
        *("supportedProfile", "versioning", "readHistory", "updateCreate", "conditionalCreate"),
        *("conditionalRead", "conditionalUpdate", "conditionalDelete", "referencePolicy"),
        *("searchInclude", "searchRevInclude", "security"),
    }
)
"""What R4 marks as trial use among the elements that are stated under ``rest``."""


def normative_part(statement: JsonObject) -> JsonObject:
    """A CapabilityStatement without the elements that R4 marks as trial use."""
    rest = [_normative({**one, "resource": [*map(_normative, one["resource"])]}) for one in statement["rest"]]
    return {**statement, "rest": rest}


def _normative(part: JsonObject) -> JsonObject:
    return {name: value for name, value in part.items() if name not in _TRIAL_USE}


def capability_statement(
    registry: Registry,
    base_url: str,
    version: str,
    started: str,
    cors: bool = False,
    deletes: int = 1,
    profiles: Mapping[str, Sequence[str]] | None = None,
) -> JsonObject:
    """The CapabilityStatement of what the registry really routes. One conditional delete may be of ``deletes``.

    ``profiles`` are those that are stored, by resource type.
    """
    return {
        "resourceType": "CapabilityStatement",
        **_as_terminology_server(registry),
        "url": f"{base_url}/metadata",
        "version": version,
        "name": "Credence",
        "title": "What this Credence server does",
        "status": "active",
        "date": started,
        "kind": "instance",
        "software": {"name": "Credence", "version": version, "releaseDate": released()},
        "implementation": {"description": "Credence FHIR server", "url": base_url},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        "patchFormat": ["application/json-patch+json", "application/fhir+json", "application/fhir+xml"],
        "rest": [_rest(registry, cors, deletes, profiles or {})],
    }


@cache
def released() -> str:
    """The day on which this version came here: that of its newest file. Versions that are not published have no other;
    clients of the terminology ecosystem want one."""
    newest = max(path.stat().st_mtime for path in _CODE.rglob("*.py"))
    return datetime.fromtimestamp(newest, UTC).date().isoformat()


def _as_terminology_server(registry: Registry) -> JsonObject:
    """What clients of the terminology ecosystem look for, where there are its operations.

    https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/requirements.html
    """
    if not any(one.name == "expand" for one in registry.operations):
        return {}
    features = (
        ("uv/tx-tests/FeatureDefinition/test-version", "Code", TX_TESTS),
        ("uv/tx-ecosystem/FeatureDefinition/CodeSystemAsParameter", "Boolean", True),
    )
    return {
        "extension": [
            {
                "url": "http://hl7.org/fhir/uv/application-feature/StructureDefinition/feature",
                "extension": [
                    {"url": "definition", "valueCanonical": f"http://hl7.org/fhir/{name}"},
                    {"url": "value", f"value{type}": value},
                ],
            }
            for name, type, value in features
        ],
        "instantiates": [TERMINOLOGY_SERVER],
    }


def with_own_parameters(statement: JsonObject, known: Parameters) -> JsonObject:
    """The statement with the search parameters that users defined, those that may be searched by."""
    if not known.own:
        return statement
    rest = statement["rest"][0]
    resources = [_with_own(one, known) if one["type"] in known.own else one for one in rest["resource"]]
    return {**statement, "rest": [{**rest, "resource": resources}]}


def with_topics(statement: JsonObject, topics: Sequence[str]) -> JsonObject:
    """The statement with what may be subscribed to, as the backport has it.

    https://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition-capabilitystatement-subscriptiontopic-canonical.html
    """
    rest = statement["rest"][0]
    told = [{"url": TOPIC_CANONICAL, "valueCanonical": url} for url in topics]
    resources = [
        {
            **({"extension": told} if told else {}),
            **one,
            "supportedProfile": sorted({*one.get("supportedProfile", ()), PROFILE}),
        }
        if one["type"] == "Subscription"
        else one
        for one in rest["resource"]
    ]
    return {
        **statement,
        "instantiates": [*statement.get("instantiates", ()), SERVER],
        "implementationGuide": [GUIDE],
        "rest": [{**rest, "resource": resources}],
    }


def with_security(statement: JsonObject, security: JsonObject) -> JsonObject:
    """The statement with what is said of the authorization server. https://hl7.org/fhir/smart-app-launch/conformance.html"""
    rest = statement["rest"][0]
    return {**statement, "rest": [{**rest, "security": {**rest["security"], **security}}]}


def with_sockets(statement: JsonObject, url: str) -> JsonObject:
    """The statement with where sockets for subscriptions are opened, if anywhere.

    https://hl7.org/fhir/R4/extension-capabilitystatement-websocket.html
    """
    if not url:
        return statement
    rest = statement["rest"][0]
    told = {"url": "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket", "valueUri": url}
    return {**statement, "rest": [{**rest, "extension": [*rest.get("extension", ()), told]}]}


def _with_own(resource: JsonObject, known: Parameters) -> JsonObject:
    type = resource["type"]
    ready = {code: p for code, p in known.own[type].items() if not known.is_pending(type, code)}
    references = [f"{type}:{code}" for code, p in sorted(ready.items()) if p.type == "reference"]
    told = [{"name": code, "definition": p.url, "type": p.type} for code, p in sorted(ready.items())]
    return {
        **resource,
        **({"searchInclude": [*resource.get("searchInclude", ()), *references]} if references else {}),
        "searchParam": [*resource["searchParam"], *told],
    }


def _rest(registry: Registry, cors: bool, deletes: int, profiles: Mapping[str, Sequence[str]]) -> JsonObject:
    codes = [one.code for one in registry.interactions if one.level in _TYPE_LEVELS]
    interactions = [{"code": code} for code in dict.fromkeys(codes)]
    codes = [
        code for one in registry.interactions if one.level in _SYSTEM_LEVELS for code in one.code.split()
    ]
    system = [{"code": code} for code in dict.fromkeys(codes)]
    rest: JsonObject = {
        "mode": "server",
        "security": {"cors": cors, "description": "Bearer tokens: of SMART on FHIR, or of the settings"},
        "resource": [
            _resource(registry, type, interactions, deletes, profiles.get(type, ()))
            for type in sorted(definitions().resource_types)
        ],
        "interaction": system,
        "searchParam": _of_every_search(),
    }
    if any(one.level == "compartment" for one in registry.interactions):
        rest["compartment"] = [
            _COMPARTMENT + type[:1].lower() + type[1:] for type in sorted(definitions().compartments)
        ]
    operations = [one for one in registry.operations if "system" in one.levels]
    if operations:
        rest["operation"] = [{"name": one.name, "definition": one.definition} for one in operations]
    return rest


_WITHOUT_DEFINITION = {
    "_filter": "An expression: https://hl7.org/fhir/R4/search_filter.html",
    "_has": "_has:[type]:[reference]:[parameter]: what others that refer to it have",
    "_list": "The id of a List: what is current among its entries",
    "_type": "On the system and in compartments: the types to be searched",
}


def _of_every_search() -> list[JsonObject]:
    """The search parameters that resources of all types have."""
    of_types = [searchable(type) for type in definitions().resource_types]
    common = sorted(set.intersection(*(set(one) for one in of_types)))
    told = [_search_param(of_types[0][code]) for code in common]
    return told + [
        {"name": name, "type": "special", "documentation": text} for name, text in _WITHOUT_DEFINITION.items()
    ]


def _search_param(parameter: SearchParameter) -> JsonObject:
    return {"name": parameter.code, "definition": parameter.url, "type": parameter.type}


@cache
def _referring() -> Mapping[str, Sequence[str]]:
    """Resource type → the ``[type]:[parameter]`` that may refer to it."""
    found: dict[str, list[str]] = {type: [] for type in definitions().resource_types}
    for source in sorted(definitions().resource_types):
        for code, parameter in sorted(searchable(source).items()):
            if parameter.type == "reference":
                anything = not parameter.targets or "Resource" in parameter.targets
                for target in found if anything else parameter.targets:
                    found.get(target, []).append(f"{source}:{code}")
    return found


def _resource(
    registry: Registry, type: str, interactions: list[JsonObject], deletes: int, profiles: Sequence[str]
) -> JsonObject:
    parameters = searchable(type)
    references = sorted(code for code, parameter in parameters.items() if parameter.type == "reference")
    resource: JsonObject = {
        "type": type,
        "supportedProfile": list(profiles),
        "interaction": interactions,
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "single" if deletes == 1 else "multiple",
        "referencePolicy": ["literal", "logical"],
        "searchInclude": [f"{type}:{code}" for code in references],
        "searchRevInclude": list(_referring()[type]),
        "searchParam": [_search_param(parameter) for _, parameter in sorted(parameters.items())],
    }
    operations = [
        one
        for one in registry.operations
        if one.level != "system" and (type in one.types or "*" in one.types)
    ]
    if operations:
        resource["operation"] = [{"name": one.name, "definition": one.definition} for one in operations]
    return {name: value for name, value in resource.items() if value != []}
