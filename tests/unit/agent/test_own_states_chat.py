"""States of a document's own in a chat: asked, answered, claimed, also when the process dies in between."""

from __future__ import annotations

from dataclasses import replace

from chat_desk import ADA, ANN, ChatDesk, say, until
from test_definition import of
from test_own_states import ASK, PHARMACY, SERVED, TRIAGE


def desk_with(states: list[object]) -> ChatDesk:
    desk = ChatDesk()
    desk.setting = replace(of({"graph": {"states": states}}), written=True)
    return desk


async def test_the_question_outlives_the_process() -> None:
    desk = desk_with([SERVED, ASK])
    room = await desk.room()
    one, _ = await room.begin(ANN)
    await say(room, ANN, one.id, "cancel my appointment")
    assert "Which pharmacy" in await say(room, ANN, one.id, "Eve Bradtke, March 3rd 1982")
    assert "I have CVS. Is that right?" in await say(room, ANN, one.id, "CVS")
    await room.close()
    again = await desk.room()
    told = await say(again, ANN, one.id, "yes")
    assert "reason" in told and "Which pharmacy" not in told
    assert "Is that right?" in await say(again, ANN, one.id, "my car broke down")
    assert "cancelled" in await say(again, ANN, one.id, "yes")
    await say(again, ANN, one.id, "no thanks, goodbye")
    await until(lambda: not again.under_way)
    (eve,) = [p for p in desk.server.of("Patient") if p["id"] == "eve"]
    assert eve["extension"] == [{"url": PHARMACY, "valueString": "CVS"}]
    await desk.close()


async def test_whom_the_token_proves_is_asked_as_well() -> None:
    desk = desk_with([SERVED, ASK])
    room = await desk.room()
    one, _ = await room.begin(ADA)
    assert "Which pharmacy" in await say(room, ADA, one.id, "when is my next appointment?")
    await desk.close()


async def test_a_decision_hands_over_before_anybody_is_identified() -> None:
    desk = desk_with(TRIAGE)
    room = await desk.room()
    one, _ = await room.begin(ANN)
    assert "been with us before" in await say(room, ANN, one.id, "cancel my appointment")
    told = await say(room, ANN, one.id, "no")
    assert "Our desk welcomes new patients." in told and "birth" not in told
    await desk.close()
