"""Small pictures of a hierarchy: a code, the concept that a filter names, and how the two hang together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from fhirserver.ports.terminology_browsing import Drawn
from terminology.systems import System

_LONGEST = 60
"""Of a longer way only the ends are drawn."""
_WALKED = 5000
"""Concepts that are looked at on the way up; behind that nothing is drawn."""


def picture(system: System, asked: str, named: str) -> tuple[Drawn, ...]:
    """Parents before children. Where the one is above the other, the way between them; else both below the nearest
    concept that is above both, or each on its own way up."""
    if asked == named:
        return _drawn(system, [(asked, 0)], asked, named)
    if system.is_a(asked, named):
        return _line(system, way(system, asked, {named}), asked, named)
    if system.is_a(named, asked):
        return _line(system, way(system, named, {asked}), asked, named)
    above = set(system.ancestors(named))
    up = way(system, asked, above)
    if up:
        other = way(system, named, {up[0]})
        rows = [(up[0], 0), *_deep(other[1:], 1), *_deep(up[1:], 1)]
        return _drawn(system, rows, asked, named)
    rows = [*_deep(way_to_top(system, named), 0), *_deep(way_to_top(system, asked), 0)]
    return _drawn(system, rows, asked, named)


def way(system: System, code: str, goals: Collection[str]) -> list[str]:
    """The shortest way down to a code from the nearest of some others; empty where none is above it."""
    return _shortest(system, code, lambda at: at in goals)


def way_to_top(system: System, code: str) -> list[str]:
    """The shortest way from a top of the hierarchy down to the code; only the code where there is no top."""
    return _shortest(system, code, lambda at: not system.parents(at)) or [code]


def _shortest(system: System, code: str, is_goal: Callable[[str], bool]) -> list[str]:
    below: dict[str, str] = {code: ""}
    waiting = [code]
    for at in waiting:  # grows while it is walked
        if is_goal(at):
            return _down(at, below)
        if len(below) > _WALKED:
            break
        for parent in system.parents(at):
            if parent not in below:
                below[parent] = at
                waiting.append(parent)
    return []


def _down(top: str, below: dict[str, str]) -> list[str]:
    line = [top]
    while below[line[-1]]:
        line.append(below[line[-1]])
    return line


def _deep(codes: Sequence[str], depth: int) -> list[tuple[str, int]]:
    return [(code, depth + number) for number, code in enumerate(codes)]


def _line(system: System, codes: Sequence[str], asked: str, named: str) -> tuple[Drawn, ...]:
    return _drawn(system, _deep(codes, 0), asked, named)


def _drawn(system: System, rows: Sequence[tuple[str, int]], asked: str, named: str) -> tuple[Drawn, ...]:
    if len(rows) > _LONGEST:
        rows = [*rows[: _LONGEST // 2], *rows[-_LONGEST // 2 :]]
    return tuple(_one(system, code, depth, asked, named) for code, depth in rows)


def _one(system: System, code: str, depth: int, asked: str, named: str) -> Drawn:
    concept = system.find(code)
    role = "both" if code == asked == named else {asked: "asked", named: "named"}.get(code, "")
    return Drawn(code, concept.display if concept is not None else "", depth, role)
