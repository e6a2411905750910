"""A record of one person: a resource of every type that can be a patient's, each with as many elements as it can hold.

Made from the definitions themselves, so that every search parameter has a value to be asked for. Every text, code and
identifier is a mark of its own (``qzbob0017``), every id too; dates and numbers are the person's own as well.
"""

from __future__ import annotations

import itertools
import re
from typing import Any, Final

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import ElementDef, definitions
from fhirserver.model.validation import validate
from fhirserver.search.compartments import BESIDE
from tests.attacks.world import ADA, CATEGORY

AUDIT: Final = "AuditEvent"
SHARED: Final = {"Practitioner": "qzdoc", "Organization": "qzclinic", "Location": "qzward"}
"""What is nobody's, and what everybody's records refer to."""
_DEPTH: Final = 3
_LEFT_OUT: Final = frozenset(
    {"id", "meta", "implicitRules", "language", "contained", "extension", "modifierExtension"}
)
_DATATYPE_DEPTH: Final = 2
_PLACE: Final = re.compile(r"([A-Za-z]+)(?:\[(\d+)\])?")
_ROUNDS: Final = 12
_DAYS: Final = {"qzada": "2001-02", "qzbob": "1913-05", "qzcleo": "1917-11"}
"""In which month all happened to whom."""
_NUMBERS: Final = {"qzada": 3, "qzbob": 731, "qzcleo": 947}


def types() -> list[str]:
    """All types of which resources are some patient's."""
    placed = (type for type, params in definitions().compartment("Patient").items() if params)
    return sorted({"Patient", *placed, *BESIDE})


def record(who: str) -> list[JsonObject]:
    """One resource of each type but AuditEvent, which nobody writes; the Patient comes first."""
    maker = _Maker(who)
    found = [maker.resource(type) for type in types() if type != AUDIT]
    return sorted(found, key=lambda one: one["resourceType"] != "Patient")


def shared() -> list[JsonObject]:
    """What everybody's records refer to."""
    return [
        {
            "resourceType": "Practitioner",
            "id": SHARED["Practitioner"],
            "name": [{"family": "Shared"}],
            "active": True,
        },
        {"resourceType": "Organization", "id": SHARED["Organization"], "name": "Shared", "active": True},
        {"resourceType": "Location", "id": SHARED["Location"], "name": "Shared", "status": "active"},
    ]


def lab_of(who: str) -> JsonObject:
    """A laboratory's Observation of a person."""
    return {
        "resourceType": "Observation",
        "id": "qzlab-observation",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": "laboratory"}]}],
        "code": {"coding": [{"system": "urn:lab", "code": "qzlab"}], "text": "qzlab"},
        "subject": {"reference": f"Patient/{who}-patient"},
        "performer": [{"reference": f"Practitioner/{SHARED['Practitioner']}"}],
        "valueQuantity": {"value": 5, "unit": "mg"},
    }


