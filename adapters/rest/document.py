"""A YAML document of plain values whose every member knows the line it stands on.

Only what a mapping needs of YAML 1.1: mappings with text keys, lists, text, whole numbers, decimals, true and
false, null. Anchors and aliases are refused: they let a small file stand for a huge one. ``yes``, ``no`` and times
such as ``08:30`` are text, as everybody means them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import yaml

from fhirserver.kernel.json import Json

MOST_BYTES = 1_000_000
MOST_LEVELS = 100
"""Mappings and lists inside each other; those that are shipped have ten."""
# libyaml reads ten times as fast; PyYAML without it has no such class.
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+\Z")
_WORDS: dict[str, Json] = {"true": True, "false": False, "null": None, "~": None, "": None}

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong in a file, and where; ``line`` counts from 1."""

    line: int
    text: str
    place: str = ""

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        return f"line {self.line}: {place}{self.text}"


class InvalidMapping(ValueError):
    """A mapping file is wrong; ``problems`` are in the order of their lines."""

    def __init__(self, name: str, problems: list[Problem]):
        self.name = name
        self.problems = sorted(set(problems))
        super().__init__("\n".join(f"{name}: {problem}" for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Document:
    """The values of a file, and the line of each by its path."""

    value: Json
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """The line of a member, or of the nearest that holds it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path, text: str) -> Problem:
        return Problem(self.line(path), text, dotted(path))


def dotted(path: Path) -> str:
    """A path as it is shown: ``resources.Patient.update[0].when``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def read_document(name: str, text: str) -> Document:
    """Parse. Raises :class:`InvalidMapping`."""
    if len(text) > MOST_BYTES:
        raise InvalidMapping(name, [Problem(1, f"the file is larger than {MOST_BYTES} characters")])
    try:
        if problem := _refused(text):
            raise InvalidMapping(name, [problem])
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InvalidMapping(name, [Problem(_line(mark), f"not YAML: {error.problem}")]) from None
    except (yaml.YAMLError, RecursionError):
        raise InvalidMapping(name, [Problem(1, "not YAML that can be read")]) from None
    lines: dict[Path, int] = {}
    problems: list[Problem] = []
    value = _value(node, (), lines, problems) if node is not None else {}
    if problems:
        raise InvalidMapping(name, problems)
    return Document(value, lines)


def _refused(text: str) -> Problem | None:
    """What is YAML but not for mappings, found event by event: composing a deep file could exhaust the stack of C."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            return Problem(_line(event.start_mark), "no anchors and aliases here")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_LEVELS:
            return Problem(_line(event.start_mark), f"more than {MOST_LEVELS} levels inside each other")
    return None


def _line(mark: yaml.Mark | None) -> int:
    return mark.line + 1 if mark is not None else 1


def _value(node: yaml.Node, path: Path, lines: dict[Path, int], problems: list[Problem]) -> Json:
    lines.setdefault(path, _line(node.start_mark))
    if isinstance(node, yaml.MappingNode):
        return dict(_members(node, path, lines, problems))
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, number), lines, problems) for number, item in enumerate(node.value)]
    return _scalar(node)


def _members(
    node: yaml.MappingNode, path: Path, lines: dict[Path, int], problems: list[Problem]
) -> Iterator[tuple[str, Json]]:
    seen: set[str] = set()
    for key, value in node.value:
        line = _line(key.start_mark)
        if not isinstance(key, yaml.ScalarNode):
            problems.append(Problem(line, "a key is text", dotted(path)))
            continue
        if key.value in seen:
            problems.append(Problem(line, f"'{key.value}' stands here twice", dotted(path)))
        seen.add(key.value)
        lines[(*path, key.value)] = line
        yield key.value, _value(value, (*path, key.value), lines, problems)


def _scalar(node: yaml.ScalarNode) -> Json:
    text: str = node.value
    if node.style:  # quoted, or a block: text (a plain one has none, or "" with libyaml)
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.match(text):
        return int(text)
    return Decimal(text) if _DECIMAL.match(text) else text
