"""A mapping file in the form in which the adapter works with it; :mod:`adapters.rest.reading` makes it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.rest.codes import CodeMap
from adapters.rest.expressions import Expression
from adapters.rest.templates import BodyTemplate, Template, Templates
from fhirserver.kernel.json import Json

NO_BODY = BodyTemplate({})


@dataclass(frozen=True, slots=True)
class Paging:
    """How a list goes on; see the schema."""

    kind: str = "none"
    size: int = 100
    limit: str = ""
    parameter: str = ""
    first: int = 1
    next: Expression | None = None
    total: Expression | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request, with templates for its parts. ``query`` and ``body`` hold no members without value."""

    method: str
    path: Template
    query: Templates = field(default_factory=dict)
    body: BodyTemplate = NO_BODY
    failed: Expression | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A whole list. Seconds; ``every`` 0: only once."""

    request: Request
    records: Expression
    paging: Paging
    each: str = ""
    every: float = 0.0
    absent: str = "ignore"
    day: Expression | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """A feed of what changed. ``again``: the query for what was taken from a consuming feed before."""

    request: Request
    records: Expression
    paging: Paging
    overlap: float = 60.0
    consuming: bool = False
    again: Templates | None = None
    subscribe: Request | None = None


@dataclass(frozen=True, slots=True)
class Read:
    request: Request
    record: Expression


@dataclass(frozen=True, slots=True)
class Find:
    request: Request
    records: Expression


@dataclass(frozen=True, slots=True)
class Look:
    """What is asked before a create; see the schema for ``ours``, ``same`` and ``taken``."""

    request: Request
    records: Expression
    paging: Paging
    id: Mapping[str, Expression] | None = None
    ours: Expression | None = None
    same: Expression | None = None
    taken: Expression | None = None


Id = Mapping[str, Expression]
"""The parts of a record's id by name; one that is not composite has an empty name."""


@dataclass(frozen=True, slots=True)
class Create:
    request: Request
    id: Id
    look: Look | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One of the writes of which an update may be made."""

    name: str
    request: Request
    when: Expression | None = None
    alone: bool = False
    only_changed: bool = False
    always: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Within:
    """The records are parts of another resource's records."""

    resource: str
    at: Expression
    first: bool = False


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the FHIR resource, as steps (``name``, 0, ``family``), and what makes it."""

    path: str
    steps: tuple[str | int, ...]
    expression: Expression


@dataclass(frozen=True, slots=True)
class Resource:
    """How one FHIR resource type is kept by the vendor."""

    type: str
    id: Id
    elements: Sequence[Element]
    keep: bool = False
    updated: Expression | None = None
    skip: Expression | None = None
    deleted: Expression | None = None
    moved_to: Expression | None = None
    within: Within | None = None
    list: Listing | None = None
    changes: Changes | None = None
    read: Read | None = None
    find: Mapping[str, Find] = field(default_factory=dict)
    create: Create | None = None
    update: Sequence[Action] = ()
    delete: Request | None = None


@dataclass(frozen=True, slots=True)
class Auth:
    """How requests are authorised; see the schema."""

    kind: str
    token_path: str = ""
    scope: str = ""
    credentials: str = "basic"
    header: str = ""
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """The API as a whole."""

    url: str
    auth: Auth
    path: Template
    time_zone: Template
    headers: Templates
    query: Templates
    body: str = "json"
    date_format: str = "%Y-%m-%d"
    time_format: str = "%H:%M"
    health: Template | None = None
    visible_within: float = 0.0
    failed: Expression | None = None
    message: Expression | None = None


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """What a refusal with one of the statuses (any, where there are none) and such a body means."""

    kind: str
    statuses: frozenset[int] = frozenset()
    body: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that a connector says of its practice."""

    about: str = ""
    default: Json = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    kind: str
    header: str
    encoding: str = "base64"
    prefix: str = ""
    timestamp_header: str = ""


@dataclass(frozen=True, slots=True)
class Topics:
    """How webhooks are subscribed to."""

    path: Template
    records: Expression
    topics: Sequence[str]
    topic: str
    target: str
    key: Expression | None = None


@dataclass(frozen=True, slots=True)
class WebhookRules:
    signature: Signature
    event: Expression
    type: Expression
    id: Expression
    replay_seconds: float = 300.0
    subscribe: Topics | None = None


@dataclass(frozen=True, slots=True)
class MappingFile:
    """One vendor. ``resources`` are in the order in which they are pulled."""

    name: str
    about: str
    server: Server
    settings: Mapping[str, Setting]
    codes: Mapping[str, CodeMap]
    errors: Sequence[ErrorRule]
    resources: Mapping[str, Resource]
    webhook: WebhookRules | None = None

    def inside(self, type: str) -> list[Resource]:
        """The resources whose records are parts of those of ``type``."""
        return [one for one in self.resources.values() if one.within and one.within.resource == type]

    def with_settings(self, given: Mapping[str, Any]) -> dict[str, Json]:
        """The connector's settings with the defaults. Raises :class:`ValueError` naming one that is wrong."""
        for name in given:
            if name not in self.settings:
                known = ", ".join(sorted(self.settings)) or "none"
                raise ValueError(f"{self.name} has no setting '{name}'; known: {known}")
        made: dict[str, Json] = {}
        for name, setting in self.settings.items():
            value = given.get(name, setting.default)
            if value is None and setting.required:
                raise ValueError(f"{self.name} needs the setting '{name}': {setting.about}")
            made[name] = value
        return made
