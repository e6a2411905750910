"""Deciding a command: a pure function of state, command, policy and clock.

The outcome is a commit with its changes, or a :class:`~fhirserver.kernel.outcomes.Refusal`; the state is only
replaced by the one after the commit when the command was accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Fact, Key
from fhirserver.store.commands import (
    Amend,
    Command,
    Correct,
    Decide,
    Merge,
    Note,
    Outcome,
    Prepared,
    Put,
    Relink,
    Remove,
    TakeBack,
    Unmerge,
    Withdraw,
    Write,
    Written,
)
from fhirserver.store.draft import Draft
from fhirserver.store.merging import merge, relink, unmerge
from fhirserver.store.ruling import correct, rule, take_back
from fhirserver.store.state import Matches, Policies, State
from fhirserver.store.stating import amend, put, remove, withdraw
from fhirserver.world.entity import Entity


@frozen
class Decided:
    """An accepted command: its commit (None where nothing was new) and what it made of the world."""

    commit: Commit | None
    entities: Sequence[Entity]
    facts: Sequence[Fact]
    outcome: Outcome
    prepared: Mapping[Key, Prepared] = field(default_factory=dict)


def decide(
    state: State, command: Command, policies: Policies, recorded: str, matches: Matches | None = None
) -> Decided:
    """Decide a command on a state. Raises :class:`Refusal`; the state itself is not touched."""
    draft = Draft(state, command, policies, recorded, matches or {})
    results = tuple(_write(draft, *numbered) for numbered in enumerate(command.writes))
    if not draft.events:
        outcome = Outcome(state.position, "", results)
        return Decided(None, (), (), outcome)
    begun = draft.commit
    commit = Commit(
        begun.position, begun.id, begun.recorded, draft.serial, begun.statement, tuple(draft.events)
    )
    outcome = Outcome(commit.position, commit.id, results)
    entities, facts = tuple(draft.entities.values()), tuple(draft.facts.values())
    return Decided(commit, entities, facts, outcome, draft.prepared)


def _write(draft: Draft, number: int, write: Write) -> Written:
    handler: Callable[[Draft, Any], Written] = _WRITES[type(write)]
    try:
        return handler(draft, write)
    except Refusal as refusal:
        refusal.write = number
        raise


def _note(draft: Draft, note: Note) -> Written:
    draft.note(note)
    return Written(Key(note.kind, note.key), None)


_WRITES: dict[type, Callable[[Draft, Any], Written]] = {
    Put: put,
    Amend: amend,
    Remove: remove,
    Withdraw: withdraw,
    Decide: rule,
    Correct: correct,
    TakeBack: take_back,
    Note: _note,
    Merge: merge,
    Unmerge: unmerge,
    Relink: relink,
}
