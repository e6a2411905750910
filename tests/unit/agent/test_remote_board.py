"""The board of another process whose answers are late or missing."""

from __future__ import annotations

import httpx

from agent.live.remote import RemoteBoard

_CALL = {"id": "c1", "title": "Inbound call", "caller": "+14125550142", "started": "2026-11-29T06:00:00Z"}


async def test_a_telephone_that_misses_a_question_has_not_lost_its_calls() -> None:
    answers = [True, False, False, True, False, False, False]

    def answer(request: httpx.Request) -> httpx.Response:
        if not answers.pop(0):
            raise httpx.ConnectTimeout("late")
        return httpx.Response(200, json={"calls": [_CALL]})

    board = RemoteBoard("http://telephone", lambda name: "pass", httpx.MockTransport(answer))
    shown = []
    for _ in range(7):
        await board.refresh()
        shown.append(board.call("c1") is not None)
    assert shown == [True] * 6 + [False]


async def test_a_call_that_is_listed_no_more_can_still_be_looked_at() -> None:
    """Whoever wrapped it up still has its page open."""
    listed, known = [True, False, False], [200, 404]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/c1"):
            return httpx.Response(known.pop(0), json={**_CALL, "ended": "wrapped up", "stage": "completed"})
        return httpx.Response(200, json={"calls": [_CALL] if listed.pop(0) else []})

    board = RemoteBoard("http://telephone", lambda name: "pass", httpx.MockTransport(answer))
    await board.refresh()
    await board.refresh()
    over = board.call("c1")
    assert board.calls() == [] and over is not None and over.ended == "wrapped up"
    await board.refresh()
    assert board.call("c1") == over, "asked for once"
    assert known == [404]
