"""Records that an EHR or an operator merges: the crosswalk follows, and what is written back goes to one record."""

from decimal import Decimal

import pytest

from adapters.runner.merging import merge_records, unmerge_records
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Merge, Unmerge
from fhirserver.store.followers import Following
from fhirserver.store.relinking import Relinking

ADA = {"resourceType": "Patient", "name": [{"family": "Lane", "given": ["Ada"]}], "gender": "female"}
ADAH = {"resourceType": "Patient", "name": [{"family": "Lane", "given": ["Adah"]}], "birthDate": "1980-02-03"}
PHONE = [{"system": "phone", "value": "555-867-5309", "use": "mobile"}]
COVERAGE = {"status": "active", "subscriberId": "W1", "payor": [{"display": "Aetna"}]}
EHR, OPERATOR = Statement("ehr"), Statement("operator")


@pytest.fixture
async def two(process, practice):
    """Two records of the EHR, and what they are in the world."""
    records = [process.http.post(f"{process.base}/Patient", json=one).json() for one in (ADA, ADAH)]
    await practice.pull()
    return [(record, await practice.world_id("Patient", record["id"])) for record in records]


def change(process, resource, **members):
    changed = {**resource, **members}
    answer = process.http.put(f"{process.base}/Patient/{resource['id']}", json=changed)
    assert answer.status_code == 200
    return answer.json()


def in_ehr(process, record):
    return process.http.get(f"{process.base}/Patient/{record['id']}").json()


def linked(record, kind):
    return {"other": {"reference": f"Patient/{record['id']}"}, "type": kind}


async def merge(practice, gone, into):
    await practice.store.submit(Command(OPERATOR, (Merge("Patient", gone, into),)))
    await followed(practice)


async def followed(practice):
    following = Following(practice.store, Relinking(practice.store, "credence"), "credence")
    while await following.step():
        pass


async def into(practice, world):
    return (await practice.store.ledger("Patient", world)).into


async def approved(practice, world, **members):
    await practice.amend("agent", "Patient", world, confidence=Decimal("0.5"), **members)
    await practice.rule("approve", "Patient", world, next(iter(members)), "agent")


def pushed(process):
    return [one for one in process.writes() if one["type"] != "Patient" or one["method"] != "POST"]


async def test_a_record_that_is_replaced_is_merged(process, practice, two):
    (ada, survivor), (adah, gone) = two
    change(process, adah, active=False, link=[linked(ada, "replaced-by")])
    await practice.pull()
    assert await into(practice, gone) == survivor
    world = await practice.world("Patient", survivor)
    assert world["birthDate"] == "1980-02-03" and world["gender"] == "female"
    assert "active" not in world
    head = practice.store.head
    await practice.pull()
    assert practice.store.head == head


async def test_a_record_that_replaces_another_says_the_same(process, practice, two):
    (ada, survivor), (adah, gone) = two
    change(process, ada, link=[linked(adah, "replaces")])
    await practice.pull()
    assert await into(practice, gone) == survivor
    change(process, adah, active=False, link=[linked(ada, "replaced-by")])
    await practice.pull()
    assert await into(practice, gone) == survivor


async def test_a_survivor_that_is_not_known_yet_is_read(process, practice):
    ada = process.http.post(f"{process.base}/Patient", json=ADA).json()
    replaced = {**ADAH, "active": False, "link": [linked(ada, "replaced-by")]}
    adah = process.http.post(f"{process.base}/Patient", json=replaced).json()
    await practice.inbound.take(await practice.ehr.read("Patient", adah["id"]))
    survivor = await practice.world_id("Patient", ada["id"])
    assert await into(practice, await practice.world_id("Patient", adah["id"])) == survivor


async def test_the_ehr_takes_it_back(process, practice, two):
    (ada, survivor), (adah, gone) = two
    before = await practice.world("Patient", survivor)
    merged = change(process, adah, active=False, link=[linked(ada, "replaced-by")])
    await practice.pull()
    change(process, {name: value for name, value in merged.items() if name != "link"}, active=True)
    await practice.pull()
    assert await into(practice, gone) == ""
    after = await practice.world("Patient", survivor)
    assert {**after, "meta": {}} == {**before, "meta": {}}


