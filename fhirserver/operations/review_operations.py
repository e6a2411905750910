"""The operations on review items, as the registry has them."""

from __future__ import annotations

from fhirserver.interactions.registry import Handler, Operation, Parameter
from fhirserver.operations.task_approve import task_approve
from fhirserver.operations.task_batch import batched
from fhirserver.operations.task_claim import task_claim, task_release
from fhirserver.operations.task_correct import task_correct
from fhirserver.operations.task_hints import task_hints
from fhirserver.operations.task_reject import task_reject
from fhirserver.operations.task_review_statistics import task_review_statistics
from fhirserver.operations.task_undo import task_undo
from fhirserver.world.vocabulary import BASE

_UNIT = Parameter("unit", "string", "The unit or path of the claims meant; all of the item without", max="*")
_TASK = Parameter("return", "Task", "The item as it is now", 1, use="out")
_REASON = Parameter("reason", "string", "Why they are wrong", 1)
_SURVIVOR = Parameter("survivor", "Reference", "Of two patients the one to be left; its id will do")
_WHY = Parameter("reason", "string", "Why it is taken back")
_VALUE = Parameter("value", "string", "The right elements as the JSON text of an object; null for absent", 1)
_ITEM = Parameter("item", "Reference", "A review item; its id as a string will do", 1, "*")
_RESULT = (
    Parameter("item", "Reference", "The item", 1, use="out"),
    Parameter("status", "integer", "What the operation on the item alone would have answered", 1, use="out"),
    Parameter("task", "Task", "The item as it is now, where it was decided", use="out"),
    Parameter("outcome", "OperationOutcome", "Why it was not decided", use="out"),
)
_RESULTS = Parameter("result", "", "What became of each item, in the order asked", 1, "*", "out", _RESULT)
_BINDING = (
    Parameter("strength", "code", "required, extensible, preferred or example", 1, use="out"),
    Parameter("valueSet", "canonical", "The value set", 1, use="out"),
    Parameter("total", "unsignedInt", "How many codes there are", use="out"),
    Parameter("code", "Coding", "The first of the codes", 0, "*", "out"),
)
_ELEMENT = (
    Parameter("member", "string", "The JSON member; of a choice there are several elements", 1, use="out"),
    Parameter("type", "code", "Its type", 1, use="out"),
    Parameter("min", "unsignedInt", "How many there have to be", 1, use="out"),
    Parameter("max", "string", "How many there may be", 1, use="out"),
    Parameter("target", "code", "What a reference may lead to", 0, "*", "out"),
    Parameter("format", "string", "What a value looks like", use="out"),
    Parameter("example", "string", "An example as JSON text", 1, use="out"),
    Parameter("binding", "", "Where its codes come from", 0, "1", "out", _BINDING),
)
_HINTS = (
    Parameter("unit", "string", "The claim's unit", 1, use="out"),
    Parameter("path", "string", "The element", 1, use="out"),
    Parameter("source", "string", "Who claims it", 1, use="out"),
    Parameter("start", "string", "What a correction starts from, as JSON text", 1, use="out"),
    Parameter("element", "", "A way to state it", 0, "*", "out", _ELEMENT),
)
_COUNT = (
    Parameter("code", "code", "Which", 1, use="out"),
    Parameter("count", "unsignedInt", "How many", 1, use="out"),
)
_TIME = (
    Parameter("count", "unsignedInt", "How many items were decided", 1, use="out"),
    Parameter("median", "Quantity", "From when an item was made to when it was decided", use="out"),
    Parameter("p90", "Quantity", "What nine in ten took at most", use="out"),
)
_DECISION = Parameter("decision", "", "Claims and pairs of patients, by decision", 0, "*", "out", _COUNT)
_TOOK = Parameter("timeToDecision", "", "How long it took", 1, "1", "out", _TIME)
_REVIEWER = (
    Parameter("name", "string", "The reviewer", 1, use="out"),
    Parameter("items", "unsignedInt", "Items they closed", 1, use="out"),
    _DECISION,
    _TOOK,
)
_STATISTICS = (
    Parameter("start", "dateTime", "Items made since then; 30 days without"),
    Parameter("end", "dateTime", "Items made before then; until now without"),
    Parameter("complete", "boolean", "Whether all items of the period are counted", 1, use="out"),
    Parameter("items", "unsignedInt", "How many", 1, use="out"),
    Parameter("status", "", "Items, by status", 0, "*", "out", _COUNT),
    Parameter("priority", "", "Items, by priority", 0, "*", "out", _COUNT),
    Parameter("reason", "", "Items, by reason", 0, "*", "out", _COUNT),
    Parameter("outcome", "", "Items, by outcome", 0, "*", "out", _COUNT),
    _DECISION,
    _TOOK,
    Parameter("reviewer", "", "One reviewer", 0, "*", "out", _REVIEWER),
)


def _operation(
    name: str,
    level: str,
    handler: Handler,
    text: str,
    *parameters: Parameter,
    id: str = "",
    writes: bool = True,
) -> Operation:
    return Operation(
        name,
        level,
        ("Task",),
        "operator",
        handler,
        f"{BASE}/OperationDefinition/task-{id or name}",
        affects_state=writes,
        description=text,
        parameters=parameters,
    )


REVIEW = (
    _operation(
        "approve",
        "instance",
        task_approve,
        "Confirm claims (0.95), which supersede what they contradict; merge two patients who are one.",
        *(_UNIT, _SURVIVOR, _TASK),
    ),
    _operation(
        "reject",
        "instance",
        task_reject,
        "Reject claims (0.0), and the world is decided without them; two patients stay two.",
        *(_UNIT, _REASON, _TASK),
    ),
    _operation(
        "correct",
        "instance",
        task_correct,
        "State the right values (1.0) in place of every claim.",
        *(_VALUE, _TASK),
    ),
    _operation(
        "undo",
        "instance",
        task_undo,
        "Take back what was decided; the item is open again.",
        *(_UNIT, _WHY, _TASK),
    ),
    _operation(
        "claim", "instance", task_claim, "Take the item, so that no other reviewer can decide it.", _TASK
    ),
    _operation("release", "instance", task_release, "Give the item back.", _TASK),
    _operation(
        "approve",
        "type",
        batched("approve", task_approve),
        "Approve many items, each independent of the others.",
        *(_ITEM, _RESULTS),
        id="approve-items",
    ),
    _operation(
        "reject",
        "type",
        batched("reject", task_reject, "reason"),
        "Reject many items for one reason, each independent of the others.",
        *(_ITEM, _REASON, _RESULTS),
        id="reject-items",
    ),
    _operation(
        "hints",
        "instance",
        task_hints,
        "How the claims of an item can be corrected.",
        Parameter("claim", "", "One claim that waits", 0, "*", "out", _HINTS),
        writes=False,
    ),
    _operation(
        "review-statistics",
        "type",
        task_review_statistics,
        "The review queue and the decisions on it in figures.",
        *_STATISTICS,
        writes=False,
    ),
)
"""Every operation on review items."""