class _Maker:
    """Makes the resources of one person. ``mark`` is what theirs begin with."""

    def __init__(self, mark: str, who: str = ""):
        self._mark, self._who = mark, who or mark
        self._numbers = itertools.count(1)
        self._patient = f"Patient/{self._who}-patient"

    def resource(self, type: str) -> JsonObject:
        """A structurally valid resource; what cannot be filled soundly is left out again."""
        made = {"resourceType": type, "id": f"{self._mark}-{type.lower()}", **self._filled(type, 0)}
        made.pop(
            "link", None
        ) if type == "Patient" else None  # it would say that they were merged into themselves
        made["text"] = {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{self._text()}</p></div>',
        }
        made["contained"] = [{"resourceType": "Organization", "id": "inside", "name": self._text()}]
        for _ in range(_ROUNDS):
            wrong = [path for issue in validate(made) for path in issue.expression]
            if not wrong:
                return made
            for path in wrong:
                _take_out(made, path)
        raise AssertionError(f"{type} cannot be made: {validate(made)}")

    def _filled(self, type: str, depth: int) -> JsonObject:
        definition = definitions().type(type)
        assert definition is not None, type
        made: JsonObject = {}
        choices: set[str] = set()
        for element in definition.elements.values():
            if element.name in _LEFT_OUT or element.choice in choices or element.max == 0:
                continue
            value = self._value(element, depth)
            if value is None:
                continue
            if element.choice:
                choices.add(element.choice)
            made[element.json_name] = [value] if element.is_list else value
        return made

    def _value(self, element: ElementDef, depth: int) -> Any:
        type = element.type
        if type == "Reference":
            return self._reference(element)
        if type in _PLAIN:
            return _PLAIN[type](self, element)
        definition = definitions().type(type)
        if definition is None or type in ("Resource", "Extension", "Narrative", "xhtml"):
            return None
        if definition.kind == "primitive-type":
            return self._text()
        if element.binding and element.binding.strength == "required":
            return self._concept(element)
        if definition.kind != "backbone":
            inside = max(depth, 10) + 1
            return None if inside > 10 + _DATATYPE_DEPTH else self._filled(type, inside) or None
        return None if depth >= _DEPTH and not element.min else self._filled(type, depth + 1) or None

    def _concept(self, element: ElementDef) -> JsonObject | None:
        """A code that the binding asks for."""
        assert element.binding is not None
        codes = definitions().required_codes(element.binding.value_set) or {}
        for system, found in sorted(codes.items()):
            coding = {"system": system, "code": self._one_of(sorted(found))}
            return coding if element.type == "Coding" else {"coding": [coding], "text": self._text()}
        return None

    def _text(self) -> str:
        return f"{self._mark}{next(self._numbers):04d}"

    def _reference(self, element: ElementDef) -> JsonObject:
        """To the patient where that may be, else to what is shared, else to another resource of theirs."""
        targets = element.targets
        if not targets or "Resource" in targets or "Patient" in targets:
            identifier = {"system": f"urn:{self._mark}", "value": self._text()}
            return {"reference": self._patient, "display": self._text(), "identifier": identifier}
        for type, id in SHARED.items():
            if type in targets:
                return {"reference": f"{type}/{id}"}
        return {"reference": f"{targets[0]}/{self._who}-{targets[0].lower()}"}

    def _code(self, element: ElementDef) -> str:
        """One that the binding allows; another for each person where there are several."""
        binding = element.binding
        codes = definitions().required_codes(binding.value_set) if binding else None
        if binding is None or binding.strength != "required":
            return self._text()
        found = sorted(code for of in (codes or {}).values() for code in of)
        if not found:
            return "en" if "language" in binding.value_set else "text/plain"
        return self._one_of(found)

    def _one_of(self, codes: list[str]) -> str:
        return codes[0 if self._who == ADA else min(1, len(codes) - 1)]

    def _date(self, element: ElementDef) -> str:
        return f"{_DAYS[self._who]}-{next(self._numbers) % 27 + 1:02d}"

    def _instant(self, element: ElementDef) -> str:
        return f"{self._date(element)}T10:20:30Z"

    def _number(self, element: ElementDef) -> int:
        return _NUMBERS[self._who]


_PLAIN: Final[dict[str, Any]] = {
    "string": lambda maker, _: maker._text(),
    "markdown": lambda maker, _: maker._text(),
    "code": _Maker._code,
    "id": lambda maker, _: maker._text(),
    "uri": lambda maker, _: f"urn:{maker._text()}",
    "url": lambda maker, _: f"https://example.org/{maker._text()}",
    "canonical": lambda maker, _: f"https://example.org/{maker._text()}",
    "oid": lambda maker, _: None,
    "uuid": lambda maker, _: None,
    "boolean": lambda maker, _: True,
    "date": _Maker._date,
    "dateTime": _Maker._date,
    "instant": _Maker._instant,
    "time": lambda maker, _: "10:20:30",
    "integer": _Maker._number,
    "positiveInt": _Maker._number,
    "unsignedInt": _Maker._number,
    "decimal": _Maker._number,
    "base64Binary": lambda maker, _: "cXo=",
}


def _take_out(resource: JsonObject, path: str) -> None:
    """Take out what is at a path of an issue, or the nearest thing around it that is there."""
    names = [match.groups() for match in map(_PLACE.fullmatch, path.split(".")[1:]) if match]
    way: list[tuple[Any, Any]] = []
    node: Any = resource
    for name, number in names:
        if not isinstance(node, dict) or name not in node:
            break
        way.append((node, name))
        node = node[name]
        if number is not None and isinstance(node, list) and int(number) < len(node):
            way.append((node, int(number)))
            node = node[int(number)]
    if way:
        holder, key = way[-1]
        del holder[key]
