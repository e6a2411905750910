"""US Core 6.1.0 over HTTP: its package is loaded, its examples are stored, and what its CapabilityStatement asks of a
server is asked. What must be found is worked out without the server (:mod:`tests.corpus.us_core_naive`).

docs/conformance-us-core.md says which of Inferno's tests is shown by which of these.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from fhirserver.kernel.json import loads
from tests.corpus.us_core_guide import Guide, row
from tests.corpus.us_core_naive import Json
from tests.corpus.us_core_questions import ASKED, Question, included, place, questions, wanted
from tests.e2e.us_core_world import (
    GRANULAR,
    Core,
    categories,
    everything,
    of_example,
    references,
    running,
    stored,
    without_meta,
)
from tests.facade import Client, issues, said
from tests.unit.model.corpus import CORPUS, ROOT

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROVENANCE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-provenance"
SERVER = "http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server"
ELSEWHERE = {"http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire"}
"""Profiles of other packages."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def core(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Core]:
    archive = CORPUS / "us-core" / "us_core_610.tgz"
    if not archive.exists():
        pytest.skip(f"{archive} is not on this machine")
    guide = Guide.read(archive)
    async with running(tmp_path_factory.mktemp("us-core")) as (server, apps):
        for type in (
            "SearchParameter",
            "StructureDefinition",
            "ValueSet",
            "CodeSystem",
            "CapabilityStatement",
        ):
            await stored(server, guide.of(type))
        await stored(server, guide.examples)
        types = sorted({one["resourceType"] for one in guide.examples})
        yield Core(guide, server, apps, [one for type in types for one in await everything(server, type)])


# the capability statement


async def test_the_server_says_that_it_is_one_of_us_core(core: Core) -> None:
    """us_core_conformance_support, us_core_fhir_version, us_core_json_support, us_core_profile_support,
    us_core_instantiate"""
    answer = await core.server.anonymous.get("metadata")
    assert answer.status_code == 200
    statement = answer.json()
    assert statement["fhirVersion"] == "4.0.1" and "json" in statement["format"]
    assert SERVER in [one.partition("|")[0] for one in statement["instantiates"]]
    verdict = await core.server.ehr("POST", "CapabilityStatement/$validate", statement)
    assert not [one for one in issues(verdict) if one["severity"] in ("error", "fatal")]


async def test_what_is_asked_for_is_advertised(core: Core) -> None:
    rest = (await core.server.anonymous.get("metadata")).json()["rest"][0]
    told = {one["type"]: one for one in rest["resource"]}
    assert not [lack for group in core.guide.groups for lack in lacking(group, told[group[":resource"]])]


def lacking(group: Json, resource: Json) -> Iterator[str]:
    """What a group asks for that the server does not say it has."""
    has = {
        ":profiles": resource.get("supportedProfile", ()),
        ":interactions": [one["code"] for one in resource["interaction"]],
        ":operations": [one["definition"] for one in resource.get("operation", ())],
    }
    for kind, there in has.items():
        for one, expected in group[kind].items():
            if expected in ASKED and one not in there and one not in ELSEWHERE:
                yield f"{group[':resource']} {kind} {one}"
    names = [one["name"] for one in resource["searchParam"]]
    for name in {name for search in wanted(group) for name in search[":names"]} - {*names}:
        yield f"{group[':resource']} parameter {name}"
    for one in group[":include_params"]:
        if ":".join(one.split(":")[:2]) not in resource["searchInclude"]:
            yield f"{group[':resource']} _include={one}"
    for one in group[":revincludes"]:
        if one not in resource.get("searchRevInclude", ()):
            yield f"{group[':resource']} _revinclude={one}"


# searches


async def problem(client: Client, type: str, asked: Question, posted: bool = False) -> str:
    query = urlencode([*asked.params, ("_count", "500")])
    if posted:
        form = "application/x-www-form-urlencoded"
        answer = await client("POST", f"{type}/_search", query.encode(), media=form)
    else:
        answer = await client.get(f"{type}?{query}")
    if answer.status_code != 200:
        return f"{type}?{asked} answered {answer.status_code}: {answer.text[:200]}"
    entries = answer.json().get("entry", ())
    found = {place(one["resource"]) for one in entries if one["search"]["mode"] == "match"}
    if found == asked.expected:
        return ""
    return f"{type}?{asked}: {sorted(found - asked.expected)} too, not {sorted(asked.expected - found)}"


