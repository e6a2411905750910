"""The second judge and the sweep over a real store, through the real SDK."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from adapters.openai.judge import OpenAiJudge
from adapters.openai.settings import ModelSettings
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Decide, Ruling
from fhirserver.store.followers import Following
from fhirserver.world.judge.deterministic import DeterministicJudge
from fhirserver.world.policy import default_policy
from fhirserver.world.review import read_item
from subscriptions.opinions import opinion
from subscriptions.second_opinion import SecondOpinions
from subscriptions.sweep import Sweep
from subscriptions.verification import Verification
from tests.e2e.test_verification import COVERAGE, GOOD, TALK, Room
from tests.openai_server import OpenAiServer
from tests.unit.runner.practice import SOURCES, make_store

HEDGED = (
    ("agent", "What is the member ID?"),
    ("caller", "I think it's W one two double three four five, but I'm not sure"),
)
MEMBER = {**COVERAGE, "subscriberId": "W123345"}
DENIED = (("agent", "Is it W 1 2 3 3 4 5?"), ("caller", "No, that's wrong."))


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAiServer]:
    with OpenAiServer() as running:
        yield running


class Rooms(Room):
    """A room whose follower notes what the second judge is to be asked."""

    mode = "doubtful"

    def __init__(self, store: Any, sources: Any) -> None:
        self.judges: list[OpenAiJudge] = []
        super().__init__(store, sources)

    def begin(self) -> None:
        policy = default_policy()
        self.rules = DeterministicJudge()
        self.follower = Verification(
            self.store, policy, self.rules, self.sources, clock=self.clock, mode=self.mode
        )
        self.following = Following(self.store, self.follower, "credence")

    def second(self, server: OpenAiServer, retries: int = 0) -> SecondOpinions:
        judge = OpenAiJudge(ModelSettings("k", url=server.url, timeout=2, retries=retries))
        self.judges.append(judge)
        return SecondOpinions(
            self.store, default_policy(), self.rules, judge, self.mode, "credence", clock=self.clock
        )

    async def talk(self, mode: str, lines: Any) -> None:
        self.mode = mode
        self.begin()
        await self.say("Coverage", "c", MEMBER)
        await self.transcript(lines)
        await self.follow()


@pytest.fixture
async def room(tmp_path: Path, server: OpenAiServer) -> AsyncIterator[Rooms]:
    server.forget()
    store = make_store(tmp_path / "credence.db", SOURCES)
    await store.open()
    made = Rooms(store, SOURCES)
    yield made
    for judge in made.judges:
        await judge.aclose()
    await store.close()


def verdict(server: OpenAiServer, finding: str, *quotes: tuple[int, str]) -> str:
    said = {
        "finding": finding,
        "certainty": 0.9,
        "reasoning": "So it is.",
        "quotes": [{"turn": t, "text": q} for t, q in quotes],
    }
    return json.dumps({"verdicts": [{"claim": n, **said} for n in range(1, 9)]})


SAID = (2, "W one two double three four five")


async def test_the_model_settles_what_the_rules_doubt(room: Rooms, server: OpenAiServer) -> None:
    await room.talk("doubtful", HEDGED)
    assert (await room.findings())["subscriberId"] == "doubtful", "an operator sees it at once"
    server.script([verdict(server, "verified", SAID)])
    assert await room.second(server).give(TALK)
    claim = await room.claim("Coverage", "c", "subscriberId")
    assert (claim.confidence, claim.checked) == (Decimal("0.7"), "verify")
    assert (await room.findings())["subscriberId"] == "verified"
    (item,) = await room.items()
    said = next(c for c in read_item(item).claims if c.unit == "subscriberId")
    assert "Rules: " in said.reasoning
    assert "Model: So it is." in said.reasoning


async def test_the_model_is_not_asked_about_what_is_contradicted(room: Rooms, server: OpenAiServer) -> None:
    await room.talk("doubtful", DENIED)
    server.script([verdict(server, "verified", (1, "W 1 2 3 3 4 5"), (2, "No, that's wrong."))])
    await room.second(server).give(TALK)
    assert (await room.findings())["subscriberId"] == "contradicted"
    assert all("subscriberId" not in str(asked["input"]) for asked in server.requests())


async def test_both_must_agree(room: Rooms, server: OpenAiServer) -> None:
    await room.talk("both", GOOD)
    claim = await room.claim("Coverage", "c", "subscriberId")
    assert claim.checked == "", "nothing is decided before the model has answered"
    server.script([verdict(server, "doubtful")])
    assert await room.second(server).give(TALK)
    assert (await room.claim("Coverage", "c", "subscriberId")).checked == "doubt"
    assert (await room.findings())["subscriberId"] == "doubtful"


async def test_both_agree(room: Rooms, server: OpenAiServer) -> None:
    await room.talk("both", GOOD)
    server.script(
        [
            verdict(
                server,
                "verified",
                (2, "W as in whiskey, one two double three four five"),
                (4, "yes that's right"),
            )
        ]
    )
    assert await room.second(server).give(TALK)
    assert (await room.claim("Coverage", "c", "subscriberId")).checked == "verify"


async def test_a_model_that_is_out_is_asked_again_and_then_an_operator_decides(
    room: Rooms, server: OpenAiServer
) -> None:
    await room.talk("both", GOOD)
    server.script([], [{"kind": "500"}] * 3)
    second = room.second(server)
    assert await second.give(TALK) is False
    assert (await opinion(room.store, TALK)).state == "wanted"
    room.clock.at += timedelta(minutes=16)
    assert await second.give(TALK)
    assert (await room.claim("Coverage", "c", "subscriberId")).checked == "doubt"
    (item,) = await room.items()
    assert "The second judge did not answer: InternalServerError 500" in str(item)


async def test_two_processes_do_not_both_write(room: Rooms, server: OpenAiServer) -> None:
    await room.talk("doubtful", HEDGED)
    server.script([verdict(server, "verified", SAID)] * 2)
    answers = await asyncio.gather(
        room.second(server).give(TALK), room.second(server).give(TALK), return_exceptions=True
    )
    assert True in answers
    entity = await room.store.entity("Coverage", "c")
    assert entity is not None
    made = [d for d in entity.ledger.decisions if d.kind == "verify" and d.unit == "subscriberId"]
    assert len(made) == 1
    assert await room.second(server).give(TALK), "given already: nothing more is asked"
    assert len(server.requests()) == 1


async def test_a_restart_asks_what_was_open(room: Rooms, server: OpenAiServer) -> None:
    await room.talk("doubtful", HEDGED)
    server.script([verdict(server, "verified", SAID)])
    second = room.second(server)
    loop = asyncio.create_task(second.run())
    for _ in range(200):
        if (await opinion(room.store, TALK)).state == "given":
            break
        await asyncio.sleep(0.02)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    assert (await room.claim("Coverage", "c", "subscriberId")).checked == "verify"


async def test_a_slow_model_keeps_no_claim_from_the_queue(room: Rooms, server: OpenAiServer) -> None:
    await room.talk("doubtful", HEDGED)
    server.script([], [{"kind": "slow", "seconds": 1.5}])
    asking = asyncio.create_task(room.second(server).give(TALK))
    await asyncio.sleep(0.1)
    await room.say("Patient", "p", {"birthDate": "1980-01-01"}, talk="")
    await room.follow()
    assert not asking.done()
    assert len(await room.items()) == 2
    await asking


async def test_an_operators_decision_is_not_overruled(room: Rooms, server: OpenAiServer) -> None:
    await room.talk("doubtful", HEDGED)
    claim = await room.claim("Coverage", "c", "subscriberId")
    rejection = Ruling("reject", "subscriberId", "agent", claim.stamp.position, "wrong")
    await room.store.submit(Command(Statement("operator"), (Decide("Coverage", "c", [rejection]),)))
    server.script([verdict(server, "verified", SAID)])
    assert await room.second(server).give(TALK)
    assert (await room.claim("Coverage", "c", "subscriberId")).status == "rejected"


# The sweep


def sweep(room: Rooms, policy: Any = None) -> Sweep:
    return Sweep(room.store, policy or default_policy(), room.follower, "credence", clock=room.clock)


async def lose(room: Rooms) -> None:
    """Claims that a faulty follower passed by."""
    await room.say("Patient", "p", {"birthDate": "1980-01-01"}, talk="")
    room.follower.handled = room.store.head
    room.clock.at += timedelta(minutes=2)


async def test_a_claim_that_nobody_handled_is_found_once(room: Rooms) -> None:
    await lose(room)
    assert await sweep(room).step() == 1
    assert await room.findings() == {"birthDate": "unverified"}
    head = room.store.head
    again = sweep(room)
    while await again.step():
        pass
    assert room.store.head == head
    assert len(await room.items()) == 1


async def test_the_sweep_keeps_behind_the_follower(room: Rooms) -> None:
    await room.say("Patient", "p", {"birthDate": "1980-01-01"}, talk="")
    room.clock.at += timedelta(minutes=2)
    assert await sweep(room).step() == 0, "the follower has not come so far"
    await room.follow()
    assert await sweep(room).step() == 0, "what is in review is not found again"


async def test_what_is_too_young_is_not_read(room: Rooms) -> None:
    await lose(room)
    swept = sweep(room)
    await swept.step()
    for day in range(1, 6):
        await room.say("Patient", "p", {"birthDate": f"1980-01-0{day}"}, talk="")
    room.follower.handled = room.store.head
    room.clock.at -= timedelta(minutes=2)
    with mock.patch.object(room.store, "read_log", wraps=room.store.read_log) as read:
        assert await swept.step() == 0
    assert [one.args[1] for one in read.await_args_list] == [1]


async def test_what_waits_for_its_transcript_is_left_alone(room: Rooms) -> None:
    await room.say("Coverage", "c", MEMBER)
    await room.follow()
    room.clock.at += timedelta(minutes=2)
    assert await sweep(room).step() == 0
    await room.transcript()
    await room.follow()
    room.clock.at += timedelta(minutes=2)
    swept = sweep(room)
    head = room.store.head
    assert [await swept.step(), await swept.step()] == [0, 0]
    assert room.store.head == head


async def test_claims_from_before_the_policy_asked_for_them(room: Rooms) -> None:
    from fhirserver.world.policy import parse_policy

    lax = parse_policy('[[rule]]\ntype = "*"\nverification = "none"\nwriteback = 0.3\nreview = "never"\n')
    room.follower = Verification(room.store, lax, room.rules, room.sources, clock=room.clock)
    room.following = Following(room.store, room.follower, "credence")
    await room.say("Patient", "p", {"birthDate": "1980-01-01"}, talk="")
    await room.follow()
    assert await room.items() == []
    room.begin()
    room.follower.handled = room.store.head
    room.clock.at += timedelta(minutes=2)
    assert await sweep(room).step() == 1
    assert await room.findings() == {"birthDate": "unverified"}


# Forms


async def test_a_form_is_evidence(room: Rooms) -> None:
    form = {
        "status": "completed",
        "item": [
            {"linkId": "1", "text": "Your date of birth", "answer": [{"valueDate": "1980-01-02"}]},
            {"linkId": "2", "text": "Phone number", "answer": [{"valueString": "(412) 555-0142"}]},
        ],
    }
    await room.say("QuestionnaireResponse", "f", form, talk="")
    telecom = [{"system": "phone", "value": "+14125550142"}]
    await room.say(
        "Patient",
        "p",
        {"birthDate": "1980-02-01", "telecom": telecom},
        talk="QuestionnaireResponse/f",
        turns="",
    )
    await room.follow()
    findings = await room.findings()
    assert findings["birthDate"] == "contradicted"
    assert [finding for unit, finding in findings.items() if unit.startswith("telecom")] == ["verified"]
