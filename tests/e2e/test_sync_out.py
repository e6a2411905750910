"""Confirmed changes go out to an EHR process: once each, nothing below its gate, whatever happens between."""

import asyncio
from collections import Counter
from decimal import Decimal

import pytest

from tests.unit.runner.practice import Practice

PATIENT = {"resourceType": "Patient", "name": [{"family": "Lane", "given": ["Ada"]}], "gender": "female"}
PHONE = [{"system": "phone", "value": "555-867-5309", "use": "mobile"}]
COVERAGE = {"status": "active", "subscriberId": "W1", "payor": [{"display": "Aetna"}]}


@pytest.fixture
async def patient(process, practice):
    """A patient of the EHR: the record, and the world's id."""
    made = process.http.post(f"{process.base}/Patient", json=PATIENT).json()
    await practice.pull()
    return made, await practice.world_id("Patient", made["id"])


def ours(process):
    """The writes that the EHR accepted from us."""
    return [w for w in process.writes() if any("identifier/writeback" in mark for mark in w["identifiers"])]


async def cover(practice, world, source="operator", id="cov", **said):
    content = {**COVERAGE, "beneficiary": {"reference": f"Patient/{world}"}}
    return await practice.put(source, "Coverage", id, content, **said)


async def approved(practice, world, **members):
    """The agent heard it, an operator approved it: 0.95 against the EHR's own word."""
    await practice.amend("agent", "Patient", world, confidence=Decimal("0.5"), **members)
    await practice.rule("approve", "Patient", world, next(iter(members)), "agent")


async def test_an_approved_claim_is_in_the_ehr_once_and_its_task_names_the_record(process, practice, patient):
    record, world = patient
    await cover(practice, world, "agent", confidence=Decimal("0.5"))
    await practice.settle()
    assert ours(process) == [] and await practice.tasks() == [], "below its gate"
    await practice.rule("approve", "Coverage", "cov", "*", "agent")
    await practice.settle()
    (write,) = ours(process)
    assert write["body"]["beneficiary"]["reference"] == f"Patient/{record['id']}"
    (task,) = await practice.tasks()
    assert task["status"] == "completed"
    assert task["output"][0]["valueString"] == f"Coverage/{write['id']}/_history/1"
    assert await practice.record_id("Coverage", "cov") == write["id"]


async def test_the_echo_is_no_new_evidence_and_makes_no_task(process, practice, patient):
    await cover(practice, patient[1], "agent", confidence=Decimal("0.5"))
    await practice.rule("approve", "Coverage", "cov", "*", "agent")
    await practice.settle()
    world = await practice.world("Coverage", "cov")
    for _ in range(3):
        await Practice(practice.store, practice.ehr).pull()
        await practice.settle()
    assert await practice.confidence("Coverage", "cov", "ehr", "subscriberId") == Decimal("0.95")
    assert (await practice.world("Coverage", "cov"))["meta"] == world["meta"]
    assert await practice.statuses() == ["completed"] and len(ours(process)) == 1


async def test_an_echo_that_the_ehr_spelled_otherwise_is_not_written_again(process, practice, patient):
    record, world = patient
    await approved(practice, world, telecom=PHONE)
    await practice.settle()
    held = process.get(f"Patient/{record['id']}").json()
    assert held["telecom"][0]["value"] == "+15558675309", "this EHR has its own way to write phones"
    assert await practice.confidence("Patient", world, "ehr", "telecom") == Decimal("0.95")
    await practice.pull()
    await practice.settle()
    assert len(ours(process)) == 1 and await practice.statuses() == ["completed"]


async def test_what_the_sink_said_is_not_sent_to_it(process, practice, patient):
    process.http.put(f"{process.base}/Patient/{patient[0]['id']}", json={**patient[0], "gender": "other"})
    await practice.pull()
    await practice.settle()
    assert ours(process) == [] and await practice.tasks() == []


async def test_what_is_below_its_gate_does_not_leave_beside_what_is_above(process, practice, patient):
    _record, world = patient
    address = [{"use": "home", "line": ["1 Main St"], "postalCode": "02139"}]
    before = await practice.world("Patient", world)
    await practice.put("agent", "Patient", world, {**PATIENT, "telecom": PHONE}, mode="partial")
    await practice.amend("operator", "Patient", world, address=address)
    await practice.settle()
    (write,) = ours(process)
    assert write["body"]["address"] == address
    assert "867" not in str(write["body"]) and "confidence" not in str(write["body"])
    assert before["meta"]["versionId"] == "1"


