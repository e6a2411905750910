"""The Questionnaire of one form (https://hl7.org/fhir/R4/questionnaire.html): exactly what is missing.

It holds nothing of the patient: whoever may read definitions may read it. What is shown for confirmation is read from
the record when the page is (``initialExpression``), and only by who has shown that they are the patient.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from agent.forms.catalogue import CATALOGUE, YES
from agent.forms.questions import CHOICE, DATE, LONG, PHOTO, SECTIONS, YES_NO, Question, Words
from fhirserver.kernel.json import JsonObject

CANONICAL: Final = "https://credence.health/fhir"
_TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
_INITIAL = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-initialExpression"
_LAUNCH = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-launchContext"
_TYPES = {LONG: "text", DATE: "date", CHOICE: "choice", YES_NO: "boolean", PHOTO: "attachment"}
PREFILLED: Final = {
    "phone": "telecom.where(system = 'phone' and use != 'old').first().value",
    "email": "telecom.where(system = 'email' and use != 'old').first().value",
    "address-line": "address.where(use != 'old').first().line.join(', ')",
    "address-city": "address.where(use != 'old').first().city",
    "address-state": "address.where(use != 'old').first().state",
    "address-zip": "address.where(use != 'old').first().postalCode",
    "language": "communication.where(preferred = true).first().language.coding.first().code",
}
"""What stands in a question from the beginning, as FHIRPath of the Patient."""


def url_of(form: str) -> str:
    """The canonical URL of a form's Questionnaire."""
    return f"{CANONICAL}/Questionnaire/{form}"


def questionnaire(
    form: str, title: str, subjects: Collection[str], required: Collection[str], date: str
) -> JsonObject:
    """The Questionnaire of the form of that id. ``required``: the subjects without which it cannot be sent."""
    groups: list[JsonObject] = []
    for section, words in SECTIONS.items():
        items = [
            _item(question, key in required)
            for key, one in CATALOGUE.items()
            if key in subjects and one.section == section
            for question in one.questions
        ]
        if items:
            groups.append({"linkId": section, "type": "group", **_said("text", words), "item": items})
    return {
        "resourceType": "Questionnaire",
        "id": form,
        "url": url_of(form),
        "extension": [_launch()],
        "name": f"Form{''.join(c for c in form.title() if c.isalnum())}",
        "title": title,
        "status": "active",
        "subjectType": ["Patient"],
        "date": date,
        "item": groups,
    }


def _launch() -> JsonObject:
    system = "http://hl7.org/fhir/uv/sdc/CodeSystem/launchContext"
    return {
        "url": _LAUNCH,
        "extension": [
            {"url": "name", "valueCoding": {"system": system, "code": "patient"}},
            {"url": "type", "valueCode": "Patient"},
        ],
    }


def _item(question: Question, required: bool) -> JsonObject:
    item: JsonObject = {"linkId": question.link_id, "type": _TYPES.get(question.kind, "string")}
    if question.definition:
        item["definition"] = question.definition
    item |= _said("text", question.words)
    if question.when is not None:
        item["enableWhen"] = [_when(question)]
    if question.required and required:
        item["required"] = True
    if item["type"] in ("string", "text"):
        item["maxLength"] = question.longest
    if question.options:
        item["answerOption"] = [
            {
                "valueCoding": ({"system": o.system} if o.system else {})
                | {"code": o.code}
                | _said("display", o.words)
            }
            for o in question.options
        ]
    if question.link_id in PREFILLED:
        expression = {"language": "text/fhirpath", "expression": f"%patient.{PREFILLED[question.link_id]}"}
        item["extension"] = [{"url": _INITIAL, "valueExpression": expression}]
    return item


def _when(question: Question) -> JsonObject:
    when = question.when
    assert when is not None
    asked = {"question": when.link_id, "operator": "="}
    return asked | {"answerBoolean": when.answer == YES}


def _said(member: str, words: Words) -> JsonObject:
    """The words in English, with their translations as extensions."""
    translations = [
        {
            "url": _TRANSLATION,
            "extension": [{"url": "lang", "valueCode": language}, {"url": "content", "valueString": text}],
        }
        for language, text in words.items()
        if language != "en"
    ]
    return {member: words["en"], f"_{member}": {"extension": translations}}
