"""What was lost on either way is found by the sweep and healed; what is only referred to is read."""

from __future__ import annotations

import shutil

from adapters.runner.inbound import CURSOR
from adapters.runner.reconcile import Reconciliation
from adapters.runner.resolve import Resolution
from adapters.runner.writeback import Writeback
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Note
from fhirserver.store.followers import CHECKPOINT
from tests.unit.runner.practice import Practice

PATIENT = {"resourceType": "Patient", "name": [{"family": "Lane", "given": ["Ada"]}], "gender": "female"}


def sweeping(practice):
    writeback = Writeback(practice.store, practice.policy, practice.sink)
    return Reconciliation(practice.store, practice.ehr, practice.sink, practice.inbound, writeback)


async def lose_pages(practice):
    """As though pages had been acknowledged and never taken in."""
    async for page in practice.ehr.pull(None):
        cursor = page.cursor
    note = Note(CURSOR, "clinic", cursor)
    await practice.store.submit(Command(Statement("ehr", method="pull"), (note,)))
    practice.inbound._cursor = None


async def test_records_changes_and_deletions_that_no_pull_brings_are_healed(process, practice):
    kept = process.http.post(f"{process.base}/Patient", json=PATIENT).json()
    gone = process.http.post(f"{process.base}/Patient", json=PATIENT).json()
    await practice.pull()
    process.http.put(f"{process.base}/Patient/{kept['id']}", json={**kept, "birthDate": "1980-02-03"})
    process.http.delete(f"{process.base}/Patient/{gone['id']}")
    new = process.http.post(f"{process.base}/Patient", json={**PATIENT, "gender": "other"}).json()
    await lose_pages(practice)
    assert await practice.inbound.crosswalk.by_record("Patient", new["id"]) is None

    swept = await sweeping(practice).sweep()
    assert swept.healed >= 3 and swept.compared >= 2
    world = await practice.world("Patient", await practice.world_id("Patient", kept["id"]))
    assert world["birthDate"] == "1980-02-03"
    assert await practice.inbound.crosswalk.by_record("Patient", new["id"]) is not None
    link = await practice.inbound.crosswalk.by_record("Patient", gone["id"])
    assert link.deleted
    again = await sweeping(practice).sweep()
    assert again.healed == 0, "and nothing is left to heal"


async def test_a_writeback_that_nobody_asked_for_is_asked_for(process, practice):
    made = process.http.post(f"{process.base}/Patient", json=PATIENT).json()
    await practice.pull()
    await practice.follow()
    await practice.amend(
        "operator", "Patient", await practice.world_id("Patient", made["id"]), birthDate="1980-02-03"
    )
    head = (await practice.store.storage.head()).position
    skip = Note(CHECKPOINT, "writeback:clinic", {"position": head}, advance=True)
    await practice.store.submit(Command(Statement("credence"), (skip,)))
    await practice.settle()
    assert await practice.tasks() == [], "the follower never saw it"

    swept = await sweeping(practice).sweep()
    assert swept.written == 1
    await practice.settle()
    assert process.get(f"Patient/{made['id']}").json()["birthDate"] == "1980-02-03"
    assert (await sweeping(practice).sweep()).healed == 0
    assert await practice.statuses() == ["completed"]


def files_of(process):
    return list(process.data.parent.glob(f"{process.data.name}*"))


async def test_an_ehr_restored_from_a_backup_gets_what_it_lost_and_its_own_word_counts(process, practice):
    made = process.http.post(f"{process.base}/Patient", json=PATIENT).json()
    await practice.pull()
    world = await practice.world_id("Patient", made["id"])
    port = int(process.base.split(":")[2].split("/")[0])
    process.kill()
    backup = process.data.with_name("backup")
    backup.mkdir()
    for file in files_of(process):
        shutil.copy(file, backup)
    process.start(port)

    await practice.amend("operator", "Patient", world, birthDate="1980-02-03")
    await practice.settle()
    assert process.get(f"Patient/{made['id']}").json()["birthDate"] == "1980-02-03"
    process.kill()
    for file in files_of(process):
        file.unlink()
    for file in backup.iterdir():
        shutil.copy(file, process.data.parent)
    process.start(port)
    assert "birthDate" not in process.get(f"Patient/{made['id']}").json()
    await practice.pull()
    await practice.settle()
    assert "birthDate" not in process.get(f"Patient/{made['id']}").json(), "a pull does not see it"

    swept = await sweeping(practice).sweep()
    assert swept.set_back == 1
    await practice.settle()
    assert process.get(f"Patient/{made['id']}").json()["birthDate"] == "1980-02-03"


async def test_a_record_that_is_only_referred_to_is_read(process, practice):
    doctor = {"resourceType": "Practitioner", "name": [{"family": "Wells"}]}
    made = process.http.post(f"{process.base}/Practitioner", json=doctor).json()
    known = {**PATIENT, "generalPractitioner": [{"reference": f"Practitioner/{made['id']}"}]}
    process.http.post(f"{process.base}/Patient", json=known)
    dangling = {**PATIENT, "managingOrganization": {"reference": "Organization/never-there"}}
    process.http.post(f"{process.base}/Patient", json=dangling)
    ehr = process.adapter(types=("Patient",))
    narrow = Practice(practice.store, ehr)
    await narrow.pull()
    assert await narrow.inbound.crosswalk.by_record("Practitioner", made["id"]) is None

    strangers = Resolution(narrow.store, ehr, narrow.inbound)
    assert await strangers.resolve() == 1
    world = await narrow.world("Practitioner", await narrow.world_id("Practitioner", made["id"]))
    assert world["name"] == doctor["name"]
    assert await strangers.resolve() == 0, "what the EHR does not give is not asked for at once again"
    process.http.post(f"{process.base}/Patient", json=known)
    await narrow.pull()
    assert await strangers.resolve() == 0, "it is known by now"
    await ehr.close()
