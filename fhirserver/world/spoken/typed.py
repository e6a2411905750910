"""What is typed as it would have been said: signs that stand for words, short forms, and slips of the fingers.

Only words about the business of a practice are mended, and only slips that leave no doubt: neighbours changed places,
a letter left out, a letter doubled. ``cancer`` is no ``cancel``.
"""

from __future__ import annotations

import re

_SIGNS = {
    "yes": "👍👌✅☑✔🆗🙆💯",
    "no": "👎❌🚫✖🙅",
    "thank you": "🙏",
}
_SIGN = {sign: word for word, signs in _SIGNS.items() for sign in signs}
_SIGN_RE = re.compile(f"(?:[{''.join(_SIGN)}][\\ufe0f\\U0001f3fb-\\U0001f3ff]*)+")
_SHORT = {
    "appt": "appointment", "appts": "appointments", "apt": "appointment", "resched": "reschedule", "pls": "please",
    "plz": "please", "thx": "thanks", "ty": "thank you", "tmrw": "tomorrow", "tmr": "tomorrow", "tmw": "tomorrow",
    "dob": "date of birth", "k": "ok", "kk": "ok", "yea": "yeah", "yess": "yes", "yup": "yes", "nvm": "never mind",
    "idk": "i don't know", "cant": "can't", "dont": "don't", "wont": "won't", "isnt": "isn't", "thats": "that's",
    "im": "i'm", "ive": "i've", "doesnt": "doesn't", "wouldnt": "wouldn't", "didnt": "didn't",
}  # fmt: skip
_MEANT = (
    "appointment", "appointments", "cancel", "reschedule", "insurance", "schedule", "coverage", "address", "doctor",
    "tomorrow", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "morning", "afternoon",
    "something", "emergency", "ambulance",
)  # fmt: skip
_FORMS = frozenset(
    ("cancels", "canceled", "cancelled", "schedules", "scheduled", "rescheduled", "address", "doctors")
)
_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")


def as_said(text: str) -> str:
    """``Need to cancle my appt 👍`` → ``Need to cancel my appointment yes``."""
    if _SIGN_RE.search(text):
        text = _SIGN_RE.sub(lambda m: f" {_SIGN[m[0][0]]} ", text)
    return _WORD.sub(lambda m: _meant(m[0]), text)


def _meant(word: str) -> str:
    low = word.lower()
    if low in _SHORT:
        return _SHORT[low]
    if len(low) < 5 or low in _MEANT or low in _FORMS:
        return word
    return next((meant for meant in _MEANT if _is_slip(low, meant)), word)


def _is_slip(typed: str, meant: str) -> bool:
    if typed[0] != meant[0] or abs(len(typed) - len(meant)) > 1:
        return False
    if len(typed) == len(meant):
        apart = [i for i in range(len(typed)) if typed[i] != meant[i]]
        return len(apart) == 2 and apart[1] == apart[0] + 1 and sorted(typed) == sorted(meant)
    if len(typed) < len(meant):  # "Sunda" is a name
        return len(typed) > 5 and any(typed == meant[:i] + meant[i + 1 :] for i in range(1, len(meant)))
    doubled = (i for i in range(1, len(typed)) if typed[i] == typed[i - 1])
    return any(meant == typed[:i] + typed[i + 1 :] for i in doubled)
