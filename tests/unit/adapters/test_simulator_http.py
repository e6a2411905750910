import asyncio

import pytest

from tests.unit.adapters.in_process import TOKEN, client, ehr_app, tiny_bundles

APPOINTMENT = {"resourceType": "Appointment", "status": "booked", "participant": []}
MARK = "https://credence.health/fhir/identifier/writeback"


@pytest.fixture
async def ehr():
    app = ehr_app()
    async with client(app) as http:
        http.app = app
        yield http
    app.close()


@pytest.fixture
async def small(tmp_path):
    app = ehr_app(bundles=tiny_bundles(tmp_path / "bundles"), data=tmp_path / "ehr.db")
    async with client(app) as http:
        http.app = app
        yield http
    app.close()


def entries(answer):
    assert answer.status_code == 200
    return [entry["resource"] for entry in answer.json().get("entry", [])]


def issue(answer):
    return answer.json()["issue"][0]


async def slot(ehr, status="free"):
    return entries(await ehr.get("Slot", params={"status": status, "_count": 1}))[0]


async def book(ehr, slot_id, **more):
    body = {**APPOINTMENT, "slot": [{"reference": f"Slot/{slot_id}"}], **more}
    return await ehr.post("Appointment", json=body)


@pytest.mark.parametrize("stated", [None, "Bearer wrong", TOKEN])
@pytest.mark.parametrize("path", ["Patient", "http://ehr.test/admin/state"])
async def test_without_the_token_nothing_is_told(ehr, stated, path):
    ehr.headers.pop("Authorization")
    answer = await ehr.get(path, headers={"Authorization": stated} if stated else {})
    assert answer.status_code == 401 and issue(answer)["code"] == "login"


async def test_a_create_gets_an_id_a_version_and_a_number_of_the_ehrs_own(small):
    answer = await small.post("Patient", json={"resourceType": "Patient", "id": "mine"})
    made = answer.json()
    assert answer.status_code == 201
    assert made["id"] != "mine" and made["meta"]["versionId"] == "1"
    assert made["identifier"][0]["value"].startswith("M")
    assert answer.headers["location"].endswith(f"/Patient/{made['id']}/_history/1")
    assert (await small.get(f"Patient/{made['id']}")).json() == made


async def test_an_update_keeps_the_number_and_every_version_can_be_read(small):
    made = (await small.post("Patient", json={"resourceType": "Patient"})).json()
    path = f"Patient/{made['id']}"
    second = await small.put(path, json={"resourceType": "Patient", "gender": "female"})
    assert second.json()["meta"]["versionId"] == "2"
    assert second.json()["identifier"] == made["identifier"]
    assert (await small.get(f"{path}/_history/1")).json() == made
    assert len((await small.get(f"{path}/_history")).json()["entry"]) == 2
    assert (await small.get(f"{path}/_history/9")).status_code == 404


async def test_if_match_is_honoured(small):
    made = (await small.post("Patient", json={"resourceType": "Patient"})).json()
    path, body = f"Patient/{made['id']}", {"resourceType": "Patient"}
    assert (await small.put(path, json=body, headers={"If-Match": 'W/"1"'})).status_code == 200
    assert (await small.put(path, json=body, headers={"If-Match": 'W/"1"'})).status_code == 412
    assert (await small.delete(path, headers={"If-Match": 'W/"1"'})).status_code == 412


async def test_two_writes_at_once_to_one_record_conflict(small):
    made = (await small.post("Patient", json={"resourceType": "Patient"})).json()
    small.app.plan.change({"latency": 0.02})
    writes = [small.put(f"Patient/{made['id']}", json={"resourceType": "Patient"}) for _ in range(2)]
    assert sorted(answer.status_code for answer in await asyncio.gather(*writes)) == [200, 409]


async def test_a_deleted_record_is_gone_and_not_found_by_search(small):
    made = (await small.post("Patient", json={"resourceType": "Patient"})).json()
    path = f"Patient/{made['id']}"
    assert (await small.delete(path)).status_code == 204
    assert (await small.get(path)).status_code == 410
    assert (await small.delete(path)).status_code == 410
    assert entries(await small.get("Patient", params={"_id": made["id"]})) == []
    history = (await small.get("Patient/_history")).json()["entry"]
    assert history[0]["request"] == {"method": "DELETE", "url": path}


