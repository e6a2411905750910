"""What a data type map makes where nothing is yet: from the memo, or made and kept there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from adapters.hl7v2.convert.context import Context, Issue
from adapters.hl7v2.convert.drafts import Draft, Json, finished
from adapters.hl7v2.convert.memo import Entry, Group, Settled, packed
from adapters.hl7v2.message import Segment

Make = Callable[[Context], Mapping[int, Draft]]
"""Runs a data type map alone: the drafts by group, which refer to nothing."""


def settled(context: Context, key: object, text: str, make: Make) -> list[tuple[Group, Settled]] | None:
    """The groups that ``make`` makes of ``text``; None where they are not to be kept, or cannot be."""
    memo = context.memo
    if memo is None:
        return None
    entry = memo.get((key, text))
    if entry is not None:
        context.issues += [Issue(context.place, what, source) for what, source in entry.issues]
        return [(group, Settled(group, None, _again(context, make, group.number))) for group in entry.groups]
    if not memo.admits((key, text)):
        return None
    first = len(context.issues)
    made = make(context)
    contents = {number: finished(draft.content) for number, draft in made.items()}
    kept = _entry(made, contents, context.issues[first:])
    if kept is None:
        del context.issues[first:]
        return None
    memo.put((key, text), kept)
    return [(group, _first(group, contents[group.number], made[group.number])) for group in kept.groups]


def _entry(made: Mapping[int, Draft], contents: Mapping[int, Json], issues: Iterable[Issue]) -> Entry | None:
    groups: list[Group] = []
    for number, draft in made.items():
        content = packed(contents[number])
        if content is None:
            return None
        groups.append(Group(number, content, not draft.is_empty, tuple(draft.origin)))
    return Entry(tuple(groups), tuple((issue.what, issue.source) for issue in issues))


def _first(group: Group, json: Json, draft: Draft) -> Settled:
    return Settled(group, json, lambda: draft.content)


def _again(context: Context, make: Make, number: int) -> Callable[[], Json]:
    """Makes the group once more, as part of the segment that it is of: what went wrong is known already."""
    segment = context.segment

    def again() -> Json:
        return _made_again(context, segment, make)[number].content

    return again


def _made_again(context: Context, segment: Segment, make: Make) -> Mapping[int, Draft]:
    before, issues = context.segment, len(context.issues)
    context.segment = segment
    made = make(context)
    context.segment = before
    del context.issues[issues:]
    return made
