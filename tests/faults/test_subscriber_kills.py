"""A short drill of a subscriber and a server that are killed; and that it would see it if something were lost."""

from __future__ import annotations

import pytest

from tests.faults.subscriber_kills import Drill, Outcome


async def test_every_event_arrives_once_by_its_number_and_in_order(tmp_path):
    outcome = await Drill(tmp_path, seed=3).run(300, kills=3, server_kills=1)
    assert outcome.problems == []


@pytest.mark.slow
async def test_ten_kills_during_ten_thousand_events(tmp_path):
    outcome = await Drill(tmp_path, seed=4).run(10_000, kills=10)
    assert outcome.problems == []


def test_the_drill_sees_what_is_lost_swapped_or_made_up(tmp_path):
    drill = Drill(tmp_path)
    drill._written = ["a", "b", "c"]

    def problems(*told):
        drill._notifications = lambda: [
            {"events": [{"event-number": str(number), "focus": {"reference": f"x/Encounter/{what}"}}]}
            for number, what in told
        ]
        return drill._compare(Outcome(3, 0, 0))

    assert problems((1, "a"), (2, "b"), (2, "b"), (3, "c")) == []
    assert problems((1, "a"), (3, "c"))[0] == "1 events are missing, the first is 2"
    assert "events did not come in order" in problems((1, "a"), (3, "c"), (2, "b"))
    assert problems((1, "a"), (2, "b"), (2, "c"), (3, "c"))[0] == "event 2 was b, then c"
    assert "the numbers do not follow the log" in problems((1, "b"), (2, "a"), (3, "c"))
