"""The targets of the maps: ``participant[1].individual(PractitionerRole.practitioner(Practitioner.name))``.

A number in brackets tells apart what several rows fill; it is no position. Parentheses lead into a resource of its own
that the element refers to. ``$this`` is the object itself, ``$value`` the primitive that a data type is made into.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from adapters.hl7v2.maps.errors import MapError

_STEP = re.compile(r"(?P<name>\$?[A-Za-z][A-Za-z0-9]*)?(?:\[(?P<index>\d+|each|n|1\.\.n)\])?")


@dataclass(frozen=True, slots=True)
class Step:
    """``index`` is 0 for none, -1 for ``[each]``; ``resource`` the type in parentheses, with its own number."""

    name: str
    index: int = 0
    resource: str = ""
    resource_index: int = 0


def parse_path(text: str) -> tuple[Step, ...]:
    """Raises :class:`MapError`."""
    compact = "".join(text.split())
    steps, at = _steps(compact, 0)
    if at < len(compact):
        raise MapError(f"the path cannot be read at {compact[at : at + 12]!r}")
    if not steps:
        raise MapError("the path is empty")
    return tuple(steps)


def _steps(text: str, at: int) -> tuple[list[Step], int]:
    steps: list[Step] = []
    while at < len(text) and text[at] != ")":
        match = _STEP.match(text, at)
        if match is None or not match[0]:
            raise MapError(f"the path cannot be read at {text[at : at + 12]!r}")
        at = match.end()
        step = Step(match["name"] or "", _number(match["index"]))
        inner: list[Step] = []
        if at < len(text) and text[at] == "(":
            step, inner, at = _resource(text, at + 1, step)
        if step.name == "reference" and step.resource and steps:
            before = steps.pop()
            step = Step(before.name, before.index, step.resource, step.resource_index)
        steps += [step, *inner]
        if at < len(text) and text[at] == ".":
            at += 1
            if at == len(text):
                raise MapError("the path ends with a point")
    return steps, at


def _resource(text: str, at: int, step: Step) -> tuple[Step, list[Step], int]:
    inner, at = _steps(text, at)
    if at >= len(text):
        raise MapError("a parenthesis is not closed")
    if not inner or not inner[0].name[:1].isupper():
        raise MapError("parentheses hold a resource")
    head = inner[0]
    return Step(step.name, step.index, head.name, max(head.index, 0)), inner[1:], at + 1


def _number(text: str | None) -> int:
    if text is None:
        return 0
    return int(text) if text.isdigit() else -1
