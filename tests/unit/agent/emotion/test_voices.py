"""Voices told apart within one call, from embeddings made up here."""

from __future__ import annotations

import numpy as np
import pytest

from agent.emotion.voices import Vector, Voices

CHANCE = np.random.default_rng(4)
ONE, TWO, THREE = (CHANCE.normal(size=64) for _ in range(3))


def piece(of: Vector, wander: float = 0.5) -> Vector:
    return of * CHANCE.uniform(0.5, 3) + CHANCE.normal(size=64) * wander


def test_one_voice_raises_no_flag() -> None:
    voices = Voices()
    assert [voices.turn([piece(ONE), piece(ONE)]) for _ in range(10)] == [""] * 10


def test_another_voice_in_the_next_turn_and_back() -> None:
    voices = Voices()
    said = [voices.turn([piece(of)]) for of in (ONE, ONE, TWO, TWO, ONE)]
    assert said == ["", "", "changed", "", "changed"]


def test_a_second_voice_in_the_background_is_told_once() -> None:
    voices = Voices()
    assert voices.turn([piece(ONE)] * 3) == ""
    assert voices.turn([piece(ONE), piece(ONE), piece(TWO)]) == "second"
    assert voices.turn([piece(ONE), piece(ONE), piece(TWO)]) == ""
    assert voices.turn([piece(ONE), piece(ONE), piece(THREE)]) == "second"


def test_two_voices_in_the_very_first_turn() -> None:
    assert Voices().turn([piece(ONE), piece(ONE), piece(TWO)]) == "second"


@pytest.mark.parametrize("odd", [np.zeros(64), np.full(64, np.nan), np.full(64, np.inf)])
def test_pieces_that_are_no_embeddings_count_for_nothing(odd: Vector) -> None:
    voices = Voices()
    voices.turn([piece(ONE)])
    assert voices.turn([odd]) == "" and voices.turn([piece(ONE), odd]) == ""


def test_the_number_of_voices_is_bounded() -> None:
    voices = Voices()
    for _ in range(50):
        voices.turn([CHANCE.normal(size=64)])
    assert len(voices._voices) == 4
