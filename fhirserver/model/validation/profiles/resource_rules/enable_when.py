"""Whether an item of a questionnaire is enabled by the answers given. https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen"""

from __future__ import annotations

from typing import TypeAlias

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.fhirpath import FhirPathError, Typed
from fhirserver.model.fhirpath.equality import equal_items
from fhirserver.model.fhirpath.ordering import order
from fhirserver.model.validation.profiles.objects import objects, text, value_of

Answers: TypeAlias = dict[str, list[JsonObject]]
"""The answers of a response by linkId."""
_COMPLEX = frozenset({"Coding", "Quantity", "Reference", "Attachment"})
_ORDERS = {">": (1,), "<": (-1,), ">=": (0, 1), "<=": (-1, 0)}


def is_enabled(item: JsonObject, answers: Answers) -> bool:
    """All conditions hold, or any with ``enableBehavior`` any; an item without conditions is enabled."""
    told = [_holds(condition, answers) for condition, _ in objects(item, "enableWhen", (None, "", -1))]
    if not told:
        return True
    return any(told) if text(item, "enableBehavior") == "any" else all(told)


def _holds(condition: JsonObject, answers: Answers) -> bool:
    given = answers.get(text(condition, "question"), [])
    wanted, operator = value_of(condition, "answer"), text(condition, "operator")
    if operator == "exists":
        return bool(given) is (wanted is None or wanted[1] is True)
    if wanted is None:
        return False
    found = [value for answer in given if (value := value_of(answer)) is not None]
    if operator == "!=":
        return bool(found) and not any(_equal(value, wanted) for value in found)
    return any(_compares(value, wanted, operator) for value in found)


def _compares(value: tuple[str, Json], wanted: tuple[str, Json], operator: str) -> bool:
    if operator == "=":
        return _equal(value, wanted)
    try:
        return order(_typed(value), _typed(wanted)) in _ORDERS.get(operator, ())
    except FhirPathError:
        return False


def _equal(value: tuple[str, Json], wanted: tuple[str, Json]) -> bool:
    given, asked = value[1], wanted[1]
    if isinstance(given, dict) and isinstance(asked, dict) and value[0] == "Coding":
        return all(given.get(name) == asked.get(name) for name in ("system", "code"))
    if value[0] == "Quantity" or not isinstance(given, dict):
        return equal_items(_typed(value), _typed(wanted)) is True
    return bool(given == asked)


def _typed(value: tuple[str, Json]) -> Typed:
    name = value[0]
    return Typed(value[1], name if name in _COMPLEX else name[:1].lower() + name[1:])
