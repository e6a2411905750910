"""What a practice may say in its own words, and what it may not: lines of safety and of identity stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from string import Formatter

from agent.llm.guard import unspeakable
from agent.policy.desk import READ_BACKS
from agent.wording import LINES, LINES_OUT
from fhirserver.ports.agents import WARNING, Fault
from fhirserver.world.configured.parts import pointer
from fhirserver.world.spoken.words import words

LOCKED = frozenset(
    (
        "emergency", "self_harm", "sure_emergency", "sure_self_harm", "no_danger", "abuse_warning", "abuse_end",
        "minor", "ask_guardian", "third_party_person", "identity_person", "identified_third", "stale", "write_failed",
    )
)  # fmt: skip
"""What is said where somebody is in danger, not known, or was not served: not a matter of taste."""
_MACHINE = re.compile(r"\b(?:automated|virtual|digital|ai|artificial|computer|robot|bot)\b")
_PRACTICE = frozenset({"practice"})


def places(text: str) -> frozenset[str] | None:
    """The places of a sentence that are filled in, ``{old}``; None where it is not written as such a sentence is."""
    found = set()
    try:
        for _, name, spec, conversion in Formatter().parse(text):
            if name is None:
                continue
            if spec or conversion or not name.isidentifier():
                return None
            found.add(name)
    except ValueError:
        return None
    return frozenset(found)


def line_faults(wording: Mapping[str, Sequence[str]]) -> Iterator[Fault]:
    """All that is wrong with a practice's own words for lines."""
    for name, variants in wording.items():
        where = pointer("wording", name)
        if name not in LINES:
            only = "where we call, and stays as it is" if name in LINES_OUT else "in docs/platform/agents.md"
            yield Fault(where, f"there is no line '{name}': what there is is {only}")
        elif name in LOCKED:
            yield Fault(
                where, "this line stays as it is: it is said where somebody is in danger or not known"
            )
        else:
            for number, text in enumerate(variants):
                yield from _variant_faults(name, text, f"{where}/{number}")


def _variant_faults(name: str, text: str, where: str) -> Iterator[Fault]:
    ours = [places(variant) or frozenset() for variant in LINES[name]]
    may, must = frozenset().union(*ours), ours[0].intersection(*ours) - _PRACTICE
    found = places(text)
    if found is None:
        yield Fault(where, "braces are for places alone, such as {practice}")
        return
    for place in sorted(found - may - _PRACTICE):
        known = ", ".join(f"{{{one}}}" for one in sorted(may | _PRACTICE))
        yield Fault(where, f"this line has no {{{place}}}; it has {known}")
    for place in sorted(must - found):
        yield Fault(where, f"this line must say {{{place}}}")
    if name == "greeting" and not _MACHINE.search(" ".join(words(text))):
        yield Fault(where, "the greeting says that it is an automated assistant who speaks")
    if name in READ_BACKS and not text.rstrip().endswith("?"):
        yield Fault(where, "what is read back ends with a question, for a yes to it is written down")
    yield from spoken_faults(text, where)


def passing_faults(text: str, where: str) -> Iterator[Fault]:
    """What is wrong with a sentence that is said in passing: it knows the practice's name, and nothing of anybody."""
    found = places(text)
    if found is None or found - _PRACTICE:
        yield Fault(where, "the one place that this sentence may have is {practice}")
    yield from spoken_faults(text, where)


def spoken_faults(text: str, where: str) -> Iterator[Fault]:
    """What nobody should say aloud without having thought about it."""
    why = unspeakable(text)
    if why:
        yield Fault(where, f"this may not be meant: {_WARNED.get(why, why)}", WARNING)


_WARNED = {
    "too long": "it is long to listen to",
    "link": "an address cannot be spoken",
    "machinery": "it is about how the assistant works",
    "medical": "it sounds like medical advice",
    "promise": "it sounds like a promise",
}
