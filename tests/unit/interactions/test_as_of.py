"""``_asOf`` on reads, searches of a patient's compartment and ``$everything``, over HTTP."""

from __future__ import annotations

import random
from typing import Any

import pytest

from fhirserver.ports.storage import Fact, Projection
from fhirserver.store.provenance import PROJECTED
from tests.facade import BASE, Facade, patient


def observation(id: str, of: str, **more: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": more.pop("code", "8867-4")}]}
    subject = {"reference": f"Patient/{of}"}
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": code,
        "subject": subject,
        **more,
    }


def ids(bundle: Any) -> list[str]:
    return [entry["resource"]["id"] for entry in bundle.get("entry", ())]


def link(bundle: Any, relation: str) -> str:
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), "")


async def test_read(server: Facade) -> None:
    start = server.store.head
    await server.ehr.put(patient("p", gender="male"))
    first = server.store.head
    await server.ehr.put(patient("p", gender="female"))
    await server.ehr("DELETE", "Patient/p")
    gone = server.store.head
    await server.ehr.put(patient("p", gender="other"))
    answer = await server.reader.get(f"Patient/p?_asOf={first}")
    assert (answer.status_code, answer.json()["gender"]) == (200, "male")
    assert answer.headers["content-location"] == f"{BASE}/Patient/p/_history/1"
    assert (answer.headers["etag"], answer.json()["meta"]["versionId"]) == ('W/"1"', "1")
    second = await server.reader.get(f"Patient/p?_asOf={first + 1}&_elements=gender")
    assert second.json()["gender"] == "female" and "name" not in second.json()
    now = await server.reader.get(f"Patient/p?_asOf={server.store.now()[:10]}")
    assert now.json()["gender"] == "other"
    for asked, status in ((start, 404), (gone, 410)):
        refused = await server.reader.get(f"Patient/p?_asOf={asked}")
        assert refused.status_code == status
        assert refused.json()["issue"][0]["expression"] == ["http._asOf"]
    same = await server.reader.get(f"Patient/p?_asOf={first}", if_none_match='W/"1"')
    assert same.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "Patient/p?_asOf=tuesday",
        "Patient/p?_asOf=99999",
        "Patient/p?_asOf=2999-01-01",
        "Patient/p?_asOf=1&_asOf=2",
        "Patient/p/_history/1?_asOf=1",
        "Patient?_asOf=1",
        "Patient?_asOf=2026-11-01&_count=1",
        "?_type=Patient&_asOf=1",
        "Encounter/e/Observation?_asOf=1",
        "Patient/p/Observation?_asOf=1&_include=Observation:subject",
        "Patient/p/Observation?_asOf=1&subject:Patient.name=x",
        "Patient/p/Observation?_asOf=1&_has:Provenance:target:agent=x",
        "Patient/$everything?_asOf=1",
        "Encounter/p/$everything?_asOf=1",
        "Patient/p/$meta?_asOf=1",
    ],
)
async def test_refused_with_the_place(server: Facade, path: str) -> None:
    await server.ehr.put(patient("p"))
    await server.ehr.put(
        {"resourceType": "Encounter", "id": "p", "status": "planned", "class": {"code": "AMB"}}
    )
    answer = await server.reader.get(path)
    assert answer.status_code == 400, answer.text
    assert answer.json()["issue"][0]["expression"][0].startswith("http.")


async def test_lenient_handling_does_not_answer_from_the_present(server: Facade) -> None:
    answer = await server.reader.get("Patient?_asOf=1", prefer="handling=lenient")
    assert answer.status_code == 400


async def test_the_compartment_as_it_was(server: Facade) -> None:
    """What left it is there, what came since is not, what was deleted is there, what was edited is as it was."""
    await server.ehr.put(patient("p"))
    await server.ehr.put(patient("q"))
    for id in ("moves", "dies", "changes"):
        await server.ehr.put(observation(id, "p"))
    await server.ehr.put(observation("comes", "q"))
    then = server.store.head
    await server.ehr.put(observation("moves", "q"))
    await server.ehr("DELETE", "Observation/dies")
    await server.ehr.put(observation("changes", "p", code="85354-9"))
    await server.ehr.put(observation("comes", "p"))
    await server.ehr.put(observation("new", "p"))
    now = await server.reader.ids("Patient/p/Observation")
    assert now == ["changes", "comes", "new"]
    bundle = (await server.reader.get(f"Patient/p/Observation?_asOf={then}")).json()
    assert (ids(bundle), bundle["total"]) == (["moves", "dies", "changes"], 3)
    assert link(bundle, "self") == f"{BASE}/Patient/p/Observation?_asOf={then}"
    coded = (await server.reader.get(f"Patient/p/Observation?code=8867-4&_asOf={then}")).json()
    assert ids(coded) == ["moves", "dies", "changes"]
    assert ids((await server.reader.get(f"Patient/p/Observation?code=85354-9&_asOf={then}")).json()) == []
    everything = (await server.reader.get(f"Patient/p/*?_asOf={then}&_type=Patient,Observation")).json()
    assert set(ids(everything)) == {"p", "moves", "dies", "changes"}
    counted = (await server.reader.get(f"Patient/p/Observation?_asOf={then}&_summary=count")).json()
    assert (counted["total"], "entry" in counted) == (3, False)


