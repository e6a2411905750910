"""A rule-driven stand-in for a language model: it reads nothing but the request, and answers as one might.

It sees rules, facts, conversation and tools exactly as a model does, wants what the caller wants, and knows no ids.
"""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

from agent.scheduling import wish
from fhirserver.world.spoken.addresses import SpokenAddress, address
from fhirserver.world.spoken.identifiers import identifiers, phones
from fhirserver.world.spoken.payers import payer_in
from fhirserver.world.spoken.words import words

Json = dict[str, Any]
_SAID = "the a an at on with and or doctor i'll take please that one december november am pm"
_PLAIN = frozenset(_SAID.split())
_INTENTS = (
    ("reschedule", r"\b(?:reschedule|move|push|another time|different time)\b"),
    ("cancel", r"\bcancel\b|\bcall it off\b"),
    ("confirm", r"\bwhen\b|\bconfirm\b"),
    ("insurance", r"\binsurance\b|\bcoverage\b"),
    ("phone", r"\bphone\b|\bcell\b"),
    ("address", r"\baddress\b|\bmoved\b"),
    ("book", r"\b(?:book|appointment|see the doctor|checkup|come by|squeeze)\b"),
)


class Reading:
    """A request, read."""

    def __init__(self, body: Json):
        self.tools = {t["name"]: t["parameters"]["properties"] for t in body.get("tools", ())}
        items = body["input"]
        self.last = items[-1]
        notes = [json.loads(i["content"]) for i in items if i.get("role") == "developer"]
        self.facts: Json = notes[-1]["facts"]
        self.caller = [json.loads(i["content"])["caller_said"] for i in items if i.get("role") == "user"]
        agent = [i["content"] for i in items if i.get("role") == "assistant"]
        self.agent = agent[-1] if agent else ""
        self.said = self.caller[-1] if self.caller else ""
        self.today = date.fromisoformat(self.facts["today"][:10])

    @property
    def identified(self) -> bool:
        return "appointments" in self.facts

    def intent(self) -> str:
        for text in reversed(self.caller):
            for name, pattern in _INTENTS:
                if re.search(pattern, text.lower()):
                    return name
        waiting = self.facts.get("wishes", ())
        return waiting[0].split()[0] if waiting else ""


def _say(text: str) -> Json:
    return {"say": text}


def _call(name: str, say: str = "", **arguments: str) -> Json:
    return {"say": say, "calls": [{"name": name, "arguments": arguments}]}


def answer_to(body: Json) -> Json:
    """The next step: words, or a call, or both."""
    read = Reading(body)
    if read.last.get("type") == "function_call_output":
        return _after_tool(json.loads(read.last["output"]))
    if not read.identified:
        return _reception(read)
    if re.search(r"\b(?:bye|that's all|nothing else)\b", read.said.lower()) and "end" in read.tools:
        return _call("end")
    chosen = _chosen(read)
    if chosen and "book" in read.tools:
        return _call("book", slot=chosen)
    return _INTENT.get(read.intent(), _lost)(read)


def _after_tool(output: Json) -> Json:
    if output.get("open_times"):
        times = [t["when"] for t in output["open_times"][:3]]
        return _say(f"I have {', or '.join(times)}. Which would you like?")
    if "open_times" in output:
        return _say("I don't find an open time then. Which other day would suit you?")
    return _say("Could you tell me a little more, please?")


def _reception(read: Reading) -> Json:
    intent = read.intent()
    if intent and "note_wish" in read.tools:
        return _call("note_wish", "I can help with that.", wish=intent)
    if "date of birth" in read.agent:
        return _say("We ask so that nobody else can change your appointments.")
    return _say("I can help with appointments or insurance. What would you like to do?")


def _chosen(read: Reading) -> str:
    """The open time whose words the caller repeats."""
    said = set(words(read.said)) - _PLAIN
    scored = [(len(said & set(words(t["when"]))), t["ref"]) for t in read.facts["open_times"]]
    best = max((score for score, _ in scored), default=0)
    refs = [ref for score, ref in scored if score == best]
    return refs[0] if best and len(refs) == 1 else ""


def _find(read: Reading, moves: str) -> Json:
    texts = [t for t in read.caller if "19" not in t and "nineteen" not in t]
    wanted = [w for w in (wish(t, read.today) for t in reversed(texts)) if w.says_something]
    if not wanted:
        return _say("Which day and what time would suit you?")
    days = wanted[0].days
    exact = next((t.exact for t in wanted[0].times if t.exact), None)
    return _call(
        "search_slots",
        moves=moves,
        first_day=days[0].first.isoformat() if days else "",
        last_day=days[0].last.isoformat() if days else "",
        part_of_day="any",
        exact_time=exact.strftime("%H:%M") if exact else "",
        doctor="same",
    )


def _move(read: Reading) -> Json:
    visits = read.facts["appointments"]
    return _find(read, visits[0]["ref"] if visits else "none")


def _cancel(read: Reading) -> Json:
    if "reason" not in read.agent.lower():
        return _say("May I ask the reason?")
    return _call("cancel", visit=read.facts["appointments"][0]["ref"], reason=read.said)


def _confirm(read: Reading) -> Json:
    return _call("confirm", visit=read.facts["appointments"][0]["ref"])


def _insurance(read: Reading) -> Json:
    text = " . ".join(read.caller[-4:])
    payer, ids = payer_in(text), identifiers(read.said, 5)
    if not payer:
        return _say("Which insurance company is it?")
    if not ids:
        return _say("And the member ID, please?")
    return _call("add_coverage", payer=payer, member=ids[-1].value, group="")


def _phone(read: Reading) -> Json:
    found = phones(read.said)
    if not found:
        return _say("What is the new number, with the area code?")
    return _call("change_phone", number=found[-1].value, use="mobile")


def _address(read: Reading) -> Json:
    at = SpokenAddress()
    for text in read.caller:
        at = at.merged(address(text))
    if not at.is_whole:
        return _say("What is the new address, with city and ZIP code?")
    return _call("change_address", line=at.line, city=at.city, state=at.state, postal_code=at.postal_code)


def _lost(read: Reading) -> Json:
    return _say("How can I help you?")


_INTENT = {
    "reschedule": _move,
    "book": lambda read: _find(read, "none"),
    "cancel": _cancel,
    "confirm": _confirm,
    "insurance": _insurance,
    "phone": _phone,
    "address": _address,
}
