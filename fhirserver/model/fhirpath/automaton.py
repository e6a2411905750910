"""Regular expressions matched in time linear in the text: a set of states walks along, nothing backtracks.

Used for patterns whose repeats could make a backtracking matcher run away (``(a+)+b``). Only whether there is
a match is answered. https://swtch.com/~rsc/regexp/regexp2.html describes the technique.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

MAX_STATES = 2_000

_parser: Any = __import__("re._parser", fromlist=["parse"])
_constants: Any = __import__("re._constants", fromlist=["MAXREPEAT"])
_MAX = _constants.MAXREPEAT
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT")

Test: TypeAlias = Callable[[str, int], bool]


class Unsupported(ValueError):
    """The pattern has what an automaton cannot do: look-around, back references, too many states."""


class State(NamedTuple):
    """``consumes``: a character that passes ``test``; otherwise an assertion at a position, or a fork."""

    consumes: bool
    test: Test | None
    next: list[int]


def repeats(pattern: str) -> int:
    """How many unbounded repeats a pattern has; one with a choice inside it counts for many."""
    return _count(_parser.parse(pattern, re.DOTALL), choices=False)


def _count(items: Iterable[Any], choices: bool) -> int:
    return sum([_count_of(str(op), argument, choices) for op, argument in items])


def _count_of(op: str, argument: Any, choices: bool) -> int:
    """Unbounded repeats in one item, or all its choices: branches and repeats of any kind."""
    if op in (*_REPEATS, "POSSESSIVE_REPEAT"):
        least, most, inner = argument
        if choices:
            return int(least != most) + _count(inner, choices=True)
        return 1 + 10 * _count(inner, choices=True) if most > 10 else _count(inner, choices=False)
    if op == "BRANCH":
        return choices + sum(_count(one, choices) for one in argument[1])
    if op == "SUBPATTERN":
        return _count(argument[3], choices)
    return _count(argument[1], choices) if op in ("ASSERT", "ASSERT_NOT") else 0


class Automaton:
    """A compiled pattern; ``.`` matches line ends too."""

    def __init__(self, pattern: str):
        self._states: list[State] = []
        parsed = _parser.parse(pattern, re.DOTALL)
        if parsed.state.flags & ~(re.DOTALL | re.UNICODE):
            raise Unsupported("flags")
        self._accept = self._state(State(False, None, []))
        self._start = self._sequence(parsed, self._accept)

    def search(self, text: str) -> bool:
        """Whether the pattern matches somewhere in ``text``."""
        return self._run(text, anchored=False)

    def matches_all(self, text: str) -> bool:
        """Whether the pattern matches all of ``text``."""
        return self._run(text, anchored=True)

    def _run(self, text: str, anchored: bool) -> bool:
        current = self._closure([self._start], text, 0)
        for at in range(len(text)):
            if not anchored and self._accept in current:
                return True
            found = [n for s in current if self._passes(s, text, at) for n in self._states[s].next]
            if not anchored:
                found.append(self._start)
            current = self._closure(found, text, at + 1)
        return self._accept in current

    def _passes(self, state: int, text: str, at: int) -> bool:
        _, test, _ = found = self._states[state]
        return found.consumes and test is not None and test(text, at)

    def _closure(self, todo: list[int], text: str, at: int) -> set[int]:
        seen: set[int] = set()
        while todo:
            one = todo.pop()
            if one in seen:
                continue
            seen.add(one)
            consumes, test, following = self._states[one]
            if not consumes and (test is None or test(text, at)):
                todo.extend(following)
        return seen

    def _state(self, state: State) -> int:
        if len(self._states) >= MAX_STATES:
            raise Unsupported("too many states")
        self._states.append(state)
        return len(self._states) - 1

    def _sequence(self, items: Iterable[Any], then: int) -> int:
        """The first state of a sequence that goes on to ``then``."""
        for op, argument in reversed(list(items)):
            then = self._item(str(op), argument, then)
        return then

    def _item(self, op: str, argument: Any, then: int) -> int:
        if op in _REPEATS:
            least, most, inner = argument
            return self._repeat(least, most, inner, then)
        if op == "BRANCH":
            return self._state(State(False, None, [self._sequence(one, then) for one in argument[1]]))
        if op == "SUBPATTERN" and not argument[1] and not argument[2]:
            return self._sequence(argument[3], then)
        if op == "AT":
            return self._state(State(False, _position(str(argument)), [then]))
        return self._state(State(True, _character(op, argument), [then]))

    def _repeat(self, least: int, most: int, items: Any, then: int) -> int:
        if most == _MAX:
            fork = self._state(State(False, None, [then]))
            self._states[fork].next.append(self._sequence(items, fork))
            then = fork
        else:
            for _ in range(most - least):
                then = self._state(State(False, None, [self._sequence(items, then), then]))
        for _ in range(least):
            then = self._sequence(items, then)
        return then


def _position(name: str) -> Test:
    pattern = {
        "AT_BEGINNING": r"^",
        "AT_BEGINNING_STRING": r"\A",
        "AT_END": r"$",
        "AT_END_STRING": r"\Z",
        "AT_BOUNDARY": r"\b",
        "AT_NON_BOUNDARY": r"\B",
    }.get(name)
    if pattern is None:
        raise Unsupported(name)
    match = re.compile(pattern).match
    return lambda text, at: match(text, at) is not None if at or name != "AT_BEGINNING" else True


def _character(op: str, argument: Any) -> Test:
    if op == "ANY_ALL" or op == "ANY":
        return lambda text, at: True
    if op == "LITERAL":
        return lambda text, at: ord(text[at]) == argument
    if op == "NOT_LITERAL":
        return lambda text, at: ord(text[at]) != argument
    if op == "IN":
        match = re.compile(
            "[" + "".join(_set_member(str(kind), value) for kind, value in argument) + "]"
        ).match
        return lambda text, at: match(text, at) is not None
    raise Unsupported(op)


_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


def _set_member(kind: str, value: Any) -> str:
    if kind == "NEGATE":
        return "^"
    if kind == "LITERAL":
        return re.escape(chr(value))
    if kind == "RANGE":
        return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    if str(value) not in _CATEGORIES:
        raise Unsupported(str(value))
    return _CATEGORIES[str(value)]
