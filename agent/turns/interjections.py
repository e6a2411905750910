"""Small words said over somebody who speaks: those that let them go on, and those that stop them."""

from __future__ import annotations

import re

from fhirserver.world.spoken.words import plain

_LISTENING = frozenset(
    re.findall(
        r"\S+",
        """
    ah aha alright cool fine good got great hm hmm hmmm hum i it mhm mhmm mm mmm nice oh ok okay right see sure
    uh uhhuh um yeah yep yes yup huh hmhm really all true thanks perfect
        """,
    )
)
_STOP = re.compile(
    r"\b(?:stop|wait|hold on|hang on|excuse me|listen|no|nope|one (?:moment|second|sec)|"
    r"just a (?:moment|second|sec|minute)|shut up|be quiet|sorry|that's wrong|not right|wrong|incorrect|help|"
    r"emergency|operator|hello hello)\b"
)
_NO_STOP = re.compile(r"\bno (?:problem|worries)\b|\bnot wrong\b")


def is_back_channel(text: str) -> bool:
    """Whether ``text`` only says that somebody listens ("uh-huh", "okay", "I see"). Nothing said is none."""
    said = plain(text).split()
    return bool(said) and all(word in _LISTENING for word in said)


def stops(text: str) -> bool:
    """Whether ``text`` asks the other to stop at once ("wait", "no no", "that's wrong")."""
    said = plain(text)
    return _STOP.search(said) is not None and not _NO_STOP.search(said)
