"""A caller from a file of utterances.

One line per turn of the caller; ``#`` begins a comment. ``pattern => utterance`` is said only when the
agent's last words match the regular expression, and may be passed over until they do; ``{1}`` or ``{name}``
in the utterance is a group of the match. ``pattern => [again] utterance`` may be said as often as it fits.
Directives: ``[silence]``, ``[hangup]``, ``[wait 2]`` (seconds).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_AGAIN = "[again]"


class InvalidScript(ValueError):
    """A line of a script cannot be read; the message names the line number."""


@dataclass
class Step:
    """One line: ``text`` is an utterance or a directive in brackets, ``when`` what the agent must have said;
    ``again``: it is never used up."""

    text: str
    when: re.Pattern[str] | None
    line: int
    used: bool = False
    again: bool = False


def parse(lines: Iterable[str]) -> list[Step]:
    """Read a script. Raises :class:`InvalidScript`."""
    steps = []
    for number, raw in enumerate(lines, 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        pattern, arrow, text = line.rpartition("=>")
        try:
            when = re.compile(pattern.strip(), re.IGNORECASE) if arrow else None
        except re.error:
            raise InvalidScript(f"line {number}: the pattern is not a regular expression") from None
        steps.append(_step(text.strip(), when, number))
    return steps


def _step(text: str, when: re.Pattern[str] | None, number: int) -> Step:
    if not text.startswith(_AGAIN):
        return Step(text, when, number)
    if when is None:
        raise InvalidScript(f"line {number}: {_AGAIN} needs a pattern, or nothing after it is ever said")
    return Step(text.removeprefix(_AGAIN).strip(), when, number, again=True)


class Script:
    """Says what the caller says next, given what the agent said last."""

    def __init__(self, steps: Iterable[Step]):
        self._steps = list(steps)

    def next(self, agent_said: str) -> str | None:
        """The next utterance or directive, or None at the end.

        Looks at the unused lines up to the first one without a pattern: the first whose pattern
        matches is said, else that plain one. With none of either the caller is silent.
        """
        found = self._find(agent_said)
        if found is None:
            return "[silence]" if any(not s.used and not s.again for s in self._steps) else None
        found[0].used = not found[0].again
        return found[1]

    def peek(self, agent_said: str) -> str | None:
        """What would be said next, which is then still to be said; None where nothing fits."""
        found = self._find(agent_said)
        return found[1] if found else None

    def _find(self, agent_said: str) -> tuple[Step, str] | None:
        for step in self._steps:
            match = step.when.search(agent_said) if step.when and not step.used else None
            if not step.used and (step.when is None or match):
                return step, _filled(step.text, match) if match else step.text
        return None


def _filled(text: str, match: re.Match[str]) -> str:
    named = {k: v or "" for k, v in match.groupdict().items()}
    numbered = {str(i): v or "" for i, v in enumerate(match.groups(), 1)}
    return re.sub(r"\{(\w+)\}", lambda m: {**numbered, **named}.get(m[1], m[0]), text)
