"""What goes into an interaction and what comes out: values without a transport."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fhirserver.access.audit.event import Audit, NoAudit
from fhirserver.access.audit.hidden import StoreWithoutAudit
from fhirserver.access.principals import Principal
from fhirserver.access.server_key import ServerKey
from fhirserver.interactions.analytics.projection import Projection
from fhirserver.interactions.subscription.channel_checks import Channels
from fhirserver.interactions.subscription.topics import Topics
from fhirserver.interactions.work import Work
from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, dumps, loads_unique
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.model.validation.profiles import Validator
from fhirserver.model.validation.source import read_json
from fhirserver.ports.storage import Key, Version
from fhirserver.store.conformance import StoredConformance
from fhirserver.store.definitions import Definitions
from fhirserver.store.store import Store
from fhirserver.world.policy import Policy
from fhirserver.world.review_rules import ReviewRules

if TYPE_CHECKING:
    from fhirserver.access.audit.projecting import AuditEvents
    from fhirserver.ports.agents import Agents
    from fhirserver.ports.concept_maps import Closures, ConceptMaps, Naming
    from fhirserver.ports.connectors import Connectors
    from fhirserver.ports.live_calls import LiveCalls
    from fhirserver.ports.messages import Messages
    from fhirserver.ports.recordings import Recordings
    from fhirserver.ports.terminology import Terminology
    from fhirserver.ports.terminology_asked import KeptResources
    from fhirserver.ports.terminology_browsing import Browsing

_CLOSELY_READ = 256 * 1024
"""Bytes of a malformed body up to which all that is wrong with it is said: that is slower than to read it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one request: page sizes, entries of a Bundle, bytes of a body and the pause in it, elements of a
    resource, and how many resources one conditional delete may delete."""

    default_count: int = 50
    max_count: int = 1000
    bundle_entries: int = 10_000
    body_bytes: int = 64 * 1024 * 1024
    body_seconds: float = 30.0
    resource_elements: int = 200_000
    conditional_delete: int = 1


@dataclass(frozen=True, slots=True)
class Context:
    """What interactions work with. ``base_url`` is the FHIR base without a trailing slash."""

    store: Store
    base_url: str
    policy: Policy
    conformance: StoredConformance
    validator: Validator
    terminology: Terminology | None = None
    limits: Limits = field(default_factory=Limits)
    definitions: Definitions = field(default_factory=Definitions)
    """What is built in, beside what is stored."""
    reserved: frozenset[Key] = frozenset()
    """The server's own definitions, which clients may not change."""
    claims: str = "off"
    """What becomes of writes that break the profiles they claim: ``off``, ``warn`` or ``enforce``."""
    review: ReviewRules = field(default_factory=ReviewRules)
    clock: Clock = field(default_factory=SystemClock)
    connectors: Connectors | None = None
    """The connectors as they are at work; None where there can be none."""
    messages: Messages | None = None
    """The HL7v2 messages of all listeners; None where there can be none."""
    live: LiveCalls | None = None
    """The calls under way; None where there can be none."""
    recordings: Recordings | None = None
    """The sound of calls that are over; None where none is kept."""
    audit: Audit = field(default_factory=NoAudit)
    """Where accesses and decisions are noted."""
    key: ServerKey = field(default_factory=ServerKey.random)
    """What signatures and tokens are made with; the same in all processes that serve together."""
    browsing: Browsing | None = None
    """What operators look around in terminology with; None where there is none."""
    channels: Channels = field(default_factory=Channels)
    """The ways on which notifications leave."""
    audit_events: AuditEvents | None = None
    """The AuditEvents that follow from the audit trail; None where there is none."""
    concept_maps: ConceptMaps | None = None
    """What translates codes; None where the server has no terminology."""
    closures: Closures | None = None
    kept_resources: KeptResources | None = None
    """What clients have kept for their later questions; None where nothing is kept."""
    naming: Naming | None = None
    agents: Agents | None = None
    """The agent's own checks and trials of what sets it up; None where there is none."""
    work: Work = field(default_factory=Work)
    """What may take long, such as answers about codes."""
    analytics: Projection | None = None
    """What conversations come to; None where nobody counts."""
    topics: Topics = field(init=False)
    """What may be subscribed to."""
    whole: Context = field(init=False, repr=False, compare=False)
    """With AuditEvents in the store, which only those see who may."""
    veiled: Context = field(init=False, repr=False, compare=False)
    """The same without them."""
    views: dict[tuple[int, str], tuple[Principal, Context]] = field(init=False, repr=False, compare=False)
    """This one as principals see it, by their identity and by what they read resources with."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "topics", Topics(self.store))
        object.__setattr__(self, "whole", self)
        object.__setattr__(self, "veiled", self)
        object.__setattr__(self, "views", {})
        if type(self.store) is Store:  # a narrower view is around one that is veiled already
            veiled = copy(self)
            object.__setattr__(veiled, "store", StoreWithoutAudit(self.store))
            object.__setattr__(veiled, "veiled", veiled)
            object.__setattr__(veiled, "views", {})
            object.__setattr__(self, "veiled", veiled)


@dataclass(slots=True)
class Request:
    """One FHIR request. ``headers`` have lower-case names; ``body`` is bytes, or JSON inside a Bundle."""

    principal: Principal
    method: str
    type: str = ""
    id: str = ""
    version: str = ""
    operation: str = ""
    params: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | JsonObject | None = None
    compartment: Key | None = None
    """The resource in whose compartment is searched; ``type`` is then what is searched for, ``*`` for all."""
    code: str = ""
    """The interaction's FHIR code, or the operation with its ``$``, once it is found: of the registry's words."""
    address: str = ""
    """Where it came from, where it came over a network."""
    number: str = ""
    """Its X-Request-Id."""
    purpose: str = ""
    """Why it is asked, where that was stated."""

    def json(self) -> JsonObject:
        """The body as a JSON object. Raises a refusal (400) that says where it breaks."""
        value: Json = self.body
        if isinstance(value, bytes | bytearray | memoryview):
            try:
                value = loads_unique(bytes(value))
            except InvalidJson as error:
                raise Refusal(Category.INVALID, _faults(bytes(value), str(error))) from None
        if not isinstance(value, dict):
            raise refuse(Category.INVALID, "structure", "The body is not a JSON object")
        return value

    @property
    def prefer_return(self) -> str:
        """``minimal``, ``representation`` or ``OperationOutcome`` of the Prefer header, or empty."""
        return preference(self.headers.get("prefer", ""), "return")

    @property
    def lenient(self) -> bool:
        return preference(self.headers.get("prefer", ""), "handling") == "lenient"


def _faults(body: bytes, first: str) -> list[Issue]:
    """What is wrong with text that is not JSON, and where; of a long one only what comes first."""
    found = read_json(body)[1] if len(body) <= _CLOSELY_READ else []
    faults = found or [Issue("structure", first)]
    return [Issue("structure", f"The body is not JSON: {one.diagnostics}", one.expression) for one in faults]


def preference(header: str, name: str) -> str:
    """One preference of a Prefer header (RFC 7240)."""
    for part in header.replace(";", ",").split(","):
        key, _, value = part.strip().partition("=")
        if key.lower() == name:
            return value.strip('" ')
    return ""


def has_preference(header: str, name: str) -> bool:
    """Whether a Prefer header states a preference, whatever its value."""
    return name in header.lower() and any(
        part.partition("=")[0].strip().lower() == name for part in header.replace(";", ",").split(",")
    )


@dataclass(slots=True)
class Result:
    """What an interaction answers: a status, FHIR JSON ready to send, and headers.

    ``content_type`` is set where the body is no FHIR JSON: it is then sent as it is, whatever was negotiated.
    ``shown`` are the versions in a body that has several.
    """

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    version: Version | None = None
    issues: Sequence[JsonObject] = ()
    content_type: str = ""
    shown: Sequence[Version] = ()

    @property
    def resource(self) -> bytes:
        """The body as it stands in a Bundle: one that is no FHIR JSON as a Binary."""
        if not self.content_type:
            return self.body
        data = b64encode(self.body).decode()
        return dumps({"resourceType": "Binary", "contentType": self.content_type, "data": data})
