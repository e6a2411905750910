"""Commands: what a caller wants done, as values. One command is decided as a whole and makes one commit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Key, Version
from fhirserver.search.defined import Parameters
from fhirserver.search.expression import Query
from fhirserver.world.units import Units

ANY_VERSION = 0
"""``If-Match: *``: the resource must be there, in whatever version."""
NO_VERSION = -1
"""An ETag that no version of ours has."""


class Prepared(NamedTuple):
    """Index values of a resource without those of ``meta``, and the parameters that they are by."""

    known: Parameters
    values: Sequence[Any]


@frozen
class Put:
    """State a resource.

    ``id`` is the target's, or the one a new resource gets. ``create`` says that it must be new (POST).
    ``if_match`` is the version the caller saw; ``if_absent`` is ``If-None-Match: *``. ``unless`` and
    ``where`` name conditions of the command: with ``unless`` nothing is written where a resource matches
    (conditional create); with ``where`` the match is the target (conditional update). ``unless_version`` is
    ``If-None-Match`` with an ETag: nothing is written over that version. ``settled`` says that no link in the
    content waits for what conditions match; ``prepared`` that it is clean, and what it is indexed by if the
    world becomes just that. ``absent`` names units that are stated absent beside the content, of those that the source
    itself says by then and those that the world shows; what the content states it does not take away.
    """

    type: str
    id: str
    content: JsonObject
    create: bool = False
    if_match: int | None = None
    if_absent: bool = False
    unless: str = ""
    where: str = ""
    statement: Statement | None = None
    confidences: Mapping[str, Decimal] = field(default_factory=dict)
    unless_version: int | None = None
    settled: bool = False
    prepared: Prepared | None = None
    absent: Callable[[Units, Units], Iterable[str]] | None = None


@frozen
class Amend:
    """Change the world resource by a pure function; what it changed is stated, nothing else (PATCH).

    With ``where``, a condition of the command, the one match is the target and ``id`` means nothing.
    """

    type: str
    id: str
    change: Callable[[JsonObject], JsonObject]
    if_match: int | None = None
    statement: Statement | None = None
    where: str = ""


@frozen
class Remove:
    """Say that a resource is no more.

    With ``where``, a condition of the command, that is said of all that match, which may be ``most``.
    """

    type: str
    id: str
    if_match: int | None = None
    statement: Statement | None = None
    where: str = ""
    most: int = 1


@frozen
class Withdraw:
    """Take back what a source said about a resource, as though it had never said it.

    ``units`` are units or elements; without any it is all. Refused where the source has not spoken of them.
    """

    type: str
    id: str
    source: str
    units: Sequence[str] = ()
    reason: str = ""
    if_match: int | None = None


@frozen
class Ruling:
    """One decision about a claim: ``kind`` is ``approve``, ``reject``, ``verify``, ``doubt``, ``cap`` or ``decay``.

    ``claim`` is the position of the assertion. The ruling is refused where the claim is no longer
    what its source says.
    """

    kind: str
    unit: str
    source: str
    claim: int
    reason: str = ""
    confidence: Decimal | None = None


@frozen
class Decide:
    """Reviewers' or judges' rulings on claims about one resource."""

    type: str
    id: str
    rulings: Sequence[Ruling]


@frozen
class Correct:
    """A reviewer's own value for units of a resource, superseding every claim made so far on them.

    ``units`` maps a unit to its value (as :mod:`fhirserver.world.units` splits it), or None for absent.
    """

    type: str
    id: str
    units: Mapping[str, object]
    confidence: Decimal


@frozen
class TakeBack:
    """Take back what a reviewer decided about one resource, or some units of that.

    ``event`` is what the log has at ``position``, rulings or a correction, with its ``source``. Without ``units`` all
    of it is meant that was not taken back yet. Refused (409) where something later rests on it.
    """

    type: str
    id: str
    position: int
    event: JsonObject
    units: frozenset[str] | None = None
    reason: str = ""


@frozen
class Note:
    """Keep a fact beside the resources (crosswalk, checkpoint, what a sink was told).

    With ``advance`` the value's ``position`` must be beyond the one noted, else the command is refused: how a
    follower's effect happens once.
    """

    kind: str
    key: str
    value: JsonObject
    advance: bool = False


@frozen
class Merge:
    """Say that a resource is the same as another, ``into``: its claims become claims about that one.

    ``task`` is the id of the Task by which is seen how far references have followed. ``if_match`` and
    ``into_match`` are the versions of the two that the caller saw.
    """

    type: str
    id: str
    into: str
    task: str = ""
    if_match: int | None = None
    into_match: int | None = None


@frozen
class Unmerge:
    """Undo the merge of a resource into another. ``task`` as in :class:`Merge`."""

    type: str
    id: str
    task: str = ""


@frozen
class Relink:
    """Have the references of a resource lead where merges say now. Only that: nothing is stated."""

    type: str
    id: str


Write: TypeAlias = (
    Put | Amend | Remove | Withdraw | Decide | Correct | TakeBack | Note | Merge | Unmerge | Relink
)


def touched(write: Write) -> Sequence[Key]:
    """The resources that a write names and that may be there: a new id cannot be."""
    if isinstance(write, Note) or (isinstance(write, Put) and write.create):
        return ()
    key = Key(write.type, write.id)
    return (key, Key(write.type, write.into)) if isinstance(write, Merge) else (key,)


@frozen
class Command:
    """Writes that stand or fall together. ``conditions`` are searches decided with them. ``admits`` refuses what
    whoever gives the command may not make of a resource: type, id, what it was (empty for none), what it would be.

    A content's ``reference`` that equals a condition's name is replaced by the one match. No condition may make
    a write's target of what is ``spared``.
    """

    statement: Statement
    writes: Sequence[Write]
    conditions: Mapping[str, Query] = field(default_factory=dict)
    spared: frozenset[Key] = frozenset()
    admits: Callable[[str, str, JsonObject, JsonObject], None] | None = None


@frozen
class Written:
    """What became of one write. ``held`` are the paths of units that others' claims still win.

    ``version`` is the current one, that of the deletion for what was deleted by this. ``removed`` are the resources
    that a conditional delete was about. ``named`` is what the write named, where that was merged into ``key``.
    ``seen`` is the last commit that a resource has in it which was stated.
    """

    key: Key
    version: Version | None
    created: bool = False
    changed: bool = False
    matched: bool = False
    held: tuple[str, ...] = ()
    removed: tuple[Key, ...] = ()
    named: Key | None = None
    seen: int = 0


@frozen
class Outcome:
    """What became of a command. ``position`` is that of its commit, or of the head where nothing was new."""

    position: int
    commit: str
    results: tuple[Written, ...]
