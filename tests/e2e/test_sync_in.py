"""Records of an EHR process come into a real store: once each, with their references, and nothing is lost."""

import asyncio

import pytest

from fhirserver.search.expression import Query
from tests.unit.runner.practice import Practice, make_store

PATIENT = {"resourceType": "Patient", "name": [{"family": "Lane", "given": ["Ada"]}], "gender": "female"}


def create(process, resource):
    answer = process.http.post(f"{process.base}/{resource['resourceType']}", json=resource)
    assert answer.status_code == 201
    return answer.json()


def change(process, resource, **members):
    answer = process.http.put(
        f"{process.base}/{resource['resourceType']}/{resource['id']}", json={**resource, **members}
    )
    assert answer.status_code == 200
    return answer.json()


async def test_a_first_sync_takes_every_record_in(process, practice):
    create(process, PATIENT)
    await practice.pull()
    held = sum(process.state()["records"].values())
    counted = 0
    for type in process.state()["records"]:
        counted += await practice.store.count(Query(type, count=0))
    assert counted == held > 1


async def test_an_unchanged_record_makes_no_new_version_and_no_commit(process, practice):
    made = create(process, PATIENT)
    await practice.pull()
    world = await practice.world_id("Patient", made["id"])
    head = practice.store.head
    await practice.pull()
    assert practice.store.head == head
    fresh = Practice(practice.store, practice.ehr)
    await fresh.pull()
    assert (await practice.world("Patient", world))["meta"]["versionId"] == "1"


async def test_a_change_in_the_ehr_arrives_with_the_next_pull(process, practice):
    made = create(process, PATIENT)
    await practice.pull()
    change(process, made, gender="other")
    assert await practice.pull() == 1
    resource = await practice.world("Patient", await practice.world_id("Patient", made["id"]))
    assert (resource["gender"], resource["meta"]["versionId"]) == ("other", "2")


async def test_a_deletion_in_the_ehr_arrives(process, practice):
    made = create(process, PATIENT)
    await practice.pull()
    world = await practice.world_id("Patient", made["id"])
    process.http.delete(f"{process.base}/Patient/{made['id']}")
    await practice.pull()
    version = await practice.store.read("Patient", world)
    assert version.deleted
    head = practice.store.head
    await practice.pull()
    assert practice.store.head == head


async def test_a_record_with_a_known_identifier_is_the_known_resource(process, practice):
    identifier = [{"system": "urn:ssn", "value": "9-9"}]
    await practice.put("operator", "Patient", "known", {"identifier": identifier, "birthDate": "1980-01-01"})
    made = create(process, {**PATIENT, "identifier": identifier})
    twin = create(process, {**PATIENT, "identifier": identifier})
    await practice.pull()
    worlds = [await practice.world_id("Patient", record["id"]) for record in (made, twin)]
    assert worlds.count("known") == 1, "a resource is one record of a source, not two"
    merged = await practice.world("Patient", "known")
    assert merged["name"][0]["family"] == "Lane"


async def test_references_are_translated_both_ways(process, practice):
    patient = create(process, PATIENT)
    coverage = create(
        process,
        {
            "resourceType": "Coverage",
            "status": "active",
            "beneficiary": {"reference": f"Patient/{patient['id']}"},
            "payor": [{"display": "Aetna"}],
        },
    )
    await practice.pull()
    world = await practice.world_id("Patient", patient["id"])
    held = await practice.world("Coverage", await practice.world_id("Coverage", coverage["id"]))
    assert held["beneficiary"]["reference"] == f"Patient/{world}"
    back = await practice.inbound.crosswalk.outward(held)
    assert back["beneficiary"]["reference"] == f"Patient/{patient['id']}"


async def test_a_reference_to_what_is_not_pulled_finds_its_way_back(process, practice):
    flag = {
        "resourceType": "Flag",
        "status": "active",
        "code": {"text": "x"},
        "subject": {"reference": "Medication/m77"},
    }
    made = create(process, flag)
    await practice.pull()
    held = await practice.world("Flag", await practice.world_id("Flag", made["id"]))
    back = await practice.inbound.crosswalk.outward(held)
    assert held["subject"] != flag["subject"] and back["subject"] == flag["subject"]


async def test_an_invalid_record_is_kept_shown_and_taken_in_once_it_is_valid(process, practice):
    bad = create(process, {**PATIENT, "gender": "unheard-of"})
    good = create(process, PATIENT)
    await practice.pull()
    assert await practice.world_id("Patient", good["id"])
    (task,) = await practice.tasks("intake")
    assert task["status"] == "failed" and "Patient.gender" in task["statusReason"]["text"]
    assert task["contained"][0]["issue"]
    (fact,) = await practice.store.facts("dead-letter")
    assert fact.value["content"]["gender"] == "unheard-of"
    head = practice.store.head
    await Practice(practice.store, practice.ehr).pull()
    assert practice.store.head == head, "the same bad record says nothing new"
    change(process, bad, gender="female")
    await practice.pull()
    (task,) = await practice.tasks("intake")
    assert task["status"] == "completed"
    assert (await practice.world("Patient", await practice.world_id("Patient", bad["id"])))[
        "gender"
    ] == "female"


async def test_an_operator_has_a_dead_letter_tried_again(process, practice):
    create(process, {**PATIENT, "gender": "unheard-of"})
    await practice.pull()
    (task,) = await practice.tasks("intake")
    await practice.amend("operator", "Task", task["id"], status="requested")
    await practice.pull()
    (task,) = await practice.tasks("intake")
    assert task["status"] == "failed", "it is still invalid, and said so again"


async def test_a_kill_between_two_pages_loses_nothing_and_repeats_nothing(process, tmp_path):
    made = [create(process, {**PATIENT, "birthDate": f"19{n:02}-01-01"}) for n in range(10, 35)]
    store = make_store(tmp_path / "credence.db")
    await store.open()
    ehr = process.adapter(page_size=10, types=("Patient",))
    practice = Practice(store, ehr)
    pages = 0

    async def page_then_die(records, asked):
        nonlocal pages
        pages += 1
        if pages == 2:
            raise ConnectionError("killed")
        await type(practice.inbound)._page(practice.inbound, records, asked)

    practice.inbound._page = page_then_die
    with pytest.raises(ConnectionError):
        await practice.pull()
    first = await store.count(Query("Patient", count=0))
    assert 0 < first < 26
    again = Practice(store, ehr)
    taken = await again.pull()
    assert taken == 26 - first, "the cursor of the first page was durable"
    assert await store.count(Query("Patient", count=0)) == 26
    assert {
        (await again.world("Patient", await again.world_id("Patient", m["id"])))["meta"]["versionId"]
        for m in made
    } == {"1"}
    await store.close()
    await ehr.close()


async def test_two_processes_pull_at_once_and_nothing_comes_twice(process, practice):
    for n in range(20):
        create(process, {**PATIENT, "birthDate": f"19{n + 10}-01-01"})
    other = Practice(practice.store, practice.ehr)
    await asyncio.gather(practice.pull(), other.pull())
    held = sum(process.state()["records"].values())
    worlds = [fact.value["world"] for fact in await practice.store.facts("record")]
    assert len(worlds) == len(set(worlds)) == held
    assert await practice.store.count(Query("Patient", count=0)) == process.state()["records"]["Patient"]


async def test_an_older_version_never_overwrites_a_newer_one(process, practice):
    made = create(process, PATIENT)
    old = await practice.ehr.read("Patient", made["id"])
    change(process, made, gender="other")
    await practice.pull()
    head = practice.store.head
    await practice.inbound.take(old)
    assert practice.store.head == head
