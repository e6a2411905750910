"""Questionnaire: enableWhen and answers fit the questions. https://hl7.org/fhir/R4/questionnaire.html"""

from __future__ import annotations

from collections.abc import Iterator

from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation.profiles.objects import objects, text, value_of
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

ANSWER_TYPES = {
    "boolean": {"Boolean"},
    "decimal": {"Decimal"},
    "integer": {"Integer"},
    "date": {"Date"},
    "dateTime": {"DateTime"},
    "time": {"Time"},
    "string": {"String"},
    "text": {"String"},
    "url": {"Uri"},
    "choice": {"Coding", "Integer", "Date", "Time", "String", "Reference"},
    "open-choice": {"Coding", "Integer", "Date", "Time", "String", "Reference"},
    "attachment": {"Attachment"},
    "reference": {"Reference"},
    "quantity": {"Quantity"},
}
"""What an answer to an item of a type may be. https://hl7.org/fhir/R4/valueset-item-type.html"""
DEEPEST = 40


def check(resource: JsonObject, place: Place, run: Run) -> None:
    """Every enableWhen names an item that there is and compares with what that item can be answered with."""
    found = {text(item, "linkId"): item for item, _ in items(resource, place)}
    for item, at in items(resource, place):
        run.beat()
        for condition, where in objects(item, "enableWhen", at):
            _condition(condition, item, found, where, run)
        for option, where in objects(item, "initial", at):
            _answer(option, item, where, run)


def items(node: JsonObject, place: Place, depth: int = 0) -> Iterator[tuple[JsonObject, Place]]:
    """Every item, those inside items too."""
    for item, at in objects(node, "item", place):
        yield item, at
        if depth < DEEPEST:
            yield from items(item, at, depth + 1)


def _condition(
    condition: JsonObject, item: JsonObject, found: dict[str, JsonObject], place: Place, run: Run
) -> None:
    question = text(condition, "question")
    if not question:
        return
    asked = found.get(question)
    if asked is None:
        run.add(
            "business-rule", "names an item that the questionnaire does not have", (place, "question", -1)
        )
    elif asked is item:
        run.add("business-rule", "an item cannot depend on itself", (place, "question", -1))
    elif text(condition, "operator") != "exists":
        _compared(condition, asked, place, run)


def _compared(condition: JsonObject, asked: JsonObject, place: Place, run: Run) -> None:
    allowed = ANSWER_TYPES.get(text(asked, "type"))
    answer = value_of(condition, "answer")
    if allowed is not None and answer is not None and answer[0] not in allowed:
        words = f"the question is of the type {text(asked, 'type')}, which has no such answer"
        run.add("business-rule", words, (place, f"answer.ofType({answer[0]})", -1), "warning")


def _answer(option: JsonObject, item: JsonObject, place: Place, run: Run) -> None:
    allowed, value = ANSWER_TYPES.get(text(item, "type")), value_of(option)
    if allowed is not None and value is not None and value[0] not in allowed:
        run.add("business-rule", f"is no answer to an item of the type {text(item, 'type')}", place)
