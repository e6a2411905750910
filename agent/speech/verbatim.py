"""Whether what was said is what was to be said. Pure: both are texts.

A speech model may reword. Dates, times, numbers, ids, names and yes or no must come out as they were written,
however they are spelt (``2:30 PM``, ``two thirty PM``); of the other words some may differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from fhirserver.world.spoken.dates import MONTHS, SpokenDate, dates
from fhirserver.world.spoken.days import WEEKDAYS
from fhirserver.world.spoken.numbers import TEENS, TENS, UNITS, ZERO, cardinal, ordinal, small
from fhirserver.world.spoken.words import Found, Token, tokens, touching

ALIKE = 0.8
"""The share of words that must be the same; beside the facts, which all must."""
_UNFINISHED = 3
"""Words at the end of a text under way that may still become another: ``twenty`` and then ``one``."""
_CALENDAR = frozenset(
    {*WEEKDAYS, *MONTHS, "today", "tomorrow", "yesterday", "tonight", "week", "weeks", "month", "months"}
    | {"noon", "midnight", "morning", "afternoon", "evening", "half", "quarter", "next", "last"}
)
_POLARITY = frozenset(("not", "no", "never", "none", "neither", "nor", "without", "yes", "nothing", "nobody"))
_OPENERS = {
    "okay", "ok", "sure", "thanks", "thank", "alright", "right", "yes", "no", "sorry", "well", "great", "perfect",
    "now", "so", "hello", "hi", "good", "goodbye", "bye", "one", "certainly", "absolutely", "wonderful", "please",
    "and", "but", "or", "actually", "understood", "fine", "then", "still", "first",
}  # fmt: skip
_NOT_NAMES = frozenset(("i", "ok", "am", "pm", "id"))
_LOOSE = frozenset(("one", "first", "second"))
"""Numbers that are mostly none: ``one moment``."""
_WHOLE = {
    "won't": "will not", "can't": "can not", "cannot": "can not", "shan't": "shall not", "let's": "let us",
    "dr": "doctor", "ok": "okay", "o'clock": "", "mr": "mister", "alright": "all right",
}  # fmt: skip
_ENDINGS = (("n't", " not"), ("'m", " am"), ("'re", " are"), ("'ve", " have"), ("'ll", " will"))
_IS = frozenset(("it's", "that's", "there's", "what's", "here's", "who's", "he's", "she's", "where's"))
_NUMBER_WORDS = frozenset({*UNITS, *TEENS, *TENS, *ZERO} - {"o"})


@dataclass(frozen=True, slots=True)
class Said:
    """One word, number, id or date in its canonical form; ``fact``: it must be said just so."""

    text: str
    kind: str
    loose: bool = False

    @property
    def fact(self) -> bool:
        return self.kind != "word"


def carries_facts(text: str) -> bool:
    """Whether a mistake in it would misinform: a number, a date, a time, an id or a name is in it."""
    return any(s.fact and s.kind != "polarity" and not s.loose for s in read(text))


def same(text: str, said: str) -> bool:
    """Whether ``said`` tells the same facts in nearly the same words."""
    wanted, heard = _named(read(text), read(said))
    if [s.text for s in wanted if s.fact] != [s.text for s in heard if s.fact]:
        return False
    return _ratio(wanted, heard) >= ALIKE


def differing(text: str, said: str) -> tuple[str, ...]:
    """The kinds of facts (``date``, ``letters``, ``name``, ``number``, ``polarity``, ``time``) that two readings of the
    same sound do not share. A name is known by a capital letter in one of them."""
    one, other = (
        Counter((s.kind, s.text) for s in words if s.fact) for words in _named(read(text), read(said))
    )
    return tuple(sorted({kind for kind, _ in (one - other) + (other - one)}))


def strays(text: str, so_far: str) -> bool:
    """Whether the beginning of what is being said already shows that it will not be ``text``."""
    begun = tokens(so_far)[:-_UNFINISHED]
    if not begun:
        return False
    wanted, heard = _named(read(text), read(so_far[: begun[-1].end]))
    heard = heard[:-1]
    return bool(heard) and _ratio(wanted[: len(heard)], heard) < ALIKE and len(heard) > 1


def _ratio(wanted: Sequence[Said], heard: Sequence[Said]) -> float:
    return SequenceMatcher(None, [s.text for s in wanted], [s.text for s in heard], autojunk=False).ratio()


def _named(*texts: list[Said]) -> list[list[Said]]:
    """What is a name in one of the texts is one in all."""
    names = {s.text for text in texts for s in text if s.kind == "name"}
    return [[replace(s, kind="name") if s.text in names else s for s in text] for text in texts]


def read(text: str) -> list[Said]:
    """``text`` in canonical words; what is spelt or dictated together is one."""
    ts, found = tokens(text), dates(text)
    return list(_joined(_pieces(ts, found)))


_Piece = tuple[Said, bool]
"""A word, and whether it may be part of a run of digits and letters."""


def _pieces(ts: Sequence[Token], found: Sequence[Found[SpokenDate]]) -> Iterator[_Piece]:
    i = 0
    while i < len(ts):
        day = next((f for f in found if f.start == ts[i].start), None)
        if day is not None:
            value = day.value
            yield Said(f"{value.month}/{value.day}/{value.year or ''}", "date"), False
            i = next((n for n in range(i, len(ts)) if ts[n].start >= day.end), len(ts))
            continue
        number = _number(ts, i)
        if number is not None:
            yield Said(number[0], "number", ts[i].text in _LOOSE), True
            i = number[1]
            continue
        yield from _other(ts, i)
        i += 2 if _half_day(ts, i) and ts[i].text in ("a", "p") else 1


def _number(ts: Sequence[Token], i: int) -> tuple[str, int] | None:
    """Digits as written (``0142`` keeps its zero), or the value of number words."""
    if _is_full_hour(ts, i):
        return ts[i].text, i + 3
    if ts[i].is_number:
        ends = i + 1 < len(ts) and ts[i + 1].text in ("st", "nd", "rd", "th") and touching(ts[i], ts[i + 1])
        return ts[i].text, i + (2 if ends else 1)
    place = ordinal(ts, i)
    if place is not None:
        return str(place[0]), place[1]
    if ts[i].text not in _NUMBER_WORDS:
        return None
    whole = cardinal(ts, i)
    if whole is None or not any(t.text in ("hundred", "thousand") for t in ts[i : whole[1]]):
        whole = small(ts, i) or whole
    return None if whole is None else (str(whole[0]), whole[1])


def _is_full_hour(ts: Sequence[Token], i: int) -> bool:
    """``9:00``, which is said ``nine``."""
    three = ts[i : i + 3]
    return len(three) == 3 and three[0].is_number and three[1].raw == ":" and three[2].raw == "00"


def _half_day(ts: Sequence[Token], i: int) -> str:
    """``a.m.`` and ``p.m.``, which come as letters and dots."""
    spelt = "".join(t.text for t in ts[i : i + 3])
    return spelt[0] + "m" if spelt in ("a.m", "p.m") else ""


def _other(ts: Sequence[Token], i: int) -> Iterator[_Piece]:
    token = ts[i]
    if _half_day(ts, i):
        yield Said(_half_day(ts, i), "time"), False
    elif token.is_mark:
        if token.raw == "." and _between_digits(ts, i):
            yield Said("point", "number"), False
    elif i >= 2 and _half_day(ts, i - 2):
        return
    elif _is_letters(ts, i):
        yield Said(token.text, "letters"), True
    else:
        kind = "time" if _is_half_day(ts, i) else "name" if _is_name(ts, i) else ""
        for word in _words(token.text):
            yield Said(word, kind or _kind(word)), False


def _is_half_day(ts: Sequence[Token], i: int) -> bool:
    """``AM`` or ``2 pm``, not ``I am``."""
    numbered = i > 0 and (ts[i - 1].is_number or ts[i - 1].text in _NUMBER_WORDS)
    return ts[i].text in ("am", "pm") and (ts[i].raw.isupper() or numbered)


def _between_digits(ts: Sequence[Token], i: int) -> bool:
    around = ts[max(i - 1, 0) : i + 2]
    return len(around) == 3 and around[0].is_number and around[2].is_number and touching(around[1], around[2])


def _is_letters(ts: Sequence[Token], i: int) -> bool:
    """A letter by itself, or letters written as a part of an id (``ABC987``)."""
    token = ts[i]
    beside = [n for n in (_beside(ts, i, -1), _beside(ts, i, 1)) if n is not None]
    dictated = any(len(n.text) == 1 or n.is_number or n.text in _NUMBER_WORDS for n in beside)
    if len(token.raw) == 1:
        return dictated if token.text in ("a", "i") else True
    numbered = any(n.is_number or n.text in _NUMBER_WORDS for n in beside)
    return token.raw.isupper() and len(token.raw) <= 5 and token.text not in _NOT_NAMES and numbered


def _beside(ts: Sequence[Token], i: int, step: int) -> Token | None:
    i += step
    while 0 <= i < len(ts) and ts[i].raw in (",", "-", " "):
        i += step
    return ts[i] if 0 <= i < len(ts) and not ts[i].is_mark else None


def _is_name(ts: Sequence[Token], i: int) -> bool:
    """A capital within a sentence, or at its beginning where somebody is addressed (``Maria, …``)."""
    token = ts[i]
    if not token.raw[:1].isupper() or token.text.partition("'")[0] in _NOT_NAMES or token.text in _CALENDAR:
        return False
    if i and ts[i - 1].raw not in (".", "!", "?", ":", "…") and ts[i - 1].raw not in ('"', "“"):
        return True
    return i + 1 < len(ts) and ts[i + 1].raw == "," and token.text not in _OPENERS


def _words(word: str) -> list[str]:
    """Contractions and abbreviations as what they stand for."""
    word = word.replace("’", "'")
    if word in _WHOLE:
        return _WHOLE[word].split()
    if word in _IS:
        return [word[:-2], "is"]
    for ending, full in _ENDINGS:
        if word.endswith(ending):
            return (word.removesuffix(ending) + full).split()
    return [word]


def _kind(word: str) -> str:
    if word in _CALENDAR:
        return "time"
    return "polarity" if word in _POLARITY else "word"


def _joined(pieces: Iterable[_Piece]) -> Iterator[Said]:
    run: list[Said] = []
    for said, joins in pieces:
        if joins:
            run.append(said)
            continue
        yield from _run(run)
        run = []
        yield said
    yield from _run(run)


def _run(run: Sequence[Said]) -> Iterator[Said]:
    if run:
        kind = "number" if all(s.kind == "number" for s in run) else "letters"
        yield Said("".join(s.text for s in run), kind, len(run) == 1 and run[0].loose)