async def test_half_of_a_rebooking_never_leaves(process, practice, patient):
    content = {
        "status": "booked",
        "start": "2030-01-07T09:00:00Z",
        "end": "2030-01-07T09:30:00Z",
        "participant": [{"actor": {"reference": f"Patient/{patient[1]}"}, "status": "accepted"}],
    }
    await practice.put("operator", "Appointment", "appt", content)
    await practice.settle()
    moved = {**content, "start": "2030-01-08T09:00:00Z", "end": "2030-01-08T09:30:00Z"}
    await practice.put("agent", "Appointment", "appt", moved, confidence=Decimal("0.5"))
    await practice.rule("verify", "Appointment", "appt", "start", "agent")
    await practice.settle()
    assert len(ours(process)) == 1, "the start is sure enough, the end is not"
    await practice.rule("verify", "Appointment", "appt", "end", "agent")
    await practice.settle()
    assert [w["body"]["end"] for w in ours(process)] == [content["end"], moved["end"]]


async def test_a_create_waits_until_its_valid_whole_may_leave(process, practice, patient):
    await cover(practice, patient[1], "agent", confidence=Decimal("0.5"))
    await practice.rule("approve", "Coverage", "cov", "subscriberId", "agent")
    await practice.settle()
    assert await practice.tasks() == []
    for member in ("status", "beneficiary", "payor"):
        await practice.rule("approve", "Coverage", "cov", member, "agent")
    await practice.settle()
    assert len(ours(process)) == 1


async def test_a_reference_waits_for_its_target_and_goes_at_once_when_that_arrives(process, practice):
    await cover(practice, "newcomer")
    await practice.settle()
    (task,) = await practice.tasks()
    assert (task["status"], task["statusReason"]["text"]) == ("requested", "Waits for Patient/newcomer")
    assert ours(process) == []
    await practice.put("operator", "Patient", "newcomer", PATIENT)
    await practice.settle()
    assert [w["type"] for w in ours(process)] == ["Patient", "Coverage"]
    assert await practice.statuses() == ["completed", "completed"]


async def test_an_update_names_the_version_it_was_decided_on(process, practice, patient):
    await practice.amend("operator", "Patient", patient[1], birthDate="1980-02-03")
    await practice.settle()
    (write,) = ours(process)
    assert (write["method"], write["headers"]["if-match"]) == ("PUT", 'W/"1"')
    assert write["body"]["gender"] == "female", "a sink's own words stay"


async def test_a_conflict_that_the_ehr_wins_cancels_the_task(process, practice, patient):
    record, world = patient
    await approved(practice, world, birthDate="1980-02-03")
    await practice.follow()
    process.http.put(f"{process.base}/Patient/{record['id']}", json={**record, "birthDate": "1980-02-04"})
    await practice.settle()
    assert ours(process) == []
    (task,) = await practice.tasks()
    assert task["status"] == "cancelled"
    assert (await practice.world("Patient", world))["birthDate"] == "1980-02-04"


async def test_a_conflict_elsewhere_in_the_record_is_reconciled_and_the_change_still_made(
    process, practice, patient
):
    record, world = patient
    await practice.amend("operator", "Patient", world, birthDate="1980-02-03")
    await practice.follow()
    process.http.put(f"{process.base}/Patient/{record['id']}", json={**record, "gender": "other"})
    await practice.settle()
    (write,) = ours(process)
    assert write["headers"]["if-match"] == 'W/"2"'
    assert (write["body"]["birthDate"], write["body"]["gender"]) == ("1980-02-03", "other")
    assert await practice.statuses() == ["completed"]


