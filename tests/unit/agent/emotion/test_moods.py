"""From scores and words to arousal, valence, a label and a tier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from agent.emotion.moods import TIERS, Moods, arousal, label, strain, valence
from agent.emotion.prosody import Prosody
from agent.emotion.words import Words, words
from agent.manner import PLAIN, manner_of
from agent.signals import Emotion

START = datetime(2026, 11, 28, 9, tzinfo=UTC)


def prosody(f0: float = 10.0, alpha: float = -12.0) -> Prosody:
    return Prosody(2.5, f0, f0 + 1.5, 5.0, -26.0, 35.0, 4.5, 0.15, alpha, -3.0, alpha - 8, 12.0)


CALM, SHOUTED = prosody(), prosody(f0=17.0, alpha=-6.0)


def felt(*turns: tuple[str, Prosody | None]) -> list[Emotion]:
    moods = Moods()
    return [moods.turn(START + timedelta(seconds=8 * n), *turn) for n, turn in enumerate(turns)]


def tiers(*turns: tuple[str, Prosody | None]) -> list[str]:
    return [one.tier for one in felt(*turns)]


ORDINARY = ("my name is Ada Lovelace", CALM)
ANGRY = ("this is ridiculous, I have told you three times already", SHOUTED)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", 0, 0),
        ("on Thursday at ten", 0, 0),
        ("this is ridiculous", -1, -0.6),
        ("that is not ridiculous at all", 0, 0.6),
        ("I am so angry", -1, -0.8),
        ("thank you, that's perfect", 0.6, 1),
        ("I'm not happy about that", -0.6, -0.2),
        ("how many times do I have to say it", -1, -0.5),
        ("great, and who pays for this terrible mess", -0.9, -0.4),
    ],
)
def test_words(text: str, low: float, high: float) -> None:
    assert low <= words(text).valence <= high


def test_sorrow_is_told_from_anger() -> None:
    assert words("my husband died and I am so alone").down
    assert not words("I am furious").down


def test_numbers_stay_in_their_ranges() -> None:
    for score in (-50.0, -1.0, 0.0, 1.0, 50.0):
        for said in (Words(), Words(-1.0, True), Words(1.0, True), Words(-1.0, True, True)):
            assert 0 <= arousal(score, said) <= 1
            assert -1 <= valence(score, said) <= 1
            assert 0 <= strain(arousal(score, said), valence(score, said), said.down) <= 1


def test_a_roused_voice_with_pleasant_words_is_no_anger() -> None:
    assert valence(3.0, words("wonderful, thank you so much")) > 0.5
    assert valence(3.0, Words()) < -0.5


def test_an_ordinary_call_stays_functional() -> None:
    assert set(tiers(*[ORDINARY] * 8)) == {"functional"}
    assert {manner_of(one.tier) for one in felt(*[ORDINARY] * 3)} == {PLAIN}


def test_anger_rises_one_tier_a_turn_and_is_labelled() -> None:
    calls = felt(*[ORDINARY] * 4, *[ANGRY] * 4)
    assert [one.tier for one in calls[4:]] == ["light touch", "full empathy", "hold space", "hold space"]
    assert calls[-1].label.startswith("angry")
    assert "worsening" in calls[5].label and calls[5].trend < 0
    assert calls[-1].arousal > 0.6 and calls[-1].valence < -0.6


def test_a_shouting_voice_alone_is_enough_for_a_lighter_touch() -> None:
    assert "light touch" in tiers(*[ORDINARY] * 4, *[("on Thursday", SHOUTED)] * 2)


def test_words_alone_are_enough_where_no_sound_was_analysed() -> None:
    assert (
        tiers(("this is useless", None), ("this is unacceptable", None), ("I am furious", None))[-1]
        != "functional"
    )


def test_tiers_fall_slowly_and_do_not_flicker() -> None:
    heard = tiers(*[ORDINARY] * 3, *[ANGRY] * 3, *[ORDINARY] * 14)
    steps = [TIERS.index(tier) for tier in heard]
    assert max(steps) == 3 and steps[-1] == 0
    assert all(abs(b - a) <= 1 for a, b in pairwise(steps))
    peak = steps.index(3)
    assert steps[peak:] == sorted(steps[peak:], reverse=True)
    assert steps[6] == 3  # one calm turn is not the end of it


def test_deep_sorrow_is_given_space_without_a_loud_voice() -> None:
    assert tiers(*[("I am so hopeless and alone, he died", CALM)] * 4)[-1] == "hold space"


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [((0.8, -0.6, 0.0), "angry"), ((0.5, -0.6, -0.5), "frustrated, worsening"), ((0.2, -0.5, 0.3), "unhappy, easing"),
     ((0.7, 0.0, 0.0), "tense"), ((0.3, 0.0, 0.0), "calm"), ((0.1, 0.0, 0.0), "subdued"), ((0.3, 0.6, 0.0), "pleased"),
     ((0.8, 0.6, 0.0), "excited")],
)  # fmt: skip
def test_labels(numbers: tuple[float, float, float], expected: str) -> None:
    assert label(*numbers) == expected