async def test_if_none_exist_answers_with_what_is_there(small):
    body = {"resourceType": "Patient", "identifier": [{"system": MARK, "value": "k"}]}
    headers = {"If-None-Exist": f"identifier={MARK}|k"}
    first, second = [await small.post("Patient", json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    await small.post("Patient", json=body)
    third = await small.post("Patient", json=body, headers=headers)
    assert third.status_code == 412 and issue(third)["code"] == "multiple-matches"


async def test_booking_takes_the_slot_and_a_second_booking_is_refused(ehr):
    free = await slot(ehr)
    booked = await book(ehr, free["id"])
    assert booked.status_code == 201 and booked.json()["identifier"][0]["value"].startswith("A")
    taken = (await ehr.get(f"Slot/{free['id']}")).json()
    assert (taken["status"], taken["meta"]["versionId"]) == ("busy", "2")
    refused = await book(ehr, free["id"])
    assert refused.status_code == 409 and issue(refused)["code"] == "conflict"


async def test_cancelling_frees_the_slot_and_moving_swaps(ehr):
    first = await slot(ehr)
    booked = (await book(ehr, first["id"])).json()
    second = await slot(ehr)
    path = f"Appointment/{booked['id']}"
    moved = {**booked, "slot": [{"reference": f"Slot/{second['id']}"}]}
    assert (await ehr.put(path, json=moved)).status_code == 200
    assert (await ehr.get(f"Slot/{first['id']}")).json()["status"] == "free"
    assert (await ehr.get(f"Slot/{second['id']}")).json()["status"] == "busy"
    assert (await ehr.put(path, json={**moved, "status": "cancelled"})).status_code == 200
    assert (await ehr.get(f"Slot/{second['id']}")).json()["status"] == "free"


async def test_a_refused_move_leaves_everything_as_it_was(ehr):
    first, busy = await slot(ehr), await slot(ehr, "busy")
    booked = (await book(ehr, first["id"])).json()
    moved = {**booked, "slot": [{"reference": f"Slot/{busy['id']}"}]}
    assert (await ehr.put(f"Appointment/{booked['id']}", json=moved)).status_code == 409
    assert (await ehr.get(f"Slot/{first['id']}")).json()["status"] == "busy"
    assert (await ehr.get(f"Appointment/{booked['id']}")).json() == booked


async def test_fifty_bookings_of_one_slot_give_one_appointment(ehr):
    free = await slot(ehr)
    answers = await asyncio.gather(*(book(ehr, free["id"]) for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 49


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"resourceType":"Slot"}', 400),
        (b'{"resourceType":"Appointment","identifier":["x"]}', 422),
        (b'{"resourceType":"Appointment","slot":"x"}', 422),
        (b'{"resourceType":"Appointment","slot":[{"reference":"Slot/none"}]}', 422),
        (b'{"resourceType":"Appointment","start":"x","end":"y"}', 422),
        (b'{"resourceType":"Appointment","start":"2026-11-26T15:00:00Z","end":"2026-11-26T14:00:00Z"}', 422),
    ],
)
async def test_a_malformed_appointment_is_refused_and_not_logged(ehr, body, status):
    answer = await ehr.post("Appointment", content=body)
    assert answer.status_code == status and answer.json()["resourceType"] == "OperationOutcome"
    assert ehr.app.records.write_count() == 0


async def test_search_finds_patients_as_a_call_needs_it(ehr):
    by_phone = entries(await ehr.get("Patient", params={"phone": "(555) 969-7967"}))
    assert [patient["name"][0]["given"] for patient in by_phone] == [["Maria"], ["Sofia"]]
    one = entries(await ehr.get("Patient", params={"family": "alva", "birthdate": "1999-06-01"}))
    assert [patient["id"] for patient in one] == [by_phone[0]["id"]]
    assert entries(await ehr.get("Patient", params={"birthdate": "gt2021-04-03"})) == []
    both = entries(await ehr.get("Patient", params={"_id": ",".join(p["id"] for p in by_phone)}))
    assert len(both) == 2


async def test_search_finds_appointments_and_slots(ehr):
    maria = entries(await ehr.get("Patient", params={"name": "maria"}))[0]["id"]
    on_thursday = {"patient": f"Patient/{maria}", "date": "2026-11-26", "status": "booked"}
    assert len(entries(await ehr.get("Appointment", params=on_thursday))) == 1
    assert entries(await ehr.get("Appointment", params={**on_thursday, "date": "lt2026-11-26"})) == []
    schedule = entries(await ehr.get("Schedule"))[0]["id"]
    day = {"schedule": f"Schedule/{schedule}", "start": ["ge2026-11-24", "lt2026-11-25"], "_count": 100}
    assert len(entries(await ehr.get("Slot", params=day))) == 16


async def test_pages_follow_each_other_in_order_of_change(ehr):
    seen, url = [], "Slot?_count=100&_sort=_lastUpdated"
    while url:
        bundle = (await ehr.get(url)).json()
        seen += [entry["resource"]["meta"]["lastUpdated"] for entry in bundle["entry"]]
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
    assert len(seen) == bundle["total"] == 960
    assert seen == sorted(set(seen)), "every write has a later time than the one before"


async def test_last_updated_finds_what_changed_since(ehr):
    before = (await slot(ehr))["meta"]["lastUpdated"]
    free = await slot(ehr)
    await book(ehr, free["id"])
    after = (await ehr.get(f"Slot/{free['id']}")).json()["meta"]["lastUpdated"]
    assert after > before
    found = entries(await ehr.get("Slot", params={"_lastUpdated": f"ge{after}"}))
    assert [each["id"] for each in found] == [free["id"]]
    assert entries(await ehr.get("Slot", params={"_lastUpdated": f"gt{after}"})) == []


@pytest.mark.parametrize(
    "query", ["colour=red", "birthdate=soon", "_sort=name", "_count=many", "birthdate=", "slot=Slot/1"]
)
async def test_what_cannot_be_searched_is_refused(ehr, query):
    answer = await ehr.get(f"Patient?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in issue(answer)["diagnostics"]


async def test_other_types_and_interactions_are_refused(ehr):
    assert (await ehr.get("Spaceship")).status_code == 404
    assert (await ehr.patch("Patient/e1", json=[])).status_code == 405
    assert (await ehr.get("http://ehr.test/elsewhere")).status_code == 404


async def test_the_log_of_writes_holds_each_accepted_write_once(small):
    headers = {"If-None-Exist": f"identifier={MARK}|k"}
    body = {"resourceType": "Patient", "identifier": [{"system": MARK, "value": "k"}]}
    made = (await small.post("Patient", json=body, headers=headers)).json()
    await small.post("Patient", json=body, headers=headers)
    await small.put(f"Patient/{made['id']}", json=body, headers={"If-Match": 'W/"1"'})
    await small.put(f"Patient/{made['id']}", json=body, headers={"If-Match": 'W/"1"'})
    writes = (await small.get("http://ehr.test/admin/writes")).json()["writes"]
    assert [(w["sequence"], w["method"], w["version"]) for w in writes] == [(1, "POST", 1), (2, "PUT", 2)]
    assert writes[0]["identifiers"] == [f"{MARK}|k"] and writes[0]["body"] == body
    assert writes[1]["headers"]["if-match"] == 'W/"1"'
    assert (await small.get("http://ehr.test/admin/writes?after=1")).json()["writes"] == writes[1:]


async def test_state_names_identifiers_that_were_created_twice(small):
    body = {"resourceType": "Patient", "identifier": [{"system": MARK, "value": "k"}]}
    await small.post("Patient", json=body)
    assert (await small.get("http://ehr.test/admin/state")).json()["repeated"] == []
    await small.post("Patient", json=body)
    state = (await small.get("http://ehr.test/admin/state")).json()
    assert state["repeated"] == [{"type": "Patient", "identifier": f"{MARK}|k", "creates": 2}]
    assert state["writes"] == 2 and state["records"]["Patient"] == 3


async def test_faults_come_and_go_at_run_time(small):
    faults = "http://ehr.test/admin/faults"
    assert (await small.post(faults, json={"error_rate": 1})).json()["error_rate"] == 1
    assert (await small.post("Patient", json={"resourceType": "Patient"})).status_code in (500, 502, 503)
    assert small.app.records.write_count() == 0, "an error comes before the write"
    await small.post(faults, json={"reset": True, "throttle_rate": 1, "retry_after": 3})
    answer = await small.get("Patient")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    await small.post(faults, json={"reset": True, "precondition_rate": 1})
    assert (await small.post("Patient", json={"resourceType": "Patient"})).status_code == 412
    assert (await small.get("Patient")).status_code == 200
    assert (await small.post(faults, json={"nonsense": 1})).status_code == 400


async def test_phones_are_written_down_in_one_form(small):
    body = {"resourceType": "Patient", "telecom": [{"system": "phone", "value": "(555) 123-4567"}]}
    assert (await small.post("Patient", json=body)).json()["telecom"][0]["value"] == "+15551234567"
