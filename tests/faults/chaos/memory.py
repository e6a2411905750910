"""What the drill remembers: all that the server acknowledged, and all that clerks did."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.faults.chaos.site import Opening


@dataclass(slots=True)
class Booking:
    """One appointment that the agent made and the server confirmed. ``opening`` is where it shall be now.

    ``clerk``: a clerk at the EHR cancelled it; the agent leaves it alone from then on. ``busy``: somebody is at it.
    ``whispered``: no operator confirms it, so no EHR may hear of it.
    """

    id: str
    site: str
    person: int
    opening: Opening
    status: str = "booked"
    clerk: bool = False
    busy: bool = False
    whispered: bool = False
    moves: int = 0


@dataclass(frozen=True, slots=True)
class WalkIn:
    """An appointment that a clerk booked at the EHR's own desk."""

    site: str
    person: int
    opening: Opening


@dataclass(slots=True)
class Memory:
    """All of it. ``world`` is the world's id of each person."""

    world: dict[int, str] = field(default_factory=dict)
    bookings: dict[str, Booking] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)
    """Openings that a clerk took: the site by the opening's key."""
    walk_ins: list[WalkIn] = field(default_factory=list)
    """Those and what clerks booked beside us: the world learns of them."""
    phones: dict[str, int] = field(default_factory=dict)
    """Numbers that the agent stated: whose."""
    members: dict[str, int] = field(default_factory=dict)
    """Member numbers that the agent stated: whose."""
    approved: set[str] = field(default_factory=set)
    """Those of both that an operator approved or corrected to."""
    corrected: dict[str, str] = field(default_factory=dict)
    """What an operator corrected such a number to; the first is nobody's."""
    desk: dict[int, tuple[str, str]] = field(default_factory=dict)
    """The last home number that a clerk wrote down, and where, by person."""
    former: dict[str, int] = field(default_factory=dict)
    """Home numbers that clerks wrote down before."""
    births: dict[int, set[str]] = field(default_factory=dict)
    """Birth dates on which two EHRs differ, by person."""

    @property
    def moves(self) -> int:
        return sum(one.moves for one in self.bookings.values())
