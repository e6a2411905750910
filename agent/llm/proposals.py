"""What a model proposes becomes a piece of the policy's business, at the point where it is read back.

From there on the policy's own code reads it back, hears the caller's yes or no, and writes with its own basis.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Protocol

from agent.llm.references import References
from agent.llm.tools import NONE, InvalidCall, clock, day
from agent.memory import Memory
from agent.policy.contact import Address, Phone
from agent.policy.desk import Business
from agent.policy.insurance import Insurance
from agent.policy.slots import TakeSlot
from agent.policy.visits import CancelVisit, ConfirmVisit
from agent.scheduling import Wish
from fhirserver.world.spoken.addresses import STATES, SpokenAddress
from fhirserver.world.spoken.days import DayWish
from fhirserver.world.spoken.identifiers import is_nanp, phone_key
from fhirserver.world.spoken.times import TimeWish
from fhirserver.world.spoken.words import words

Arguments = Mapping[str, str]
_PARTS = {"morning": TimeWish(time(0), time(12)), "afternoon": TimeWish(time(12), time(18))}
_MEMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{3,29}\Z")
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{0,29}\Z")
_NAME = re.compile(r"[\w][\w&'. -]{1,59}\Z")
_LINE = re.compile(r"\d[\w/-]* [\w#'. ,-]{2,80}\Z")
_ZIP = re.compile(r"\d{5}(?:-?\d{4})?\Z")


class Proposal(Business, Protocol):
    """A piece of business that rests on turns of the caller."""

    turns: list[int]


def searched(memory: Memory, known: References, given: Arguments) -> TakeSlot:
    """The business of finding a time: whether it moves an appointment, the wish, with whom."""
    old = known.visits.get(given["moves"])
    business = TakeSlot(moves=old is not None)
    business.old, business.those = old, memory.upcoming
    seen = memory.context.practitioners
    same = old.practitioner if old else (seen[0][0] if seen else "")
    business.practitioner = known.doctors.get(
        given["doctor"], (same if given["doctor"] == "same" else "", "")
    )[0]
    business.wish = Wish(_days(memory, given), _times(given), anything=not given["first_day"])
    business.state = "searching"
    return business


def _days(memory: Memory, given: Arguments) -> tuple[DayWish, ...]:
    first, last = day("first_day", given["first_day"]), day("last_day", given["last_day"])
    if first is None:
        return ()
    last = last or first
    if last < first:
        raise InvalidCall("last_day is before first_day")
    rules = memory.setting.rules
    furthest = memory.today + timedelta(days=rules.reach or rules.search_days)
    if last < memory.today or first > furthest:
        raise InvalidCall(f"the days are from today, {memory.today}, to {furthest}")
    return (DayWish(max(first, memory.today), min(last, furthest + timedelta(days=1))),)


def _times(given: Arguments) -> tuple[TimeWish, ...]:
    exact = clock("exact_time", given["exact_time"])
    if exact:
        later = (datetime.combine(date.min, exact) + timedelta(minutes=1)).time()
        return (TimeWish(exact, later, exact),)
    part = _PARTS.get(given["part_of_day"])
    return (part,) if part else ()


def booked(current: Business | None, known: References, given: Arguments) -> TakeSlot:
    """The slot the caller chose, in the business that found it."""
    if not isinstance(current, TakeSlot) or current.state == "writing":
        raise InvalidCall("search_slots first")
    slot = known.slots[given["slot"]]
    if all(s.id != slot.id for s in current.offered):
        raise InvalidCall("that time is no longer offered; search_slots again")
    current.choice, current.state = slot, "read_back"
    return current


def cancelled(memory: Memory, known: References, given: Arguments, said: frozenset[str]) -> CancelVisit:
    """A cancellation; its reason must be in the caller's words, for it is recorded as such."""
    reason = given["reason"].strip(" .")
    if not reason or reason.lower() == NONE:
        raise InvalidCall("ask the caller for the reason first")
    if set(words(reason)) - said:
        raise InvalidCall("the reason is in words the caller said; quote them")
    business = CancelVisit()
    business.one, business.those, business.reason = known.visits[given["visit"]], memory.upcoming, reason
    business.state = "read_back"
    return business


def confirmed(memory: Memory, known: References, given: Arguments) -> ConfirmVisit:
    """An appointment to be told, and the question whether the caller will be there."""
    business = ConfirmVisit()
    business.one, business.those = known.visits[given["visit"]], memory.upcoming
    business.state = "will_you_come"
    return business


def covered(given: Arguments) -> Insurance:
    """New insurance."""
    member, group = given["member"].strip(), given["group"].strip()
    group = "" if group.lower() in (NONE, "n/a") else group
    _shaped(_NAME, "payer", given["payer"])
    _shaped(_MEMBER, "member", member)
    if group:
        _shaped(_GROUP, "group", group)
    business = Insurance()
    business.payer, business.member, business.group = given["payer"], _compact(member), _compact(group)
    business.group_done, business.asked, business.state = True, "read_back", "read_back"
    return business


def _compact(identifier: str) -> str:
    return re.sub(r"[\s-]", "", identifier).upper()


def phoned(given: Arguments) -> Phone:
    """A new phone number."""
    number = f"+1{phone_key(given['number'])}"
    if not is_nanp(number):
        raise InvalidCall("number is a telephone number of ten digits; ask the caller for it")
    business = Phone()
    business.number, business.use, business.state = number, given["use"], "read_back"
    return business


def moved_house(given: Arguments) -> Address:
    """A new home address."""
    state = given["state"].upper()
    _shaped(_LINE, "line", given["line"])
    _shaped(_NAME, "city", given["city"])
    _shaped(_ZIP, "postal_code", given["postal_code"])
    if state and state not in STATES.values():
        raise InvalidCall("state is the two letters of a state, or empty")
    business = Address()
    business.address = SpokenAddress(given["line"], given["city"], state, given["postal_code"])
    business.state = "read_back"
    return business


def _shaped(shape: re.Pattern[str], name: str, value: str) -> None:
    if not shape.match(value):
        raise InvalidCall(f"{name} does not look like one; ask the caller for it")


def proposal(
    name: str,
    current: Business | None,
    memory: Memory,
    known: References,
    given: Arguments,
    said: frozenset[str],
) -> Proposal:
    """The business that reads back what the tool ``name`` proposes. Raises :class:`InvalidCall`."""
    makers: dict[str, Callable[[], Proposal]] = {
        "book": lambda: booked(current, known, given),
        "cancel": lambda: cancelled(memory, known, given, said),
        "confirm": lambda: confirmed(memory, known, given),
        "add_coverage": lambda: covered(given),
        "change_phone": lambda: phoned(given),
        "change_address": lambda: moved_house(given),
    }
    return makers[name]()
