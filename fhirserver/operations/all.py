"""All operations, for the registry."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.registry import Handler, Operation, Parameter
from fhirserver.operations.diff import diff
from fhirserver.operations.encounter_everything import encounter_everything
from fhirserver.operations.graphql.operation import graphql
from fhirserver.operations.group_everything import group_everything
from fhirserver.operations.lineage import lineage
from fhirserver.operations.medicinal_product_everything import medicinal_product_everything
from fhirserver.operations.merge_operations import MERGING
from fhirserver.operations.meta import meta
from fhirserver.operations.meta_add import meta_add
from fhirserver.operations.meta_delete import meta_delete
from fhirserver.operations.observation_lastn import observation_lastn
from fhirserver.operations.patient_everything import patient_everything
from fhirserver.operations.search_parameter_status import search_parameter_status
from fhirserver.operations.task_approve import task_approve
from fhirserver.operations.task_claim import task_claim, task_release
from fhirserver.operations.task_correct import task_correct
from fhirserver.operations.task_reject import task_reject
from fhirserver.operations.terminology_operations import TERMINOLOGY
from fhirserver.operations.validate import validate_resource
from fhirserver.world.vocabulary import BASE

_R4 = "http://hl7.org/fhir/OperationDefinition"
_UNIT = Parameter("unit", "string", "The unit or path of the claims meant; all of the item without", max="*")
_TASK = Parameter("return", "Task", "The item as it is now", 1, use="out")
_CLAIM = (
    Parameter("role", "code", "wins, agrees or contends", 1, use="out"),
    Parameter("status", "code", "live, superseded or rejected", 1, use="out"),
    Parameter("source", "string", "Who says it", 1, use="out"),
    Parameter("origin", "string", "The merged resource that it was said of", use="out"),
    Parameter("value", "string", "What is said, as JSON text", use="out"),
    Parameter("absent", "boolean", "That it is stated absent", use="out"),
    Parameter("confidence", "decimal", "How sure it is", 1, use="out"),
    Parameter("recorded", "instant", "When it was first said", 1, use="out"),
    Parameter("effective", "dateTime", "Since when it holds, where the source said so", use="out"),
    Parameter("method", "code", "How it was said", use="out"),
    Parameter("checked", "code", "What a judge or reviewer found", use="out"),
    Parameter("position", "integer", "Where in the log it was first said", 1, use="out"),
    Parameter("provenance", "Reference", "The Provenance that its confidence rests on", 1, use="out"),
)
_UNITS = (
    Parameter("path", "string", "The element", 1, use="out"),
    Parameter("unit", "string", "The unit's name", 1, use="out"),
    Parameter("value", "string", "The value that holds, as JSON text", use="out"),
    Parameter("absent", "boolean", "That there is none", use="out"),
    Parameter("confidence", "decimal", "How sure it is", 1, use="out"),
    Parameter("source", "string", "Whose claim holds", 1, use="out"),
    Parameter("claim", "", "Every claim on the unit, the one that holds first", 1, "*", "out", _CLAIM),
)


_INDEX = (
    Parameter("status", "code", "ready, indexing, refused, standard or inactive", 1, use="out"),
    Parameter("indexed", "integer", "How many resources have been indexed", use="out"),
    Parameter("total", "integer", "How many there are to index", use="out"),
    Parameter("reason", "string", "Why it is refused", 0, "*", "out"),
)


def all_operations() -> Sequence[Operation]:
    """Every operation the server has."""
    return (
        Operation(
            "lineage",
            "instance",
            ("*",),
            "read",
            lineage,
            _definition("lineage"),
            description="Per unit: which claim holds, which contend, who says so, since when, how sure.",
            parameters=(Parameter("unit", "", "One unit of the resource", 0, "*", "out", _UNITS),),
        ),
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
        _everything("Patient", "type instance", patient_everything, *_CARE),
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
        _diff("resource-diff", "instance version", ("*",), *_VERSIONS),
        _diff("diff", "system", (), *_RESOURCES),
        Operation(
            "graphql",
            "system instance",
            ("*",),
            "read",
            graphql,
            f"{_R4}/Resource-graphql",
            parameters=_GRAPHQL,
            takes_any_body=True,
        ),
        _labels("meta-add", meta_add),
        _labels("meta-delete", meta_delete),
        _VALIDATION,
        *TERMINOLOGY,
        *MERGING,
        _review(
            "approve", task_approve, "Confirm claims (0.95); they supersede what they contradict.", _UNIT
        ),
        _review(
            "reject", task_reject, "Reject claims (0.0); the world is decided without them.", _UNIT, _REASON
        ),
        _review("correct", task_correct, "State the right values (1.0) in place of every claim.", _VALUE),
        _review("claim", task_claim, "Take the item, so that no other reviewer can decide it."),
        _review("release", task_release, "Give the item back."),
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
_VERSIONS = (Parameter("fromVersion", "string", "The version to compare with; the one before without"),)
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
_REASON = Parameter("reason", "string", "Why they are wrong", 1)
_VALUE = Parameter("value", "string", "The right elements as the JSON text of an object; null for absent", 1)


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


def _review(name: str, handler: Handler, text: str, *inputs: Parameter) -> Operation:
    return Operation(
        name,
        "instance",
        ("Task",),
        "operator",
        handler,
        _definition(f"task-{name}"),
        affects_state=True,
        description=text,
        parameters=(*inputs, _TASK),
    )