async def test_what_is_one_in_the_world_already_is_left(process, practice, two):
    (ada, survivor), (adah, gone) = two
    await merge(practice, survivor, gone)
    assert await merge_records(practice.store, EHR, "Patient", adah["id"], ada["id"])
    assert await into(practice, survivor) == gone and await into(practice, gone) == ""
    assert not await merge_records(practice.store, EHR, "Patient", adah["id"], ada["id"])
    assert await unmerge_records(practice.store, EHR, "Patient", adah["id"])
    assert await into(practice, survivor) == gone  # an operator's merge is not the EHR's to undo


async def test_an_a40_about_a_record_that_nobody_saw(process, practice, two):
    (ada, survivor), _ = two
    assert await merge_records(practice.store, EHR, "Patient", "never-seen", ada["id"])
    assert await into(practice, await practice.world_id("Patient", "never-seen")) == survivor
    with pytest.raises(Refusal, match="NOT_FOUND"):
        await merge_records(practice.store, EHR, "Patient", ada["id"], "unknown")


async def test_a_merge_alone_writes_nothing_to_the_ehr(process, practice, two):
    (_, survivor), (_, gone) = two
    await merge(practice, gone, survivor)
    await practice.settle()
    assert pushed(process) == []
    await practice.store.submit(Command(OPERATOR, (Unmerge("Patient", gone),)))
    await followed(practice)
    await practice.settle()
    assert pushed(process) == []


async def test_what_is_approved_goes_to_the_record_that_survives_once(process, practice, two):
    (ada, survivor), (adah, gone) = two
    await practice.amend("agent", "Patient", gone, confidence=Decimal("0.5"), telecom=PHONE)
    await merge(practice, gone, survivor)
    await practice.rule("approve", "Patient", survivor, "telecom", f"agent@{gone}")
    await practice.settle()
    assert [item["use"] for item in in_ehr(process, ada)["telecom"]] == ["mobile"]
    assert "telecom" not in in_ehr(process, adah)
    writes = len(pushed(process))
    await practice.pull()
    await practice.settle()
    assert len(pushed(process)) == writes == 1


async def test_a_survivor_that_the_ehr_knows_only_as_the_duplicate(process, practice, two):
    """The EHR's one record was taken in as what is now merged: it is written to, and no second one is made."""
    _, (adah, gone) = two
    await practice.put("operator", "Patient", "caller", {"name": [{"family": "Lane", "given": ["A."]}]})
    await merge(practice, gone, "caller")
    await approved(practice, "caller", maritalStatus={"text": "married"})
    await practice.settle()
    held = in_ehr(process, adah)
    assert held["maritalStatus"] == {"text": "married"} and held["birthDate"] == "1980-02-03"
    assert all(write["method"] == "PUT" for write in pushed(process))
    writes = len(pushed(process))
    await practice.pull()  # the echo is no word of the EHR's own
    await practice.settle()
    assert len(pushed(process)) == writes
    sure = await practice.confidence("Patient", "caller", f"ehr@{gone}", "maritalStatus")
    assert sure == Decimal("0.95")


async def test_references_go_out_to_the_record_that_survives(process, practice, two):
    (ada, _), (adah, gone) = two
    change(process, adah, active=False, link=[linked(ada, "replaced-by")])
    await practice.pull()
    cover = {**COVERAGE, "beneficiary": {"reference": f"Patient/{gone}"}}
    await practice.put("operator", "Coverage", "cov", cover)
    await practice.settle()
    (write,) = [one for one in process.writes() if one["type"] == "Coverage" and one["method"] == "POST"]
    made = process.http.get(f"{process.base}/Coverage/{write['id']}").json()
    assert made["beneficiary"] == {"reference": f"Patient/{ada['id']}"}
