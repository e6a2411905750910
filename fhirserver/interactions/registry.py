"""Advertise = enforce: one registry yields the routes, the CapabilityStatement and the access check."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fhirserver.access.principals import require
from fhirserver.interactions.audit_access import names_audit, opened, role_for
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.operation_inputs import check_inputs, check_level, is_flag
from fhirserver.interactions.permitted import check_interaction, check_operation, guarded, known_view
from fhirserver.interactions.resources import known_type
from fhirserver.interactions.search_parameters import ASK_TERMINOLOGY
from fhirserver.interactions.subscription.vocabulary import TOPIC_TYPE
from fhirserver.interactions.subscription_topic import subscription_topic
from fhirserver.kernel.ids import is_id
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.model.validation import validate
from fhirserver.model.validation.unknown import UNKNOWN_PROPERTY

Handler = Callable[[Context, Request], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Interaction:
    """One interaction of the REST API: its FHIR code, where it lives, and the role it needs.

    ``level`` is ``instance``, ``version``, ``instance-history``, ``type``, ``system`` or ``metadata``.
    """

    code: str
    method: str
    level: str
    role: str
    handler: Handler


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation. ``type`` is empty for one with ``parts``; ``max`` is a number or ``*``."""

    name: str
    type: str
    text: str
    min: int = 0
    max: str = "1"
    use: str = "in"
    parts: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its name without ``$``, where it may be invoked, and the role it needs.

    ``level`` is one or more of ``system``, ``type``, ``instance`` and ``version``, with spaces between.
    ``types`` are the resource types it is for (``*`` for all). ``affects_state`` operations are POST only.
    ``parameters`` are those it takes and gives: an input that is not among them is refused. One that
    ``takes_any_body`` reads its body itself, which need not be a Parameters; one that ``takes_search``
    takes search parameters too, and refuses itself what is none. Resources that are parameters of one that
    ``takes_newer`` may have properties and codes of later versions of FHIR. One that ``checks_types`` refuses inputs
    that come too often or are of another type than it says. ``kept`` finds the answer that the very
    same request had before, if it still holds.
    """

    name: str
    level: str
    types: tuple[str, ...]
    role: str
    handler: Handler
    definition: str
    affects_state: bool = False
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    takes_any_body: bool = False
    takes_search: bool = False
    takes_newer: bool = False
    checks_types: bool = False
    kept: Callable[[Context, Request], Awaitable[Result | None]] | None = None

    @property
    def inputs(self) -> frozenset[str]:
        return frozenset(one.name for one in self.parameters if one.use == "in")

    @property
    def levels(self) -> tuple[str, ...]:
        return tuple(self.level.split())

    def fits(self, level: str, type: str) -> bool:
        return level in self.levels and (not type or "*" in self.types or type in self.types)


@dataclass(frozen=True, slots=True)
class Registry:
    """All interactions and operations there are."""

    interactions: Sequence[Interaction]
    operations: Sequence[Operation] = ()
    _routes: dict[tuple[str, str], Interaction] = field(init=False, repr=False)
    _named: Mapping[str, Sequence[Operation]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        routes = {(one.level, one.method): one for one in self.interactions}
        object.__setattr__(self, "_routes", routes)
        names = {operation.name for operation in self.operations}
        named = {name: [one for one in self.operations if one.name == name] for name in names}
        object.__setattr__(self, "_named", named)

    async def dispatch(self, context: Context, request: Request) -> Result:
        """Answer a request. Raises a refusal where there is no such interaction or the role is missing."""
        if request.params and any(name.endswith(ASK_TERMINOLOGY) for name, _ in request.params):
            await context.conformance.catch_up()
        context = await opened(context, request) if names_audit(request) else context.veiled
        if request.principal.permissions is not None:
            context = known_view(context, request) or await guarded(context, request)
        if request.type == TOPIC_TYPE:
            request.code = "topic"
            return await subscription_topic(context, request, self.dispatch)
        if request.operation.startswith("$"):
            return await self._operate(context, request)
        level = _level(request)
        method = "GET" if request.method == "HEAD" else request.method
        interaction = self._routes.get((level, method))
        if interaction is None:
            raise self._not_allowed(level, request)
        if request.type and request.type != "*" and level != "metadata":
            known_type(request.type)
        request.code = interaction.code
        require(request.principal, role_for(request, interaction.role))
        if request.principal.permissions is not None:
            check_interaction(request.principal.permissions, interaction.code, request.type)
        if request.params and (level, method) in _WITHOUT_QUERY and not request.lenient:
            raise _needless_query(request)
        return await interaction.handler(context, request)

    def code(self, request: Request) -> str:
        """The code of what a request asks, also where it is refused; empty for what there is not."""
        if request.code or request.operation.startswith("$"):
            return request.code or request.operation[:64]
        method = "GET" if request.method == "HEAD" else request.method
        route = self._routes.get((_level(request), method))
        return route.code if route else ""

    def handler(self, level: str, method: str) -> Handler:
        """What answers at a level, whoever asks. Raises KeyError where nothing does."""
        return self._routes[level, method].handler

    def methods(self, request: Request) -> list[str]:
        """The methods at the URL of a request; empty where there is nothing."""
        if request.operation.startswith("$"):
            level = _operation_level(request)
            found = [
                one for one in self._named.get(request.operation[1:], ()) if one.fits(level, request.type)
            ]
            return _operation_methods(found[0]) if found else []
        level = _level(request)
        methods = {method for known, method in self._routes if known == level}
        return sorted(methods | {"HEAD"} if "GET" in methods else methods)

    def _not_allowed(self, level: str, request: Request) -> Exception:
        if request.id and not is_id(request.id) and request.method in ("PUT", "PATCH", "DELETE"):
            text = "An id is 1 to 64 of A-Z a-z 0-9 - ."
            return refuse(Category.INVALID, "value", text, "http.url")
        allowed = self.methods(request)
        if not allowed:
            return refuse(Category.NOT_FOUND, "not-supported", "There is nothing at this URL", "http.url")
        refusal = refuse(
            Category.NOT_ALLOWED, "not-supported", f"{request.method} is not supported here", "http.method"
        )
        refusal.headers["Allow"] = ", ".join(allowed)
        return refusal

    def operation(self, request: Request) -> Operation | None:
        """The operation that a request invokes."""
        level, named = _operation_level(request), self._named.get(request.operation[1:], ())
        return next((one for one in named if one.fits(level, request.type)), None)

    async def _operate(self, context: Context, request: Request) -> Result:
        name = request.operation[1:]
        level = _operation_level(request)
        if request.type:
            known_type(request.type)
        operation = self.operation(request)
        if operation is None:
            where = f"{request.type}, at the level of the {level}" if request.type else "the system"
            text = f"There is no operation ${name[:64]} on {where}"
            raise refuse(Category.NOT_FOUND, "not-supported", text, "http.url")
        allowed = _operation_methods(operation)
        if request.method not in allowed:
            refusal = refuse(
                Category.NOT_ALLOWED, "not-supported", f"${name} is not invoked by this method", "http.method"
            )
            refusal.headers["Allow"] = ", ".join(allowed)
            raise refusal
        request.code = request.operation
        require(request.principal, role_for(request, operation.role))
        if request.principal.permissions is not None:
            check_operation(request.principal.permissions, operation.role, request.type)
        if operation.kept is not None:
            known = await operation.kept(context, request)
            if known is not None:
                return known
        if len(request.body or b"") > _LARGE:
            await asyncio.to_thread(_check_inputs, operation, request)
        else:
            _check_inputs(operation, request)
        return await operation.handler(context, request)


_INCOMPLETE_FILTER = re.compile(r".*\.(include|exclude)\[\d+\]\.filter\[\d+\]\.(property|op|value)")
_LARGE = 256 * 1024
"""A body of more bytes is checked in a thread, so that others are served meanwhile."""
_VALUE = re.compile(
    r"Parameters\.parameter\[(\d+)\](?:\.resource\.parameter\[(\d+)\])?\.value\.ofType\(\w+\)"
)
_IN_RESOURCE = re.compile(r"Parameters\.parameter\[\d+\](\.part\[\d+\])*\.resource\.")
_WITHOUT_QUERY = frozenset(
    {("type", "POST"), ("instance", "PUT"), ("instance", "PATCH"), ("instance", "DELETE")}
)
"""Where a query means nothing: passed over, it would be a condition that nobody keeps."""


def _needless_query(request: Request) -> Refusal:
    hint = "; a conditional create takes If-None-Exist" if request.method == "POST" else ""
    text = f"{request.method} takes no parameters here{hint}"
    return refuse(Category.INVALID, "not-supported", text, f"http.{request.params[0][0][:64]}")


def _check_inputs(operation: Operation, request: Request) -> None:
    """Refuse (400) an input that the operation does not have: it would be passed over without a word."""
    known = operation.inputs
    for name, _ in request.params:
        if name not in known and not operation.takes_search:
            raise _unknown_input(operation, name, f"http.{name[:64]}")
    body = _parameters(operation, request) if request.body and not operation.takes_any_body else []
    if operation.checks_types:
        check_inputs(operation.parameters, request.params, body)
        names = [*(name for name, _ in request.params), *(str(one["name"]) for one in body)]
        check_level(operation.name, request.type, _operation_level(request), names)


def _parameters(operation: Operation, request: Request) -> Sequence[JsonObject]:
    """Those of the body, which are valid and known to the operation."""
    body, known = request.json(), operation.inputs
    if body.get("resourceType") != "Parameters":
        text = "The body of an operation is a Parameters resource"
        raise refuse(Category.INVALID, "invalid", text, "resourceType")
    issues = [issue for issue in validate(body) if issue.severity in ("error", "fatal")]
    if operation.takes_newer:
        issues = [issue for issue in issues if not _is_taken(issue, body)]
    if issues:
        raise Refusal(Category.INVALID, issues)
    for number, parameter in enumerate(body.get("parameter", ())):
        if parameter["name"] not in known and not operation.takes_search:
            raise _unknown_input(operation, parameter["name"], f"Parameters.parameter[{number}]")
    given: Sequence[JsonObject] = body.get("parameter", ())
    return given


def _is_taken(issue: Issue, body: JsonObject) -> bool:
    """Whether what is wrong with a request to the terminology can be understood all the same."""
    return _is_newer(issue) or _is_incomplete_filter(issue) or _is_written_flag(issue, body)


def _is_written_flag(issue: Issue, body: JsonObject) -> bool:
    """Whether it is about a true or false that is written as another type: clients of the ecosystem do so."""
    place = _VALUE.fullmatch(issue.expression[0]) if issue.expression else None
    if place is None or issue.code != "structure":
        return False
    outer, inner = place.groups()
    part: JsonObject = body["parameter"][int(outer)]
    return is_flag(part["resource"]["parameter"][int(inner)] if inner else part)


def _is_newer(issue: Issue) -> bool:
    """Whether it says of a resource in a parameter no more than that R4 does not have a property or code."""
    of_resource = any(_IN_RESOURCE.match(place) for place in issue.expression)
    return of_resource and (issue.code == "code-invalid" or f": {UNKNOWN_PROPERTY}" in issue.diagnostics)


def _is_incomplete_filter(issue: Issue) -> bool:
    """Whether it says no more than that a filter of a value set in a parameter is incomplete. That value set is not
    always the one asked about; where it is, the operation refuses it in the words that clients of terminology know."""
    return issue.code == "required" and any(
        _IN_RESOURCE.match(place) and _INCOMPLETE_FILTER.fullmatch(place) for place in issue.expression
    )


def _unknown_input(operation: Operation, name: str, where: str) -> Refusal:
    known = ", ".join(sorted(operation.inputs)) or "none"
    text = f"${operation.name} has no parameter '{name[:64]}'; it takes: {known}"
    return refuse(Category.INVALID, "not-supported", text, where)


def _operation_methods(operation: Operation) -> list[str]:
    return ["POST"] if operation.affects_state else ["GET", "HEAD", "POST"]


def _operation_level(request: Request) -> str:
    if not request.id:
        return "type" if request.type else "system"
    return "version" if request.version else "instance"


def _level(request: Request) -> str:
    if request.compartment is not None:
        return "compartment-search" if request.operation else "compartment"
    if request.operation == "_history":
        return "instance-history" if request.id else "type-history" if request.type else "system-history"
    if request.operation == "_search":
        return "none" if request.id else "type-search" if request.type else "system-search"
    if request.operation:
        return "none"
    if not request.type:
        return "system"
    if not request.id:
        return "metadata" if request.type == "metadata" else "type"
    if not is_id(request.id):
        return "none"
    return "version" if request.version else "instance"
