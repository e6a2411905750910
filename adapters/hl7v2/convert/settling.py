"""What a data type map makes where nothing is yet: from the memo, or made and kept there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from adapters.hl7v2.convert.context import Context, Issue
from adapters.hl7v2.convert.drafts import Draft, Json, finished
from adapters.hl7v2.convert.memo import Entry, Group, Settled, packed
from adapters.hl7v2.convert.nodes import Node
from adapters.hl7v2.message import Segment

Make = Callable[[Context, Node], Mapping[int, Draft]]
"""Runs a data type map alone: the drafts by group, which refer to nothing."""


def settled(context: Context, key: object, node: Node, make: Make) -> list[Settled] | None:
    """The groups that ``make`` makes of the node's text; None where they are not to be kept, or cannot be."""
    memo = context.memo
    if memo is None:
        return None
    at = (key, node.text)
    entry = memo.get(at)
    if entry is not None:
        if entry.issues:
            context.issues += [Issue(context.place, what, source) for what, source in entry.issues]
        again = partial(_again, context, context.segment, node, make)
        if len(entry.groups) == 1:
            return [Settled(entry.groups[0], None, again)]
        return [Settled(group, None, again) for group in entry.groups]
    if not memo.admits(at):
        return None
    first = len(context.issues)
    made = make(context, node)
    contents = {number: finished(draft.content) for number, draft in made.items()}
    kept = _entry(made, contents, context.issues[first:])
    if kept is None:
        del context.issues[first:]
        return None
    memo.put(at, kept)
    return [
        Settled(group, contents[group.number], lambda number: made[number].content) for group in kept.groups
    ]


def _entry(made: Mapping[int, Draft], contents: Mapping[int, Json], issues: Iterable[Issue]) -> Entry | None:
    groups: list[Group] = []
    for number, draft in made.items():
        content = packed(contents[number])
        if content is None:
            return None
        groups.append(Group(number, content, not draft.is_empty, tuple(draft.origin)))
    return Entry(tuple(groups), tuple((issue.what, issue.source) for issue in issues))


def _again(context: Context, segment: Segment, node: Node, make: Make, number: int) -> Json:
    """Makes a group once more, as part of the segment that it is of: what went wrong is known already."""
    before, issues = context.segment, len(context.issues)
    context.segment = segment
    made = make(context, node)
    context.segment = before
    del context.issues[issues:]
    return made[number].content
