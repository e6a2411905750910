"""What is an event: triggers with queries, FHIRPath and events of the log, on each kind of change."""

from __future__ import annotations

import itertools

import pytest

from tests.subscribing import encounter

BOTH = {"previous": "status:not=finished", "current": "status=finished"}


def trigger(interactions=(), fhirpath="", **query):
    made = {"resource": "Encounter"}
    if interactions:
        made["supportedInteraction"] = list(interactions)
    if query:
        made["queryCriteria"] = query
    if fhirpath:
        made["fhirPathCriteria"] = fhirpath
    return made


async def states(tried, id, *statuses):
    """Bring an encounter through states; ``None`` deletes it."""
    for status in statuses:
        if status is None:
            answer = await tried.server.ehr("DELETE", f"Encounter/{id}")
        else:
            answer = await tried.server.ehr.put(encounter(id, status))
        assert answer.status_code < 300, answer.text


async def test_without_criteria_every_supported_interaction_is_an_event(tried):
    for number, interactions in enumerate(itertools.combinations(("create", "update", "delete"), 2)):
        await tried.topic(trigger(interactions))
        await tried.subscribe(f"s{number}")
        await states(tried, f"e{number}", "planned", "finished", None)
        assert await tried.happened(f"s{number}") == [f"e{number}"] * 2
        await tried.server.ehr.put(
            {**(await tried.server.ehr.get(f"Subscription/s{number}")).json(), "status": "off"}
        )


@pytest.mark.parametrize(
    ("query", "events"),
    [
        ({"current": "status=finished"}, 2),  # planned, FINISHED, FINISHED (changed), deleted
        ({"previous": "status:not=finished"}, 2),  # CREATED planned (passes by default), into finished
        ({"previous": "status:not=finished", "resultForCreate": "test-fails"}, 1),
        ({**BOTH, "requireBoth": True}, 1),
        ({**BOTH, "requireBoth": False}, 3),
        ({**BOTH, "requireBoth": True, "resultForDelete": "test-passes"}, 1),
        ({"current": "status=finished", "resultForDelete": "test-passes"}, 3),
        (
            {"previous": "status=finished", "resultForCreate": "test-fails"},
            2,
        ),  # changed while finished, deleted
    ],
)
async def test_query_criteria_look_at_the_state_before_and_after(tried, query, events):
    await tried.topic(trigger(**query))
    await tried.subscribe()
    await states(tried, "e", "planned", "finished")
    await tried.server.ehr.put(encounter("e", "finished", reasonCode=[{"text": "changed"}]))
    await states(tried, "e", None)
    assert len(await tried.happened()) == events


@pytest.mark.parametrize(
    ("fhirpath", "events"),
    [
        ("%current.status = 'finished'", 2),
        ("%previous.status != 'finished' and %current.status = 'finished'", 1),
        (
            "(%previous.id.empty() or (%previous.status != 'finished')) and (%current.status = 'finished')",
            1,
        ),
        ("%previous.id.empty()", 1),
        ("%current.id.empty() and %previous.exists()", 1),
        ("status = 'finished'", 3),  # of a deletion, what was there
        ("%current.status", 0),  # neither true nor false
        ("%current.status > 5", 0),  # cannot be evaluated
    ],
)
async def test_fhirpath_criteria_see_previous_and_current(tried, fhirpath, events):
    await tried.topic(trigger(fhirpath=fhirpath))
    await tried.subscribe()
    await states(tried, "e", "planned", "finished")
    await tried.server.ehr.put(encounter("e", "finished", reasonCode=[{"text": "changed"}]))
    await states(tried, "e", None)
    assert len(await tried.happened()) == events


async def test_query_and_fhirpath_must_both_be_met(tried):
    await tried.topic(trigger(current="status=finished", fhirpath="%current.id = 'b'"))
    await tried.subscribe()
    await states(tried, "a", "finished")
    await states(tried, "b", "finished")
    assert await tried.happened() == ["b"]


async def test_an_event_of_the_log_is_an_event_without_a_new_version(tried):
    """A ruling that only confirms what holds changes no resource; the log has it all the same."""
    events = {
        "event": {
            "coding": [{"system": "https://credence.health/fhir/CodeSystem/log-event", "code": "removed"}]
        },
        "resource": "Encounter",
    }
    await tried.topic(eventTrigger=[events])
    await tried.subscribe()
    await states(tried, "a", "finished", None)
    await states(tried, "b", "finished")
    assert await tried.happened() == ["a"]


async def test_a_chain_follows_the_references_of_the_version_and_has_asks_the_store(tried):
    server = tried.server
    await server.ehr.put({"resourceType": "Patient", "id": "p1", "gender": "female"})
    await server.ehr.put({"resourceType": "Patient", "id": "p2", "gender": "male"})
    await tried.topic(trigger(current="patient.gender=female"))
    await tried.subscribe()
    await server.ehr.put(encounter("a", "finished", "p1"))
    await server.ehr.put(encounter("b", "finished", "p2"))
    await server.ehr.put(encounter("a", "finished", "p2"))
    assert await tried.happened() == ["a"]


async def test_a_topic_that_changes_counts_from_then_on(tried):
    await tried.topic(trigger(current="status=finished"))
    await tried.subscribe()
    await states(tried, "a", "finished")
    assert await tried.happened() == ["a"]
    await tried.topic(trigger(current="status=planned"))
    await states(tried, "b", "finished")
    await states(tried, "c", "planned")
    assert await tried.happened() == ["a", "c"]


async def test_a_subscription_whose_topic_is_gone_is_in_error_until_it_is_back(tried):
    from tests.subscribing import eventually

    await tried.topic(trigger(current="status=finished"))
    await tried.subscribe()
    await tried.server.admin("DELETE", "SubscriptionTopic/tried")
    await tried.happened()

    async def error():
        found = (await tried.server.ehr.get("Subscription/s")).json()
        return found["status"] == "error" and "SubscriptionTopic" in found.get("error", "")

    await eventually(error)
