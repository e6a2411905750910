"""The profile of review items as a StructureDefinition. https://hl7.org/fhir/R4/profiling.html"""

from __future__ import annotations

import copy

from fhirserver.interactions.conformance.frame import computer_name, frame
from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.world.review import CLAIMS, REVIEW
from fhirserver.world.vocabulary import BASE, REVIEW_KIND, REVIEW_TASK, TASK_CODE

_TASK = "http://hl7.org/fhir/StructureDefinition/Task"
_RULES = (
    (
        "status is requested, accepted, in-progress, completed or cancelled",
        "status in ('requested' | 'accepted' | 'in-progress' | 'completed' | 'cancelled')",
    ),
    (
        "An item about claims holds them in a contained Parameters resource",
        f"code.coding.where(system = '{REVIEW_KIND}' and code = '{CLAIMS}').exists() "
        "implies contained.where($this is Parameters and id = 'claims').exists()",
    ),
    ("A claimed item says who holds it", "status = 'accepted' implies owner.exists()"),
    (
        "A closed item says what became of it",
        "(status = 'completed' or status = 'cancelled') implies businessStatus.exists()",
    ),
)


def review_task_profile() -> JsonObject:
    """The StructureDefinition ``review-task``, with differential and snapshot."""
    id = REVIEW_TASK.rpartition("/")[2]
    text = (
        "What waits for an operator: claims of one resource, why they wait, how soon, and what was decided."
    )
    return {
        **frame("StructureDefinition", id, computer_name(id), "Review item", text),
        "fhirVersion": "4.0.1",
        "kind": "resource",
        "abstract": False,
        "type": "Task",
        "baseDefinition": _TASK,
        "derivation": "constraint",
        "snapshot": {"element": _snapshot()},
        "differential": {
            "element": [{"id": path, "path": path, **rest} for path, rest in _constraints().items()]
        },
    }


def _constraints() -> dict[str, JsonObject]:
    """What differs from a plain Task, by element."""
    return {
        "Task": {"short": "Review item", "constraint": _invariants()},
        "Task.businessStatus": {"short": "What became of it", "binding": _bound("review-outcome")},
        "Task.intent": {"fixedCode": "order"},
        "Task.priority": {"short": "By reason, and by how soon it matters", "min": 1},
        "Task.code": {
            "short": "That it is a review, and of what kind",
            "min": 1,
            "patternCodeableConcept": {"coding": [{"system": TASK_CODE, "code": REVIEW}]},
        },
        "Task.description": {"min": 1},
        "Task.focus": {"short": "The resource whose claims wait", "min": 1},
        "Task.authoredOn": {"short": "Since when it waits", "min": 1},
        "Task.owner": {"short": "Who holds it, or decided it"},
        "Task.reasonCode": {"short": "Why it waits", "min": 1, "binding": _bound("review-reason")},
        "Task.restriction": {"short": "Until when it matters: period.end"},
    }


def _bound(codes: str) -> JsonObject:
    return {"strength": "required", "valueSet": f"{BASE}/ValueSet/{codes}"}


def _invariants() -> list[JsonObject]:
    return [
        {"key": f"review-{n}", "severity": "error", "human": human, "expression": rule, "source": REVIEW_TASK}
        for n, (human, rule) in enumerate(_RULES, 1)
    ]


def _snapshot() -> list[JsonObject]:
    base = definitions().conformance(_TASK) or {}
    elements: list[JsonObject] = copy.deepcopy(base["snapshot"]["element"])
    return [_constrained(element) for element in elements]


def _constrained(element: JsonObject) -> JsonObject:
    changed = _constraints().get(element["id"], {})
    inherited = element.get("constraint", [])
    rules = {"constraint": [*inherited, *changed["constraint"]]} if "constraint" in changed else {}
    return {**element, **changed, **rules}
