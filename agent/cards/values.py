"""What a value of each field looks like; what is none is not taken, however near it stands to a label."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date

from agent.cards.words import Word

_AS_DIGITS = str.maketrans({"O": "0", "o": "0", "Q": "0", "D": "0", "I": "1", "l": "1", "|": "1", "i": "1", "S": "5",
                            "s": "5", "B": "8", "Z": "2", "z": "2", "G": "6"})  # fmt: skip
_BETWEEN = re.compile(r"(?<=\d)[OoIl|](?=\d)|(?<=\d\d)[OoIl|]$")
_DOUBTED = re.compile(r"(?<![A-Z0-9])[A-Z]{0,3}[OI](?=\d)|^[01](?=[A-Z])")
"""A letter that may be a digit, where letters end and digits begin."""
_ID_WORD = re.compile(r"[A-Za-z0-9|$][A-Za-z0-9|-]*[.,]?")
_DOLLAR = re.compile(r"^\$(?=\d{7})")
"""A large S before digits; no amount is that large."""
_ROMAN = re.compile(r"\b(?:Il|lI|ll|1I|I1|Il)$")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SPANISH = {"ene": 1, "abr": 4, "ago": 8, "dic": 12}
_NUMBERED = re.compile(r"(?<!\d)(\d{1,2})\s?[/.\-]\s?(\d{1,2})\s?[/.\-]\s?(\d{4}|\d{2})(?!\d)")
_ISO = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_WRITTEN = re.compile(r"([A-Za-z]{3})[a-z]*\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_DAY_FIRST = re.compile(r"(\d{1,2})[ -]([A-Za-z]{3})[a-z]*\.?[ -](\d{4})")
_NOT_NAME = frozenset(
    re.findall(r"\w+", "id no number group plan member subscriber name effective date rx bin pcn ppo hmo epo pos copay "
               "coverage dependents medical dental vision employee family individual only customer service")
)  # fmt: skip
_LONGEST_PLAN = 40

Read = tuple[str, float, int]
"""A value, how much its form speaks for it (0 to 1), and of how many words it was made."""


def identifier(words: Sequence[Word], least: int = 5, digits: int = 4) -> Read | None:
    """A member id: letters and digits, also in groups (``W12 3456 78901``)."""
    parts: list[str] = []
    for word in words:
        if not _ID_WORD.fullmatch(word.text) or not (any(map(str.isdigit, word.text)) or word.text.isupper()):
            break
        if parts and (word.text.isalpha() and len(word.text) > 3):
            break
        parts.append(_DOLLAR.sub("S", word.text.rstrip(".,")))
        if "$" in parts[-1]:
            return None
    joined = "".join(parts).replace("-", "").upper() if parts else ""
    mended = _BETWEEN.sub(lambda m: "0" if m[0] in "Oo" else "1", joined).replace("|", "1")
    if not least <= len(mended) <= 20 or sum(map(str.isdigit, mended)) < digits:
        return None
    sure = 0.85 if mended != joined or words[0].text.startswith("$") else 1.0
    return mended, sure * (0.75 if _DOUBTED.search(mended) else 1.0), len(parts)


def group(words: Sequence[Word]) -> Read | None:
    found = identifier(words[:2], 3, 2)
    if found is None:
        return None
    if len(words) > 1 and found[2] == 2 and len(found[0]) > 12:  # the next column's
        return identifier(words[:1], 3, 2)
    return found


def bin_number(words: Sequence[Word]) -> Read | None:
    """Six digits (https://www.ncpdp.org: the processor's IIN)."""
    text = words[0].text.strip(".,") if words else ""
    mended = text.translate(_AS_DIGITS)
    if len(mended) != 6 or not mended.isdigit():
        return None
    return mended, 1.0 if mended == text else 0.8, 1


def code(words: Sequence[Word]) -> Read | None:
    """A PCN or an Rx group: a short word of capitals and digits."""
    text = words[0].text.strip(".,") if words else ""
    if not re.fullmatch(r"[A-Z0-9]{2,15}", text):
        return None
    return text, 0.75 if _DOUBTED.search(text) else 1.0, 1


def name(words: Sequence[Word]) -> Read | None:
    """Two to four words of letters; ``SANTOS, MARIA`` is Maria Santos."""
    taken: list[str] = []
    for word in words[:4]:
        bare = word.text.strip(".,;")
        if not re.fullmatch(r"[^\W\d_][^\W\d_'’.-]*", bare) or bare.lower() in _NOT_NAME:
            break
        if not bare[0].isupper():
            break
        taken.append(word.text)
    if not 2 <= len(taken) <= 4:
        return None
    if taken[0].endswith(","):
        taken = [*taken[1:], taken[0]]
    said = [part.strip(".,;") for part in taken]
    return " ".join(_cased(part) for part in said), 1.0, len(said)


def _cased(part: str) -> str:
    return part.title() if part.isupper() and len(part) > 1 else part


def plan(words: Sequence[Word]) -> Read | None:
    text = plan_text(words)
    if sum(map(str.isalpha, text)) < 3 or "$" in text or "@" in text:
        return None
    return text, 0.95, len(words)


def plan_text(words: Sequence[Word]) -> str:
    """A plan as it is printed: ``Choice POS Il`` is ``Choice POS II``."""
    return _ROMAN.sub("II", " ".join(word.text for word in words)[:_LONGEST_PLAN].strip(" .,;:|"))


def day(words: Sequence[Word]) -> Read | None:
    """A day as ISO. American cards put the month first."""
    text = " ".join(word.text for word in words[:4])
    for pattern, order in ((_ISO, "ymd"), (_NUMBERED, "mdy"), (_WRITTEN, "mdy"), (_DAY_FIRST, "dmy")):
        match = pattern.search(text)
        if match:
            parts = dict(zip(order, match.groups(), strict=True))
            found = _calendar(parts["y"], parts["m"], parts["d"])
            return (found.isoformat(), 1.0, len(words[:4])) if found else None
    return None


def _calendar(year: str, month: str, day_of_month: str) -> date | None:
    key = month.lower()[:3]
    number = (
        int(month) if month.isdigit() else _SPANISH.get(key) or (key in _MONTHS and _MONTHS.index(key) + 1)
    )
    whole = int(year) + (2000 if len(year) == 2 else 0)
    try:
        return date(whole, int(number or 0), int(day_of_month)) if 1990 <= whole <= 2100 else None
    except ValueError:
        return None


VALUES: dict[str, Callable[[Sequence[Word]], Read | None]] = {
    "member": identifier,
    "group": group,
    "name": name,
    "plan": plan,
    "effective": day,
    "rx_bin": bin_number,
    "rx_pcn": code,
    "rx_group": code,
}
