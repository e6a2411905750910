"""Another patient's record by every way there is: it must not matter whether it is there.

All ways are tried twice: before the secret records are stored, and after. Whatever differs in between (a status, a
total, an order, a header, the words of a refusal) would tell of them. That each way would lead to them is shown by
somebody who may see everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject
from tests.attacks import ways
from tests.attacks.records import lab_of, record, shared, types
from tests.attacks.trail import Trail
from tests.attacks.trying import ATTACKERS, Attacker, Tried, World, cases, load, normal, try_all
from tests.attacks.ways import PLAIN, Way
from tests.attacks.wire import Answer, Wire
from tests.attacks.world import ADA, BOB, CLEO, SECRETS, Attacked, outside, principals, wire

LEAST = 300
"""Cases there are at least of each attacker who may see one patient, and in all of those that would find something."""
_AT_A_TIME = 100


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Attacked(tmp_path_factory.mktemp("patients"), settings=principals() + outside()) as server:
        made = World(server, {who: record(who) for who in (ADA, BOB, CLEO)})
        load(server, [*shared(), *made.records[ADA], lab_of(CLEO)])
        wanted = {
            (attacker.name, type): mine
            for attacker in ATTACKERS
            for type, mine in cases(attacker, made.records[attacker.victim]).items()
        }
        before = try_all(server, wanted)
        load(server, [*made.records[BOB], *made.records[CLEO]])
        made.trail = Trail(server, exported=True)
        after = try_all(server, wanted)
        for key, mine in wanted.items():
            answers = zip(mine, map(normal, before[key]), after[key], strict=True)
            made.tried[key] = [Tried(*one) for one in answers]
        yield made


@pytest.fixture(scope="module")
def trail(world: World) -> Iterator[Trail]:
    yield world.trail
    world.trail.settle()


def test_there_are_enough_ways_and_they_would_lead_somewhere(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = {attacker.name: world.of(attacker.name) for attacker in ATTACKERS}
    ehr, found, tried = wire(world.server, "ehr"), 0, 0
    plain = [
        (one["id"], way)
        for one in world.records[BOB]
        for way in ways.ways(one, world.records[BOB][0])
        if way.kind == PLAIN
    ]
    for at in range(0, len(plain), _AT_A_TIME):
        some = plain[at : at + _AT_A_TIME]
        entries = [{"request": {"method": "GET", "url": way.path.removeprefix("/fhir/")}} for _, way in some]
        answer = ehr("POST", "/fhir", {"resourceType": "Bundle", "type": "batch", "entry": entries})
        for (id, _), entry in zip(some, answer.json()["entry"], strict=True):
            matched = entry.get("resource", {}).get("entry", ())
            found += any(one["resource"].get("id") == id for one in matched)
            tried += 1
    ehr.close()
    with capsys.disabled():
        print(f"\nother patients: {sum(counts.values())} cases {counts}; {found} of {tried} parameters find")
    assert counts["ada-app"] >= LEAST and counts["cleo-labs"] >= LEAST
    assert found >= LEAST and found >= 0.95 * tried


@pytest.mark.parametrize("type", types())
@pytest.mark.parametrize("attacker", ATTACKERS, ids=lambda one: one.name)
def test_it_does_not_matter_whether_it_is_there(
    world: World, trail: Trail, attacker: Attacker, type: str
) -> None:
    wrong = []
    for way, before, after in world.tried.get((attacker.name, type), ()):
        if after.status >= 400:
            trail.noted(after, f"{after.status} {after.error}".strip(), attacker.name)
        else:
            trail.seen(after, attacker.name, hidden=hidden(attacker))
        if told := leaked(attacker, way, after):
            wrong.append(f"{way.kind}: tells {sorted(told)[:5]}: {after}")
        if normal(after) != before:
            wrong.append(f"{way.kind}: was {before[:3]}…{before[-300:]}, now: {after}")
    assert not wrong, f"{len(wrong)} ways:\n" + "\n".join(wrong[:10])


def hidden(attacker: Attacker) -> re.Pattern[str]:
    """What the trail must not say was shown: versions of the victim's resources."""
    return re.compile(rf"/{attacker.victim}-(?!patient/_history/0)")


