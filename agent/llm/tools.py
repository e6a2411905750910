"""The tools a model may ask for: what they are called, what they take, in which states there are any.

The same the policy has: nothing a model asks for is done by more than a proposal. Arguments are checked here,
whatever the schema promised; what is wrong with them goes back to the model in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any

from agent.llm.references import References
from agent.llm.requests import ToolSpec
from agent.memory import Setting
from agent.policy.graph import Graph
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, loads
from fhirserver.world.configured.agent import State

WISHES = ("reschedule", "book", "cancel", "confirm", "insurance", "phone", "address")
HANDOVERS = ("caller asked for a person", "beyond what the assistant can do", "caller is upset")
NONE = "none"
LONGEST_ARGUMENTS = 4000
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")


class InvalidCall(ValueError):
    """The model's call cannot be taken; the message is for the model and names what to do instead."""


@dataclass(frozen=True, slots=True)
class Tool:
    """``to``: the state of the context graph that it leads to."""

    name: str
    description: str
    to: str
    properties: Callable[[References], JsonObject]

    def spec(self, known: References) -> ToolSpec:
        """As the model sees it with the references given."""
        properties = self.properties(known)
        schema: JsonObject = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
        return ToolSpec(self.name, self.description, schema)


def _text(what: str) -> JsonObject:
    return {"type": "string", "description": what}


def _one_of(values: list[str], what: str) -> JsonObject:
    return {"type": "string", "enum": values, "description": what}


def _search(known: References) -> JsonObject:
    return {
        "moves": _one_of([*known.visits, NONE], "the appointment to be moved; none for a new one"),
        "first_day": _text("first day that suits, YYYY-MM-DD; empty for any"),
        "last_day": _text("last day that suits, YYYY-MM-DD; empty for the same as first_day"),
        "part_of_day": _one_of(["any", "morning", "afternoon"], "when it should be"),
        "exact_time": _text("a time of day asked for, HH:MM in 24 hours; else empty"),
        "doctor": _one_of(
            [*known.doctors, "same", "any"], "with whom; same as the appointment moved or last seen"
        ),
    }


TOOLS: dict[str, Tool] = {
    t.name: t
    for t in (
        Tool("note_wish", "Note what the caller wants; the identity check begins by itself.", "identity",
             lambda _: {"wish": _one_of(list(WISHES), "what the caller wants")}),
        Tool("search_slots", "Look for open times. Only times it returns can be offered.", "searching", _search),
        Tool("book", "Propose to take an open time; the caller is read it back and asked.", "read_back",
             lambda k: {"slot": _one_of(list(k.slots), "the time the caller chose")}),
        Tool("cancel", "Propose to cancel an appointment; the caller is asked to confirm.", "read_back",
             lambda k: {"visit": _one_of(list(k.visits), "which"), "reason": _text("in the caller's own words")}),
        Tool("confirm", "Tell an appointment and ask whether the caller will be there.", "will_you_come",
             lambda k: {"visit": _one_of(list(k.visits), "which")}),
        Tool("add_coverage", "Propose to record new insurance; it is read back.", "read_back",
             lambda _: {"payer": _text("company"), "member": _text("member id, letters and digits"),
                        "group": _text("group number, empty if there is none")}),
        Tool("change_phone", "Propose to record a new phone number; it is read back.", "read_back",
             lambda _: {"number": _text("ten digits"), "use": _one_of(["mobile", "home", "work"], "which phone")}),
        Tool("change_address", "Propose to record a new home address; it is read back.", "read_back",
             lambda _: {"line": _text("house number and street"), "city": _text("city"),
                        "state": _text("two letters, empty if not said"), "postal_code": _text("ZIP code")}),
        Tool("read_back", "Read the open proposal back to the caller once more.", "read_back", lambda _: {}),
        Tool("transfer", "Connect the caller with a person now.", "handover",
             lambda _: {"reason": _one_of(list(HANDOVERS), "why")}),
        Tool("escalate", "Call a person's attention to the call, which goes on.", "handover",
             lambda _: {"reason": _one_of(list(HANDOVERS), "why")}),
        Tool("end", "Say goodbye and hang up, once the caller wants nothing more.", "closing", lambda _: {}),
    )
}  # fmt: skip


