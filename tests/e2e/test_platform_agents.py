"""Agents, rules, numbers and chat services at ``/platform``: drafts, versions, who may, why a slot is not offered."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.definition.loading import Definitions
from agent.memory import Setting
from agent.tools.client import FhirClient
from tests.server_process import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(Path(tmp_path_factory.mktemp("agents"))) as process:
        yield process


class Platform:
    """``/platform`` as one of the principals of the settings."""

    def __init__(self, server: ServerProcess, name: str = "admin"):
        self._root = f"{server.root}/platform"
        self._headers = {k: v for k, v in server.headers_of(name).items() if k.lower() != "content-type"}

    def __call__(
        self, method: str, path: str, body: Any = None, status: int = 0, if_match: str = ""
    ) -> httpx.Response:
        headers = self._headers | ({"If-Match": if_match} if if_match else {})
        answer = httpx.request(method, f"{self._root}{path}", json=body, headers=headers, timeout=120)
        if status:
            assert answer.status_code == status, (path, answer.status_code, answer.text)
        return answer


@pytest.fixture(scope="module")
def platform(server: ServerProcess) -> Platform:
    return Platform(server)


def test_a_draft_becomes_a_version_and_comes_into_force(server: ServerProcess, platform: Platform) -> None:
    made = platform("POST", "/agents", {"id": "desk", "title": "Desk", "document": {"practice": 5}}, 201)
    assert made.json() == {
        "id": "desk",
        "title": "Desk",
        "description": "",
        "status": "draft",
        "version": None,
        "library": {"reference": "Library/desk", "url": f"{server.base}/Library/desk"},
    }
    platform("POST", "/agents", {"id": "desk", "title": "Another"}, 409)
    wrong = platform("POST", "/agents/desk/validate", {}, 200).json()
    assert wrong["valid"] is False and wrong["faults"][0]["pointer"] == "/practice"
    refused = platform("POST", "/agents/desk/versions", {}, 422).json()
    assert refused["errors"][0]["pointer"] == "/practice"

    draft = platform("GET", "/agents/desk/draft", status=200)
    saved = platform(
        "PUT", "/agents/desk/draft", {"document": {"practice": "Lakeside"}}, 200, draft.headers["etag"]
    )
    platform("PUT", "/agents/desk/draft", {"document": {}}, 412, draft.headers["etag"])
    kept = platform("POST", "/agents/desk/versions", {"note": "first"}, 201, saved.headers["etag"]).json()
    assert (kept["version"], kept["active"], kept["note"]) == (1, False, "first")
    active = platform("POST", "/agents/desk/versions/1/activate", status=200)
    assert (active.json()["status"], active.json()["version"]) == ("active", 1)

    platform("PUT", "/agents/desk/draft", {"document": {"practice": "Lakeside", "offers": ["confirm"]}}, 200)
    differences = platform("GET", "/agents/desk/compare", status=200).json()["differences"]
    assert differences == [{"pointer": "/offers", "kind": "added", "before": None, "after": ["confirm"]}]
    assert platform("POST", "/agents/desk/versions", {}, 201).json()["version"] == 2
    platform("POST", "/agents/desk/versions/2/activate", status=412, if_match='W/"1"')
    platform("POST", "/agents/desk/versions/2/activate", status=200)
    platform("POST", "/agents/desk/versions/1/activate", status=200)
    listed = platform("GET", "/agents/desk/versions", status=200).json()["items"]
    assert [(v["version"], v["active"]) for v in listed] == [(2, False), (1, True)]
    past = platform("GET", "/agents/desk/history", status=200).json()["items"]
    assert [(p["version"], p["status"], p["by"]) for p in past] == [
        ("1", "active", "admin"),
        ("2", "active", "admin"),
        ("1", "active", "admin"),
        ("", "draft", "admin"),
    ]
    shown = platform("GET", "/agents/desk/versions/2", status=200).json()
    assert shown["document"]["offers"] == ["confirm"]
    platform("GET", "/agents/desk/versions/7", status=404)


async def test_the_agent_takes_what_is_in_force(server: ServerProcess, platform: Platform) -> None:
    platform("POST", "/scheduling-rules", {"id": "hours", "title": "Hours", "document": {"lead": 300}}, 201)
    document = {"practice": "Hillside", "scheduling_rules": "hours"}
    platform("POST", "/agents", {"id": "hill", "title": "Hill", "document": document}, 201)
    platform("POST", "/agents/hill/versions", {}, 201)
    number = {"number": "+15555550142", "title": "Main", "agent": "hill", "texts": False}
    platform("POST", "/phone-numbers", number, 201)
    client = FhirClient(server.base, server.headers_of("voice-agent")["Authorization"].split()[1])
    definitions = Definitions(client, Setting(practice="settings"))
    await definitions.refresh()
    assert definitions.of_number("+15555550142").practice == "settings"  # nothing is in force yet
    platform("POST", "/agents/hill/versions/1/activate", status=200)
    await definitions.refresh()
    setting = definitions.of_number("+15555550142")
    assert (setting.practice, setting.rules.lead) == ("Hillside", 300)
    assert setting.agent == "https://credence.health/fhir/Library/hill|1"
    assert definitions.of_number("+15555550142", texts=True).practice == "settings"
    assert definitions.of_number("+15555550199").practice == "settings"
    platform("PUT", "/agents/hill/draft", {"document": {"practice": "Newside"}}, 200)
    platform("POST", "/agents/hill/versions", {}, 201)
    platform("POST", "/agents/hill/versions/2/activate", status=200)
    assert definitions.of("hill").practice == "Hillside"  # what was read lately
    await definitions.refresh()
    assert definitions.of("hill").practice == "Newside"
    assert (await definitions.again(setting.agent)).practice == "Hillside"  # of a conversation that goes on
    assert platform("DELETE", "/scheduling-rules/hours", status=204)
    platform("POST", "/agents/hill/retire", status=200)
    await definitions.refresh()
    assert definitions.of("hill").practice == "settings"
    await client.close()


def test_rules_in_use_are_kept_and_an_agent_in_force_too(platform: Platform) -> None:
    platform("POST", "/scheduling-rules", {"id": "used", "title": "Used", "document": {}}, 201)
    platform("POST", "/agents", {"id": "uses", "title": "U", "document": {"scheduling_rules": "used"}}, 201)
    platform("POST", "/agents/uses/versions", {}, 201)
    platform("POST", "/agents/uses/versions/1/activate", status=200)
    platform("DELETE", "/scheduling-rules/used", status=409)
    platform("DELETE", "/agents/uses", status=409)
    platform("POST", "/agents/uses/retire", status=200)
    platform("DELETE", "/agents/uses", status=204)
    platform("GET", "/agents/uses", status=404)
    platform("GET", "/agents/uses/draft", status=404)
    platform("DELETE", "/scheduling-rules/used", status=204)


def test_whoever_may_not_configure_may_look(server: ServerProcess, platform: Platform) -> None:
    member = Platform(server, "ehr")
    platform("POST", "/agents", {"id": "seen", "title": "Seen"}, 201)
    assert member("GET", "/agents/seen", status=200).json()["status"] == "draft"
    member("POST", "/agents", {"id": "mine", "title": "Mine"}, 403)
    member("PUT", "/agents/seen/draft", {"document": {}}, 403)
    member("POST", "/agents/seen/dry-run", {"scenarios": ["cancel-simple"]}, 403)


def test_fhir_is_no_way_round(server: ServerProcess, platform: Platform) -> None:
    """A member may write resources, and none that say how patients are spoken to."""
    platform("POST", "/agents", {"id": "front", "title": "Front", "document": {}}, 201)
    platform("POST", "/agents/front/versions", {}, 201)
    platform("POST", "/agents/front/versions/1/activate", status=200)
    ehr, admin = server.headers_of("ehr"), server.headers_of("admin")
    library = httpx.get(f"{server.base}/Library/front", headers=ehr).json()
    document = base64.b64encode(json.dumps({"practice": "Mine"}).encode()).decode()
    library["content"][0]["data"] = document
    put = httpx.put(f"{server.base}/Library/front", json=library, headers=ehr)
    assert put.status_code == 403 and "admin" in put.text
    assert (
        httpx.put(f"{server.base}/Library/new", json={**library, "id": "new"}, headers=ehr).status_code == 403
    )
    assert httpx.delete(f"{server.base}/Library/front", headers=ehr).status_code == 403
    kept = httpx.get(f"{server.base}/Library/front.v1", headers=admin).json()
    kept["content"][0]["data"] = document
    assert httpx.put(f"{server.base}/Library/front.v1", json=kept, headers=admin).status_code == 405
    bad = base64.b64encode(json.dumps({"identity": {"attempts": 99}}).encode()).decode()
    library["content"][0]["data"] = bad
    refused = httpx.put(f"{server.base}/Library/front", json=library, headers=admin)
    assert refused.status_code == 422 and "/identity/attempts" in refused.text
    other = {"resourceType": "Library", "id": "theirs", "status": "active", "type": {"text": "of the EHR"}}
    assert httpx.put(f"{server.base}/Library/theirs", json=other, headers=ehr).status_code == 201


def test_why_a_slot_is_not_offered(server: ServerProcess, platform: Platform) -> None:
    ehr = server.headers_of("ehr")
    actor = {"reference": "Practitioner/lane", "display": "Dr. Ada Lane"}
    for resource in (
        {"resourceType": "Practitioner", "id": "lane", "name": [{"family": "Lane"}]},
        {"resourceType": "Schedule", "id": "lane", "actor": [actor]},
        *(
            {
                "resourceType": "Slot",
                "id": f"s{hour}",
                "schedule": {"reference": "Schedule/lane"},
                "status": "free",
                "start": f"2026-12-01T{hour}:00:00-05:00",
                "end": f"2026-12-01T{hour}:30:00-05:00",
            }
            for hour in ("08", "10", "18")
        ),
    ):
        answer = httpx.put(
            f"{server.base}/{resource['resourceType']}/{resource['id']}", json=resource, headers=ehr
        )
        assert answer.status_code in (200, 201), answer.text
    document = {"open_hours": {"weekly": [{"days": ["tue"], "from": "09:00", "to": "17:00"}]}, "lead": 0}
    platform("POST", "/scheduling-rules", {"id": "day", "title": "Day", "document": document}, 201)
    asked = {
        "first": "2026-11-30T00:00:00-05:00",
        "last": "2026-12-05T00:00:00-05:00",
        "now": "2026-11-30T12:00:00Z",
    }
    told = platform("POST", "/scheduling-rules/day/explain", asked, 200).json()
    assert told["counts"] == {"open_hours": 2} and told["offered"] == 1
    by_slot = {one["slot"]["reference"]: one for one in told["slots"]}
    assert by_slot["Slot/s10"]["offered"] and not by_slot["Slot/s10"]["removed_by"]
    assert by_slot["Slot/s18"]["removed_by"] == [
        {"rule": "open_hours", "reason": "open on Tuesdays are only 09:00 to 17:00"}
    ]
    tried = platform(
        "POST", "/scheduling-rules/day/explain", {**asked, "slots": ["s08"], "document": {}}, 200
    ).json()
    assert [one["offered"] for one in tried["slots"]] == [True]
    platform("POST", "/scheduling-rules/day/explain", {**asked, "last": "2030-01-01T00:00:00Z"}, 422)
    wrong = platform("PUT", "/scheduling-rules/day", {"title": "D", "document": {"zone": "Mars"}}, 422).json()
    assert wrong["errors"] == [
        {
            "pointer": "/document/zone",
            "detail": "Value error, it is an IANA time zone, such as America/New_York",
        }
    ]


def test_what_else_is_taken_counts(server: ServerProcess, platform: Platform) -> None:
    """Visits with a slot and without, of this practitioner and of others; one that is moved counts for nothing."""
    ehr = server.headers_of("ehr")
    who = {"actor": {"reference": "Practitioner/kim", "display": "Dr. Kim"}, "status": "accepted"}
    place = {"reference": "Location/house"}
    day = "2027-03-02T{}:00-05:00"

    def put(resource: dict[str, Any]) -> None:
        answer = httpx.put(
            f"{server.base}/{resource['resourceType']}/{resource['id']}", json=resource, headers=ehr
        )
        assert answer.is_success, answer.text

    def slot(id: str, schedule: str, begins: str, ends: str, status: str = "free") -> None:
        reference = {"reference": f"Schedule/{schedule}"}
        times = {"start": day.format(begins), "end": day.format(ends)}
        put({"resourceType": "Slot", "id": id, "schedule": reference, "status": status, **times})

    def visit(id: str, patient: str, begins: str, ends: str, **more: Any) -> None:
        people = [{"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}, who]
        times = {"start": day.format(begins), "end": day.format(ends)}
        put(
            {
                "resourceType": "Appointment",
                "id": id,
                "status": "booked",
                "participant": people,
                **times,
                **more,
            }
        )

    put({"resourceType": "Location", "id": "house", "name": "House"})
    for id in ("kim", "lee"):
        put({"resourceType": "Practitioner", "id": id, "name": [{"family": id.title()}]})
        actors = [{"reference": f"Practitioner/{id}"}, place]
        put({"resourceType": "Schedule", "id": f"of-{id}", "actor": actors})
    put({"resourceType": "Patient", "id": "eve", "name": [{"family": "Adams"}], "birthDate": "1982-03-03"})
    slot("lee-9", "of-lee", "09:00", "09:30")
    slot("lee-11", "of-lee", "11:00", "11:30")
    slot("kim-10", "of-kim", "10:15", "10:45")
    slot("kim-9", "of-kim", "09:00", "09:30", "busy")
    visit("with-slot", "eve", "09:00", "09:30", slot=[{"reference": "Slot/kim-9"}])
    visit("without", "eve", "10:00", "10:30")
    document = {
        "lead": 0,
        "concurrent_start_block": [{"most": 1, "per": "location"}],
        "block_overlap": [{"by": ["practitioner"]}],
        "patient_limit": [{"most": 2, "within_days": 7}],
    }
    platform("POST", "/scheduling-rules", {"id": "others", "title": "Others", "document": document}, 201)
    asked = {
        "first": "2027-03-02T00:00:00-05:00",
        "last": "2027-03-03T00:00:00-05:00",
        "now": "2027-03-01T12:00:00Z",
    }

    def removed(**more: Any) -> dict[str, set[str]]:
        told = platform("POST", "/scheduling-rules/others/explain", {**asked, **more}, 200).json()
        return {
            one["slot"]["reference"].removeprefix("Slot/"): {part["rule"] for part in one["removed_by"]}
            for one in told["slots"]
        }

    assert removed() == {"lee-9": {"concurrent_start_block"}, "kim-10": {"block_overlap"}, "lee-11": set()}
    limited = removed(patient="Patient/eve")
    assert all("patient_limit" in rules for rules in limited.values())
    moved = removed(patient="Patient/eve", moves="Appointment/with-slot")
    assert moved == {"lee-9": set(), "kim-10": {"block_overlap"}, "lee-11": set()}


WITH_A_QUESTION = {
    "graph": {
        "states": [
            {"name": "served", "after": ["pharmacy", "handover", "closing"]},
            {
                "name": "pharmacy",
                "kind": "data_collection",
                "asks": "Which pharmacy do you use?",
                "expects": "text",
                "claims": "https://lakeside.example/fhir/StructureDefinition/preferred-pharmacy",
                "after": ["onward"],
            },
        ]
    }
}
ASKED = """
- name: asks
  about: A question of the practice's own.
  patient: eve
  script: [cancel my appointment, "Eve Bradtke, March third 1982", the CVS, "yes", my car broke down, "yes", "no"]
  after:
    outcome: "end: finished"
    stated: {Patient/eve: the CVS}
    find:
      - {search: "Appointment?_id=eve-thu", count: 1, where: {status: cancelled}}
    writes: [Appointment/eve-thu, Slot/of-eve-thu, Patient/eve]
