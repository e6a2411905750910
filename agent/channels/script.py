"""A caller from a file of utterances.

One line per turn of the caller; ``#`` begins a comment. ``pattern => utterance`` is said only when the
agent's last words match the regular expression, and may be passed over until they do; ``{1}`` or ``{name}``
in the utterance is a group of the match. Directives: ``[silence]``, ``[hangup]``, ``[wait 2]`` (seconds).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


class InvalidScript(ValueError):
    """A line of a script cannot be read; the message names the line number."""


@dataclass
class Step:
    """One line: ``text`` is an utterance or a directive in brackets, ``when`` what the agent must have "
    "said."""

    text: str
    when: re.Pattern[str] | None
    line: int
    used: bool = False


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
        steps.append(Step(text.strip(), when, number))
    return steps


class Script:
    """Says what the caller says next, given what the agent said last."""

    def __init__(self, steps: Iterable[Step]):
        self._steps = list(steps)

    def next(self, agent_said: str) -> str | None:
        """The next utterance or directive, or None at the end.

        Looks at the unused lines up to the first one without a pattern: the first whose pattern
        matches is said, else that plain one. With none of either the caller is silent.
        """
        waiting = [s for s in self._steps if not s.used]
        for step in waiting:
            match = step.when.search(agent_said) if step.when else None
            if step.when is None or match:
                step.used = True
                return _filled(step.text, match) if match else step.text
        return "[silence]" if waiting else None


def _filled(text: str, match: re.Match[str]) -> str:
    named = {k: v or "" for k, v in match.groupdict().items()}
    numbered = {str(i): v or "" for i, v in enumerate(match.groups(), 1)}
    return re.sub(r"\{(\w+)\}", lambda m: {**numbered, **named}.get(m[1], m[0]), text)
