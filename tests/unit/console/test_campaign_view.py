"""What the campaign pages make of members and contacts."""

from __future__ import annotations

from typing import Any, cast

from fhirserver.console.campaign_board import CampaignBoard, Contact, Definition, Member, Order
from fhirserver.console.campaign_view import card, people, shown, state_of
from fhirserver.console.charts import stacks
from fhirserver.store.store import Store
from fhirserver.world.outreach import CONTROL, RUN


def _board() -> CampaignBoard:
    board = CampaignBoard(cast(Store, cast(Any, None)))
    board.definitions["c"] = Definition("c", "Confirm", "Visits are confirmed", "active")
    board.orders["t"] = Order("t", CONTROL, "c", "in-progress", "2026-12-01T09:00:00Z", "1")
    fates = [
        ("completed", "done"),
        ("completed", "unreached"),
        ("active", ""),
        ("revoked", "no-consent"),
        ("active", ""),
    ]
    for n, (status, outcome) in enumerate(fates):
        board.members[f"m{n}"] = Member(
            f"m{n}", "c", f"Patient/{n}", status, outcome, f"2026-12-01T1{n}:00:00Z", "why"
        )
    for n, (member, at) in enumerate((("m0", "09:10"), ("m1", "09:20"), ("m1", "15:20"), ("m2", "09:21"))):
        channel = "call" if n == 2 else "sms"
        board.contacts[f"k{n}"] = Contact(f"k{n}", member, channel, "completed", "", f"2026-12-01T{at}:00Z")
    return board


def test_a_card_counts_patients_and_not_contacts() -> None:
    made = card(_board(), "c")
    assert (made.audience, made.tried, made.reached, made.open, made.over, made.share) == (5, 3, 1, 2, 3, 60)
    assert made.state == "running" and made.title == "Confirm"


def test_who_was_left_out_and_who_is_next() -> None:
    board = _board()
    one = shown(board, "c")
    assert [(g.outcome, g.count) for g in one.left_out] == [("no-consent", 1)]
    assert {g.outcome for g in one.ended} == {"done", "unreached"}
    assert [m.id for m in one.next] == ["m2", "m4"]
    assert [m.id for m in people(board, "c", "no-consent", tried=False)] == ["m3"]
    assert people(board, "c", "no-consent", tried=True) == []


def test_why_a_run_waits_is_shown_while_it_goes_on() -> None:
    board = _board()
    assert shown(board, "c").waits == []
    why = "calls wait: no operator is present"
    board.orders["r"] = Order("r", RUN, "c", "in-progress", "2026-12-01T09:00:00Z", "1", why)
    assert shown(board, "c").waits == [why]
    board.orders["r"] = Order("r", RUN, "c", "completed", "2026-12-01T09:00:00Z", "1", why)
    assert shown(board, "c").waits == []


def test_attempts_over_time_are_all_there() -> None:
    chart = shown(_board(), "c").attempts
    assert sum(column.total for column in chart.columns) == 4 and len(chart.columns) <= 48
    assert chart.bands == ["call", "sms"] and chart.top == 2
    bottoms = [y + height for column in chart.columns for _, _, y, _, height, _ in column.parts]
    assert max(bottoms) <= 190.01 and min(y for c in chart.columns for _, _, y, *_ in c.parts) >= 9.99


def test_without_contacts_there_is_no_chart() -> None:
    assert (
        stacks("a", "A", [], {}, ("call",)).columns == []
        and "no data" in stacks("a", "A", [], {}, ()).description
    )


def test_the_state_is_that_of_who_controls_it_else_of_its_runs() -> None:
    run = Order("r", RUN, "c", "completed", "2026", "1")
    assert state_of(None, []) == "not started" and state_of(None, [run]) == "finished"
    assert state_of(Order("t", CONTROL, "c", "on-hold", "2026", "1"), [run]) == "paused"
