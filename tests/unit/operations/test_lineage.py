"""``$lineage``: per unit the winner, the contenders, and the statement each rests on."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.model.validation import validate
from fhirserver.ports.judge import Turn
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Decide, Ruling
from fhirserver.store.transcripts import KIND, TRANSCRIPT
from fhirserver.world.judge.transcript import attachments
from fhirserver.world.reasons import RULES
from fhirserver.world.survivorship import claims_on
from fhirserver.world.vocabulary import CONFIDENCE, TRANSCRIPT_TURNS
from tests.facade import Facade, patient, said


def units(parameters: JsonObject) -> dict[str, JsonObject]:
    return {bare(one)["path"]: bare(one) for one in parameters["parameter"] if one["name"] == "unit"}


_MANY = ("claim", "evidence", "quote", "ruling", "became")


def bare(parameter: JsonObject) -> dict[str, Any]:
    values: dict[str, Any] = {"claim": []}
    for part in parameter["part"]:
        if part["name"] in _MANY:
            values.setdefault(part["name"], []).append(bare(part))
        elif "part" in part:
            values[part["name"]] = bare(part)
        else:
            values[part["name"]] = next(value for name, value in part.items() if name.startswith("value"))
    return values


async def test_who_says_what_and_on_what_it_rests(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="female"))
    await server.agent.put(patient("p", gender="male"), x_provenance=said("0.3", "mentioned", "partial"))
    answer = await server.reader.get("Patient/p/$lineage")
    parameters = loads(answer.content)
    assert [issue for issue in validate(parameters) if issue.severity == "error"] == []
    gender = units(parameters)["Patient.gender"]
    assert (gender["value"], gender["source"]) == ('{"gender":"female"}', "ehr")
    ehr, agent = gender["claim"]
    assert (ehr["role"], agent["role"]) == ("wins", "contends")
    assert (agent["confidence"], agent["method"]) == (Decimal("0.3"), "mentioned")
    for claim in gender["claim"]:
        provenance = await server.reader.get(claim["provenance"]["reference"])
        assert provenance.status_code == 200
        assert provenance.json()["agent"][0]["who"]["display"] == claim["source"]


async def test_a_repetition_that_is_surer_is_what_the_claim_rests_on(server: Facade) -> None:
    for confidence in ("0.2", "0.5"):
        await server.agent.put(patient("p", gender="male"), x_provenance=said(confidence, mode="partial"))
    gender = units(loads((await server.reader.get("Patient/p/$lineage")).content))["Patient.gender"]
    (claim,) = gender["claim"]
    provenance = loads((await server.reader.get(claim["provenance"]["reference"])).content)
    assert claim["confidence"] == provenance["extension"][0]["valueDecimal"] == Decimal("0.5")


async def test_refusals(server: Facade) -> None:
    assert (await server.reader.get("Patient/never/$lineage")).status_code == 404
    await server.ehr.put(patient("p"))
    assert (await server.reader.get("Patient/p/$lineage?units=x")).status_code == 400
    await server.ehr("DELETE", "Patient/p")
    assert (await server.reader.get("Patient/p/$lineage")).status_code == 410


async def lineage(server: Facade, path: str) -> dict[str, JsonObject]:
    answer = await server.reader.get(path)
    assert answer.status_code == 200, answer.text
    parameters = loads(answer.content)
    assert [issue for issue in validate(parameters) if issue.severity == "error"] == []
    return units(parameters)


async def rule(server: Facade, kind: str, source: str, unit: str = "gender", **more: Any) -> None:
    """A ruling by ana on what a source says now."""
    entity = await server.store.entity("Patient", "p")
    assert entity is not None
    claim = next(one for one in claims_on(entity.ledger, unit) if one.source == source)
    ruling = Ruling(kind, unit, source, claim.stamp.position, **more)
    await server.store.submit(Command(Statement("operator", "ana"), [Decide("Patient", "p", [ruling])]))


async def test_rules(server: Facade) -> None:
    """Each rule of survivorship shows as what decided."""

    async def decided() -> str:
        return str((await lineage(server, "Patient/p/$lineage?unit=gender"))["Patient.gender"]["rule"])

    partial = said("0.5", "confirmed", "partial")
    await server.ehr.put(patient("p", gender="female"))
    assert await decided() == "only"
    await server.agent.put(patient("p", gender="male"), x_provenance=partial)
    assert await decided() == "confidence"
    await rule(server, "approve", "agent")
    assert await decided() == "approval"
    await rule(server, "reject", "agent", reason="misheard")
    assert await decided() == "rejection"
    await server.lab.put(patient("p", gender="other"))
    assert await decided() == "later"
    await server.lab.put(patient("p", gender="female"))
    gender = (await lineage(server, "Patient/p/$lineage?unit=gender"))["Patient.gender"]
    assert (gender["rule"], gender["because"]) == ("rejection", RULES["rejection"])
    assert gender["corroboratedBy"] in ("ehr", "lab")
    await rule(server, "reject", "ehr")
    await rule(server, "reject", "lab")
    none = (await lineage(server, "Patient/p/$lineage?unit=gender"))["Patient.gender"]
    assert (none["rule"], none.get("value"), len(none["claim"])) == ("none", None, 3)


async def test_who_decided(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="female"))
    await server.agent.put(patient("p", gender="male"), x_provenance=said("0.5", "confirmed", "partial"))
    await rule(server, "approve", "agent")
    winner, loser = (await lineage(server, "Patient/p/$lineage"))["Patient.gender"]["claim"]
    assert (winner["source"], winner["stated"], winner["confidence"]) == (
        "agent",
        Decimal("0.5"),
        Decimal("0.95"),
    )
    assert [(made["kind"], made["by"]) for made in winner["ruling"]] == [("approve", "ana")]
    by = loser["supersededBy"]
    assert (loser["status"], by["kind"], by["by"], by["position"]) == (
        "superseded",
        "approve",
        "ana",
        server.store.head,
    )
    provenance = await server.reader.get(by["provenance"]["reference"])
    assert provenance.json()["agent"][0]["who"]["display"] == "ana"
    await rule(server, "reject", "agent", reason="misheard")
    rejected = (await lineage(server, "Patient/p/$lineage"))["Patient.gender"]["claim"][1]
    assert (rejected["rejectedBy"]["by"], rejected["rejectedBy"]["reason"]) == ("ana", "misheard")


async def test_evidence_is_quoted(server: Facade) -> None:
    at = datetime(2026, 11, 22, 14, 47, tzinfo=UTC)
    turns = [Turn(1, "agent", "Your birth date?", at), Turn(2, "caller", "June first, ninety-nine.", at)]
    communication = {"resourceType": "Communication", "id": "call", "status": "completed"}
    document = {
        "resourceType": "DocumentReference",
        "id": "transcript",
        "status": "current",
        "category": [{"coding": [{"system": KIND, "code": TRANSCRIPT}]}],
        "content": attachments(turns, "Communication/call", "UTC", at),
        "context": {"related": [{"reference": "Communication/call"}]},
    }
    provenance = {
        "resourceType": "Provenance",
        "extension": [{"url": CONFIDENCE, "valueDecimal": Decimal("0.5")}],
        "agent": [{"who": {"display": "Line 2"}, "onBehalfOf": {"display": "Eve's mother"}}],
        "entity": [
            {
                "role": "source",
                "what": {"reference": "Communication/call"},
                "extension": [{"url": TRANSCRIPT_TURNS, "valueString": "2"}],
            }
        ],
    }
    await server.agent.put(patient("p", birthDate="1999-06-01"), x_provenance=dumps(provenance).decode())
    await server.agent.put(communication)
    await server.agent.put(document)
    (claim,) = (await lineage(server, "Patient/p/$lineage?unit=Patient.birthDate"))["Patient.birthDate"][
        "claim"
    ]
    assert (claim["agent"]["display"], claim["onBehalfOf"]["display"]) == ("Line 2", "Eve's mother")
    assert claim["principal"] == "agent"
    (evidence,) = claim["evidence"]
    assert (evidence["what"]["reference"], evidence["turns"]) == ("Communication/call", "2")
    quotes = [(one["turn"], one["speaker"], one["text"]) for one in evidence["quote"]]
    assert quotes == [(2, "caller", "June first, ninety-nine.")]


async def test_every_claim_ever_made(server: Facade) -> None:
    """What became of each: superseded, then replaced by its source; rejected; removed with the record."""
    await server.ehr.put(patient("p", gender="female"))
    first = server.store.head
    await server.agent.put(patient("p", gender="male"), x_provenance=said("0.5", "confirmed", "partial"))
    await rule(server, "approve", "agent")
    approved = server.store.head
    await server.ehr.put(patient("p", gender="other"))
    replaced = server.store.head
    await server.agent("DELETE", "Patient/p")
    removed = server.store.head
    plain = (await lineage(server, "Patient/p/$lineage"))["Patient.gender"]
    assert [one["source"] for one in plain["claim"]] == ["ehr"]
    told = (await lineage(server, "Patient/p/$lineage?history=true&unit=gender"))["Patient.gender"]
    became = {
        (one["source"], one["role"]): [(turn["position"], turn["status"]) for turn in one["became"]]
        for one in told["claim"]
    }
    assert became["ehr", "past"] == [(first, "live"), (approved, "superseded"), (replaced, "replaced")]
    assert became["ehr", "wins"] == [(replaced, "live")]
    assert became["agent", "past"] == [(first + 1, "live"), (removed, "removed")]
    assert {one["status"] for one in told["claim"] if one["role"] == "past"} == {"replaced", "removed"}


async def test_as_of_each_position_as_it_was_then(server: Facade) -> None:
    chance, kept = random.Random(3), []
    clients = {"ehr": server.ehr, "lab": server.lab, "agent": server.agent}
    for _ in range(14):
        source = chance.choice(list(clients))
        if kept and chance.random() < 0.3:
            with_claims = (await server.store.ledger("Patient", "p")) or pytest.fail("no ledger")
            await rule(server, chance.choice(["approve", "reject", "verify"]), with_claims.views[0].source)
        else:
            stated = patient("p", gender=chance.choice(["male", "female"]))
            await clients[source].put(
                stated, x_provenance=said("0.5" if source == "agent" else "1", mode="partial")
            )
        kept.append((server.store.head, (await server.reader.get("Patient/p/$lineage")).json()))
    for position, answer in kept:
        again = (await server.reader.get(f"Patient/p/$lineage?_asOf={position}")).json()
        assert again["parameter"][0]["part"][0] == {"name": "position", "valueInteger": position}
        assert again["parameter"][1:] == answer["parameter"]


async def test_what_was_believed_on_tuesday_about_monday(server: Facade) -> None:
    """On Monday the EHR said one thing; on Wednesday it said what had held since Monday."""

    async def states(gender: str, since: str) -> int:
        provenance = loads(said("1.0", mode="partial"))
        provenance["occurredDateTime"] = since
        await server.ehr.put(patient("p", gender=gender), x_provenance=dumps(provenance).decode())
        return server.store.head

    async def believed(asked: str) -> str:
        return str(
            loads((await lineage(server, f"Patient/p/$lineage?{asked}"))["Patient.gender"]["value"])["gender"]
        )

    await states("male", "2026-11-01")
    tuesday = await states("female", "2026-11-10")
    await states("other", "2026-11-05")
    assert await believed(f"_asOf={tuesday}") == "female"
    assert await believed(f"_asOf={tuesday}&effective=2026-11-09") == "male"
    assert await believed("effective=2026-11-09") == "other"
    assert await believed("effective=2026-11-04") == "male"
    for asked in ("effective=2026-10-31", f"_asOf={tuesday}&effective=2026-10"):
        answer = await server.reader.get(f"Patient/p/$lineage?{asked}")
        assert (answer.status_code, answer.json()["issue"][0]["expression"]) == (404, ["http.effective"])


@pytest.mark.parametrize(
    ("asked", "status", "place"),
    [
        ("effective=monday", 400, "http.effective"),
        ("history=maybe", 400, "http.history"),
        ("history=true&effective=2026-11-01", 400, "http.history"),
        ("_asOf=monday", 400, "http._asOf"),
        ("_asOf=0", 404, "http._asOf"),
        ("unit=gander", 404, "http.unit"),
        ("units=gender", 400, "http.units"),
    ],
)
async def test_inputs_that_are_wrong(server: Facade, asked: str, status: int, place: str) -> None:
    await server.ehr.put(patient("p", gender="male"))
    answer = await server.reader.get(f"Patient/p/$lineage?{asked}")
    assert (answer.status_code, answer.json()["issue"][0]["expression"]) == (status, [place])