async def book(practice, id, patient, slot):
    content = {
        "status": "booked",
        "slot": [{"reference": f"Slot/{slot}"}],
        "start": "2030-01-07T09:00:00Z",
        "end": "2030-01-07T09:30:00Z",
        "participant": [{"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}],
    }
    return await practice.put("operator", "Appointment", id, content)


async def a_busy_slot(process, practice):
    """A slot that the EHR gave away; the world's id."""
    slot = process.http.post(
        f"{process.base}/Slot",
        json={
            "resourceType": "Slot",
            "schedule": {"reference": "Schedule/s1"},
            "status": "busy",
            "start": "2030-01-07T09:00:00Z",
            "end": "2030-01-07T09:30:00Z",
        },
    ).json()
    await practice.pull()
    return slot, await practice.world_id("Slot", slot["id"])


async def test_what_the_ehr_refuses_is_a_dead_letter_and_a_review_item(process, practice, patient):
    _slot, world = await a_busy_slot(process, practice)
    await book(practice, "appt", patient[1], world)
    await practice.settle()
    (task,) = await practice.tasks()
    assert task["status"] == "failed" and "409" in task["statusReason"]["text"]
    (item,) = await practice.tasks("review")
    assert item["focus"]["reference"] == "Appointment/appt" and "the slot is not free" in str(
        item["contained"]
    )
    await practice.amend("operator", "Appointment", "appt", description="A visit")
    await practice.settle()
    assert len(await practice.tasks("review")) == 1


async def test_a_failed_task_is_tried_again_when_an_operator_asks_for_it(process, practice, patient):
    slot, world = await a_busy_slot(process, practice)
    await book(practice, "appt", patient[1], world)
    await practice.settle()
    process.http.put(f"{process.base}/Slot/{slot['id']}", json={**slot, "status": "free"})
    await practice.settle()
    assert ours(process) == [], "a dead letter is not tried again by itself"
    (task,) = await practice.tasks()
    await practice.amend("operator", "Task", task["id"], status="requested")
    await practice.settle()
    assert await practice.statuses() == ["completed"] and len(ours(process)) == 1


async def test_a_refused_value_does_not_block_another_change(process, practice, patient):
    _record, world = patient
    real, refuse = practice.ehr.push, True

    async def push(change):
        from fhirserver.ports.ehr import Permanent

        if refuse:
            raise Permanent("no", status=422)
        return await real(change)

    practice.ehr.push = push
    await practice.amend("operator", "Patient", world, birthDate="1980-02-03")
    await practice.settle()
    refuse = False
    await practice.amend("operator", "Patient", world, maritalStatus={"text": "single"})
    await practice.settle()
    (write,) = ours(process)
    assert "maritalStatus" in write["body"] and "birthDate" not in write["body"]
    await practice.rule("approve", "Patient", world, "birthDate", "operator")
    await practice.settle()
    assert ours(process)[-1]["body"]["birthDate"] == "1980-02-03", "decided on again, it is tried again"


async def test_newer_changes_join_a_waiting_task(process, practice, patient):
    _, world = patient
    for day in ("01", "02", "03"):
        await practice.amend("operator", "Patient", world, birthDate=f"1980-02-{day}")
        await practice.follow()
    assert await practice.statuses() == ["requested"]
    await practice.settle()
    (write,) = ours(process)
    assert write["body"]["birthDate"] == "1980-02-03" and await practice.statuses() == ["completed"]


async def test_a_change_while_its_forerunner_is_on_the_way_is_not_lost(process, practice, patient):
    _, world = patient
    real, changed = practice.ehr.push, False

    async def push(change):
        nonlocal changed
        receipt = await real(change)
        if not changed:
            changed = True
            await practice.amend("operator", "Patient", world, birthDate="1980-02-09")
            await practice.follow()
        return receipt

    practice.ehr.push = push
    await practice.amend("operator", "Patient", world, birthDate="1980-02-01")
    await practice.settle()
    assert [w["body"]["birthDate"] for w in ours(process)] == ["1980-02-01", "1980-02-09"]
    assert (await practice.world("Patient", world))["birthDate"] == "1980-02-09"
    assert await practice.statuses() == ["completed", "completed"]


async def test_a_claim_rejected_while_the_ehr_is_down_never_leaves(process, practice, patient):
    _, world = patient
    await practice.put("agent", "Patient", world, {**PATIENT, "birthDate": "1980-02-01"}, mode="partial")
    await practice.rule("approve", "Patient", world, "birthDate", "agent")
    await practice.follow()
    process.faults(error_rate=1)
    await practice.outbound.push_due()
    assert await practice.statuses() == ["in-progress"]
    await practice.rule("reject", "Patient", world, "birthDate", "agent")
    process.faults(reset=True)
    await practice.settle()
    assert ours(process) == [] and await practice.statuses() == ["cancelled"]


class Killed(BaseException):
    """As kill -9: nothing after it is done."""


@pytest.mark.parametrize("window", ["before the push", "after the push"])
@pytest.mark.parametrize("kind", ["create", "update"])
@pytest.mark.parametrize("pulled", [False, True], ids=["", "pulled first"])
async def test_a_process_that_dies_leaves_its_change_made_once(
    process, practice, patient, window, kind, pulled
):
    _, world = patient
    real = practice.ehr.push

    async def push(change):
        if window == "after the push":
            await real(change)
        raise Killed

    practice.ehr.push = push
    if kind == "create":
        await cover(practice, world, confidence=Decimal("0.95"))
    else:
        await approved(practice, world, birthDate="1980-02-03")
    await practice.follow()
    with pytest.raises(Killed):
        await try_first(practice)
    practice.ehr.push = real
    assert await practice.statuses() == ["in-progress"]
    heir = Practice(practice.store, practice.ehr, holder="heir", takeover=0.0)
    if pulled:
        await heir.pull()
    await heir.settle()
    assert len(ours(process)) == 1
    assert await heir.statuses() == ["completed"]
    type, id, member = (
        ("Coverage", "cov", "subscriberId") if kind == "create" else ("Patient", world, "birthDate")
    )
    assert await heir.confidence(type, id, "ehr", member) == Decimal("0.95")
    await heir.pull()
    await heir.settle()
    assert len(ours(process)) == 1


async def try_first(practice):
    """One attempt of the first line, in this very task, so that its death is seen."""
    await practice.outbound._backlog.follow(1e12)
    _focus, id, tries = practice.outbound._backlog.take(1e12)
    await practice.outbound._try(id, tries)


async def test_two_processes_push_each_change_once(process, practice, patient):
    _, world = patient
    other = Practice(practice.store, practice.ehr, holder="elsewhere")
    for n in range(12):
        await cover(practice, world, id=f"cov{n}")
    process.faults(cut_rate=0.3, error_rate=0.3)
    for _ in range(40):
        await asyncio.gather(practice.follow(), other.follow(), return_exceptions=True)
        await asyncio.gather(practice.outbound.push_due(), other.outbound.push_due())
    process.faults(reset=True)
    assert Counter(await practice.statuses()) == {"completed": 12}
    assert len(ours(process)) == 12 and process.state()["repeated"] == []


async def test_another_process_s_task_is_left_alone_until_it_is_surely_over(process, practice, patient):
    process.faults(error_rate=1)
    await practice.amend("operator", "Patient", patient[1], birthDate="1980-02-03")
    await practice.follow()
    await practice.outbound.push_due()
    process.faults(reset=True)
    other = Practice(practice.store, practice.ehr, holder="elsewhere")
    await other.outbound.push_due()
    assert ours(process) == [] and await practice.statuses() == ["in-progress"]
    late = Practice(practice.store, practice.ehr, holder="elsewhere", takeover=0.0)
    await late.settle()
    assert len(ours(process)) == 1


async def test_the_pusher_is_woken_by_the_log_and_idle_without_work(process, practice, patient):
    searches = Counter()
    search = practice.store.storage.search

    async def counted(query):
        searches[query.type] += 1
        return await search(query)

    practice.store.storage.search = counted
    practice.outbound.idle = 30.0
    pushing = asyncio.create_task(practice.outbound.run())
    following = asyncio.create_task(practice.following.run())
    await asyncio.sleep(0.3)
    idle = searches["Task"]
    assert idle == 1, "one look at the start, none while nothing happens"
    await cover(practice, patient[1])
    for _ in range(100):
        await asyncio.sleep(0.02)
        if ours(process):
            break
    assert len(ours(process)) == 1
    for task in (pushing, following):
        task.cancel()
    await asyncio.gather(pushing, following, return_exceptions=True)


async def test_the_late_answer_to_an_older_word_does_not_undo_what_was_said_since(process, practice, patient):
    """The answer to a create is lost, the patient cancels; then the EHR's record, still "booked", has a remark."""
    who = {"actor": {"reference": f"Patient/{patient[1]}"}, "status": "accepted"}
    booked = {"status": "booked", "start": "2031-02-03T09:00:00Z", "end": "2031-02-03T09:30:00Z"}
    said = {"confidence": Decimal("0.95")}
    await practice.put("operator", "Appointment", "a1", {**booked, "participant": [who]}, **said)
    await practice.follow()
    process.faults(cut_rate=1.0)
    await practice.outbound.push_due()
    assert [one["status"] for one in process.resources("Appointment")] == ["booked"]
    process.faults(reset=True)
    await practice.amend("operator", "Appointment", "a1", status="cancelled", **said)
    (held,) = process.resources("Appointment")
    process.http.put(f"{process.base}/Appointment/{held['id']}", json={**held, "comment": "Bring the card"})
    await practice.pull()
    await practice.settle()
    assert (await practice.world("Appointment", "a1"))["status"] == "cancelled"
    assert [one["status"] for one in process.resources("Appointment")] == ["cancelled"]
