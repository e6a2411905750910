"""A small world with every kind of search value, made from a seed: the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from fhirserver.kernel.json import dumps, loads

FAMILIES = ("Müller", "Muller", "MULLEN", "O'Neil", "Ødegård", "de la Cruz", "Zhang", "Ng")
GIVENS = ("Eve", "Ève", "Evelyn", "Bob", "Anna Maria", "José")
CODES = (
    ("http://loinc.org", "8302-2", "Body Height"),
    ("http://loinc.org", "8480-6", "Systolic pressure"),
    ("http://example.org/local", "8302-2", "Grösse"),
    ("", "local-only", "Local"),
)
DATES = (
    "2013",
    "2013-01",
    "2013-01-14",
    "2013-01-14T10:00:00Z",
    "2013-01-14T10:00:00.123+02:00",
    "2013-01-14T23:30:00-05:00",
    "2013-02-28",
    "2012-02-29",
    "2014-06-30T12:00:00+14:00",
)
URLS = (
    "http://acme.org/fhir/ValueSet/a",
    "http://acme.org/fhir/ValueSet/ab",
    "http://acme.org/fhir",
    "http://ACME.org/fhir/ValueSet/a/b",
    "urn:oid:1.2.3",
    "urn:oid:1.2.3.4",
    "urn:oid:1.2.34",
)


def world(seed: int = 7) -> list[dict[str, Any]]:
    """About 130 resources that refer to one another, decimals as the server reads them."""
    random = Random(seed)
    made = [
        *_organizations(),
        *_locations(),
        *_patients(random),
        *_encounters(random),
        *_observations(random),
        *_risks(random),
        *_value_sets(random),
        *_provenances(random),
        *_answers(),
    ]
    return [loads(dumps(resource)) for resource in made]


def _organizations() -> Iterator[dict[str, Any]]:
    for n in range(4):
        part_of = {"partOf": {"reference": f"Organization/org{n - 1}"}} if n else {}
        yield {"resourceType": "Organization", "id": f"org{n}", "name": f"Clinic {n}", **part_of}


PLACES = (
    (42.3601, -71.0589),
    (42.3736, -71.1097),
    (40.7128, -74.0060),
    (-17.7134, 178.0650),
    (-16.9, -179.9),
    (89.99, 10.0),
    (89.99, -170.0),
)


def _locations() -> Iterator[dict[str, Any]]:
    for n, (latitude, longitude) in enumerate(PLACES):
        yield {
            "resourceType": "Location",
            "id": f"l{n}",
            "name": f"Ward {n}",
            "description": "Übergang zum Café" if n % 2 else "bone and liver",
            "text": {
                "status": "generated",
                "div": f"<div>Room &eacute;toile <b>{n}</b> of the <i>clinic</i></div>",
            },
            "position": {"latitude": latitude, "longitude": longitude},
        }
    yield {"resourceType": "Location", "id": "nowhere", "partOf": {"reference": "Location/l0"}}
    yield {"resourceType": "Slot", "id": "s0", "schedule": {"reference": "Schedule/sch0"}, "comment": "liver"}
    yield {"resourceType": "Schedule", "id": "sch0", "actor": [{"reference": "Location/l1"}]}


def _patients(random: Random) -> Iterator[dict[str, Any]]:
    for n in range(24):
        patient: dict[str, Any] = {"resourceType": "Patient", "id": f"p{n}"}
        if n % 5:
            patient["gender"] = random.choice(("male", "female", "other"))
        if n % 7:
            patient["birthDate"] = random.choice(
                ("1980", "1980-05", "1980-05-17", "1975-12-31", "2001-01-01")
            )
        if n % 6:
            names = [
                {"family": random.choice(FAMILIES), "given": random.sample(GIVENS, random.randint(1, 2))}
                for _ in range(random.randint(1, 2))
            ]
            patient["name"] = [*names, {"text": "The artist"}] if n % 4 == 0 else names
        patient["identifier"] = [
            {
                "system": "http://mrn",
                "value": f"m{n}",
                "type": {
                    "text": "Record Number",
                    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}],
                },
            },
            {"value": f"x,{n}|$\\"},
        ][: 1 + n % 2]
        if n % 3 == 0:
            patient["managingOrganization"] = {
                "reference": f"Organization/org{n % 4}",
                **({"display": "Clinic of the North"} if n % 2 else {}),
            }
        if n % 3 == 1:
            patient["managingOrganization"] = {"identifier": {"system": "http://npi", "value": f"{n % 2}"}}
        if n % 4 == 1:
            patient["deceasedBoolean"] = bool(n % 8 == 1)
        patient["telecom"] = [{"system": "phone", "value": f"+1555{n:04d}"}]
        patient["meta"] = {"tag": [{"system": "http://tags", "code": "even" if n % 2 == 0 else "odd"}]}
        if n % 2:
            patient["meta"]["profile"] = [f"http://acme.org/StructureDefinition/p|{n % 3}"]
        yield patient


def _encounters(random: Random) -> Iterator[dict[str, Any]]:
    periods: tuple[dict[str, str], ...] = (
        {"start": "2013-01-14", "end": "2013-01-16"},
        {"start": "2013-01-14T10:00:00Z"},
        {"end": "2013-01-15"},
        {"start": "2012", "end": "2014"},
        {},
    )
    for n in range(15):
        encounter: dict[str, Any] = {
            "resourceType": "Encounter",
            "id": f"e{n}",
            "status": random.choice(("planned", "finished")),
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": {"reference": f"Patient/p{n}"},
            "period": periods[n % 5],
        }
        if n % 2:
            encounter["length"] = {
                "value": n * 10,
                "unit": "min",
                "system": "http://unitsofmeasure.org",
                "code": "min",
            }
        yield encounter


def _observations(random: Random) -> Iterator[dict[str, Any]]:
    for n in range(60):
        system, code, display = random.choice(CODES)
        coding = {"code": code, "display": display, **({"system": system} if system else {})}
        observation: dict[str, Any] = {
            "resourceType": "Observation",
            "id": f"o{n}",
            "status": random.choice(("final", "amended")),
            "code": {"coding": [coding], "text": display.upper()},
            "subject": {"reference": random.choice(_subjects(n))},
        }
        if n % 4:
            observation["effectiveDateTime"] = random.choice(DATES)
        if n % 3:
            observation["encounter"] = {"reference": f"Encounter/e{n % 15}/_history/2"}
        observation.update(_value(random, n))
        if n % 10 == 0:
            observation["component"] = [
                {"code": {"coding": [coding]}, "valueQuantity": {"value": n, "unit": "mm[Hg]"}},
                {"code": {"coding": [{"code": "other"}]}, "valueString": "Übel"},
            ]
        if n % 9 == 0:
            observation["category"] = [{"text": "only words"}]
        yield observation


def _subjects(n: int) -> tuple[str, ...]:
    return (
        f"Patient/p{n % 24}",
        "Patient/p1",
        "Group/p1",
        "http://elsewhere.org/fhir/Patient/p1",
        "urn:uuid:085e81c0-7a95-4f02-86ef-aa1b4344deed",
    )


def _value(random: Random, n: int) -> dict[str, Any]:
    number = random.choice((5, 5.4, 5.40, 100, 100.4, 99.5, 0, -3, 1e2, 0.0541))
    unit = random.choice(
        (
            {"system": "http://unitsofmeasure.org", "code": "mg", "unit": "milligram"},
            {"system": "http://unitsofmeasure.org", "code": "g", "unit": "g"},
            {"unit": "mg"},
            {},
        )
    )
    match n % 6:
        case 0:
            return {"valueQuantity": {"value": number, "comparator": random.choice(("<", ">=")), **unit}}
        case 1 | 2:
            return {"valueQuantity": {"value": number, **unit}}
        case 3:
            return {"valueCodeableConcept": {"coding": [{"code": "yes", "system": "http://answers"}]}}
        case 4:
            return {"valueString": random.choice(FAMILIES)}
    return {"valueDateTime": random.choice(DATES)}


def _risks(random: Random) -> Iterator[dict[str, Any]]:
    for n in range(10):
        probability: dict[str, Any] = {"probabilityDecimal": random.choice((0.5, 0.50, 0.53, 0.9))}
        if n % 3 == 0:
            probability = {"probabilityRange": {"low": {"value": 0.4}, "high": {"value": 0.5 + n / 20}}}
        yield {
            "resourceType": "RiskAssessment",
            "id": f"r{n}",
            "status": "final",
            "subject": {"reference": f"Patient/p{n}"},
            "prediction": [probability] if n % 4 else [probability, {"probabilityDecimal": 0.01}],
        }


def _value_sets(random: Random) -> Iterator[dict[str, Any]]:
    for n, url in enumerate(URLS):
        yield {
            "resourceType": "ValueSet",
            "id": f"v{n}",
            "url": url,
            "status": "active",
            "description": "Straße " + random.choice(FAMILIES),
            "useContext": [
                {
                    "code": {"code": "age"},
                    "valueRange": {"low": {"value": n, "unit": "a"}, "high": {"value": n + 2, "unit": "a"}},
                }
            ],
        }


def _answers() -> Iterator[dict[str, Any]]:
    for n in range(3):
        yield {
            "resourceType": "Questionnaire",
            "id": f"q{n}",
            "url": f"http://acme.org/Questionnaire/q{n}",
            "version": "1",
            "title": f"Intake {n}",
            "status": "active",
        }
    yield {
        "resourceType": "Questionnaire",
        "id": "q0-2",
        "url": "http://acme.org/Questionnaire/q0",
        "version": "1.2",
        "title": "Intake again",
        "status": "active",
    }
    yield {
        "resourceType": "CarePlan",
        "id": "cp",
        "status": "active",
        "intent": "plan",
        "subject": {"reference": "Patient/p1"},
        "instantiatesCanonical": [
            "http://acme.org/Questionnaire/q0|1",
            "Questionnaire/q1|1",
            "Questionnaire/q2",
        ],
    }
    for n, of in enumerate(
        (
            "http://acme.org/Questionnaire/q0",
            "http://acme.org/Questionnaire/q1|1",
            "http://acme.org/Questionnaire/q2|3",
            "http://acme.org/Questionnaire/q0|1",
            "http://acme.org/Questionnaire/q0|1.2",
            "http://elsewhere.org/Questionnaire/q0",
            "http://own.org/fhir/Questionnaire/q1",
            "http://acme.org/Questionnaire/q0|12",
        )
    ):
        yield {
            "resourceType": "QuestionnaireResponse",
            "id": f"qr{n}",
            "status": "completed",
            "questionnaire": of,
            "subject": {"reference": f"Patient/p{n}"},
        }


def _provenances(random: Random) -> Iterator[dict[str, Any]]:
    for n in range(8):
        yield {
            "resourceType": "Provenance",
            "id": f"prov{n}",
            "target": [
                {"reference": f"Observation/o{n % 6}/_history/{1 + n // 6}"},
                {"reference": f"Patient/p{n % 3}"},
                {"reference": f"http://own.org/fhir/Encounter/e{n}/_history/2"},
                {"reference": f"http://elsewhere.org/fhir/Encounter/e{n}/_history/2"},
            ][: 2 + n % 3],
            "recorded": f"2020-01-0{n + 1}T00:00:00Z",
            "agent": [{"who": {"reference": f"Organization/org{n % 4}"}}],
        }