async def test_every_search_finds_what_it_must(core: Core) -> None:
    """us_core_v610_*_search_test: single and combined parameters by GET and POST, with and without the system of a
    code and the type of a reference, comparators, several values with a comma, chains."""
    wrong, asked = [], 0
    for group in core.guide.groups:
        for name, all_of in questions(group, core.data, 4):
            asked += len(all_of)
            found = [await problem(core.server.ehr, group[":resource"], one) for one in all_of]
            found += [await problem(core.server.ehr, group[":resource"], one, True) for one in all_of[:1]]
            wrong += [f"{name}: {one}" for one in found if one]
    assert not wrong, wrong[:5]
    assert asked > 500


async def test_includes_bring_what_is_referred_to(core: Core) -> None:
    """us_core_v610_medication_request_patient_intent_search_test and others with _include"""
    for group in core.guide.groups:
        type = group[":resource"]
        for include in group[":include_params"]:
            held = core.of(type)
            answer = await core.server.ehr.get(f"{type}?_include={include}&_count=500")
            found = {
                place(one["resource"])
                for one in answer.json().get("entry", ())
                if one["search"]["mode"] == "include"
            }
            assert found == included(include, held, core.data), include


@pytest.mark.parametrize("who", ["ehr", "whole"])
async def test_provenance_comes_along(core: Core, who: str) -> None:
    """us_core_v610_*_provenance_revinclude_search_test, for the EHR and for an app of the patient"""
    client = core.server.ehr if who == "ehr" else core.apps[who]
    asked = 0
    for group in core.guide.groups:
        type = group[":resource"]
        patient = "_id=example" if type == "Patient" else "patient=example"
        mine = [
            one for one in core.of(type) if (type == "Patient" and one["id"] == "example") or of_example(one)
        ]
        if not group[":revincludes"] or not mine:
            continue
        answer = await client.get(f"{type}?{patient}&_revinclude=Provenance:target&_count=500")
        entries = answer.json()["entry"]
        about = {
            target["reference"].partition("/_history")[0]
            for one in entries
            if one["resource"]["resourceType"] == "Provenance"
            for target in one["resource"]["target"]
        }
        matched = {place(one["resource"]) for one in entries if one["search"]["mode"] == "match"}
        assert matched and matched <= about, f"{type}: each has a Provenance"
        asked += 1
    assert asked > 12


async def test_provenance_is_that_of_us_core(core: Core) -> None:
    """us_core_v610_provenance_validation_test, …_must_support_test: author and transmitter are those of X-Provenance"""
    roles = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
    ours = "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type"
    who = {
        "who": {"reference": "Practitioner/practitioner-1"},
        "onBehalfOf": {"reference": "Organization/acme-lab"},
    }
    agents = [
        {"type": {"coding": [{"system": roles, "code": "author"}]}, **who},
        {"type": {"coding": [{"system": ours, "code": "transmitter"}]}, **who},
    ]
    goal = {**next(one for one in core.of("Goal") if of_example(one)), "id": "written-with-provenance"}
    assert (await core.server.ehr.put(goal, x_provenance=said(agent=agents))).status_code == 201
    for target in ("Goal/written-with-provenance", "Patient/example"):
        (found,) = (await core.server.ehr.get(f"Provenance?target={target}")).json()["entry"]
        provenance = found["resource"]
        if target.startswith("Goal"):
            assert provenance["agent"] == agents
        assert (await core.server.ehr.get(place(provenance))).json() == provenance
        verdict = await core.server.ehr("POST", f"Provenance/$validate?profile={PROVENANCE}", provenance)
        assert not [one for one in issues(verdict) if one["severity"] in ("error", "fatal")], verdict.text


# reads


async def test_what_was_stored_is_read(core: Core) -> None:
    """us_core_v610_*_read_test, …_must_support_test: nothing of what a resource says is lost; vread and history"""
    for sent in core.guide.examples:
        answer = await core.server.ehr.get(place(sent))
        assert answer.status_code == 200, place(sent)
        got = loads(answer.content)
        assert without_meta(got) == without_meta(sent)
        assert {*sent.get("meta", {}).get("profile", ())} <= {*got["meta"].get("profile", ())}
        version = got["meta"]["versionId"]
        assert (await core.server.ehr.get(f"{place(sent)}/_history/{version}")).content == answer.content
        assert (await core.server.ehr.get(f"{place(sent)}/_history")).json()["total"] >= 1


