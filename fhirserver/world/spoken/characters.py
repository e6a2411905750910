"""Digits and letters one after another, as people read out phone numbers, member ids and spellings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fhirserver.world.spoken.numbers import TEENS, TENS, UNITS, ZERO, cardinal, small
from fhirserver.world.spoken.words import Token, tokens, touching

PHONETIC = {
    "alpha": "A", "alfa": "A", "bravo": "B", "charlie": "C", "delta": "D", "echo": "E", "foxtrot": "F",
    "golf": "G", "hotel": "H", "india": "I", "juliet": "J", "juliett": "J", "kilo": "K", "lima": "L",
    "mike": "M", "november": "N", "oscar": "O", "papa": "P", "quebec": "Q", "romeo": "R", "sierra": "S",
    "tango": "T", "uniform": "U", "victor": "V", "whiskey": "W", "whisky": "W", "xray": "X", "yankee": "Y",
    "zulu": "Z",
}  # fmt: skip
_LETTER_NAMES = {
    "bee": "B", "dee": "D", "gee": "G", "aitch": "H", "haitch": "H", "jay": "J", "kay": "K", "el": "L",
    "em": "M", "en": "N", "pee": "P", "queue": "Q", "ess": "S", "tee": "T", "vee": "V", "ex": "X",
    "zee": "Z", "zed": "Z",
}  # fmt: skip
_HOMOPHONES = {"for": "4", "to": "2", "too": "2", "ate": "8", "won": "1"}
_REPEATS = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
_SKIPPED = {
    "uh",
    "um",
    "er",
    "erm",
    "then",
    "space",
    "dot",
    "capital",
    "uppercase",
    "letter",
    "number",
    "and",
}
_JOINERS = {"dash", "hyphen", "minus", "slash"}
_AS_IN = ({"as", "in"}, {"like", "in"})
_LIKE = {"for", "like"}
_MARKS = {",", "-", ".", "(", ")", "/", ":", "…", "–", "—", "+", "'"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a run: ``digits``, ``letters``, ``joiner`` (a said hyphen), ``skip`` or ``word``."""

    kind: str
    chars: str
    start: int
    end: int

    @property
    def counts(self) -> bool:
        return self.kind in ("digits", "letters")


Read = tuple[str, str, int]
"""kind, characters, index of the next token."""


def _word(ts: Sequence[Token], i: int) -> str:
    return ts[i].text if 0 <= i < len(ts) else ""


def _spoken_number(ts: Sequence[Token], i: int) -> Read | None:
    word = _word(ts, i)
    if word in ZERO and word != "o":
        return "digits", "0", i + 1
    read = cardinal(ts, i) if word in UNITS or word in TEENS or word in TENS else None
    if read is None:
        return None
    value, after = read
    said = [t.text for t in ts[i:after]]
    if "hundred" in said or "thousand" in said:
        return "digits", str(value), after
    below = small(ts, i)
    return ("digits", str(below[0]), below[1]) if below else None


def _as_in(ts: Sequence[Token], i: int) -> int:
    """The index after ``as in Sam`` or ``for Sam`` that follows a letter, or ``i``."""
    at = i + 1 if _word(ts, i) == "," else i
    if {_word(ts, at), _word(ts, at + 1)} in _AS_IN and at + 2 < len(ts):
        return at + 3
    example = _word(ts, at + 1)
    if _word(ts, at) in _LIKE and len(example) > 1 and example.isalpha() and example not in UNITS:
        return at + 2
    return i


def _letter(ts: Sequence[Token], i: int) -> Read | None:
    word = _word(ts, i)
    if word == "x" and _word(ts, i + 1) == "ray":
        return "letters", "X", i + 2
    if word == "x" and _word(ts, i + 1) == "-" and _word(ts, i + 2) == "ray":
        return "letters", "X", i + 3
    if len(word) == 1 and word.isalpha() and word.isascii():
        return "letters", word.upper(), _as_in(ts, i + 1)
    if word in PHONETIC:
        return "letters", PHONETIC[word], i + 1
    return None


