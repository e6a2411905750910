"""What the agent asks, as a person hears it: by its words, not by the agent's own states."""

from __future__ import annotations

import re

_KINDS: tuple[tuple[str, str], ...] = (
    ("still_there", r"still there|are you there|can you hear|you on the line"),
    ("person", r"connect you(?: with a person)?\?|(?:would you like|shall i).{0,30}\b(?:person|staff)\b"),
    (
        "guardian",
        r"parent or guardian|guardian or parent|are you (?:his|her|their|the patient's) (?:parent|guardian)",
    ),
    ("anything_else", r"anything else|something else i can"),
    ("spelling", r"\bspell\b"),
    ("identity", r"name.{0,40}(?:birth|born)|(?:birth|born).{0,40}name"),
    ("birth", r"date of birth|birth ?date|when (?:were you|was \w+) born|month, the day and the year"),
    ("name", r"\bname\b(?!.{0,30}(?:insurance|company))"),
    ("go_on", r"^go on\b|the rest\?"),
    ("which_part", r"which part"),
    ("payer", r"insurance company|(?:which|what|name of).{0,20}\b(?:insurance|payer)\b"),
    ("member", r"member (?:id|number)"),
    ("group", r"group number"),
    (
        "read_back",
        r"is that (?:right|correct)|shall i (?:go ahead|book|move|cancel|do)|shall i\b|do i have that",
    ),
    ("book_instead", r"(?:like|want) (?:me )?to book one"),
    ("attend", r"will you (?:be there|come|make it)"),
    ("move_or_cancel", r"(?:move|another time).{0,40}cancel"),
    ("which_visit", r"which (?:one|appointment)|which of (?:them|these) do you mean"),
    ("reason", r"\breason\b|why (?:do you|are you)"),
    (
        "offer",
        r"which would you like|which of these|which one would you like|which time|would (?:that|one of these)|"
        r"does that work|do any of",
    ),
    ("when", r"(?:what|which|another|other) (?:other )?(?:day|time)|when would|morning or afternoon"),
    ("phone", r"phone number|area code"),
    ("address", r"street.{0,30}city.{0,30}zip"),
    ("line", r"house number|street(?! address)\b(?!.*city)"),
    ("city", r"(?:which|what) city"),
    ("postal", r"(?:the|your|five.digit) zip code\??$"),
    ("address", r"address"),
    ("again", r"(?:tell me|say it|say that) again|once more"),
    ("open", r"how can (?:i|we) help|what can i do|what else can i"),
)
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)
_SENTENCE = re.compile(r"[^.?!]+[.?!—]*")


def question(said: str) -> str:
    """The kind of the last thing asked in ``said``, or empty where nothing is asked of the caller."""
    for sentence in reversed(_SENTENCE.findall(said.lower())):
        for kind, pattern in _COMPILED:
            if pattern.search(sentence.strip()):
                return "read_back" if kind == "which_visit" and "is that right" in sentence else kind
    return ""
