"""A caller is measured against the caller's own ordinary voice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.emotion.baseline import Baseline
from agent.emotion.cues import CUES, soft, weighed
from agent.emotion.prosody import Prosody

CALM = Prosody(
    voiced=2.0, f0=10.0, high=11.5, range=5.0, level=-26.0, headroom=35.0, rate=4.5, pauses=0.15,
    alpha=-12.0, balance=-3.0, peaks=-20.0, hnr=12.0,
)  # fmt: skip


def roused(by: float, of: Prosody = CALM) -> Prosody:
    """Every cue ``by`` ordinary spreads up."""
    moved = {
        name: getattr(of, name) + by * cue.spread(2.0) * (1 if cue.weight >= 0 else -1)
        for name, cue in CUES.items()
        if name != "level"
    }
    return replace(of, **moved)


def settled(turns: int = 4, base: Prosody = CALM) -> Baseline:
    baseline = Baseline()
    for at in range(turns):
        baseline.follow(replace(base, f0=base.f0 + 0.3 * (-1) ** at, level=base.level + 0.1 * (-1) ** at))
    return baseline


def test_the_first_turn_scores_nothing_and_is_little_sure() -> None:
    baseline = Baseline()
    assert (baseline.follow(roused(3)), baseline.sure) == (0.0, pytest.approx(2.0 / 4.5))
    assert Baseline().sure == 0.0


def test_more_speech_makes_surer() -> None:
    assert settled(1).sure < settled(4).sure < settled(10).sure < 1


def test_scores_are_relative_to_the_voice() -> None:
    deep, high = settled(), settled(base=replace(CALM, f0=20.0, high=21.5, alpha=-5.0))
    assert deep.score(roused(3)) == pytest.approx(
        high.score(roused(3, replace(CALM, f0=20.0, high=21.5, alpha=-5.0))), abs=0.1
    )
    assert deep.score(roused(3)) > 2 > deep.score(roused(1)) > 0.5 > abs(deep.score(CALM))
    assert deep.score(roused(-2)) < -0.5


def test_an_angry_stretch_does_not_become_ordinary() -> None:
    baseline = settled()
    scores = [baseline.follow(roused(3)) for _ in range(20)]
    assert scores[-1] > 2


def test_a_caller_who_calms_down_is_known_afterwards() -> None:
    """Angry from the first word: learnt as ordinary, until calmer turns outnumber it."""
    baseline = settled(2, base=roused(3))
    assert baseline.score(roused(3)) < 0.5
    for _ in range(6):
        baseline.follow(CALM)
    assert baseline.score(roused(3)) > 1.5


def test_one_mistaken_measurement_does_not_decide() -> None:
    baseline = settled()
    assert baseline.score(replace(CALM, f0=CALM.f0 + 12)) < 1.3
    assert soft(1000) < 5 and soft(-1000) > -1.6


def test_levelled_loudness_is_not_believed_and_moving_loudness_is() -> None:
    levelled, free = settled(6), Baseline()
    for at in range(6):
        free.follow(replace(CALM, level=CALM.level + 3 * (-1) ** at))
    assert (levelled.loudness, free.loudness) == (0.0, 1.0)
    shout = replace(CALM, level=CALM.level + 8)
    assert free.score(shout) > levelled.score(shout) + 0.2
    assert levelled.score(shout) == pytest.approx(levelled.score(CALM))


def test_long_turns_tell_more_than_short_ones() -> None:
    baseline = settled()
    assert baseline.score(replace(roused(2), voiced=0.4)) < baseline.score(replace(roused(2), voiced=4.0))


def test_cues_without_values_weigh_nothing() -> None:
    assert weighed({}) == 0.0
    assert weighed({"level": 3.0}, loudness=0.0) == 0.0
