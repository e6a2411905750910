"""What words tell of danger and of who speaks, by rules over their plain form."""

from __future__ import annotations

import re

from agent.hearing import Heard, hear
from fhirserver.world.spoken.words import plain

_THREAT = re.compile(
    r"\b(?:i(?:'ll| will| am going to|'m going to|'m gonna| gonna)|we(?:'ll| will)) (?:\w+ ){0,2}?"
    r"(?:kill|hurt|shoot|stab|attack|burn|bomb|beat|find|destroy|come after) "
    r"(?:you|him|her|them|everyone|everybody|all of you|the doctor|that doctor|your (?:\w+ ?){1,2}|the (?:clinic|place|"
    r"building|office|nurse))\b"
    r"|\b(?:bring|got|have|get) (?:a|my) (?:gun|knife|bomb|rifle|weapon)\b|\bblow (?:up|it up|this place up)\b"
    r"|\byou(?:'ll| will) (?:regret|pay for) this\b|\bi know where you (?:live|work)\b"
)
_FIND = re.compile(r"\b(?:find) (?:you|him|her|them) (?:a|an|the|another|something)\b")
_AGES = "five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
_MINOR = re.compile(
    rf"\bi(?:'m| am) (?:only |just )?(?P<age>\d{{1,2}}|{_AGES})(?: years? old| and a half)?"
    r"(?= *$| years| and a half| but| and i)"
    r"|\bi(?:'m| am) (?:just |only )?a (?:kid|child|minor|little (?:girl|boy))\b"
    r"|\bmy (?:mom|mommy|mum|mummy|dad|daddy|parents?) (?:isn't|is not|aren't|are not|don't|doesn't|does not|can't) "
    r"(?:here|home|know|wake|answer)\b"
)


def is_threat(said: str) -> bool:
    """Whether words threaten somebody."""
    text = plain(said)
    return _THREAT.search(text) is not None and _FIND.search(text) is None


def is_minor(said: str) -> bool:
    """Whether the speaker says, or shows, to be a child."""
    match = _MINOR.search(plain(said))
    if match is None:
        return False
    age = match["age"]
    return age is None or not age.isdecimal() or 3 <= int(age) < 18


def signs_in(said: str, turn: int) -> tuple[str, ...]:
    """The kinds of :data:`agent.safety.risk.SIGNS` that an utterance shows by itself."""
    heard: Heard = hear(turn, said)
    found = {
        "self_harm": heard.self_harm,
        "emergency": heard.emergency,
        "threat": is_threat(said),
        "abuse": heard.abusive,
        "frustration": heard.frustrated and not heard.abusive,
        "minor": is_minor(said),
    }
    return tuple(kind for kind, there in found.items() if there)
