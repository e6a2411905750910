"""What the caller may well say next, from the state of the conversation and what is known of the caller.

Only a recogniser sees it: nothing of it is said aloud before the caller is identified.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from agent.hints import Hints
from agent.memory import Memory
from agent.policy.choosing import spoken_appointment
from fhirserver.world.spoken.dates import MONTHS
from fhirserver.world.spoken.days import WEEKDAYS
from fhirserver.world.spoken.payers import PAYERS
from fhirserver.world.spoken.say import say_ordinal, say_time

_EXPECTS = {
    "identity": "identity",
    "wish": "date",
    "offer": "slot",
    "choose_appointment": "slot",
    "no_appointment": "yes_no",
    "not_coming": "yes_no",
    "will_you_come": "yes_no",
    "read_back": "yes_no",
    "reason": "reason",
    "insurance": "insurance",
    "phone": "phone",
    "address": "address",
}


_PAYERS = tuple(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name) for name in PAYERS)
"""As they are said: ``United Healthcare``."""
_PAYER = frozenset(("", "payer", "fix"))
"""What a business of insurance asks when a payer may be named; empty: it has asked nothing yet."""


_NEW = frozenset(("insurance", "phone", "address"))
"""States in which the caller tells what no record has: names on it would only be heard for something else."""


def hints_for(state: str, memory: Memory, asked: str = "", offered: Iterable[datetime] = ()) -> Hints:
    """The hints for a recogniser in ``state`` of the context graph; ``asked``: the part that is asked for;
    ``offered``: times to choose from."""
    payers = _PAYERS if state == "insurance" and asked in _PAYER else ()
    chosen = [at.astimezone(memory.setting.tz) for at in offered] if state == "offer" else []
    times = dict.fromkeys(form for at in chosen for form in _times(at))
    record = () if state in _NEW else (*_names(memory), *_visits(memory))
    return Hints((*record, *payers, *times), _EXPECTS.get(state, ""))


def _times(at: datetime) -> list[str]:
    """Ways in which a time that was offered is chosen."""
    day, clock = WEEKDAYS[at.weekday()].title(), say_time(at.time())
    clock = clock.replace(" AM", " a m").replace(" PM", " p m")
    bare = clock.removesuffix(" a m").removesuffix(" p m")
    date = f"{MONTHS[at.month - 1].title()} {say_ordinal(at.day)}"
    return [f"{day} at {clock}", f"{day} at {bare}", f"{date} at {clock}", f"the {bare}", clock]


def _names(memory: Memory) -> list[str]:
    known = (*memory.candidates, *((memory.patient,) if memory.patient else ()))
    names = (f"{' '.join(given)} {family}" for patient in known for given, family in patient.names)
    return list(dict.fromkeys(names))


def _visits(memory: Memory) -> list[str]:
    return [spoken_appointment(memory, a) for a in memory.upcoming]
