"""What a model may say aloud. Every sentence of it passes here before it is spoken.

Before the caller is identified only ordinary words of a reception desk and the caller's own words pass: the check knows
nothing of any record, so that what is said cannot depend on one. Afterwards names, days and times must be ones the
model was given or the caller said, and nothing may be told as done that was not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time

from agent.llm.vocabulary import CALENDAR, DESK_WORDS, OPENERS
from fhirserver.world.spoken.dates import dates
from fhirserver.world.spoken.days import days_named
from fhirserver.world.spoken.times import times
from fhirserver.world.spoken.words import tokens, words

LONGEST_SENTENCE = 320
"""Characters."""

MEDICAL, FALSE_DEED, UNKNOWN = "medical", "untrue deed", "unknown fact"
_MEDICAL = re.compile(
    r"\b(?:dosages?|doses?|milligrams?|mg|ibuprofen|aspirin|tylenol|acetaminophen|antibiotics?|diagnos\w+|symptoms?|"
    r"infection|fever|treatments?|remed(?:y|ies)|side effects?|over the counter|contagious|"
    r"(?:take|taking|stop|try|apply|swallow|drink) (?:\w+ ){0,3}?(?:pills?|tablets?|medicines?|medications?|"
    r"water|fluids|rest)|"
    r"(?:sounds? like|could be|might be|may be|probably|likely) (?:you have |just )?(?:an?|the) "
    r"(?:flu|cold|virus|allerg\w+|stroke|strain|sprain)|"
    r"you should (?:take|stop|rest|eat|avoid|drink)|medically|nothing serious|"
    r"(?:is|it's|are) (?:safe|harmless|normal))\b"
)
_PROMISE = re.compile(
    r"\b(?:guarantee\w*|promise\w*|i assure you|free of charge|no charge|no cost|refund\w*|discount\w*|"
    r"will be covered|is covered|fully covered|100 percent|without fail)\b"
)
_LINK = re.compile(r"https?:|www\.|\S+@\S+|\b[\w-]+\.(?:com|org|net|io|health|gov|edu)\b", re.I)
_MACHINERY = re.compile(
    r"\b(?:system prompt|my (?:instructions|rules|prompt)|developer message|function call|tool call|json|"
    r"language model|(?:slot|visit|doctor)[ :_]\d)\b"
)
_CHANGED = r"moved|cancell?ed|rescheduled|updated|changed|recorded|saved|added|noted|sent"
_VERB = rf"(?:{_CHANGED}|booked|confirmed|scheduled|reserved)"
_DEED = re.compile(
    rf"\b(?:i|we)(?:'ve| have|'d| had)? (?:\w+ ){{0,2}}{_VERB}\b"
    r"|\b(?:all set|good to go|taken care of|it's done|all done)\b"
    rf"|\b(?:is|are|was|were|has been|have been|been|you're|it's|that's|gets?|got|now) (?:\w+ ){{0,2}}{_VERB}\b"
)
_TOLD = {
    "book": "book reschedule", "schedul": "book reschedule", "reserv": "book reschedule", "mov": "reschedule",
    "reschedul": "reschedule", "cancel": "cancel", "confirm": "confirm", "sent": "",
    "chang": "reschedule insurance phone address", "updat": "insurance phone address",
    "record": "insurance phone address", "sav": "insurance phone address", "add": "insurance phone address",
    "noted": "confirm insurance phone address",
}  # fmt: skip
_STANDING = re.compile(r"\b(?:booked|scheduled|confirmed|reserved)\b")
_UNDONE = re.compile(
    r"(?:\b(?:nothing|not|never|once|until|if|when|anything|want|like)|n't)"
    rf"(?: (?:is|are|was|has|have|been|be|yet|it|i|i've|to|you|your|get|the|appointment|visit)){{0,4}} {_VERB}\b"
)
"""Words of a deed that tell that it is not done."""
_ON_RECORD = re.compile(
    r"\b(?:on (?:file|record)|(?:our|your|the|her|his|their) records?|i (?:can )?(?:see|found|have found)|you have an?|"
    r"there is an?|according to|"
    r"(?:your|the|her|his|their) (?:next )?(?:appointment|visit|insurance|record) (?:is|was|with|on))\b"
)


@dataclass(frozen=True, slots=True)
class Known:
    """What may be named: ``spoken`` are the caller's words, ``names`` those of names the model was given.

    ``moments`` are the starts of slots and appointments given, in the practice's time zone; ``standing`` those of
    appointments that stand. ``others``: words of names of people who must not be named.
    """

    identified: bool
    today: date
    spoken: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    moments: tuple[datetime, ...] = ()
    standing: tuple[datetime, ...] = ()
    others: frozenset[str] = frozenset()
    done: frozenset[str] = frozenset()
    """Kinds of business that was done on this call: what may be told as done."""

    @property
    def said(self) -> frozenset[str]:
        """The words the caller said."""
        return frozenset(w for text in self.spoken for w in words(text))


def objection(sentence: str, known: Known) -> str:
    """Why ``sentence`` may not be said; empty when it may."""
    plain = " ".join(words(sentence))
    why = unspeakable(sentence)
    if why:
        return why
    if not known.identified:
        return "" if _is_desk_talk(sentence, plain, known) else "not for an unidentified caller"
    return _about_records(sentence, plain, known)


def unspeakable(sentence: str) -> str:
    """Why nobody should be told this, whatever is known; empty where they may be."""
    plain = " ".join(words(sentence))
    if len(sentence) > LONGEST_SENTENCE:
        return "too long"
    if _LINK.search(sentence):
        return "link"
    if _MACHINERY.search(sentence.lower()):
        return "machinery"
    if _MEDICAL.search(plain):
        return MEDICAL
    return "promise" if _PROMISE.search(plain) else ""


def _is_desk_talk(sentence: str, plain: str, known: Known) -> bool:
    """Only words of a reception desk and the caller's own, and nothing told of a record or as done."""
    strange = set(words(sentence)) - DESK_WORDS - known.said - known.names
    return not strange and not _ON_RECORD.search(plain) and not _DEED.search(plain)


