"""The past and what resources contain, as apps of one patient and clerks see them: no more than by asking for now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.test_permissions import (
    OTHERS,
    RESTRICTED,
    SSN,
    World,
    found,
    observation,
    patient,
    running,
    status,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


def holder(id: str, of: str, inside: str, **more: Any) -> dict[str, Any]:
    """An Observation that contains a Patient and what that one's performer is."""
    contained = [
        {"resourceType": "Patient", "id": "kin", "name": [{"family": inside}],
         "identifier": [{"system": SSN, "value": f"ssn-{inside}"}, {"system": "urn:mrn", "value": f"mrn-{inside}"}]},
        {"resourceType": "Practitioner", "id": "nurse", "name": [{"family": f"Nurse{inside}"}]},
    ]  # fmt: skip
    performer = [{"reference": "#nurse"}, {"reference": "#kin"}]
    return observation(id, of, contained=contained, performer=performer, **more)


async def moment(world: World) -> str:
    """A time that is between what was and what comes."""
    await asyncio.sleep(0.005)
    answer = await world.admin.put({"resourceType": "Organization", "id": "clock", "name": "x"})
    if answer.status_code == 200 and "x-held" in answer.headers:
        raise AssertionError(answer.headers)
    name = f"x{answer.json()['meta']['versionId']}"
    again = await world.admin.put({"resourceType": "Organization", "id": "clock", "name": name})
    await asyncio.sleep(0.005)
    return str(again.json()["meta"]["lastUpdated"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with running(tmp_path_factory.mktemp("past")) as world:
        for one in (
            patient("ada", "Okafor"),
            patient("bob", "Bradtke"),
            observation("a-lab", "ada"),
            observation("a-vital", "ada", "vital-signs"),
            observation("a-gone", "ada"),
            observation("b-lab", "bob"),
            observation("mixed-up", "ada"),
            observation("given", "bob"),
            observation("later-secret", "ada"),
            holder("a-holder", "ada", "Adakin"),
            holder("b-holder", "bob", "Bobkin"),
            *(holder(f"b-more{n}", "bob", "Morekin") for n in range(3)),
            *(holder(f"a-more{n}", "ada", "Morekin") for n in range(3)),
            holder("hidden-holder", "ada", "Hiddenkin", meta={"security": [RESTRICTED]}),
        ):
            answer = await world.admin.put(one)
            assert answer.status_code == 201, answer.text
        world.clients["then"] = await moment(world)  # type: ignore[assignment]
        await world.admin("DELETE", "Observation/a-gone")
        for one in (
            observation("mixed-up", "bob"),
            observation("given", "ada"),
            observation("later-secret", "ada", meta={"security": [RESTRICTED]}),
            observation("a-vital", "ada"),
            patient("ada", "Married"),
        ):
            assert (await world.admin.put(one)).status_code == 200
        yield world


@pytest.mark.parametrize(
    ("app", "path", "code"),
    [
        ("ada-reads", "Patient/ada", 200),
        ("ada-reads", "Observation/a-gone", 200),
        ("ada-reads", "Observation/later-secret", 200),
        ("ada-reads", "Patient/bob", 404),
        ("ada-reads", "Observation/b-lab", 404),
        ("ada-reads", "Observation/mixed-up", 404),
        ("ada-reads", "Observation/given", 404),
        ("ada-labs", "Observation/a-lab", 200),
        ("ada-labs", "Observation/a-vital", 404),
        ("ada-labs", "Patient/ada", 403),
        ("clerk", "Observation/later-secret", 404),
        ("clerk", "Observation/b-lab", 200),
        ("searches", "Observation/a-lab", 403),
    ],
)
async def test_what_was_is_read_by_who_could_see_it_then_and_may_see_it_now(
    world: World, app: str, path: str, code: int
) -> None:
    answer = await world.clients[app].get(f"{path}?_asOf={world.then}")
    assert answer.status_code == code, answer.text
    if code == 404:
        nobody = await world.clients[app].get(f"{path.partition('/')[0]}/nobody?_asOf={world.then}")
        said, other = answer.json()["issue"][0]["diagnostics"], nobody.json()["issue"][0]["diagnostics"]
        assert said.replace(path.partition("/")[2], "nobody") == other, "as what never was"


@pytest.mark.parametrize(
    ("app", "path", "code"),
    [
        ("ada-reads", "Observation/mixed-up", 404),
        ("ada-reads", "Observation/given", 404),
        ("clerk", "Observation/later-secret", 404),
        ("ada-reads", "Observation/a-gone", 200),
        ("admin", "Observation/mixed-up", 200),
    ],
)
async def test_so_are_versions_and_histories(world: World, app: str, path: str, code: int) -> None:
    client = world.clients[app]
    assert await status(client, f"{path}/_history/1") == code
    history = await client.get(f"{path}/_history")
    said = {
        one["resource"]["meta"]["versionId"] for one in history.json().get("entry", ()) if "resource" in one
    }
    assert ("1" in said) == (code == 200), history.text


async def test_what_is_masked_is_masked_in_the_past(world: World) -> None:
    answer = await world.clerk.get(f"Patient/ada?_asOf={world.then}")
    assert answer.json()["name"][0]["family"] == "Okafor" and "ssn-ada" not in answer.text
    whole = await world.clerk.get(f"Patient/ada/Patient?_asOf={world.then}")
    assert "mrn-ada" in whole.text and "ssn-ada" not in whole.text
    asked = f"Patient/ada/Patient?_asOf={world.then}&identifier={SSN}|ssn-ada"
    assert await status(world.clerk, asked) == 403
    assert await status(world.clerk, f"Patient/ada/Patient?_asOf={world.then}&_sort=identifier") == 403


async def test_the_log_is_not_counted(world: World) -> None:
    for position in ("1", "5", "99999", "2026"):
        assert await status(world.ada_reads, f"Patient/ada?_asOf={position}") == 403
    page = (await world.ada_reads.get(f"Patient/ada/Observation?_asOf={world.then}&_count=1")).json()
    (following,) = [link["url"] for link in page["link"] if link["relation"] == "next"]
    assert f"_asOf={world.then[:10]}" in following.replace("%3A", ":")
    missing = await world.ada_reads.get(f"Observation/none?_asOf={world.then}")
    assert "position" not in missing.text


async def test_the_compartment_as_it_was_has_no_more_than_that(world: World) -> None:
    own = {
        "a-lab",
        "a-vital",
        "a-gone",
        "later-secret",
        "a-holder",
        "hidden-holder",
        *(f"a-more{n}" for n in range(3)),
    }
    for app, ids in (
        ("ada-reads", own),
        ("ada-labs", own - {"a-vital"}),
        ("clerk", own - {"later-secret", "hidden-holder"} | {"mixed-up"}),
    ):
        query = f"Patient/ada/Observation?_asOf={world.then}&_sort=_id"
        expected = {f"Observation/{id}" for id in ids}
        seen, path = set[str](), f"{query}&_count=2"
        while path:
            answer = (await world.clients[app].get(path)).json()
            assert answer["total"] == len(ids), app
            seen |= {f"Observation/{entry['resource']['id']}" for entry in answer["entry"]}
            path = next((link["url"] for link in answer["link"] if link["relation"] == "next"), "")
        assert seen == expected, app
        counted = (await world.clients[app].get(f"{query}&_summary=count")).json()
        assert counted["total"] == len(ids)
    assert await found(world.ada_reads, f"Patient/bob/Observation?_asOf={world.then}") == set()
    everything = await found(world.ada_reads, f"Patient/ada/*?_asOf={world.then}")
    assert "Patient/ada" in everything and not everything & {
        *OTHERS,
        "Observation/mixed-up",
        "Observation/given",
    }


async def test_everything_as_it_was_has_no_more_than_that(world: World) -> None:
    seen = await found(world.ada_reads, f"Patient/ada/$everything?_asOf={world.then}")
    assert {"Patient/ada", "Observation/a-gone"} <= seen
    assert not seen & {*OTHERS, "Observation/mixed-up", "Observation/given"}
    assert await status(world.ada_reads, f"Patient/bob/$everything?_asOf={world.then}") == 404
    clerk = await world.clerk.get(f"Patient/ada/$everything?_asOf={world.then}")
    assert "later-secret" not in clerk.text and "ssn-ada" not in clerk.text and "mrn-ada" in clerk.text


async def test_what_is_told_of_claims_in_the_past_is_closed(world: World) -> None:
    for operation in ("$lineage?_asOf", "$story?path=name&_asOf", "$diff?fromAsOf"):
        answer = await world.ada_reads.get(f"Patient/ada/{operation}={world.then}")
        assert answer.status_code == 403, answer.text


async def test_audit_events_are_in_nobodys_past_unasked(world: World) -> None:
    event = {
        "resourceType": "AuditEvent",
        "type": {"code": "x"},
        "recorded": "2026-11-29T00:00:00Z",
        "agent": [{"who": {"reference": "Patient/ada"}, "requestor": True}],
        "source": {"observer": {"display": "x"}},
        "entity": [{"what": {"reference": "Patient/ada"}}],
    }
    assert (await world.admin.post(event)).status_code == 201
    now = await moment(world)
    for client in (world.ada_reads, world.admin):
        for path in (f"Patient/ada/*?_asOf={now}", f"Patient/ada/$everything?_asOf={now}"):
            answer = await client.get(path)
            assert answer.status_code == 200 and '"AuditEvent"' not in answer.text, path


# what resources contain


@pytest.mark.parametrize(
    ("app", "query", "expected"),
    [
        ("ada-reads", "Patient?_contained=true&family=Adakin", {"Observation/a-holder"}),
        ("ada-reads", "Patient?_contained=true&family=Bobkin", set()),
        ("ada-reads", "Patient?_contained=true&_containedType=contained&family=Adakin", {"Patient/kin"}),
        ("ada-reads", "Patient?_contained=true&_containedType=contained&family=Bobkin", set()),
        (
            "ada-reads",
            "Practitioner?_contained=true&family=Nurse",
            {
                "Observation/a-holder",
                "Observation/hidden-holder",
                *(f"Observation/a-more{n}" for n in range(3)),
            },
        ),
        ("ada-reads", "Patient?_contained=both&family=Adakin", {"Observation/a-holder"}),
        ("ada-reads", "Patient?_contained=both&family=Bradtke", set()),
        ("clerk", "Patient?_contained=true&family=Hiddenkin", set()),
        ("clerk", "Patient?_contained=true&family=Bobkin", {"Observation/b-holder"}),
    ],
)
async def test_what_is_contained_is_found_in_what_may_be_seen(
    world: World, app: str, query: str, expected: set[str]
) -> None:
    assert await found(world.clients[app], query) == expected
    counted = (await world.clients[app].get(f"{query}&_summary=count")).json()
    assert counted["total"] == len(expected)
    total = (await world.clients[app].get(f"{query}&_total=accurate")).json()["total"]
    assert total == len(expected)


@pytest.mark.parametrize("kind", ["container", "contained", "contained&_sort=family"])
async def test_pages_of_what_is_contained_tell_of_no_other(world: World, kind: str) -> None:
    path = f"Patient?_contained=true&_containedType={kind}&family=Morekin&_count=1"
    pages = []
    while path:
        answer = (await world.ada_reads.get(path)).json()
        pages.append([one["fullUrl"].rpartition("/fhir/")[2] for one in answer.get("entry", ())])
        path = next((link["url"] for link in answer["link"] if link["relation"] == "next"), "")
    end = "" if kind == "container" else "#kin"
    assert pages == [[f"Observation/a-more{n}{end}"] for n in range(3)], "each page full, none after the last"


async def test_what_is_masked_is_masked_inside_others_and_not_found_there(world: World) -> None:
    for path in (
        "Observation/b-holder",
        "Patient?_contained=true&family=Bobkin",
        "Patient?_contained=true&_containedType=contained&family=Bobkin",
    ):
        answer = await world.clerk.get(path)
        assert answer.status_code == 200, answer.text
        assert "mrn-Bobkin" in answer.text and "ssn-Bobkin" not in answer.text, path
    for path in (
        f"Patient?_contained=true&identifier={SSN}|ssn-Bobkin",
        f"Patient?_contained=both&identifier={SSN}|ssn-Bobkin",
        "Patient?_contained=true&_containedType=contained&_sort=identifier",
        f"Observation?performer:Patient.identifier={SSN}|ssn-Bobkin",
        f"Observation?_contained=true&performer:Patient.identifier={SSN}|ssn-Bobkin",
        "Observation?_content=Bobkin",
    ):
        assert await status(world.clerk, path) == 403, path


async def test_who_does_not_see_what_is_contained_does_not_take_it_away(world: World) -> None:
    shown = (await world.clerk.get("Observation/b-holder")).json()
    answer = await world.clerk.put({**shown, "status": "amended"})
    assert answer.status_code == 403, answer.text
    kept = {name: value for name, value in shown.items() if name not in ("contained", "performer", "meta")}
    assert (await world.clerk.put(kept)).status_code == 403
    change = [{"op": "replace", "path": "/status", "value": "amended"}]
    patched = await world.clerk("PATCH", "Observation/b-holder", change, media="application/json-patch+json")
    assert patched.status_code == 200 and "ssn-Bobkin" not in patched.text, patched.text
    whole = (await world.admin.get("Observation/b-holder")).json()
    assert whole["status"] == "amended" and whole["contained"][0]["identifier"][0]["value"] == "ssn-Bobkin"
