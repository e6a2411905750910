"""The operations on connectors, as the registry has them."""

from __future__ import annotations

from fhirserver.interactions.registry import Handler, Operation, Parameter
from fhirserver.operations.endpoint_connector_status import endpoint_connector_status
from fhirserver.operations.endpoint_dead_letters import endpoint_dead_letters
from fhirserver.operations.endpoint_discard import endpoint_discard
from fhirserver.operations.endpoint_dry_run import endpoint_dry_run
from fhirserver.operations.endpoint_pause import endpoint_pause
from fhirserver.operations.endpoint_resume import endpoint_resume
from fhirserver.operations.endpoint_retry import endpoint_retry
from fhirserver.operations.endpoint_sync import endpoint_sync
from fhirserver.world.vocabulary import BASE

_ENDPOINT = Parameter("return", "Endpoint", "The connector as it is now", 1, use="out")
_OUTCOME = Parameter("return", "OperationOutcome", "That it was asked for", 1, use="out")
_TASKS = Parameter("task", "Reference", "A dead letter; its id as a string will do", 0, "*")
_RESULT = Parameter(
    "result",
    "",
    "What became of each",
    0,
    "*",
    "out",
    (
        Parameter("task", "Reference", "The Task", 1, use="out"),
        Parameter("status", "integer", "200; 404 or 409 where it is no dead letter any more", 1, use="out"),
    ),
)
_COUNT = (
    Parameter("code", "code", "taken, pushed, failed, refused, conflicts, healed or resolved", 1, use="out"),
    Parameter("count", "unsignedInt", "How many since the process began to work on it", 1, use="out"),
)
_STATUS = (
    Parameter("name", "string", "The connector's name", 1, use="out"),
    Parameter(
        "state", "code", "running, paused, closed, starting, failed, stopping, off or refused", 1, use="out"
    ),
    Parameter("freshness", "code", "fresh, stale, quiet or never, by the last exchange", 1, use="out"),
    Parameter("breaker", "code", "closed, open or half-open", 1, use="out"),
    Parameter("kind", "code", "How it speaks", use="out"),
    Parameter("source", "string", "Whose statements its records are", use="out"),
    Parameter("problem", "string", "Why it is refused", use="out"),
    Parameter("error", "string", "The class of the last failure, since the EHR last answered", use="out"),
    Parameter("process", "string", "Which process works on it", use="out"),
    Parameter("since", "instant", "Since when", use="out"),
    Parameter("lastExchange", "instant", "When the EHR last answered", use="out"),
    Parameter("lastPull", "instant", "When a pull last came to its end", use="out"),
    Parameter("lastPush", "instant", "When a change last arrived", use="out"),
    Parameter("syncing", "boolean", "Whether a pull runs", 1, use="out"),
    Parameter("queue", "unsignedInt", "Changes that wait for the EHR", 1, use="out"),
    Parameter("lag", "decimal", "The age of the oldest of them in seconds", 1, use="out"),
    Parameter("deadLetters", "unsignedInt", "What waits for a person", 1, use="out"),
    Parameter("rate", "decimal", "Requests per second that it may get; 0 for no limit", 1, use="out"),
    Parameter("requests", "decimal", "Requests per second of late", 1, use="out"),
    Parameter("count", "", "What was done", 0, "*", "out", _COUNT),
)
_UNIT = (
    Parameter("unit", "string", "The unit", 1, use="out"),
    Parameter("leaves", "boolean", "Whether it would be written", 1, use="out"),
    Parameter("reason", "string", "Why, or why not", 1, use="out"),
    Parameter("confidence", "decimal", "How sure it is", 1, use="out"),
    Parameter("gate", "decimal", "How sure it must be", 1, use="out"),
)
_REHEARSED = (
    Parameter("resource", "Reference", "What it is about", 1, use="out"),
    Parameter("operation", "code", "create, update or none", 1, use="out"),
    Parameter("record", "string", "The EHR's record of it", use="out"),
    Parameter("task", "Reference", "The open writeback", use="out"),
    Parameter("waitsFor", "Reference", "What it refers to and the EHR does not have", use="out"),
    Parameter("unit", "", "Each unit of the resource", 0, "*", "out", _UNIT),
    Parameter("content", "Resource", "The record as it would be sent", use="out"),
)


def _operation(
    name: str, role: str, handler: Handler, text: str, *parameters: Parameter, changes: bool = False
) -> Operation:
    return Operation(
        name,
        "instance",
        ("Endpoint",),
        role,
        handler,
        f"{BASE}/OperationDefinition/{name}",
        affects_state=changes,
        description=text,
        parameters=parameters,
    )


CONNECTORS = (
    _operation(
        "sync",
        "operator",
        endpoint_sync,
        "Pull now, and try what waits to be written.",
        _OUTCOME,
        changes=True,
    ),
    _operation(
        "pause", "operator", endpoint_pause, "Ask nothing of the EHR any more.", _ENDPOINT, changes=True
    ),
    _operation(
        "resume", "operator", endpoint_resume, "Let the connector work again.", _ENDPOINT, changes=True
    ),
    _operation(
        "connector-status", "read", endpoint_connector_status, "How the connector is doing.", *_STATUS
    ),
    _operation(
        "dead-letters",
        "operator",
        endpoint_dead_letters,
        "What could not be written to the EHR, or taken in from it.",
        Parameter("_count", "integer", "Tasks on a page"),
        Parameter("_cursor", "string", "Where the page begins, from a link of the one before"),
        Parameter("return", "Bundle", "A searchset of Tasks", 1, use="out"),
    ),
    _operation(
        "retry",
        "operator",
        endpoint_retry,
        "Try dead letters again; all of them where none is named.",
        _TASKS,
        _RESULT,
        changes=True,
    ),
    _operation(
        "discard",
        "operator",
        endpoint_discard,
        "Do not try these dead letters again.",
        _TASKS,
        Parameter("reason", "string", "Why", 1),
        _RESULT,
        changes=True,
    ),
    _operation(
        "dry-run",
        "operator",
        endpoint_dry_run,
        "What would be written to the EHR and what holds the rest back; of all open writebacks without a resource.",
        Parameter("resource", "Reference", "A resource; Type/id as a string will do", 0, "*"),
        Parameter("result", "", "What would be done about each", 0, "*", "out", _REHEARSED),
    ),
)