def leaked(attacker: Attacker, way: Way, answer: Answer) -> set[str]:
    """Marks in an answer that the request itself did not have."""
    said = f"{way.path} {way.body}".lower()
    whole = " ".join(value for _, value in answer.headers) + answer.text
    found: set[str] = {mark.lower() for mark in SECRETS.findall(whole)}
    return {mark for mark in found if mark not in said and mark not in attacker.own}


MOMENT = "2026-01-01"


def twins(id: str) -> Iterator[tuple[str, str, Any, dict[str, str]]]:
    """Requests about one resource by its id, with what they send."""
    body = {"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"}}
    mine = {**body, "subject": {"reference": f"Patient/{ADA}-patient"}}
    patch = [{"op": "replace", "path": "/status", "value": "amended"}]
    as_patch = {"content_type": "application/json-patch+json"}
    yield "GET", f"Observation/{id}", None, {}
    yield "GET", f"Observation/{id}", None, {"if_none_match": 'W/"1"'}
    yield "GET", f"Observation/{id}", None, {"if_modified_since": "Sun, 22 Nov 2037 14:47:00 GMT"}
    yield "GET", f"Observation/{id}/_history/1", None, {}
    yield "GET", f"Observation/{id}?_asOf={MOMENT}", None, {}
    yield "DELETE", f"Observation/{id}", None, {}
    yield "DELETE", f"Observation/{id}", None, {"if_match": 'W/"1"'}
    yield "DELETE", f"Observation/{id}", None, {"if_match": 'W/"7"'}
    yield "DELETE", f"Observation/{id}", None, {"prefer": "return=OperationOutcome"}
    yield "DELETE", f"Observation?_id={id}", None, {}
    yield "PATCH", f"Observation/{id}", patch, as_patch
    yield "PATCH", f"Observation/{id}", patch, {**as_patch, "if_match": 'W/"1"'}
    yield "PATCH", f"Observation?_id={id}", patch, as_patch
    yield "PUT", f"Observation/{id}", {**body, "subject": {"reference": f"Patient/{BOB}-patient"}}, {}
    yield "PUT", f"Observation/{id}", mine, {"if_match": 'W/"1"'}
    yield "PUT", f"Observation/{id}", mine, {"if_match": 'W/"7"'}
    yield "POST", f"Observation/{id}/$meta-add", _labels(), {}
    yield "POST", f"Observation/{id}/$meta-delete", _labels(), {}
    yield "POST", f"Observation/{id}/$validate?mode=delete", None, {}
    yield "POST", f"Observation/{id}/$graphql", {"query": "{ id }"}, {"content_type": "application/json"}
    for kind in ("batch", "transaction"):
        for method in ("GET", "DELETE"):
            entry = {"request": {"method": method, "url": f"Observation/{id}"}}
            yield "POST", "", {"resourceType": "Bundle", "type": kind, "entry": [entry]}, {}


def test_the_past_of_somebody_else_is_as_that_of_nobody(world: World, trail: Trail) -> None:
    """What another's record was at a moment is not told either, nor that there was one."""
    attacker = wire(world.server, "ada-app")
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    for form in (
        "Patient/{who}?_asOf={at}",
        "Patient/{who}/Observation?_asOf={at}",
        "Patient/{who}/*?_asOf={at}&_total=accurate",
        "Patient/{who}/Observation?_asOf={at}&_summary=count",
        "Patient/{who}/$everything?_asOf={at}",
        "Patient/{who}/_history?_at={at}",
        "Patient/{who}/$lineage?_asOf={at}",
        "Patient/{who}/$story?_asOf={at}",
    ):
        told = []
        for who in (f"{BOB}-patient", "nobodys-patient"):
            answer = attacker.get("/fhir/" + form.format(who=who, at=moment))
            told.append(normal(answer).replace(who, "ID"))
            _note(trail, answer, "ada-app")
        assert told[0] == told[1], form
    ehr = wire(world.server, "ehr").get(f"/fhir/Patient/{BOB}-patient?_asOf={moment}")
    assert ehr.status == 200, "somebody else is told"


