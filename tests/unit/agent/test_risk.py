"""The risk of a call: what counts, how it fades, and that every point has a reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from practice import NOW

from agent.safety.risk import SIGNS, Risk, Score, Thresholds
from agent.safety.words import signs_in

_SEEN = st.tuples(st.sampled_from(sorted(SIGNS)), st.integers(0, 1800), st.floats(0, 1), st.integers(0, 60))


def risk_of(seen: list[tuple[str, int, float, int]]) -> Risk:
    risk = Risk()
    for kind, second, scale, turn in seen:
        risk.add(kind, NOW + timedelta(seconds=second), turn, scale)
    return risk


def score(seen: list[tuple[str, int, float, int]], second: int = 1800) -> Score:
    return risk_of(seen).at(NOW + timedelta(seconds=second))


@given(st.lists(_SEEN, max_size=30))
def test_a_score_is_0_to_100_and_its_reasons_account_for_it(seen: list[tuple[str, int, float, int]]) -> None:
    got = score(seen)
    points = sum(reason.points for reason in got.reasons)
    assert 0 <= got.score <= 100
    assert got.score <= points + len(SIGNS) / 2
    assert got.score == 100 or points <= got.score + len(SIGNS) / 2
    assert all(reason.points <= SIGNS[reason.kind].most and reason.text for reason in got.reasons)
    assert {reason.turn for reason in got.reasons} <= {turn for *_, turn in seen}
    assert [r.points for r in got.reasons] == sorted((r.points for r in got.reasons), reverse=True)


@given(st.lists(_SEEN, max_size=20), _SEEN)
def test_a_further_sign_never_lowers_the_score(
    seen: list[tuple[str, int, float, int]], more: tuple[str, int, float, int]
) -> None:
    assert score([*seen, more]).score >= score(seen).score


@given(st.lists(_SEEN, max_size=20), st.integers(0, 3600), st.integers(0, 3600))
def test_without_new_signs_the_score_only_falls(
    seen: list[tuple[str, int, float, int]], first: int, second: int
) -> None:
    early, late = sorted((first + 1800, second + 1800))
    assert score(seen, late).score <= score(seen, early).score


@given(st.lists(_SEEN, max_size=12), st.randoms(use_true_random=False))
def test_the_order_in_which_signs_come_does_not_matter(
    seen: list[tuple[str, int, float, int]], chance: object
) -> None:
    shuffled = list(seen)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert abs(score(seen).score - score(shuffled).score) <= 1


@pytest.mark.parametrize(
    ("kinds", "level"),
    [
        ([], "calm"),
        (["frustration"], "calm"),
        (["third_party", "identity"], "calm"),
        (["identity", "identity"], "monitor"),
        (["looping", "frustration"], "monitor"),
        (["looping", "frustration", "identity"], "alert"),
        (["looping", "looping", "abuse"], "escalate"),
        (["threat"], "escalate"),
        (["emergency"], "escalate"),
        (["self_harm"], "escalate"),
    ],
)
def test_levels(kinds: list[str], level: str) -> None:
    assert score([(kind, 0, 1.0, 1) for kind in kinds], 0).level == level


def test_half_of_a_passing_sign_is_left_after_its_half_life_and_all_of_a_lasting_one() -> None:
    assert SIGNS["frustration"].half_life == 180
    assert score([("frustration", 0, 1.0, 1)], 180).score == 6
    assert score([("identity", 0, 1.0, 1)], 3600).score == 15


@pytest.mark.parametrize("wrong", [(50, 50, 70), (0, 50, 70), (30, 50, 101), (70, 50, 30)])
def test_thresholds_must_rise(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="must rise"):
        Thresholds(*wrong)


@pytest.mark.parametrize(
    ("said", "signs"),
    [
        ("I want to cancel my appointment", ()),
        ("I'll kill you", ("threat",)),
        ("I am going to hurt that doctor", ("threat",)),
        ("I'm coming over and I have a gun", ("threat",)),
        ("You will regret this", ("threat",)),
        ("I know where you live", ("threat",)),
        ("I'll find you a better time", ()),
        ("my back is killing me", ()),
        ("the pain will kill me one day", ()),
        ("can you shoot me an email", ()),
        ("I want to kill myself", ("self_harm",)),
        ("I have chest pain", ("emergency",)),
        ("you stupid robot", ("abuse",)),
        ("this is ridiculous", ("frustration",)),
        ("I'm 12 years old", ("minor",)),
        ("I am fifteen and I need an appointment", ("minor",)),
        ("I'm only nine", ("minor",)),
        ("my mom isn't home", ("minor",)),
        ("I'm just a kid", ("minor",)),
        ("I'm 45 years old", ()),
        ("I'm 5 minutes late", ()),
        ("I am 15 minutes away", ()),
        ("I'm one of your patients", ()),
    ],
)
def test_what_words_show(said: str, signs: tuple[str, ...]) -> None:
    assert signs_in(said, 1) == signs
