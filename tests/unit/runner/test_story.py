"""The last part of a value's story: the writeback to an EHR and its echo, or the refusal."""

from decimal import Decimal

import pytest

from adapters.fhir.retries import RetryPolicy
from fhirserver.ports.storage import Key
from fhirserver.search.expression import Query
from fhirserver.store.as_of import latest
from fhirserver.store.lineage import names_unit
from fhirserver.store.story import stories
from tests.unit.adapters.in_process import adapter, client, ehr_app, tiny_bundles
from tests.unit.runner.practice import opened

COVERAGE = {"status": "active", "subscriberId": "W1", "payor": [{"display": "Aetna"}]}


@pytest.fixture
async def clinic(tmp_path):
    app = ehr_app(data=tmp_path / "ehr.db", bundles=tiny_bundles(tmp_path / "bundles"))
    ehr = adapter(app, retries=RetryPolicy(attempts=1))
    async with client(app) as http, opened(tmp_path / "credence.db", ehr) as practice:
        yield practice, http
    await ehr.close()


async def cover(practice):
    """A coverage that the agent heard and an operator approved."""
    await practice.pull()
    page = await practice.store.search(Query("Patient", count=1))
    content = {**COVERAGE, "beneficiary": {"reference": f"Patient/{page.versions[0].id}"}}
    await practice.put("agent", "Coverage", "cov", content, confidence=Decimal("0.5"))
    await practice.rule("approve", "Coverage", "cov", "*", "agent")


async def told(practice, unit):
    at = await latest(practice.store)
    (story,) = await stories(practice.store, Key("Coverage", "cov"), at, names_unit("Coverage", [unit]))
    return [(step.kind, step.text) for step in story.steps]


async def test_the_writeback_and_its_echo(clinic):
    practice, http = clinic
    await cover(practice)
    await practice.settle()
    (record,) = (await http.get("Coverage")).json()["entry"]
    assert await told(practice, "subscriberId") == [
        ("claimed", "agent says W1 (confidence 0.5)"),
        ("held", "The world has W1 with confidence 0.5: nobody else speaks of it"),
        ("approved", "operator: agent's W1 is approved (confidence 0.95)"),
        ("held", "The world has W1 with confidence 0.95: nobody else speaks of it"),
        ("writeback", "Writeback to clinic is requested"),
        ("writeback", "Writeback to clinic is in-progress (attempt 1)"),
        ("echoed", "ehr answers with W1"),
        ("writeback", f"Writeback to clinic is completed: Coverage/{record['resource']['id']}/_history/1"),
    ]


async def test_the_sink_refuses(clinic):
    practice, http = clinic
    await cover(practice)
    await http.post("http://ehr.test/admin/faults", json={"conflict_rate": 1})
    await practice.settle()
    steps = await told(practice, "subscriberId")
    failed = [text for kind, text in steps if kind == "writeback" and "failed" in text]
    assert failed and failed[0].startswith("Writeback to clinic is failed: "), steps
    assert any(kind == "review" for kind, _ in steps), "an operator decides about what the EHR refused"
    assert not any(kind == "echoed" for kind, _ in steps)


async def test_the_story_of_another_element_has_none_of_it(clinic):
    practice, _ = clinic
    await cover(practice)
    await practice.settle()
    await practice.amend("operator", "Coverage", "cov", relationship={"text": "self"})
    steps = await told(practice, "relationship")
    assert steps[1][1].startswith("ehr says that there is none"), "its whole record is without one"
    assert [kind for kind, _ in steps] == ["claimed", "claimed", "claimed", "held"]