"""


def test_a_dry_run_plays_scenarios_against_a_draft(platform: Platform) -> None:
    document = {"practice": "Lakeside", "offers": ["confirm", "insurance", "phone", "address"]}
    platform("POST", "/agents", {"id": "dry", "title": "Dry", "document": document}, 201)
    asked = {"scenarios": ["cancel-simple", "phone-simple"], "seconds": 120}
    ran = platform("POST", "/agents/dry/dry-run", asked, 200).json()
    by_name = {one["scenario"]: one for one in ran["played"]}
    assert by_name["phone-simple"]["success"] and not ran["unfinished"] and not ran["holds"]
    assert not by_name["cancel-simple"]["success"]  # the agent does not cancel any more
    said = [line for line in by_name["phone-simple"]["transcript"] if line.startswith("Agent")]
    assert said[0].startswith("Agent: Thank you for calling Lakeside")
    platform("POST", "/agents/dry/dry-run", {"scenarios": ["nothing-of-it"]}, 422)
    platform("POST", "/agents/dry/dry-run", {"given": "- name: x\n"}, 422)
    own = "- name: own\n  about: a wrong number\n  script: [wrong number]\n  after: {outcome: 'end: wrong number'}\n"
    ran = platform("POST", "/agents/dry/dry-run", {"given": own, "seconds": 120}, 200).json()
    assert ran["holds"], ran
    asks = {"document": WITH_A_QUESTION, "given": ASKED, "seconds": 120}
    (told,) = platform("POST", "/agents/dry/dry-run", asks, 200).json()["played"]
    assert told["success"], told
    walk = told["walk"]
    assert walk.index("identity") < walk.index("pharmacy") < walk.index("reason") < walk.index("closing")
    late = platform("POST", "/agents/dry/dry-run", {"scenarios": ["phone-simple"], "seconds": 1}, 200).json()
    assert late["unfinished"] == ["phone-simple"] or late["played"]


def test_chat_services(platform: Platform) -> None:
    document = {"greeting": "Hello", "origins": ["https://app.example"]}
    made = platform("POST", "/chat-services", {"id": "app", "title": "App", "document": document}, 201)
    assert made.json()["active"] is True
    wrong = platform(
        "PUT", "/chat-services/app", {"title": "App", "document": {"origins": ["nowhere"]}}, 422
    ).json()
    assert wrong["errors"][0]["pointer"] == "/document/origins/0"
    platform("PUT", "/chat-services/app", {"title": "App", "document": {"agent": "nobody"}}, 422)
    changed = {"title": "App", "document": document, "active": False}
    platform("PUT", "/chat-services/app", changed, 200, made.headers["etag"])
    platform("PUT", "/chat-services/app", changed, 412, 'W/"77"')
    assert platform("GET", "/chat-services", status=200).json()["items"][0]["active"] is False
    platform("DELETE", "/chat-services/app", status=204)
    platform("GET", "/chat-services/app", status=404)


def test_numbers(platform: Platform) -> None:
    platform("POST", "/phone-numbers", {"number": "12", "title": "x"}, 422)
    platform("POST", "/phone-numbers", {"number": "+15555550177", "title": "x", "agent": "nobody"}, 422)
    platform("POST", "/phone-numbers", {"number": "+15555550177", "title": "Main"}, 201)
    platform("POST", "/phone-numbers", {"number": "+15555550177", "title": "Again"}, 409)
    platform("PUT", "/phone-numbers/phone-15555550177", {"title": "M", "calls": False, "texts": False}, 422)
    told = platform("PUT", "/phone-numbers/phone-15555550177", {"title": "M", "calls": False}, 200).json()
    assert (told["number"], told["calls"], told["agent"]) == ("+15555550177", False, None)
    platform("DELETE", "/phone-numbers/phone-15555550177", status=204)
