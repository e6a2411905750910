"""An EHR as the connector runner sees it: records come in by ``pull``, changes go out by ``push``.

One protocol for every kind of EHR. An adapter holds no state that must survive: what has to be remembered
is in the cursor that ``pull`` hands out and in the idempotency key that a :class:`Change` carries, and the
runner keeps both.

Errors are the tree under :class:`EhrError`; an adapter raises nothing else for what an EHR does. Messages
hold types, statuses and issue codes, never a value of a resource; what the EHR itself wrote is in ``issues``,
which is for the operator and must not be logged.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, runtime_checkable

from fhirserver.kernel.json import JsonObject


@dataclass(frozen=True, slots=True)
class Record:
    """One version of a record as the EHR holds it.

    ``id`` and ``version`` are the EHR's own; ``last_updated`` is an instant as the EHR wrote it, or empty.
    ``content`` is FHIR R4 JSON with the EHR's references, and empty when ``deleted``. ``partial``: what it leaves
    out the EHR may have all the same.
    """

    type: str
    id: str
    version: str
    last_updated: str
    content: JsonObject = field(repr=False)
    deleted: bool = False
    partial: bool = False

    @property
    def reference(self) -> str:
        """``Type/id``."""
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class Page:
    """Records in the order in which they must be taken in, and the cursor to keep once they are.

    A page may be empty: its cursor has still moved. ``matters``: it must be kept even then, as it says more than that
    time has passed.
    """

    records: Sequence[Record]
    cursor: JsonObject
    matters: bool = False


class Operation(Enum):
    """What a change asks of the EHR."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """One change for the EHR.

    ``key`` is the idempotency key: the same for every attempt of this change, and of no other change.
    ``content`` is the whole record as it shall be, with the EHR's ids in its references; empty for a delete.
    ``id`` and ``version`` name the record and the version it was decided against (update, delete).
    ``before`` is the content of that version when the runner has it: it lets a retry tell whether a lost
    answer was a success. ``attempt`` counts from 1.
    ``sent``: how many seconds ago an earlier attempt may have reached the EHR, by whatever process; None: none may.
    ``sending`` is awaited right before anything is asked that changes the EHR, so that this is known afterwards.
    ``only_found``: nothing is to be made now; only what an earlier attempt made counts, and :class:`Gone` says that
    there is nothing (create). ``earlier`` is then the content of that attempt, where it was another.
    """

    operation: Operation
    type: str
    key: str
    content: JsonObject = field(default_factory=dict, repr=False)
    id: str = ""
    version: str = ""
    before: JsonObject | None = field(default=None, repr=False)
    attempt: int = 1
    sent: float | None = None
    sending: Callable[[], Awaitable[None]] | None = field(default=None, repr=False, compare=False)
    only_found: bool = False
    earlier: JsonObject | None = field(default=None, repr=False)

    async def begin_sending(self) -> None:
        """Have it known that this attempt may reach the EHR from now on."""
        if self.sending is not None:
            await self.sending()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The EHR has it. ``record`` is what the EHR holds now, which may differ from what was sent.

    ``replayed`` says that the change was found already there: an earlier attempt, or somebody else, made it.
    """

    record: Record
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class TypeCapabilities:
    """What the EHR says it can do with one resource type."""

    interactions: frozenset[str] = frozenset()
    search_parameters: frozenset[str] = frozenset()
    conditional_create: bool = False
    versioning: str = ""
    """``no-version``, ``versioned``, ``versioned-update`` (it checks ``If-Match``), or empty: not said."""
    operations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the EHR says it can do. ``types`` is empty when it does not say.

    ``interactions`` and ``operations`` are those of the whole system, operations by name without ``$``.
    """

    software: str
    fhir_version: str
    types: Mapping[str, TypeCapabilities]
    interactions: frozenset[str] = frozenset()
    operations: frozenset[str] = frozenset()

    def of(self, type: str) -> TypeCapabilities:
        return self.types.get(type, TypeCapabilities())


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the EHR answers, and how fast. ``problem`` names the error class, without content."""

    reachable: bool
    seconds: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class EhrIssue:
    """One issue of the EHR's own OperationOutcome; ``text`` is foreign and may name a patient."""

    code: str
    severity: str = "error"
    expression: tuple[str, ...] = ()
    text: str = field(default="", repr=False)


