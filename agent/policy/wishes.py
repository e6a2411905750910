"""What a caller can want: the pieces of business by name, and how each is told in a summary."""

from __future__ import annotations

from collections.abc import Callable

from agent.policy.contact import Address, Phone
from agent.policy.desk import Business
from agent.policy.insurance import Insurance
from agent.policy.slots import TakeSlot
from agent.policy.visits import CancelVisit, ConfirmVisit
from agent.policy.well_being import WellBeing

BUSINESS: dict[str, Callable[[], Business]] = {
    "reschedule": lambda: TakeSlot(moves=True),
    "book": lambda: TakeSlot(moves=False),
    "cancel": CancelVisit,
    "confirm": ConfirmVisit,
    "insurance": Insurance,
    "phone": Phone,
    "address": Address,
    "follow_up": WellBeing,
}
REASONS = {
    "reschedule": "wanted to move an appointment",
    "book": "wanted to book an appointment",
    "cancel": "wanted to cancel an appointment",
    "confirm": "asked about an appointment",
    "insurance": "had new insurance",
    "phone": "had a new phone number",
    "address": "had a new address",
    "follow_up": "was asked how it goes after a visit",
}
VISITS = frozenset(("cancel", "reschedule", "book", "confirm"))
FACTS = frozenset(("phone", "address", "insurance"))


def belongs_to(current: Business | None, kind: str, said: str) -> bool:
    """Words of the business at hand that sound like another wish."""
    if current is None:
        return False
    if current.kind in ("reschedule", "book") and kind in ("book", "reschedule", "confirm"):
        return True
    if current.kind in FACTS and kind in FACTS:
        return kind == "insurance" or not ({"also", "and"} & set(said.split()))
    return isinstance(current, CancelVisit) and current.state == "reason" and kind != "reschedule"


def rivals(current: Business | None, new: set[str]) -> bool:
    """Whether a new wish takes the place of the one at hand: cancel instead of move, move instead of cancel."""
    if isinstance(current, ConfirmVisit) and new & {"cancel", "reschedule"}:
        return True
    rival = {"reschedule": "cancel", "cancel": "reschedule", "book": "cancel"}
    return current is not None and rival.get(current.kind, "") in new
