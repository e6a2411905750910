"""The Expression Constraint Language of SNOMED CT, on any code system here. https://docs.snomed.org (ECL 2.2)

Refused (:class:`fhirserver.kernel.outcomes.Refusal`): ``invalid`` for what is not ECL, naming the character;
``not-supported`` for what is not kept here; ``too-costly`` for what is too long, too deep, or takes too long.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from terminology.ecl.evaluating import Evaluator
from terminology.ecl.parsing import parse
from terminology.ecl.substrate import substrate
from terminology.positions import Positions
from terminology.systems import System

KEPT = 64


class Answers:
    """The last sets that were asked for: a system never changes, and the same value sets are asked for again."""

    def __init__(self, most: int = KEPT):
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, str], tuple[object, Positions]] = OrderedDict()

    def find(self, content: object, text: str) -> Positions | None:
        with self._lock:
            found = self._kept.get((id(content), text))
            if found is None or found[0] is not content:
                return None
            self._kept.move_to_end((id(content), text))
            return found[1]

    def keep(self, content: object, text: str, positions: Positions) -> None:
        with self._lock:
            self._kept[id(content), text] = (content, positions)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


_answers = Answers()


def select_ecl(system: System, text: str) -> Positions:
    """All concepts of the system that satisfy the constraint."""
    content = getattr(system, "release", system)
    known = _answers.find(content, text)
    if known is None:
        known = Evaluator(substrate(system)).select(parse(text))
        _answers.keep(content, text, known)
    return known


def holds_ecl(system: System, text: str, code: str) -> bool:
    """Whether the concept satisfies the constraint; hierarchy is looked up, not listed."""
    number = system.position(code)
    if number is None:
        return False
    known = _answers.find(getattr(system, "release", system), text)
    if known is not None:
        return number in known
    return Evaluator(substrate(system)).holds(parse(text), number)
