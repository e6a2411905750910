"""What the caller has heard: by marks, by the clock between them, over pauses and cuts."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.audio.frames import RATE, Pcm
from agent.voice.ledger import Ledger, Sentence


def sound(seconds: float) -> Pcm:
    return np.ones(round(seconds * RATE), dtype=np.int16)


def spoken(ledger: Ledger, text: str, turn: int, now: float, *lengths: float) -> Sentence:
    sentence = Sentence(text, turn)
    for length in lengths:
        ledger.send(sentence, sound(length), now)
    sentence.whole = True
    return sentence


def test_between_marks_the_clock_tells_what_was_heard() -> None:
    ledger = Ledger()
    spoken(ledger, "one two three four", 1, 0.0, 1.0, 1.0)
    assert ledger.heard(1, 0.0) == ""
    assert ledger.heard(1, 1.1) == "one two"
    assert ledger.heard(1, 5.0) == "one two three four"


def test_sentences_queue_one_after_the_other() -> None:
    ledger = Ledger()
    spoken(ledger, "First sentence.", 1, 0.0, 1.0)
    spoken(ledger, "Second one here.", 1, 0.0, 1.0)
    assert ledger.until() == 2.0
    assert ledger.heard(1, 1.4) == "First sentence. Second"
    assert ledger.current(1.5) == 1


def test_a_mark_sets_the_clock_right() -> None:
    ledger = Ledger()
    spoken(ledger, "alpha beta gamma delta", 1, 0.0, 1.0, 1.0)
    first = ledger.pieces[0].mark
    ledger.played(first, 1.5)
    assert ledger.until() == 2.5, "the carrier is half a second behind"
    assert ledger.heard(1, 1.5) == "alpha beta"


def test_an_unknown_mark_is_ignored() -> None:
    ledger = Ledger()
    spoken(ledger, "alpha", 1, 0.0, 1.0)
    ledger.played("p99", 0.5)
    assert not ledger.idle


def test_what_is_taken_back_is_what_was_not_heard_from_a_little_before() -> None:
    ledger = Ledger()
    sentence = spoken(ledger, "alpha beta gamma delta", 1, 0.0, 1.0, 1.0)
    left = ledger.take_back(1.5)
    assert ledger.idle
    assert [s for s, _ in left] == [sentence]
    assert len(left[0][1]) == round(0.56 * RATE)
    assert sentence.samples == round(1.44 * RATE)
    ledger.send(sentence, left[0][1], 3.0)
    assert ledger.heard(1, 9.0) == "alpha beta gamma delta"


def test_a_word_for_a_wait_belongs_to_no_turn() -> None:
    ledger = Ledger()
    spoken(ledger, "One moment.", 0, 0.0, 1.0)
    assert ledger.current(0.5) == 0
    spoken(ledger, "Here it is.", 4, 0.0, 1.0)
    assert ledger.current(0.5) == 4, "the turn that waits behind it is the one that is cut"
    assert ledger.heard(4, 0.5) == ""


@given(
    st.lists(st.floats(0.02, 1.5), min_size=1, max_size=6),
    st.lists(st.floats(0.0, 3.0), min_size=1, max_size=6),
)
def test_more_time_never_means_less_heard(lengths: list[float], looks: list[float]) -> None:
    ledger = Ledger()
    text = " ".join(f"word{i}" for i in range(12))
    spoken(ledger, text, 1, 0.0, *lengths)
    heard = [ledger.heard(1, at) for at in sorted(looks)]
    assert all(text.startswith(h) for h in heard)
    assert all(len(a) <= len(b) for a, b in itertools.pairwise(heard))
    total = sum(len(p.pcm) for p in ledger.pieces)
    left = ledger.take_back(sorted(looks)[-1])
    assert sum(len(pcm) for _, pcm in left) <= total