def _about_records(sentence: str, plain: str, known: Known) -> str:
    if known.others & set(words(sentence)) - known.said - known.names:
        return "another person"
    if not _names_are_known(sentence, known) or not _moments_are_known(sentence, known):
        return UNKNOWN
    return FALSE_DEED if _tells_a_deed(sentence, plain, known) else ""


def _names_are_known(sentence: str, known: Known) -> bool:
    """Capitalised words are names the model was given, the caller's, or ordinary."""
    begins, allowed = True, DESK_WORDS | CALENDAR | known.names | known.said
    for token in tokens(sentence):
        known_word = token.text in allowed or (begins and token.text in OPENERS)
        if token.is_word and token.raw[0].isupper() and not known_word:
            return False
        begins = token.raw in ".!?:"
    return True


def _moments_are_known(sentence: str, known: Known) -> bool:
    """Every day and time in the sentence is of a slot or appointment given, together; or the caller said it."""
    days, clock = _days(sentence, known.today), {f.value for f in times(sentence)}
    theirs = [(_days(t, known.today), {f.value for f in times(t)}) for t in known.spoken]
    own_days = {known.today}.union(*(d for d, _ in theirs))
    own_times: set[time] = set().union(*(c for _, c in theirs))
    pairs = {(m.date(), m.time()) for m in known.moments}
    known_days, known_times = {d for d, _ in pairs} | own_days, {c for _, c in pairs} | own_times
    if days - known_days or clock - known_times or _stray_dates(sentence, known):
        return False
    return all(c in own_times or any((d, c) in pairs or d in own_days for d in days) for c in clock if days)


def _days(text: str, today: date) -> set[date]:
    return {f.value.first for f in days_named(text, today) if f.value.is_one_day}


def _stray_dates(sentence: str, known: Known) -> bool:
    """A date with a year (a birth date, say) that the caller did not say."""
    said = {f.value.year for t in known.spoken for f in dates(t)}
    years = {f.value.year for f in dates(sentence)} - {None}
    return bool(years - said - {m.year for m in known.moments})


def _tells_a_deed(sentence: str, plain: str, known: Known) -> bool:
    """Told as done; an appointment that stands may be told as booked."""
    deeds = [m[0].split()[-1] for m in _DEED.finditer(_UNDONE.sub(" ", plain))]
    if all(_kinds(verb) & known.done for verb in deeds):
        return False
    days, clock = _days(sentence, known.today), {f.value for f in times(sentence)}
    stands = any(m.date() in days or (not days and m.time() in clock) for m in known.standing)
    changed = re.search(rf"\b(?:{_CHANGED})\b", plain)
    return not (stands and _STANDING.search(plain) and not changed)


def _kinds(verb: str) -> frozenset[str]:
    """The kinds of business that a verb tells of."""
    found = (kinds for stem, kinds in _TOLD.items() if verb.startswith(stem))
    return frozenset(next(found, "book reschedule cancel confirm insurance phone address").split())


def tidied(sentence: str) -> str:
    """Without marks of lists and emphasis, which nobody can speak."""
    return " ".join(re.sub(r"^\s*(?:[-*•]|\d+[.)])\s+|[*_#`~|<>{}\[\]\\]", " ", sentence).split())
