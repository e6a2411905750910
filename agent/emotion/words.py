"""What the words of an utterance say about the caller's mood: a small list, with negation and emphasis."""

from __future__ import annotations

from dataclasses import dataclass

from agent.hearing import hear

_UNPLEASANT = {
    "ridiculous": 0.8, "unacceptable": 0.9, "terrible": 0.8, "awful": 0.8, "horrible": 0.8, "useless": 0.8,
    "worst": 0.9, "angry": 0.9, "furious": 1.0, "mad": 0.6, "upset": 0.7, "annoyed": 0.7, "annoying": 0.7,
    "frustrated": 0.8, "frustrating": 0.8, "disappointed": 0.6, "hate": 0.9, "stupid": 0.8, "complain": 0.6,
    "complaint": 0.6, "worried": 0.5, "scared": 0.6, "afraid": 0.4, "anxious": 0.5, "nervous": 0.4, "sad": 0.6,
    "crying": 0.8, "died": 0.7, "alone": 0.4, "hopeless": 0.9, "desperate": 0.8, "exhausted": 0.5,
    "overwhelmed": 0.7, "wrong": 0.3, "problem": 0.3, "trouble": 0.3, "nobody": 0.3, "never": 0.2, "waiting": 0.3,
    "hurts": 0.5, "pain": 0.5,
}  # fmt: skip
_PLEASANT = {
    "great": 0.6, "perfect": 0.7, "wonderful": 0.8, "excellent": 0.8, "lovely": 0.7, "awesome": 0.8, "good": 0.3,
    "thanks": 0.3, "thank": 0.3, "appreciate": 0.6, "happy": 0.6, "glad": 0.6, "nice": 0.4, "fantastic": 0.8,
    "love": 0.6,
}  # fmt: skip
_DOWN = frozenset(
    ("sad", "crying", "died", "alone", "hopeless", "desperate", "exhausted", "overwhelmed", "worried", "scared",
     "afraid", "anxious")
)  # fmt: skip
_NOT = frozenset(
    (
        "not",
        "no",
        "never",
        "isn't",
        "wasn't",
        "don't",
        "doesn't",
        "didn't",
        "won't",
        "can't",
        "cannot",
        "hardly",
    )
)
_VERY = frozenset(("very", "so", "really", "extremely", "totally", "absolutely", "completely", "too", "such"))
_REACH = 3
"""Words before, within which a negation counts."""
_FRUSTRATED = 0.7


@dataclass(frozen=True, slots=True)
class Words:
    """``valence`` -1 to 1; ``told`` whether any word says something; ``down``: sorrow or fear rather than anger."""

    valence: float = 0.0
    told: bool = False
    down: bool = False


def words(text: str) -> Words:
    """Read one utterance."""
    heard = hear(0, text)
    said = heard.plain.split()
    found = [value for at, word in enumerate(said) if (value := _value(said, at, word))]
    if heard.frustrated and _UNPLEASANT.keys().isdisjoint(
        said
    ):  # a listed word speaks for itself, also negated
        found.append(-_FRUSTRATED)
    if not found:
        return Words()
    lowest, highest = min(0.0, *found), max(0.0, *found)
    together = lowest + (0.3 if lowest < -0.25 else 1.0) * highest  # politeness does not undo a complaint
    return Words(together, True, not heard.frustrated and not _DOWN.isdisjoint(said))


def _value(said: list[str], at: int, word: str) -> float:
    value = _PLEASANT.get(word, 0.0) - _UNPLEASANT.get(word, 0.0)
    before = said[max(0, at - _REACH) : at]
    if at and said[at - 1] in _VERY:
        value = max(-1.0, min(1.0, value * 1.3))
    return -0.5 * value if value and not _NOT.isdisjoint(before) else value