class EhrError(Exception):
    """Something an EHR did that is not success. ``status`` is the HTTP status, or None without an answer."""

    def __init__(self, reason: str, *, status: int | None = None, issues: Iterable[EhrIssue] = ()):
        self.reason = reason
        self.status = status
        self.issues = tuple(issues)
        super().__init__(self._message())

    def _message(self) -> str:
        codes = ", ".join(issue.code for issue in self.issues)
        status = f" (status {self.status})" if self.status else ""
        return f"{self.reason}{status}{': ' + codes if codes else ''}"


class Retryable(EhrError):
    """The same request may succeed later. ``after`` is how many seconds the EHR asked to wait, if it did."""

    def __init__(
        self,
        reason: str,
        *,
        after: float | None = None,
        status: int | None = None,
        issues: Iterable[EhrIssue] = (),
    ):
        self.after = after
        super().__init__(reason, status=status, issues=issues)


class Unanswered(Retryable):
    """No answer came. A write may or may not have been done; sending the same change again is safe."""


class Throttled(Retryable):
    """The EHR asks for fewer requests."""


class Conflict(EhrError):
    """The EHR holds something else than the change was decided against: pull, reconcile, decide again.

    ``current`` is the record as the EHR holds it, where that could be read. ``explained``: what is in the way was
    seen in the EHR, so that asking again would be answered alike.
    """

    def __init__(
        self,
        reason: str,
        *,
        current: Record | None = None,
        explained: bool = False,
        status: int | None = None,
        issues: Iterable[EhrIssue] = (),
    ):
        self.current, self.explained = current, explained
        super().__init__(reason, status=status, issues=issues)


class Gone(EhrError):
    """The record is not in the EHR (any more)."""


class Unauthorized(EhrError):
    """The EHR does not accept our credentials, or they do not cover this request."""


class Unusable(Unauthorized):
    """Nothing goes over this connection until somebody has changed a setting, here or at the EHR.

    A certificate that is not valid, an address that leads to another server, an EHR without FHIR JSON. Like refused
    credentials it says nothing of the change that met it, which waits.
    """


class Permanent(EhrError):
    """The EHR will never accept this request as it is."""


class NeedsPerson(EhrError):
    """The EHR refuses by a rule that only a person can decide on, such as a possible duplicate."""


class NotHeard(Exception):
    """A notification is not heard; ``status`` is the HTTP status to answer with."""

    def __init__(self, status: int):
        self.status = status
        super().__init__(f"not heard (status {status})")


@runtime_checkable
class Hinted(Protocol):
    """An EHR that can be told which of its records have news, as its notifications and webhooks do."""

    def name(self, type: str, id: str) -> None:
        """Have this record read with the next pull."""
        ...


def is_listened(ehr: object) -> bool:
    """Whether an EHR's records come by themselves, as over HL7v2, so that none can be asked for.

    Such an EHR is sent what a record refers to inside of it: references stay the world's. An adapter says so by a
    member ``listened``.
    """
    return bool(getattr(ehr, "listened", False))


def visible_within(ehr: object) -> float:
    """How many seconds an EHR may take to show what was written to it; until then what it says may be older.

    An adapter says so by a member ``visible_within``; 0 for one that shows every write at once.
    """
    return float(getattr(ehr, "visible_within", 0.0))


class Ehr(Protocol):
    """One connected EHR. Every method may raise :class:`EhrError`."""

    def pull(self, cursor: JsonObject | None = None) -> AsyncIterator[Page]:
        """The records changed since ``cursor`` (all of them for None), at least once each.

        Ends when there are no more for now. Whoever keeps a page's cursor after taking in its records
        loses nothing when the process dies between pages.
        """
        ...

    async def push(self, change: Change) -> Receipt:
        """Make ``change``, once, however often it is tried with the same key. Does not retry."""
        ...

    async def read(self, type: str, id: str) -> Record:
        """The current version. Raises :class:`Gone` where there is none."""
        ...

    async def find(self, type: str, system: str, value: str) -> Sequence[Record]:
        """The records of ``type`` with this identifier."""
        ...

    async def health(self) -> Health:
        """Ask for a sign of life. Never raises."""
        ...

    async def capabilities(self) -> Capabilities:
        """What the EHR says it can do, read once and kept."""
        ...

    async def close(self) -> None: ...
