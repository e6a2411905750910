"""``Observation/$lastn``: the newest of each code."""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject
from fhirserver.operations.observation_lastn import Seen, newest
from tests.facade import Facade, entry, expressions, patient

LAB = "http://terminology.hl7.org/CodeSystem/observation-category"


def coding(*codes: str) -> JsonObject:
    return {"coding": [{"system": "urn:codes", "code": code} for code in codes]}


def observation(id: str, code: JsonObject, day: str = "", of: str = "p", **members: Any) -> JsonObject:
    dated = {"effectiveDateTime": day} if day else {}
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": [{"coding": [{"system": LAB, "code": "vital-signs"}]}],
        "code": code,
        "subject": {"reference": f"Patient/{of}"},
        **dated,
        **members,
    }


async def put(server: Facade, *resources: JsonObject) -> None:
    await server.ehr.put(patient("p"))
    for resource in resources:
        answer = await server.ehr.put(resource)
        assert answer.status_code == 201, answer.text


async def lastn(server: Facade, query: str) -> list[str]:
    answer = await server.reader.get(f"Observation/$lastn?{query}")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["type"] == "searchset"
    return [one["resource"]["id"] for one in body.get("entry", ()) if one["search"]["mode"] == "match"]


async def test_the_newest_of_each_code(server: Facade) -> None:
    await put(
        server,
        observation("a1", coding("a"), "2020-01-01"),
        observation("a2", coding("a"), "2020-03-01T10:00:00+02:00"),
        observation("a3", coding("a")),
        observation("b1", coding("b"), "2020-02-01"),
        observation("other", coding("a"), "2022-01-01", of="q"),
        observation("wrong", coding("b"), "2020-01-15", status="entered-in-error"),
    )
    assert await lastn(server, "patient=p&category=vital-signs") == ["a2", "b1"]
    assert await lastn(server, "patient=Patient/p&category=vital-signs&max=2") == ["a2", "a1", "b1", "wrong"]
    assert await lastn(server, "subject=Patient/p&code=a&max=9") == ["a2", "a1", "a3"]
    assert await lastn(server, "patient=p&code=b&status=entered-in-error") == ["wrong"]
    assert await lastn(server, "patient=p&code=none") == []
    assert await lastn(server, "patient=p&category=vital-signs&date=lt2020-01-10") == ["a1"]


@pytest.mark.parametrize(
    ("codes", "groups"),
    [(("a", "b", "c"), 3), (("a", "b", "ac"), 2), (("a", "b", "ab"), 1), (("ab", "bc", "cd"), 1)],
)
async def test_translations_are_one_group(server: Facade, codes: tuple[str, ...], groups: int) -> None:
    """The table of the OperationDefinition, and a longer chain."""
    await put(server, *(observation(f"o{n}", coding(*of), f"2020-01-0{n + 1}") for n, of in enumerate(codes)))
    assert len(await lastn(server, "patient=p&category=vital-signs")) == groups


async def test_texts_are_grouped_as_they_stand(server: Facade) -> None:
    texts = ("text", "Text", "t e x t", "text")
    await put(
        server, *(observation(f"o{n}", {"text": of}, f"2020-01-0{n + 1}") for n, of in enumerate(texts))
    )
    assert await lastn(server, "patient=p&category=vital-signs") == ["o3", "o2", "o1"]


async def test_ties_are_all_given(server: Facade) -> None:
    days = ("2020-01-04", "2020-01-03", "2020-01-02", "2020-01-02", "2020-01-01")
    await put(server, *(observation(f"o{n}", coding("a"), day) for n, day in enumerate(days)))
    assert await lastn(server, "patient=p&code=a&max=3") == ["o0", "o1", "o2", "o3"]


async def test_periods_and_instants(server: Facade) -> None:
    period = {"effectivePeriod": {"start": "2020-01-01", "end": "2020-06-01"}}
    lasting = {"effectivePeriod": {"start": "2019-01-01"}}
    await put(
        server,
        observation("day", coding("a"), "2020-05-01"),
        observation("period", coding("a"), **period),
        observation("instant", coding("a"), effectiveInstant="2020-07-01T00:00:00Z"),
        observation("lasting", coding("a"), **lasting),
    )
    assert await lastn(server, "patient=p&code=a&max=9") == ["lasting", "instant", "period", "day"]


async def test_includes_components_and_post(server: Facade) -> None:
    pressure = observation(
        "bp", coding("bp"), "2020-01-01", component=[{"code": coding("sys"), "valueInteger": 120}]
    )
    await put(server, pressure)
    answer = await server.reader.get("Observation/$lastn?patient=p&code=bp&_include=Observation:patient")
    match, include = answer.json()["entry"]
    assert match["resource"]["component"][0]["valueInteger"] == 120
    assert (include["resource"]["id"], include["search"]["mode"]) == ("p", "include")
    given = (("patient", "valueString", "p"), ("code", "valueString", "bp"), ("max", "valuePositiveInt", 2))
    body = {"resourceType": "Parameters", "parameter": [{"name": n, kind: value} for n, kind, value in given]}
    assert (await server.reader("POST", "Observation/$lastn", body)).json()["total"] == 1
    batch = await server.reader.batch(entry("GET", "Observation/$lastn?patient=p&code=bp"))
    assert batch.json()["entry"][0]["resource"]["total"] == 1


async def test_refusals(server: Facade) -> None:
    for query, where in (
        ("code=a", "http.patient"),
        ("patient=p", "http.category"),
        ("patient=p&date=2020", "http.category"),
        ("patient=p&code=a&max=0", "http.max"),
        ("patient=p&code=a&max=x", "http.max"),
        ("patient=p&code=a&max=1&max=2", "http.max"),
        ("patient=p&code=a&_sort=date", "http._sort"),
        ("patient=p&code=a&_count=1", "http._count"),
        ("patient=p&code=a&unknown=1", "http.unknown"),
        ("patient=p&code=", "http.code"),
    ):
        answer = await server.reader.get(f"Observation/$lastn?{query}")
        assert (answer.status_code, expressions(answer)) == (400, [where]), query
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "patient", "valueReference": {"display": "x"}}],
    }
    assert (await server.reader("POST", "Observation/$lastn", body)).status_code == 400
    assert (await server.reader.get("Patient/$lastn?patient=p&code=a")).status_code == 404


def test_groups_of_ten_thousand_codes_stay_quick() -> None:
    chain = [Seen(n, str(n), (("s", str(n)), ("s", str(n + 1)))) for n in range(10_000)]
    assert [one.when for one in newest(chain, 2)] == [9999, 9998]
