"""What the caller may well say next, for whoever listens."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hints:
    """What the caller may well say now: it makes a recogniser better and never limits what can be said.

    ``phrases``: whole phrases likely now (names, payers, "thursday at three", answers); ``expects``: the kind of
    answer asked for (``""`` open, ``yes_no``, ``identity`` (name and birth date), ``date``, ``slot``, ``reason``,
    ``insurance`` (payer, member id, group), ``phone``, ``address``).
    """

    phrases: tuple[str, ...] = ()
    expects: str = ""
