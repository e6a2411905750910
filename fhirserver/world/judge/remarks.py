"""What is said about a value beside it: that it is old, wrong, somebody else's, one of two, or only thought."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fhirserver.world.judge.hearing import KIN
from fhirserver.world.spoken.words import fold

_STOP = re.compile(r"[.?!;]+(?=\s|$)")
_NOT = re.compile(
    r"\b(?:not|isn't|wasn't|aren't|instead of|rather than|never|replaces|replacing)\s+"
    r"(?:(?!it's\b|it is\b|but\b|sure\b|only\b)[\w']+\s+){0,3}$"
)
_OLD = re.compile(
    r"\b(?:(?<!years )(?<!year )old|previous(?:ly)?|former(?:ly)?|prior|used to|outdated|no longer|expired|"
    r"disconnected|"
    r"maiden|before (?:i|we) (?:moved|switched|changed)|last year's|(?:moved|switched|changed|went|came) from|"
    r"had been)\b|"
    r"\b(?:(?:i|we)(?:'d)? (?:had|dropped|canceled|cancelled|left|lost)|got rid of|instead of)\s+(?:my |our |the )?"
    r"(?:(?!to\b)[\w']+\s+)?$"
)
_NEW = re.compile(
    r"\b(?:new|now|but|instead|current(?:ly)?|these days|today|(?:switched|changed|moved|went|from [\w ]{1,40}) to)\b"
)
_THEN_OLD = re.compile(
    r"^[\s,]*(?:(?:which|that|this|it) )?(?:is|was|that's|that was|it's|would be)?\s*(?:my |the |our |an? )?"
    r"(?:old|previous|former|wrong|outdated|incorrect|disconnected|expired)\b|"
    r"^[^.?!]{0,25}\b(?:any ?more|doesn't work|no longer|is wrong|isn't right|was wrong|got disconnected)\b"
)
_HEDGE = re.compile(
    r"\b(?:i think|i believe|maybe|probably|might be|may be|something like|i guess|i'm guessing|could be|i want to say|"
    r"not (?:\w+ )?(?:sure|certain|positive)|(?:don't|can't|cannot|do not) (?:really |quite )?(?:remember|recall|know)|"
    r"if i remember|if memory|let me guess|roughly|either|do you have|is it|was it|i forget|don't quote me)\b"
)
_SURE = re.compile(
    r"\b(?:found it|here it is|got it here|i have it here|i'm reading it|reading (?:it )?off|i'm looking at)\b"
)
_POSSESSOR = re.compile(
    rf"\b(?P<kin>(?:my|our) (?:\w+ )?{KIN}(?:'s)?)(?![\w'])|"
    r"\b(?P<they>his|her|their|he|she|husband's|wife's|mom's|dad's|mother's|father's|son's|daughter's)(?![\w'])|"
    r"\b(?P<place>(?:the |my )?(?:pharmacy|pharmacist|doctor|dr|physician|dentist|clinic|hospital|employer|"
    r"school|landlord|"
    r"lawyer|customer service|insurance company's|emergency contact|next of kin|primary care)(?:'s)?)(?![\w'])|"
    r"\b(?P<own>my own|mine|my|our|i|i'm|i've|me|myself|the patient(?:'s)?)(?![\w'])"
)
_TAKEN_FOR = re.compile(rf"\b(?:for|about|regarding|behalf of) (?:my|our) (?:\w+ )?{KIN}\b")
_ALSO = re.compile(
    r"\b(?:also|another|second(?:ary)?|additional|alternat(?:e|ive)|back ?up|as well|the other|both|besides|"
    r"emergency)\b"
)
_LABELS = {
    "mobile": r"cell(?:phone| phone)?|mobile",
    "home": r"home|house|land ?line",
    "work": r"work|office|business|job|daytime",
    "school": r"school|college|university",
    "personal": r"personal",
}
_LABEL = {name: re.compile(rf"\b(?:{pattern})\b") for name, pattern in _LABELS.items()}


@dataclass(frozen=True, slots=True)
class Remark:
    """``dropped``: negated, old or wrong; ``others``: not the patient's; ``hedged``: only thought."""

    dropped: bool = False
    others: bool = False
    hedged: bool = False
    also: bool = False
    label: str = ""


def remark(text: str, start: int, end: int, since: int, until: int, on_behalf: bool, of_kin: bool) -> Remark:
    """What is said about the value at ``start`` to ``end``, between its neighbours at ``since`` and ``until``.

    ``on_behalf``: the call is made for somebody else, so ``his`` is the patient's. ``of_kin``: a birth
    date or a name, where ``my`` is then not the patient's.
    """
    folded = fold(text) if len(fold(text)) == len(text) else text.lower()
    before = _STOP.split(folded[since:start])[-1]
    whole_before = folded[since:start]
    after = _STOP.split(folded[end:until])[0][:60]
    hedge_to = _STOP.split(folded[end:until])
    tail = " ".join(hedge_to[:2])
    hedged = bool(_HEDGE.search(before) or _HEDGE.search(tail)) and not _SURE.search(folded[:start])
    return Remark(
        dropped=bool(_NOT.search(before) or _is_old(before) or _THEN_OLD.search(after)),
        others=_is_others(whole_before, after, on_behalf, of_kin),
        hedged=hedged,
        also=_ALSO.search(before) is not None,
        label=_label(before, after),
    )


def is_hedged(text: str) -> bool:
    """Whether a turn only thinks, or says this or that."""
    return _HEDGE.search(fold(text)) is not None or re.search(r"\bor\b", fold(text)) is not None


def _is_old(before: str) -> bool:
    old = list(_OLD.finditer(before))
    new = list(_NEW.finditer(before))
    return bool(old) and (not new or new[-1].start() < old[-1].start())


def _is_others(before: str, after: str, on_behalf: bool, of_kin: bool) -> bool:
    hits = list(_POSSESSOR.finditer(_TAKEN_FOR.sub(lambda m: " " * len(m[0]), before)))
    last = hits[-1] if hits else None
    trailing = re.match(
        rf"[\s,]*(?:is|that's|which is|for|it's) (?:my |our )?(?:{KIN}'s|{KIN}\b|(?:the )?pharmacy|hers\b|"
        rf"his\b|theirs\b)",
        after,
    )
    if trailing:
        return not on_behalf
    if last is None or (last["they"] in ("he", "she") and not of_kin):
        return False
    if last["place"]:
        return True
    if last["kin"] or last["they"]:
        return not on_behalf
    return on_behalf and of_kin and last["own"] in ("my", "mine", "my own", "i'm", "i")


def _label(before: str, after: str) -> str:
    hits = [(m.end(), name) for name, pattern in _LABEL.items() for m in pattern.finditer(before)]
    if hits:
        return max(hits)[1]
    close = [(m.start(), name) for name, pattern in _LABEL.items() for m in pattern.finditer(after[:30])]
    return min(close)[1] if close else ""


def label_of(text: str) -> str:
    """The label (``home``, ``work`` …) that a question asks for."""
    return _label(fold(text), "")


def asks_for_another(text: str) -> bool:
    """Whether a question asks for one more value of a kind."""
    return _ALSO.search(fold(text)) is not None