def _labels() -> JsonObject:
    meta = {"tag": [{"system": "urn:x", "code": "y"}]}
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}


@pytest.mark.parametrize("name", ["ada-writes", "labs"])
def test_an_id_of_somebody_else_is_as_one_that_nobody_has(world: World, trail: Trail, name: str) -> None:
    there, nowhere = f"{BOB}-observation", "nobodys-observation"
    attacker, wrong = wire(world.server, name), []
    for foreign, unknown in zip(twins(there), twins(nowhere), strict=True):
        told = []
        for method, path, body, headers in (foreign, unknown):
            answer = attacker(method, f"/fhir/{path}", body, **headers)
            told.append((normal(answer).replace(there, "ID").replace(nowhere, "ID"), answer))
            _note(trail, answer, name)
        if told[0][0] != told[1][0]:
            wrong.append(f"{told[0][1]}\n  but {told[1][1]}")
    attacker.close()
    assert not wrong, "\n".join(wrong)
    ehr = wire(world.server, "ehr")
    assert ehr.get(f"/fhir/Observation/{there}").json()["meta"]["versionId"] == "1", "nothing was written"
    ehr.close()


def _note(trail: Trail, answer: Answer, who: str) -> None:
    if answer.status >= 400:
        trail.noted(answer, f"{answer.status} {answer.error}".strip(), who)
    else:
        trail.seen(answer, who)


def test_what_is_gone_was_somebody_elses(world: World, trail: Trail) -> None:
    """A deletion is seen by whoever could see what was deleted: to all others there never was anything."""
    ehr, attacker = wire(world.server, "ehr"), wire(world.server, "ada-writes")
    gone = {**lab_of(BOB), "id": f"{BOB}-gone"}
    assert ehr("PUT", f"/fhir/Observation/{BOB}-gone", gone).status == 201
    assert ehr("DELETE", f"/fhir/Observation/{BOB}-gone").status == 204
    for foreign, unknown in zip(twins(f"{BOB}-gone"), twins("nobodys-gone"), strict=True):
        told = []
        for method, path, body, headers in (foreign, unknown):
            answer = attacker(method, f"/fhir/{path}", body, **headers)
            told.append(normal(answer).replace(f"{BOB}-gone", "ID").replace("nobodys-gone", "ID"))
            _note(trail, answer, "ada-writes")
        assert told[0] == told[1]
    for path in ("_history?_count=1000", "Observation/_history?_count=1000"):
        answer = attacker.get(f"/fhir/{path}")
        assert f"{BOB}-gone" not in answer.text
        trail.seen(answer, "ada-writes")
    assert ehr.get(f"/fhir/Observation/{BOB}-gone").status == 410


def test_what_was_somebody_elses_before_is_not_told(world: World, trail: Trail) -> None:
    """A resource that was corrected to be about another patient: each sees the versions about them."""
    ehr, attacker = wire(world.server, "ehr"), wire(world.server, "ada-app")
    place = "/fhir/Observation/moved"
    before = {**lab_of(BOB), "id": "moved", "note": [{"text": f"{BOB}-said"}]}
    assert ehr("PUT", place, before).status == 201
    assert ehr("PUT", place, {**lab_of(ADA), "id": "moved"}).status == 200
    assert attacker.get(place).status == 200
    trail.refused(attacker.get(f"{place}/_history/1"), 404, "not-found", "ada-app")
    trail.refused(attacker.get(f"{place}/_history/1/$meta"), 404, "not-found", "ada-app")
    for path in (
        f"{place}/_history",
        f"{place}/_history?_count=1",
        "/fhir/Observation/_history?_count=1000",
        "/fhir/_history?_count=1000",
        f"{place}/$everything",
    ):
        answer = attacker.get(path)
        assert BOB not in answer.text, answer
        _note(trail, answer, "ada-app")
    for path in (f"{place}/$diff", f"{place}/$diff?fromVersion=1", f"{place}/$lineage", f"{place}/$story"):
        answer = attacker.get(path)
        assert BOB not in answer.text and "note" not in answer.text, answer
        _note(trail, answer, "ada-app")