def _repeated(ts: Sequence[Token], i: int) -> Read | None:
    times = _REPEATS.get(_word(ts, i))
    if times is None:
        return None
    if times == 2 and _word(ts, i + 1) in ("u", "you"):
        return "letters", "W", _as_in(ts, i + 2)
    if _word(ts, i + 1) in ("oh", "o"):
        return "digits", "0" * times, i + 2
    inner = _spoken_number(ts, i + 1) or _letter(ts, i + 1)
    if inner is None and i + 1 < len(ts) and ts[i + 1].is_number and len(ts[i + 1].text) == 1:
        inner = ("digits", ts[i + 1].text, i + 2)
    return (inner[0], inner[1] * times, inner[2]) if inner and len(inner[1]) == 1 else None


def _is_written_id(ts: Sequence[Token], i: int) -> bool:
    """Letters written as part of an id: ``ABC987``, ``XYZ-123``, ``ABC 987``."""
    token = ts[i]
    if not (token.raw.isascii() and token.raw.isalpha()):
        return False
    after, before = (ts[i + 1] if i + 1 < len(ts) else None), (ts[i - 1] if i else None)
    if after and after.is_number and touching(token, after):
        return True
    if before and before.is_number and touching(before, token):
        return token.text not in ("st", "nd", "rd", "th", "am", "pm", "s", "mg", "ml")
    if not token.raw.isupper() or len(token.raw) > 5 or token.text in ("i", "am", "pm", "id", "ok"):
        return False
    nxt = i + 2 if after and after.raw == "-" else i + 1
    return nxt < len(ts) and ts[nxt].is_number


def _read(ts: Sequence[Token], i: int) -> Read:
    token = ts[i]
    if token.is_number:
        return "digits", token.text, i + 1
    if _is_written_id(ts, i):
        return "letters", token.raw.upper(), i + 1
    found = _repeated(ts, i) or _spoken_number(ts, i) or _letter(ts, i)
    if found:
        return found
    if token.text in _JOINERS:
        return "joiner", "-", i + 1
    return ("skip" if token.raw in _MARKS or token.text in _SKIPPED else "word"), token.text, i + 1


def _raw_pieces(ts: Sequence[Token]) -> Iterator[Piece]:
    i = 0
    while i < len(ts):
        kind, chars, after = _read(ts, i)
        yield Piece(kind, chars, ts[i].start, ts[after - 1].end)
        i = after


def _neighbour(pieces: Sequence[Piece], i: int, step: int) -> Piece | None:
    i += step
    while 0 <= i < len(pieces) and pieces[i].kind == "skip":
        i += step
    return pieces[i] if 0 <= i < len(pieces) else None


def _between(pieces: Sequence[Piece], i: int) -> Piece:
    """Words that are letters or digits only between other characters (``bee``, ``for``, a lone ``o``)."""
    piece, before, after = pieces[i], _neighbour(pieces, i, -1), _neighbour(pieces, i, 1)
    kinds = {p.kind for p in (before, after) if p is not None}
    if piece.kind == "letters" and piece.chars == "O" and "digits" in kinds and "letters" not in kinds:
        return Piece("digits", "0", piece.start, piece.end)
    if piece.kind != "word" or before is None or after is None or not (before.counts and after.counts):
        return piece
    if piece.chars in _LETTER_NAMES and "letters" in kinds:
        return Piece("letters", _LETTER_NAMES[piece.chars], piece.start, piece.end)
    if piece.chars in _HOMOPHONES and (kinds == {"digits"} or _is_four(piece, before, after)):
        return Piece("digits", _HOMOPHONES[piece.chars], piece.start, piece.end)
    return piece


def _is_four(piece: Piece, before: Piece, after: Piece) -> bool:
    """``U for four seven`` is U447: a letter is explained by a word, never by a digit that is said."""
    said = after.end - after.start > len(after.chars)
    return piece.chars == "for" and before.kind == "letters" and after.kind == "digits" and said


def pieces(text: str) -> list[Piece]:
    """``text`` as digits, letters and what stands between them."""
    raw = list(_raw_pieces(tokens(text)))
    return [_between(raw, i) for i in range(len(raw))]


def runs(text: str, kinds: frozenset[str]) -> list[list[Piece]]:
    """Maximal runs of pieces of ``kinds``; fillers, marks and said hyphens do not end a run."""
    out: list[list[Piece]] = []
    current: list[Piece] = []
    for piece in pieces(text):
        if piece.kind in kinds:
            current.append(piece)
        elif piece.kind not in ("skip", "joiner"):
            if current:
                out.append(current)
            current = []
    if current:
        out.append(current)
    return out