async def test_pages_are_of_one_moment(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    for number in range(5):
        await server.ehr.put(observation(f"o{number}", "p"))
    today = server.store.now()[:10]
    url, seen = f"Patient/p/Observation?_sort=-_lastUpdated&_count=2&_asOf={today}", []
    while url:
        bundle = (await server.reader.get(url)).json()
        seen += ids(bundle)
        url = link(bundle, "next")
        await server.ehr.put(observation(f"later{len(seen)}", "p"))
    assert seen == [f"o{number}" for number in reversed(range(5))]


async def test_provenances_of_an_earlier_release_are_not_taken_for_an_index(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    head = server.store.head
    before = Fact(*PROJECTED, {"position": head}, head)
    await server.store.storage.project(Projection((), (before,)))
    answer = await server.reader.get(f"Patient/p/Observation?_asOf={head}")
    assert answer.status_code == 422 and "credence rebuild" in answer.text
    await server.store.rebuild()
    assert (await server.reader.get(f"Patient/p/*?_asOf={head}")).json()["total"] >= 1


async def test_everything_as_it_was(server: Facade) -> None:
    practitioner = {"resourceType": "Practitioner", "id": "d", "name": [{"family": "Before"}]}
    await server.ehr.put(practitioner)
    await server.ehr.put(patient("p"))
    performer = [{"reference": "Practitioner/d"}]
    await server.ehr.put(observation("gone", "p", performer=performer))
    then = server.store.head
    await server.ehr("DELETE", "Observation/gone")
    await server.ehr.put({**practitioner, "name": [{"family": "After"}]})
    await server.ehr.put(observation("new", "p"))
    bundle = (await server.reader.get(f"Patient/p/$everything?_asOf={then}")).json()
    found = {entry["resource"]["id"]: entry for entry in bundle["entry"]}
    assert list(found) == ["p", "gone", "d"]
    assert found["d"]["resource"]["name"][0]["family"] == "Before"
    assert (found["gone"]["search"]["mode"], found["d"]["search"]["mode"]) == ("match", "include")
    assert f"_asOf={then}" in link(bundle, "self")
    first = (await server.reader.get(f"Patient/p/$everything?_asOf={then}&_count=1")).json()
    second = (await server.reader.get(link(first, "next"))).json()
    assert (ids(first), ids(second)) == (["p"], ["gone"])
    told = (await server.reader.get(f"Patient/p/$everything?_asOf={then}&_type=Provenance")).json()
    assert len(told["entry"]) == 2  # of the patient and the observation, not of what came later
    assert (await server.reader.get(f"Patient/p/$everything?_asOf={then - 2}")).status_code == 404


async def test_the_same_as_the_live_answers_then(server: Facade) -> None:
    """Each answer is kept as it was given and asked again as of its position."""
    chance = random.Random(7)
    paths = ("Patient/p/Observation", "Patient/p/*?_type=Observation,Provenance", "Patient/p/$everything")
    await server.ehr.put(patient("p"))
    await server.ehr.put(patient("q"))
    kept = []
    for _ in range(12):
        id, whose = f"o{chance.randrange(3)}", chance.choice("pq")
        if chance.random() < 0.25:
            await server.ehr("DELETE", f"Observation/{id}")
        else:
            await server.ehr.put(observation(id, whose, code=chance.choice("ab")))
        kept.append((server.store.head, [(await server.reader.get(path)).json() for path in paths]))
    for position, answers in kept:
        for path, answer in zip(paths, answers, strict=True):
            sign = "&" if "?" in path else "?"
            again = (await server.reader.get(f"{path}{sign}_asOf={position}")).json()
            assert again.get("entry") == answer.get("entry"), (path, position)
