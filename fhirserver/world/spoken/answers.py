"""Yes, no, and changes of mind."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from enum import Enum

from fhirserver.world.spoken.typed import as_said
from fhirserver.world.spoken.words import fold, plain


class Answer(Enum):
    """What a reply to a yes-or-no question says."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


_UNSURE = re.compile(
    r"\b(i am not sure|i'm not sure|not sure|i don't know|i do not know|no idea|maybe|i guess|i think so|"
    r"possibly|let me think|let me check|hold on|one moment|just a second|hang on)\b"
)
_NO = re.compile(
    r"\b(no|nope|nah|not (?:really|quite|right|correct|that|exactly|today|now|me|him|her|good|great|what|it|going)|"
    r"wrong|incorrect|negative|"
    r"that isn't|that's not|that is not|it's not|it isn't|i don't|i do not|don't|do not|neither|none|"
    r"doesn't work|does not work|can't|cannot|i can not|won't work|never|isn't (?:right|correct))\b"
)
_YES = re.compile(
    r"\b(yes|yeah|alright|all right|cool|fantastic|super|nice|wonderful|terrific|awesome|excellent|lovely|"
    r"i want (?:it|that)|i(?:'d| would) (?:like|love) (?:it|that)|would (?:work|suit)|"
    r"what i want|yep|yup|ya|yah|sure|okay|ok|correct|right|exactly|absolutely|"
    r"definitely|of course|please do|"
    r"go ahead|sounds (?:good|great|right|fine|perfect)|perfect|great|"
    r"good|fine|that works|works for me|that'll work|"
    r"that will work|that'll do|that would work|that's (?:it|me|him|her|good|fine|great|perfect|the one)|"
    r"it is|i do|i am|i did|you got it|you have it|"
    r"uh huh|mm hmm|mhm|affirmative|confirmed|i confirm|confirm|indeed|certainly|do it|let's do (?:it|that)|"
    r"i'll take (?:it|that)|book it|speaking|please)\b"
)
_NO_BUT_YES = re.compile(
    r"^(?:oh )?no (?:no )?(?:that's|that is|it's|it is|you're|this is|thats)?\s*(?:right|correct)\b|"
    r"\bno (?:problem|worries)\b|\bwhy not\b"
)
_SURELY = re.compile(r"^(?:sure|go ahead|absolutely|definitely|of course|certainly|yes please)\b")
_YES_BUT_NO = re.compile(
    r"^(?:yes|yeah|well|ok|okay)\s+(?:no|but (?:no|not))\b(?! problem)|\b(?:yes|yeah) but .*\b(?:wrong|not)\b"
)
_CORRECTION = re.compile(
    r"\b(?:no,? wait|wait,? no|no,? sorry|sorry,? no|no,? actually|oh,? actually|actually,? no|actually|"
    r"i mean(?:t)?|i'm sorry|sorry|correction|scratch that|strike that|make that|let me correct that|rather|"
    r"i misspoke|my mistake|no,? it's|no,? it is|it should be|not [a-z0-9 ,'-]{1,40}? but|hold on|wait|"
    r"no(?! (?:spaces?|dots?|caps|capitals|dash(?:es)?|hyphens?|middle|group)\b))\b[\s,.:;-]*"
)
_NEVER_MIND = re.compile(
    r"\b(never ?mind|forget (?:it|about it|that)|leave it|don't bother|skip (?:it|that)|let's not|"
    r"i changed my mind|changed my mind|not anymore|drop it)\b"
)


def answer(text: str) -> Answer | None:
    """Whether ``text`` says yes or no; None when it says neither."""
    said = plain(as_said(text))
    if not said:
        return None
    if _YES_BUT_NO.search(said):
        return Answer.NO
    if _NO_BUT_YES.search(said) or _SURELY.match(said):
        return Answer.YES
    if _UNSURE.search(said):
        return Answer.UNSURE
    if _NO.search(said):
        return Answer.NO
    return Answer.YES if _YES.search(said) else None


def is_never_mind(text: str) -> bool:
    """Whether the caller drops what is being talked about."""
    return _NEVER_MIND.search(plain(text)) is not None


@dataclass(frozen=True, slots=True)
class Version:
    """A stretch of an utterance between corrections, with its place."""

    text: str
    start: int


def versions(text: str) -> list[Version]:
    """The utterance cut at its corrections, the last word first.

    ``it's 412, no, sorry, 413`` gives ``413`` and then ``it's 412``: what holds is read from the first
    version that says anything on the matter.
    """
    folded = fold(text) if len(fold(text)) == len(text) else text.lower()
    cuts = [(m.start(), m.end()) for m in _CORRECTION.finditer(folded)]
    edges = [(0, 0), *cuts, (len(text), len(text))]
    parts = [Version(text[a[1] : b[0]], a[1]) for a, b in itertools.pairwise(edges)]
    return [p for p in reversed(parts) if plain(p.text)]


def is_correction(text: str) -> bool:
    """Whether ``text`` takes something back."""
    return _CORRECTION.search(fold(text)) is not None
