"""Our language models are those that pocketsphinx's own builder makes of the same counts."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pocketsphinx")
from pocketsphinx.lm import ArpaBoLM

from agent.speech.local.arpa import Arpa

SENTENCES = st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6), min_size=1, max_size=12)
Pairs = dict[tuple[str, ...], float]


def grams(lines: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The numbers of each gram, whatever the order of the lines."""
    out: dict[tuple[str, ...], tuple[str, ...]] = {}
    length = 0
    for line in lines.splitlines():
        if line.endswith("-grams:"):
            length = int(line[1])
        elif line and length and not line.startswith("\\"):
            first, *rest = line.split()
            out[tuple(rest[:length])] = (first, *rest[length:])
    return out


def counted(sentences: list[list[str]]) -> Counter[tuple[str, ...]]:
    counts: Counter[tuple[str, ...]] = Counter()
    for sentence in sentences:
        words = ["<s>", *sentence, "</s>"]
        for n in (1, 2, 3):
            counts.update(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
    return counts


def by_length(counts: Counter[tuple[str, ...]]) -> tuple[dict[str, float], Pairs, Pairs]:
    ones = {g[0]: float(c) for g, c in counts.items() if len(g) == 1}
    twos, threes = ({g: float(c) for g, c in counts.items() if len(g) == n} for n in (2, 3))
    return ones, twos, threes


def theirs(counts: Counter[tuple[str, ...]]) -> str:
    model = ArpaBoLM()
    for gram, count in counts.items():
        if len(gram) == 1:
            model.grams_1[gram[0]] = count
        elif len(gram) == 2:
            model.grams_2[gram[0]][gram[1]] = count
        else:
            model.grams_3[gram[0]][gram[1]][gram[2]] = count
    model.compute()
    written = io.StringIO()
    model.write(written)
    return written.getvalue()


def assert_same(ours: str, theirs: str) -> None:
    got, expected = grams(ours), grams(theirs)
    assert got.keys() == expected.keys()
    for gram, numbers in expected.items():
        assert [float(n) for n in got[gram]] == pytest.approx([float(n) for n in numbers], abs=2e-4)


@given(SENTENCES)
def test_the_same_model(sentences: list[list[str]]) -> None:
    counts = counted(sentences)
    assert_same(Arpa(*by_length(counts)).text(), theirs(counts))


@given(SENTENCES, SENTENCES)
def test_with_more_counts_it_is_the_model_of_all_of_them(
    fixed: list[list[str]], more: list[list[str]]
) -> None:
    first = Arpa(*by_length(counted(fixed)))
    before = first.text()
    both = first.more(*by_length(counted(more)))
    assert_same(both.text(), theirs(counted([*fixed, *more])))
    assert first.text() == before, "the fixed part has changed"


def test_the_sizes_are_told() -> None:
    text = Arpa(*by_length(counted([["a", "b"]]))).more(*by_length(counted([["a", "c"]]))).text()
    assert text.splitlines()[:5] == ["\\data\\", "ngram 1=5", "ngram 2=5", "ngram 3=4", ""]
