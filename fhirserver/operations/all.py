"""All operations, for the registry."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.registry import Handler, Operation, Parameter
from fhirserver.operations.connector_operations import CONNECTORS
from fhirserver.operations.diff import diff
from fhirserver.operations.diff_units import UNIT
from fhirserver.operations.document_reference_docref import DOCREF
from fhirserver.operations.encounter_everything import encounter_everything
from fhirserver.operations.group_everything import group_everything
from fhirserver.operations.identity_operations import IDENTITY
from fhirserver.operations.lineage import LINEAGE
from fhirserver.operations.mapping_operations import MAPPING
from fhirserver.operations.medicinal_product_everything import medicinal_product_everything
from fhirserver.operations.merge_operations import MERGING
from fhirserver.operations.meta import meta
from fhirserver.operations.meta_add import meta_add
from fhirserver.operations.meta_delete import meta_delete
from fhirserver.operations.moments import AS_OF_INPUT
from fhirserver.operations.observation_lastn import observation_lastn
from fhirserver.operations.patient_everything import patient_everything
from fhirserver.operations.review_operations import REVIEW
from fhirserver.operations.search_parameter_status import search_parameter_status
from fhirserver.operations.story import STORY
from fhirserver.operations.subscription_operations import SUBSCRIPTIONS
from fhirserver.operations.terminology_operations import TERMINOLOGY
from fhirserver.operations.validate import validate_resource
from fhirserver.operations.versions import VERSIONS
from fhirserver.operations.withdraw import WITHDRAW
from fhirserver.world.vocabulary import BASE

_R4 = "http://hl7.org/fhir/OperationDefinition"

_INDEX = (
    Parameter("status", "code", "ready, indexing, refused, standard or inactive", 1, use="out"),
    Parameter("indexed", "integer", "How many resources have been indexed", use="out"),
    Parameter("total", "integer", "How many there are to index", use="out"),
    Parameter("reason", "string", "Why it is refused", 0, "*", "out"),
)


async def _graphql(context: Context, request: Request) -> Result:
    """Its library takes 5 MB of every process: it is loaded with the first query."""
    from fhirserver.operations.graphql.operation import graphql

    return await graphql(context, request)


def all_operations() -> Sequence[Operation]:
    """Every operation the server has."""
    return (
        LINEAGE,
        STORY,
        VERSIONS,
        Operation(
            "status",
            "instance",
            ("SearchParameter",),
            "read",
            search_parameter_status,
            _definition("SearchParameter-status"),
            description="Whether a search may use this SearchParameter, and how far its index is.",
            parameters=_INDEX,
        ),
        Operation("meta", "system type instance version", ("*",), "read", meta, f"{_R4}/Resource-meta"),
        _everything("Patient", "type instance", patient_everything, *_CARE, AS_OF_INPUT),
        _everything("Encounter", "instance", encounter_everything),
        _everything("Group", "instance", group_everything, *_CARE),
        _everything("MedicinalProduct", "instance", medicinal_product_everything),
        Operation(
            "lastn",
            "type",
            ("Observation",),
            "read",
            observation_lastn,
            f"{_R4}/Observation-lastn",
            parameters=_LASTN,
            takes_search=True,
        ),
        DOCREF,
        _diff("resource-diff", "instance version", ("*",), *_VERSIONS),
        _diff("diff", "system", (), *_RESOURCES),
        Operation(
            "graphql",
            "system instance",
            ("*",),
            "read",
            _graphql,
            f"{_R4}/Resource-graphql",
            parameters=_GRAPHQL,
            takes_any_body=True,
        ),
        _labels("meta-add", meta_add),
        _labels("meta-delete", meta_delete),
        _VALIDATION,
        *TERMINOLOGY,
        *MAPPING,
        *REVIEW,
        WITHDRAW,
        *IDENTITY,
        *MERGING,
        *CONNECTORS,
        *SUBSCRIPTIONS,
    )


_CARE = (
    Parameter("start", "date", "Only care given since then"),
    Parameter("end", "date", "Only care given until then"),
)
_EVERYTHING = (
    Parameter("_since", "instant", "Only what was updated since then"),
    Parameter("_type", "code", "Only these types, with commas between", max="*"),
    Parameter("_count", "integer", "Resources on a page"),
    Parameter("_cursor", "string", "Where the page begins, from a link of the one before"),
    Parameter("return", "Bundle", "A searchset", 1, use="out"),
)
_LASTN = (
    Parameter("max", "positiveInt", "Observations of each code; 1 without"),
    Parameter("return", "Bundle", "A searchset", 1, use="out"),
)
_VERSIONS = (
    Parameter("fromVersion", "string", "The version to compare with; the one before without"),
    Parameter("fromAsOf", "string", "Compare with what it was at this moment, written as _asOf"),
    AS_OF_INPUT,
)
_RESOURCES = (
    Parameter("from", "string", "Type/id, also with a version", 1),
    Parameter("to", "string", "Type/id, also with a version", 1),
)
_OPERATION = (
    Parameter("type", "code", "add, insert, delete or replace", 1, use="out"),
    Parameter("path", "string", "Where, as FHIRPath", 1, use="out"),
    Parameter("name", "string", "The element to add", use="out"),
    Parameter("index", "integer", "Before which item to insert", use="out"),
    Parameter("previousValue", "", "What was there", use="out"),
    Parameter("value", "", "What is there now", use="out"),
    Parameter("provenance", "Reference", "The commit that made the change", use="out"),
    Parameter("unit", "", "Each unit that the change is about", 0, "*", "out", UNIT),
)
_DIFFERENCE = (
    Parameter("includeMeta", "boolean", "Whether meta is compared too; not without"),
    Parameter("operation", "", "One change", 0, "*", "out", _OPERATION),
)
_GRAPHQL = (
    Parameter("query", "string", "The GraphQL document"),
    Parameter("operationName", "string", "Which operation of the document"),
    Parameter("variables", "string", "The variables as a JSON object"),
    Parameter("result", "Binary", "Data and errors as application/json", 1, use="out"),
)

_VALIDATE = (
    Parameter("resource", "Resource", "The resource; left out on an instance, or for the mode delete"),
    Parameter("mode", "code", "create, update, delete or profile"),
    Parameter("profile", "uri", "The profile to validate against, beside those that the resource claims"),
    Parameter("return", "OperationOutcome", "Every issue, or that all is well", 1, use="out"),
)


_VALIDATION = Operation(
    "validate",
    "system type instance",
    ("*",),
    "read",
    validate_resource,
    f"{_R4}/Resource-validate",
    parameters=_VALIDATE,
    takes_any_body=True,
)


def _definition(name: str) -> str:
    return f"{BASE}/OperationDefinition/{name}"


def _diff(id: str, level: str, types: tuple[str, ...], *inputs: Parameter) -> Operation:
    return Operation(
        "diff",
        level,
        types,
        "read",
        diff,
        _definition(id),
        description="What changed, as a FHIRPath Patch with the values before and who made each change.",
        parameters=(*inputs, *_DIFFERENCE),
    )


def _everything(type: str, level: str, handler: Handler, *inputs: Parameter) -> Operation:
    return Operation(
        "everything",
        level,
        (type,),
        "read",
        handler,
        f"{_R4}/{type}-everything",
        parameters=(*inputs, *_EVERYTHING),
    )


def _labels(name: str, handler: Handler) -> Operation:
    return Operation(
        name,
        "instance",
        ("*",),
        "write",
        handler,
        f"{_R4}/Resource-{name}",
        affects_state=True,
        parameters=(Parameter("meta", "Meta", "Profiles, tags and security labels", 1),),
    )