async def test_references_lead_to_what_they_name(core: Core) -> None:
    """us_core_v610_*_reference_resolution_test"""
    there = {place(one) for one in core.data}
    followed = 0
    for resource in core.data:
        for reference in {*references(resource)} & there:
            answer = await core.server.ehr.get(reference)
            assert answer.status_code == 200 and place(answer.json()) == reference
            followed += 1
    assert followed > 200


async def test_missing_data_stay_said(core: Core) -> None:
    """us_core_311_data_absent_reason_extension, us_core_311_data_absent_reason_code_system"""
    absent = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
    unnamed = {
        **(await core.server.ehr.get("Patient/example")).json(),
        "id": "unnamed",
        "name": [{"extension": [{"url": absent, "valueCode": "unknown"}]}],
    }
    assert (await core.server.ehr.put(unnamed)).status_code == 201
    assert (await core.server.ehr.get("Patient/unnamed")).json()["name"] == unnamed["name"]
    team = (await core.server.ehr.get("CareTeam/missing-coded-data-example")).json()
    coding = team["participant"][0]["role"][0]["coding"][0]
    assert coding["system"].endswith("data-absent-reason") and coding["code"] == "unknown"
    for resource in (unnamed, team):
        verdict = await core.server.ehr("POST", f"{resource['resourceType']}/$validate", resource)
        assert not [one for one in issues(verdict) if one["severity"] in ("error", "fatal")]


async def test_an_example_of_each_profile_is_valid(core: Core) -> None:
    """us_core_v610_*_validation_test: by ``$validate`` with the profiles of the package"""
    seen = set()
    for resource in core.guide.examples:
        claimed = {*resource.get("meta", {}).get("profile", ())} - seen
        if not claimed:
            continue
        seen |= claimed
        verdict = await core.server.ehr("POST", f"{resource['resourceType']}/$validate", resource)
        wrong = [one for one in issues(verdict) if one["severity"] in ("error", "fatal")]
        assert not wrong, (place(resource), wrong[:2])
    assert len({one for one in seen if "/us/core/" in one}) > 35


# refusals, and scopes


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("ehr", "Patient?no-such-parameter=1", 400),
        ("ehr", "Observation?patient=example&date=not-a-date", 400),
        ("anonymous", "Patient/example", 401),
        ("demographics", "Observation?patient=example", 403),
        ("demographics", "Condition/example", 403),
        ("ehr", "Patient/no-such-id", 404),
        ("ehr", "NoSuchType/1", 404),
    ],
)
async def test_refusals_have_the_status_that_us_core_asks_for(
    core: Core, who: str, path: str, status: int
) -> None:
    client = core.apps[who] if who in core.apps else getattr(core.server, who)
    answer = await client.get(path)
    assert answer.status_code == status and issues(answer)


@pytest.mark.parametrize("name", [*GRANULAR])
async def test_scopes_with_categories_open_these_alone(core: Core, name: str) -> None:
    """us_core_v610_smart_granular_scopes_stu2_2: all searches of Condition and Observation, and reads"""
    app, wrong = core.apps[name], []
    for group in core.guide.groups:
        type = group[":resource"]
        if type not in GRANULAR[name]:
            continue
        mine = [one for one in core.of(type) if of_example(one)]
        open = {place(one) for one in mine if categories(one) & {*GRANULAR[name][type]}}
        assert open and len(open) < len(mine)
        for what, asked in questions(group, mine, 2):
            for one in asked:
                cut = replace(one, expected=one.expected & open)
                wrong += [f"{what}: {found}" for found in [await problem(app, type, cut)] if found]
        for one in mine:
            status = 200 if place(one) in open else 404
            assert (await app.get(place(one))).status_code == status, place(one)
    assert not wrong, wrong[:5]


# the page


async def test_the_page_has_what_the_guide_asks_for(core: Core) -> None:
    page = (ROOT / "docs" / "conformance-us-core.md").read_text("utf-8").splitlines()
    asked = [row(group) for group in core.guide.groups if group[":searches"] or group[":include_params"]]
    assert [line for line in asked if line not in page] == []


async def test_there_is_no_export_yet(core: Core) -> None:
    """The page says so; whoever builds it says there what of bulk_data_group_export_stu2 is met."""
    answer = await core.server.ehr.get("Group/g/$export", prefer="respond-async")
    assert answer.status_code == 404 and issues(answer)
    rest = (await core.server.anonymous.get("metadata")).json()["rest"][0]
    told = [one["name"] for of in (rest, *rest["resource"]) for one in of.get("operation", ())]
    assert "export" not in told
