"""A code system as a tree that is opened level by level, whatever its size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.terminology import Concept
from fhirserver.ports.terminology_browsing import Found, Level, Named, Node
from terminology.expanding.members import can_be_listed
from terminology.positions import Positions
from terminology.systems import System

DEEPEST = 100


def level(system: System, parent: str, offset: int, count: int) -> Level:
    """The concepts directly below one, or at the top; behind the end the last of them.

    Refuses (``not-found``) a parent that is no code.
    """
    above = known_concept(system, parent).code if parent else ""
    siblings = siblings_below(system, above)
    offset = _within(offset, len(siblings), count)
    shown = system.at(islice(siblings, offset, offset + count))
    return Level(above, offset, len(siblings), tuple(_nodes(system, shown, offset)))


def siblings_below(system: System, parent: str) -> Positions:
    """The concepts directly below one, or at the top, in the order in which the system lists them."""
    if not parent:
        return tops_of(system)
    return system.select({"property": "concept", "op": "child-of", "value": parent})


def _within(offset: int, total: int, count: int) -> int:
    """The offset, or that of the last page for one behind the end."""
    return offset if offset < total else max(0, (total - 1) // count * count)


def tops_of(system: System) -> Positions:
    """Those without any above them; all where there are none, because the hierarchy runs in circles."""
    return system.flagged("root") or Positions.all(system.size)


def known_concept(system: System, code: str) -> Concept:
    found = system.find(code)
    if found is None:
        raise refuse(Category.NOT_FOUND, "not-found", "The code system has no such code")
    return found


def search(system: System, text: str, count: int) -> Found:
    """The code itself first, whatever else has it in its name. Of a grammar's codes those that are used much."""
    exact = system.find(text) if text else None
    numbers = islice(system.search(text), count + 2)
    own = exact.code if exact is not None else None
    best = [one for one in system.at(numbers) if one.code != own]
    concepts = [*([exact] if exact is not None else []), *best]
    return Found(tuple(_nodes(system, concepts[:count], 0)), len(concepts) > count)


def _found(system: System, codes: Iterable[str]) -> Iterator[Concept]:
    return (concept for code in codes if (concept := system.find(code)) is not None)


def _nodes(system: System, concepts: Iterable[Concept], offset: int) -> Iterator[Node]:
    for number, one in enumerate(concepts, offset):
        opens = _has_children(system, one.code)
        yield Node(one.code, one.display, number, opens, one.inactive, one.abstract, one.status)


def _has_children(system: System, code: str) -> bool:
    """Without listing them: of some systems' concepts there are a hundred thousand."""
    if not can_be_listed(system):
        return False
    at = system.position(code)
    return at is not None and at not in system.flagged("leaf")


def path_to(system: System, code: str) -> tuple[Named, ...]:
    """From the top down to the code, by the first parent of each. Ends where the hierarchy runs in a circle."""
    line = [code]
    while len(line) < DEEPEST:
        above = next((one for one in system.parents(line[-1]) if one not in line), None)
        if above is None:
            break
        line.append(above)
    return named(system, reversed(line))


def named(system: System, codes: Iterable[str]) -> tuple[Named, ...]:
    """The codes with their displays."""
    return tuple(Named(one.code, one.display) for one in _found(system, codes))


def place_among(system: System, code: str, parent: str) -> int:
    """The number of a concept among its siblings."""
    at = system.position(code)
    return _before(siblings_below(system, parent), at) if at is not None else 0


def _before(positions: Positions, at: int) -> int:
    """How many members come before one."""
    return len(positions & Positions((1 << at) - 1, positions.size))


def siblings_of(path: Sequence[Named]) -> Iterator[tuple[str, str]]:
    """``(parent, code)`` for each step of a path: the levels to open to see its end."""
    above = ""
    for one in path:
        yield above, one.code
        above = one.code
