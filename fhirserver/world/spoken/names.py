"""Names of people and organisations compared as they sound."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from fhirserver.world.spoken.dates import dates
from fhirserver.world.spoken.numbers import ORDINALS, TEENS, TENS, UNITS, ZERO
from fhirserver.world.spoken.spelling import spelled
from fhirserver.world.spoken.words import Found, Token, fold, tokens, words


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NICKNAMES = """
    alexander alex sandy xander; alexandra alex sandra lexi; andrew andy drew; anthony tony; barbara
    barb barbie; benjamin ben benny; bernard bernie; catherine cathy kate katie kathy katherine
    kathryn cat kit; charles charlie chuck; christina chris tina; christine chris tina; christopher
    chris topher kit; cynthia cindy; daniel dan danny; david dave davey; deborah deb debbie debra;
    donald don donnie; dorothy dot dottie; douglas doug; edward ed eddie ned ted teddy; eleanor
    ellie nell nora; elizabeth liz lizzie beth betty eliza betsy libby; eugene gene; florence flo;
    francis frank frankie; frederick fred freddie; gabriel gabe; gerald gerry jerry; gregory greg;
    guillermo memo; harold harry hal; henry hank harry; isabella bella izzy; jacob jake; jacqueline
    jackie; james jim jimmy jamie; janet jan; jeffrey jeff; jennifer jen jenny; jessica jess jessie;
    john johnny jack jon; jonathan jon jonny; jose pepe; joseph joe joey; joshua josh; judith judy;
    kenneth ken kenny; kimberly kim; lawrence larry; leonard len lenny leo; louis lou louie;
    margaret maggie meg peggy marge greta; maria mary; martin marty; matthew matt; michael mike
    mikey mick; michelle shelly; nathaniel nate nathan; nicholas nick nicky; pamela pam; patricia
    pat patty trish tricia; patrick pat paddy; peter pete; philip phil; raymond ray; rebecca becky
    becca; richard rick rich dick ricky; robert rob bob bobby robbie; ronald ron ronnie; rosemary
    rose rosie; samantha sam; samuel sam sammy; sandra sandy; stephanie steph; stephen steve stevie
    steven; steven steve stevie; susan sue susie suzanne; theodore ted teddy theo; theresa terry
    tess teresa; thomas tom tommy; timothy tim timmy; valerie val; vanessa nessa; victoria vicky
    tori; vincent vince vinny; virginia ginny; walter walt wally; william bill billy will liam
    willie; zachary zach zack
"""
_ALIASES: dict[str, set[str]] = {}
for _row in _NICKNAMES.split(";"):
    _full, *_short = _row.split()
    for _name in (_full, *_short):
        _ALIASES.setdefault(_name, set()).add(_full)

_SOUNDS = (
    (r"^(?:kn|gn|pn|wr)", lambda m: m[0][1]), (r"^ae", "e"), (r"^x", "s"), (r"^wh", "w"), (r"mb$", "m"),
    (r"sch", "sk"),
    (r"tch", "x"), (r"ch", "x"), (r"sh", "x"), (r"ph", "f"), (r"th", "0"),
    (r"dg(?=[eiy])", "j"), (r"ck", "k"),
    (r"c(?=[eiy])", "s"), (r"c", "k"), (r"q", "k"), (r"gh(?=t|$)", ""), (r"gh", "g"), (r"g(?=[eiy])", "j"),
    (r"tz", "s"), (r"z", "s"), (r"x(?=.)", "x"), (r"v", "f"), (r"w(?=[^aeiouy]|$)", ""),
    (r"h(?=[^aeiouy]|$)", ""),
    (r"d$", "t"), (r"ie|ey|ee|ea|y", "i"),
)  # fmt: skip
_COMPILED = tuple((re.compile(p), r) for p, r in _SOUNDS)
_INTRODUCTION = re.compile(
    r"\b(?:my name is|my name's|my full name is|"
    r"the name is|name's|the name's|name is|this is|i am|i'm|it's|it is|"
    r"speaking with|last name is|last name|first name is|first name|surname is|surname|family name is|"
    r"patient is|patient's name is|his name is|her name is|their name is|called|"
    r"calling for|calling on behalf of|calling about)\s+"
)
_NOT_NAMES = _set("""
    a able about actually afraid afternoon again all already an and angry any anything appointment
    at back be been behalf being birth birthday book born but bye calling calling's can can't cancel
    child come coming confirm correct could couldn't dad date daughter did didn't do doctor does
    doesn't don't dr early er evening family father feeling fine first for friday from frustrated
    getting give given going good goodbye great have he he's hello her her's here hey hi his hm hmm
    hoping how husband i i'd i'll i'm i've if ignore im in insurance is isn't it'll it's its just
    kid last late like list looking maybe me mean middle miss mister mm mom monday morning mother
    moving mr mrs ms my name need needs new no no-one nope not nothing number of off oh ok okay old
    on or our out pain patient phone please really reschedule right saturday she she's show sick so
    some something son sorry speaking spelled spelling still sunday sure system tell thank thanks
    that that's thats the their then there they they're this thursday to today tomorrow trying
    tuesday uh um unable up upset very wait want was we we'll we're wednesday well what what's whats
    when where who why wife will with won't wondering would wouldn't wrong yeah yep yes you you're
    your
