"""A small world of terminology: findings in a hierarchy, a long flat list, value sets of every kind, a map."""

from __future__ import annotations

from typing import Any

from tests.facade import Facade

FINDINGS, LIST, UNITS = (
    "http://example.org/fhir/findings",
    "http://example.org/fhir/beds",
    "urn:example:wards",
)
DIABETES = "http://example.org/fhir/ValueSet/diabetes"
MANY = 3000


def _concept(code: str, display: str, *below: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"code": code, "display": display, **more, **({"concept": [*below]} if below else {})}


def _says(**properties: str) -> list[dict[str, Any]]:
    return [{"code": code, "valueCode": value} for code, value in properties.items()]


def _findings() -> dict[str, Any]:
    german = [{"language": "de", "value": "Typ-2-Diabetes"}, {"language": "fr", "value": "Diabète de type 2"}]
    type_2 = _concept(
        "f-112",
        "Diabetes mellitus type 2",
        _concept("f-1121", "Type 2 diabetes with kidney disease", property=_says(site="kidney")),
        _concept("f-1122", "Type 2 diabetes with neuropathy", property=_says(site="nerve")),
        definition="Diabetes in which the body makes insulin but does not answer to it.",
        designation=german,
        property=_says(site="pancreas", treatedWith="f-3"),
    )
    old = _concept("f-113", "Adult-onset diabetes", property=_says(status="retired", site="pancreas"))
    diabetes = _concept(
        "f-11",
        "Diabetes mellitus",
        _concept("f-111", "Diabetes mellitus type 1", property=_says(site="pancreas")),
        type_2,
        old,
        definition="A group of diseases in which blood sugar is too high.",
    )
    tops = (
        _concept(
            "f-1", "Disorder of metabolism", diabetes, _concept("f-12", "Gout", property=_says(site="joint"))
        ),
        _concept("f-2", "Disorder of the lung", _concept("f-21", "Asthma"), _concept("f-22", "Pneumonia")),
        _concept("f-3", "Insulin therapy"),
    )
    declared = [
        {"code": "site", "type": "code", "description": "Where in the body it is found"},
        {"code": "treatedWith", "type": "code", "description": "What it is treated with"},
        {"code": "status", "type": "code"},
    ]
    return _system(
        "findings", FINDINGS, *tops, title="Findings of the clinic", property=declared, version="2026.1"
    )


def _system(id: str, url: str, *concepts: dict[str, Any], **more: Any) -> dict[str, Any]:
    base = {"resourceType": "CodeSystem", "id": id, "url": url, "status": "active", "content": "complete"}
    return {**base, **more, "concept": [*concepts]} if concepts else {**base, **more}


def _value_set(id: str, title: str, **compose: Any) -> dict[str, Any]:
    url = f"http://example.org/fhir/ValueSet/{id}"
    base = {"resourceType": "ValueSet", "id": id, "url": url, "title": title, "status": "active"}
    return {**base, "version": "1.0", "compose": compose}


def _below(code: str) -> dict[str, Any]:
    return {"system": FINDINGS, "filter": [{"property": "concept", "op": "is-a", "value": code}]}


def resources() -> list[dict[str, Any]]:
    codes = [{"code": "f-1122"}, {"code": "f-111"}]
    more = {"system": FINDINGS, "valueSet": ["http://example.org/fhir/ValueSet/lung"]}
    supplement = _system(
        "welsh",
        "http://example.org/fhir/findings-welsh",
        _concept("f-112", "Diabetes math 2"),
        title="Findings in Welsh",
        supplements=FINDINGS,
    )
    target = {"code": "E11", "display": "Type 2 diabetes mellitus", "equivalence": "equivalent"}
    row = {"code": "f-112", "display": "Diabetes mellitus type 2", "target": [target]}
    none = {"code": "f-113", "target": [{"equivalence": "unmatched", "comment": "No longer used"}]}
    group = {"source": FINDINGS, "target": "http://hl7.org/fhir/sid/icd-10-cm", "element": [row, none]}
    return [
        _findings(),
        {**supplement, "content": "supplement"},
        _system("beds", LIST, *(_concept(f"bed-{n}", f"Bed number {n}") for n in range(MANY)), title="Beds"),
        {**_system("empty", "urn:example:licensed", title="A licensed system"), "content": "not-present"},
        _value_set("lung", "Disorders of the lung", include=[_below("f-2")]),
        _value_set(
            "diabetes",
            "Diabetes without its complications",
            include=[_below("f-11"), more],
            exclude=[{"system": FINDINGS, "concept": codes}],
            inactive=False,
        ),
        _value_set("round", "Round", include=[{"valueSet": ["http://example.org/fhir/ValueSet/about"]}]),
        _value_set("about", "About", include=[{"valueSet": ["http://example.org/fhir/ValueSet/round"]}]),
        _value_set("units", "All units", include=[{"system": "http://unitsofmeasure.org"}]),
        _value_set("all", "All findings", include=[{"system": FINDINGS}]),
        {
            **{
                "resourceType": "ConceptMap",
                "id": "to-icd",
                "url": "http://example.org/fhir/ConceptMap/to-icd",
            },
            **{"title": "Findings to ICD-10-CM", "status": "active", "group": [group]},
        },
    ]


async def terminology(server: Facade) -> None:
    """Stores all of it."""
    for one in resources():
        answer = await server.ehr.put(one)
        assert answer.status_code in (200, 201), answer.text
