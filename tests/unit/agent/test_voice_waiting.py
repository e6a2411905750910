"""No silence while it is the agent's turn, and no word for a wait while it is the caller's."""

from __future__ import annotations

import itertools

from agent.effects import Filler
from agent.voice.waiting import Waiting


def words(waiting: Waiting, until: float, heard: float = 0.7, tier: str = "") -> list[tuple[float, str]]:
    """Ask every 20 ms; each word is heard for ``heard`` seconds."""
    out, busy_until = [], -1.0
    for step in range(round(until / 0.02) + 1):
        now = round(step * 0.02, 2)
        quiet = None if now < busy_until else max(busy_until, 0.0)
        filler = waiting.due(now, quiet, tier)
        if filler is not None:
            out.append((now, filler.text))
            busy_until = now + heard
    return out


def test_nothing_is_said_while_nothing_is_owed() -> None:
    assert words(Waiting(), 10) == []


def test_a_word_comes_when_the_answer_takes_its_time() -> None:
    waiting = Waiting()
    waiting.owe(0.0)
    given = words(waiting, 9)
    assert given[0][0] == 0.4
    gaps = [b[0] - (a[0] + 0.7) for a, b in itertools.pairwise(given)]
    assert len(given) >= 3 and all(1.5 < g <= 2.0 for g in gaps), given


def test_no_word_where_the_answer_is_there_in_time() -> None:
    waiting = Waiting()
    waiting.owe(0.0)
    waiting.paid(0.3)
    assert words(waiting, 5) == []


def test_the_brain_chooses_the_first_word() -> None:
    waiting = Waiting()
    waiting.owe(0.0)
    waiting.offer(Filler("working", "Let me look at the calendar."))
    assert next(t for _, t in words(waiting, 3)) == "Let me look at the calendar."


def test_a_tool_in_the_breath_of_an_answer_makes_a_new_one_due() -> None:
    waiting = Waiting()
    waiting.owe(0.0)
    waiting.paid(0.1)
    waiting.working(True, 0.1)
    assert waiting.holding and words(waiting, 2)


def test_a_look_up_in_the_background_is_no_wait() -> None:
    waiting = Waiting()
    waiting.working(True, 1.0)
    assert words(waiting, 5) == []
    assert waiting.holding, "but nobody asks whether the caller is still there"


def test_a_frustrated_caller_is_understood_first() -> None:
    waiting = Waiting()
    waiting.owe(0.0)
    assert words(waiting, 1, tier="full empathy")[0][1] == "I understand."


def test_a_wait_without_end_is_given_up() -> None:
    waiting = Waiting()
    waiting.owe(0.0)
    given = words(waiting, 120)
    assert 5 <= len(given) <= 12 and not waiting.holding