""")
_PARTICLES = frozenset(
    {
        "de",
        "la",
        "del",
        "van",
        "der",
        "von",
        "da",
        "di",
        "le",
        "st",
        "mc",
        "mac",
        "o",
        "al",
        "el",
        "bin",
        "dos",
    }
)


@lru_cache(maxsize=8192)
def sound(word: str) -> str:
    """A key equal for words that sound alike in English: ``Smith`` and ``Smyth``."""
    key = re.sub(r"[^a-z]", "", fold(word))
    for pattern, replacement in _COMPILED:
        key = pattern.sub(replacement, key)
    key = re.sub(r"(.)\1+", r"\1", key)
    return key[:1] + re.sub(r"[aeiouy]", "", key[1:]) if key else ""


def distance(left: str, right: str) -> int:
    """Edits between two words; swapping neighbours is one edit (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                row[j] = min(row[j], older[j - 2] + 1)
    return row[-1]


def _bare(word: str) -> str:
    return re.sub(r"[^a-z]", "", fold(word))


def same_name(said: str, recorded: str) -> bool:
    """Whether one spoken word may be one recorded name: equal, alike in sound, one slip in a long name."""
    a, b = _bare(said), _bare(recorded)
    if not a or not b:
        return False
    if a == b or (
        len(min(a, b, key=len)) > 2 and sound(a) == sound(b) and distance(a, b) <= max(len(a), len(b)) // 2
    ):
        return True
    return len(b) >= 5 and a[0] == b[0] and distance(a, b) <= (1 if len(b) < 8 else 2)


def same_given(said: str, recorded: str) -> bool:
    """As :func:`same_name`, and nicknames count (``Bill`` for ``William``)."""
    a, b = _bare(said), _bare(recorded)
    return bool(_ALIASES.get(a, {a}) & _ALIASES.get(b, {b})) or same_name(said, recorded)


def _parts(name: str) -> list[str]:
    return [w for w in re.split(r"[\s\-]+", name) if _bare(w)]


def _heard(text: str) -> list[str]:
    """The words of an utterance, the hyphenated ones apart, with spelled words added whole."""
    heard = [w for w in words(text) if w.isalpha() or "'" in w]
    possessive = [w.removesuffix("'s") for w in heard if w.endswith("'s")]
    return heard + possessive + [fold(f.value) for f in spelled(text)]


def _joins(heard: Sequence[str]) -> list[str]:
    return [a + b for a, b in itertools.pairwise(heard)]


def says_family(text: str, family: str) -> bool:
    """Whether the family name is heard in ``text``; one part of a double name is enough."""
    heard = _heard(text)
    candidates = heard + _joins(heard)
    whole = _bare(family)
    if any(same_name(w, whole) for w in candidates):
        return True
    parts = [p for p in _parts(family) if p.lower() not in _PARTICLES and len(_bare(p)) > 2]
    return len(parts) > 1 and any(same_name(w, p) for p in parts for w in heard)


def says_given(text: str, given: Iterable[str]) -> bool:
    """Whether one of the given names (or its nickname) is heard in ``text``."""
    heard = _heard(text)
    names = [p for g in given for p in _parts(g)]
    return any(same_given(w, g) for g in names for w in heard if len(w) > 1 or len(_bare(g)) == 1)


def bare_name(name: str) -> str:
    """A recorded name without the digits that synthetic data carries (``Eve832``)."""
    return re.sub(r"[^\w\s'\-.]|[\d_]", "", name).strip()


_NUMBER_WORDS = frozenset((*UNITS, *TEENS, *TENS, *ORDINALS, *ZERO))


def _name_run(text: str, start: int) -> Found[str] | None:
    run: list[Token] = []
    for token in tokens(text[start:]):
        if token.is_mark and token.raw in ("-", ".") and run:
            continue
        if not _is_content(token) or len(run) == 4:
            break
        run.append(token)
    run = [t for t in run if len(t.text) > 1 or len(run) > 1]
    if not run:
        return None
    words_of = [t.raw if not t.raw.islower() else t.raw.title() for t in run]
    return Found(" ".join(words_of), start + run[0].start, start + run[-1].end)


def introduced_names(text: str, bare: bool = True) -> list[Found[str]]:
    """Names a speaker gives: ``my name is Ada Smith``, ``this is Ada``, ``Ada Smith speaking``, a bare name.

    ``bare`` says whether a name said alone counts, as it does after a question for it.
    A word spelled after the name replaces the part that sounds like it.
    """
    folded = fold(text) if len(fold(text)) == len(text) else text.lower()
    found = [r for m in _INTRODUCTION.finditer(folded) if (r := _name_run(text, m.end()))]
    if not found and bare:
        run = _bare_name(text)
        found = [run] if run else []
    return [_respelled(f, text) for f in found]


def _without_dates(text: str) -> str:
    """The text with every date and spelling blanked, all places kept."""
    places = [(f.start, f.end) for f in dates(text)] + [(f.start, f.end) for f in spelled(text)]
    for start, end in places:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _is_content(token: Token) -> bool:
    return token.is_word and token.text not in _NOT_NAMES and token.text not in _NUMBER_WORDS


def _bare_name(text: str) -> Found[str] | None:
    """A name said alone, perhaps with a date: everything that is not small talk belongs to it."""
    rest = _without_dates(text)
    content = [t for t in tokens(rest) if _is_content(t)]
    clipped = any("'" in t.text and len(t.text) < 6 for t in content[:1])
    if not content or len(content) > 4 or clipped or content[-1].end - content[0].start > 60:
        return None
    kept = [t for t in content if len(t.text) > 1 or len(content) > 1]
    name = " ".join(dict.fromkeys(t.raw.title() if t.raw.islower() else t.raw for t in kept))
    return Found(name, content[0].start, content[-1].end) if name else None


def _respelled(found: Found[str], text: str) -> Found[str]:
    parts = found.value.split()
    for spelt in spelled(text):
        alike = [i for i, p in enumerate(parts) if sound(p)[:1] == sound(spelt.value)[:1]]
        if alike and spelt.start >= found.start:
            parts[alike[-1]] = spelt.value
    return Found(" ".join(parts), found.start, found.end)


def mentions(text: str, name: str) -> bool:
    """Whether an organisation's or a person's name is heard: most of its telling words, in any order."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    telling = [w for w in words(name) if w not in _COMMON_WORDS and len(w) > 1]
    heard = [*_heard(text), *(fold(f.value) for f in spelled(text, least=2))]
    initials = "".join(w[0] for w in words(name))
    if len(initials) >= 3 and initials in heard:
        return True
    hits = [
        w
        for w in telling
        if any(w == h or (len(w) > 4 and same_name(h, w)) for h in [*heard, *_joins(heard)])
    ]
    return bool(telling) and len(hits) * 2 > len(telling)


_COMMON_WORDS = _set("""
    and co company corp group health healthcare inc insurance llc of plan plans the
""")
