"""What the caller's answer to a read-back says of one kind among those that were read back."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from fhirserver.ports.judge import Turn
from fhirserver.world.judge.hearing import CALLER
from fhirserver.world.judge.kinds import Kind, last_version, values_in
from fhirserver.world.judge.topics import topics_in
from fhirserver.world.spoken.answers import Answer, answer
from fhirserver.world.spoken.words import fold, plain

_ELSE = re.compile(r"\b(?:any|some)thing else\b|\bwhat else\b|\bhow (?:else )?(?:can|may) i help\b", re.I)
"""A question about other business: its answer says nothing of what was named before it."""
_OURS = re.compile(
    r"\b(?:our|us|this office|the office|the clinic|the practice|front desk|nurse line|after hours|billing|"
    r"pharmacy|customer "
    r"service|hotline|for example|such as|such that|like this|call back at|reach us|calling from|you can call)\b"
)
_PROMPT = re.compile(
    r"\b(?:is that (?:right|correct|okay|all right)|right|correct|did i get (?:that|it)|does that (?:look|sound)|"
    r"do i have (?:that|it)|still there|hello|take your time|yes or no|okay|sure|no problem|go ahead)\b"
)
_EXCEPT = re.compile(
    r"\b(?:except|but|only|apart from|other than|almost|close|just (?:the|one|that)|one (?:thing|digit|"
    r"letter|number)|change|"
    r"should be|instead|supposed to be|needs? to be|though|however|wrong|different|missing|off by)\b"
)
_REST = re.compile(
    r"\b(?:(?:the )?(?:rest|others?|everything else|remainder)(?:'s| is| are| looks?|"
    r" was)? (?:all )?(?:right|correct|good|fine|"
    r"okay|ok)|(?:everything|all) (?:else )?(?:is )?(?:right|correct|good|fine)|otherwise|(?:everything|"
    r"all)(?: (?:is|was|looks) (?:right|correct|good|fine))? (?:but|except|besides|"
    r"other than|apart from))\b"
)
_TAKEN_BACK = re.compile(
    r"\b(?:wait|actually|hold on|hang on|oh)\b.*\b(?:old|wrong|different|changed|not|no|isn't|moved)\b|"
    r"\b(?:that's|that is|that was|it's) (?:my |the |an? )?(?:old|wrong|previous|former|outdated|disconnected)\b"
)


@dataclass(frozen=True, slots=True)
class Reply:
    """The caller's answer about one kind, and its turn; the answer is None where it says nothing of it."""

    answer: Answer | None
    turn: Turn | None = None


def is_read_back(text: str) -> bool:
    """Whether an agent's turn may put a value to the caller, rather than name one of the practice."""
    return not _OURS.search(fold(text)) and not _ELSE.search(text)


def reply_of(
    kind: Kind, turns: Sequence[Turn], index: int, values: Sequence[Hashable], on_behalf: bool
) -> Reply:
    """What the caller answers to the agent's turn at ``index``, which puts ``values`` of the kind."""
    heard: Turn | None = None
    for turn in turns[index + 1 :]:
        if turn.speaker != CALLER:
            if heard is not None or list(kind.read(turn.text, kind.topics)) or not _is_prompt(turn.text):
                if heard is None and _is_prompt(turn.text) and not list(kind.read(turn.text, kind.topics)):
                    continue
                break
            continue
        said = _said_of(kind, turns[index], turn, values, on_behalf)
        if said is not None:
            return Reply(said, turn)
        if answer(turn.text) is not None or _EXCEPT.search(plain(turn.text)):
            return Reply(None, turn)
        heard = None
    return Reply(None)


def _is_prompt(text: str) -> bool:
    return (
        len(plain(text).split()) <= 12 and _PROMPT.search(plain(text)) is not None and not _ELSE.search(text)
    )


def _said_of(
    kind: Kind, question: Turn, reply: Turn, values: Sequence[Hashable], on_behalf: bool
) -> Answer | None:
    asked = topics_in(question.text)
    own = [v for v in values_in(kind, reply.text, asked, on_behalf) if not v.remark.dropped]
    negated = any(v.remark.dropped and v.key in values for v in values_in(kind, reply.text, asked, on_behalf))
    if own:
        last = last_version(kind, reply.text, asked, on_behalf, None)
        return _of_restated({v.key for v in last} or {v.key for v in own}, values, own[0].remark.also)
    if negated or _TAKEN_BACK.search(plain(reply.text)):
        return Answer.NO
    return _of_words(kind, reply.text, question.text)


def _of_restated(said: set[Hashable], values: Sequence[Hashable], also: bool) -> Answer:
    return Answer.YES if said & set(values) or also else Answer.NO


def _of_words(kind: Kind, text: str, question: str) -> Answer | None:
    said, words = answer(text), plain(text)
    about = topics_in(text) - {"other", "time"}
    elsewhere = (
        bool(about) and not about & kind.topics and not (kind.topics & {"address"} and "time" in about)
    )
    exception = _EXCEPT.search(words) is not None
    if said is Answer.YES:
        if not exception:
            return Answer.YES
        return Answer.YES if elsewhere else Answer.NO
    if _REST.search(words) and elsewhere:
        return Answer.YES
    if said is Answer.NO or exception:
        return None if elsewhere else Answer.NO
    return said