CONDITIONS = (
    "_id={bob}-observation",
    "identifier={mark}",
    "subject=Patient/{bob}-patient",
    "patient.identifier={mark}",
)


@pytest.mark.parametrize("criteria", CONDITIONS)
def test_conditions_tell_nothing(world: World, trail: Trail, criteria: str) -> None:
    """Whether somebody's resource meets a condition cannot be told by what becomes of a write of one's own."""
    bob = next(one for one in world.records[BOB] if one["resourceType"] == "Observation")
    mark = bob["identifier"][0]["value"]
    attacker = wire(world.server, "ada-writes")
    mine = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{ADA}-patient"},
    }
    linked = {**mine, "derivedFrom": [{"reference": f"Observation?{criteria}"}]}
    for make in (
        lambda query: ("POST", "Observation", mine, {"if_none_exist": query}),
        lambda query: ("PUT", f"Observation?{query}", mine, {}),
        lambda query: ("POST", "", _transaction("POST", "Observation", mine, ifNoneExist=query), {}),
        lambda query: ("POST", "", _transaction("PUT", f"Observation?{query}", mine), {}),
        lambda query: ("POST", "", _transaction("DELETE", f"Observation?{query}", None), {}),
    ):
        statuses = []
        for bobs, number in ((BOB, mark), ("nobody", "nobodys-number")):
            method, path, body, headers = make(criteria.format(bob=bobs, mark=number))
            answer = attacker(method, f"/fhir/{path}", body, **headers)
            _note(trail, answer, "ada-writes")
            assert not leaked_words(answer, criteria.format(bob=BOB, mark=mark)), answer
            statuses.append(
                (answer.status, [one.get("response", {}).get("status") for one in _entries(answer)])
            )
        assert statuses[0] == statuses[1], (criteria, statuses)
    link = attacker("POST", "/fhir", _transaction("POST", "Observation", _linked(linked, criteria, mark)))
    trail.refused(link, 412, "not-found", "ada-writes")
    attacker.close()


def _linked(resource: JsonObject, criteria: str, mark: str) -> JsonObject:
    return {**resource, "derivedFrom": [{"reference": f"Observation?{criteria.format(bob=BOB, mark=mark)}"}]}


def _transaction(method: str, url: str, resource: Any, **more: str) -> JsonObject:
    entry: JsonObject = {"request": {"method": method, "url": url, **more}}
    if resource is not None:
        entry["resource"] = resource
    return {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}


def _entries(answer: Answer) -> list[Any]:
    return list(answer.json().get("entry", ())) if answer.body else []


def leaked_words(answer: Answer, said: str) -> set[str]:
    return {mark.lower() for mark in SECRETS.findall(answer.text)} - {
        one.lower() for one in SECRETS.findall(said)
    }


def test_a_page_of_somebody_else_shows_ones_own(world: World, trail: Trail) -> None:
    """The next page of a search or history that another principal was given, with one's own token."""
    ehr, attacker = wire(world.server, "ehr"), wire(world.server, "ada-app")
    followed = 0
    for path in (
        "Observation?_count=1",
        "Patient?_count=1&_sort=family",
        "_history?_count=2",
        "Patient/$everything?_count=1",
    ):
        links = {one["relation"]: one["url"] for one in ehr.get(f"/fhir/{path}").json().get("link", ())}
        while "next" in links and followed < 40:
            followed += 1
            answer = attacker.get(links["next"].removeprefix(world.server.root))
            assert not leaked_words(answer, links["next"]), answer
            _note(trail, answer, "ada-app")
            links = {one["relation"]: one["url"] for one in _json(ehr, world, links["next"]).get("link", ())}
    assert followed > 5
    ehr.close()
    attacker.close()


def _json(ehr: Wire, world: World, url: str) -> Any:
    return ehr.get(url.removeprefix(world.server.root)).json()