def own_tools(asked: State) -> list[Tool]:
    """The tools while a question of the practice's own is open."""
    kind = {
        "yes_no": _one_of(["yes", "no"], "what the caller means"),
        "choice": _one_of([ways[0] for ways in asked.choices.values()], "which one the caller means"),
    }.get(asked.expects or "", _text(f"the {asked.expects} that answers it, in the caller's own words"))
    note = Tool("note_answer", "Note the caller's answer to the question that was put.", asked.name,
                lambda _: {"answer": kind})  # fmt: skip
    return [note, TOOLS["transfer"], TOOLS["escalate"]]


_NEEDS: dict[str, Callable[[References, bool], bool]] = {
    "book": lambda known, _: bool(known.slots),
    "cancel": lambda known, _: bool(known.visits),
    "confirm": lambda known, _: bool(known.visits),
    "read_back": lambda _, open: open,
}


_SERVES = {
    "search_slots": ("book", "reschedule"),
    "book": ("book", "reschedule"),
    "cancel": ("cancel",),
    "confirm": ("confirm",),
    "add_coverage": ("insurance",),
    "change_phone": ("phone",),
    "change_address": ("address",),
}
"""Which business a tool is for."""


def allowed(
    state: str,
    identified: bool,
    known: References,
    open_proposal: bool = False,
    setting: Setting | None = None,
) -> list[Tool]:
    """The tools that may be asked for in a state of the context graph, with what is known and what is offered."""
    setting = setting or Setting()
    reach, wishes = _reach(state, identified, setting.graph), [w for w in WISHES if w in setting.offers]
    noting = replace(
        TOOLS["note_wish"], properties=lambda _: {"wish": _one_of(wishes, "what the caller wants")}
    )
    return [
        noting if tool.name == "note_wish" else tool
        for tool in TOOLS.values()
        if (tool.name not in _SERVES or setting.offers & set(_SERVES[tool.name]))
        and (tool.name != "note_wish" or wishes)
        and tool.to in reach
        and (identified != (tool.name == "note_wish") or tool.to in ("handover", "closing"))
        and (tool.name not in _NEEDS or _NEEDS[tool.name](known, open_proposal))
    ]


def _reach(state: str, identified: bool, graph: Graph) -> set[str]:
    """The states of the graph that can come next; the business at hand may be left for another."""
    if state not in graph or state == "closing":
        return set()
    if not identified:
        return {"handover", "closing"} | ({"identity"} if state in ("open", "identity") else set())
    seen, ahead = set[str](), {state, "served"}
    while ahead:
        name = ahead.pop()
        seen.add(name)
        ahead |= set(graph[name].after) - seen - {"identity"}
    return {n for n in seen if n != "identity"} | {"handover"}


def read_arguments(tool: Tool, arguments: str, known: References) -> dict[str, str]:
    """The arguments, checked. Raises :class:`InvalidCall`."""
    if len(arguments) > LONGEST_ARGUMENTS:
        raise InvalidCall("the arguments are too long")
    try:
        given: Json = loads(arguments or "{}")
    except InvalidJson:
        raise InvalidCall("the arguments are not JSON; send them again as a JSON object") from None
    properties = tool.properties(known)
    if not isinstance(given, dict) or set(given) != set(properties):
        raise InvalidCall(f"the arguments of {tool.name} are exactly: {', '.join(properties) or 'none'}")
    for name, schema in properties.items():
        _check(name, given[name], schema)
    return {name: str(value).strip() for name, value in given.items()}


def _check(name: str, value: Any, schema: Mapping[str, Any]) -> None:
    if not isinstance(value, str) or len(value) > 300:
        raise InvalidCall(f"{name} is a short text")
    if "enum" in schema and value not in schema["enum"]:
        raise InvalidCall(f"{name} is one of: {', '.join(schema['enum']) or 'nothing known yet'}")


def day(name: str, text: str) -> date | None:
    """A day, or None for an empty text. Raises :class:`InvalidCall`."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidCall(f"{name} is a day of the calendar as YYYY-MM-DD, or empty") from None


def clock(name: str, text: str) -> time | None:
    """A time of day, or None for an empty text. Raises :class:`InvalidCall`."""
    match = _TIME.match(text)
    if text and match is None:
        raise InvalidCall(f"{name} is a time as HH:MM in 24 hours, or empty")
    return time(int(match[1]), int(match[2])) if match else None
