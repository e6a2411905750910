"""Who reads AuditEvents: those with the role ``privacy``, where they ask for them by name; nobody writes over them.

Every interaction and operation passes here once (:meth:`fhirserver.interactions.registry.Registry.dispatch`).
"""

from __future__ import annotations

from fhirserver.access.audit.hidden import AUDIT
from fhirserver.access.audit.projecting import FOREVER
from fhirserver.access.principals import PRIVACY, Principal, require
from fhirserver.interactions.exchange import Context, Request
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.search.literals import date_range

_LISTS_TYPES = frozenset({"_type", "_typeFilter", "_include", "_revinclude"})
_STATES = frozenset({"$validate"})
"""Operations on a resource of the request: they read none."""


def names_audit(request: Request) -> bool:
    """Whether a request asks for AuditEvents, or for something by them."""
    if request.type == AUDIT:
        return True
    for name, value in request.params:
        if AUDIT in name or (AUDIT in value and name.partition(":")[0] in _LISTS_TYPES):
            return True
    return False


async def opened(context: Context, request: Request) -> Context:
    """The context in which a request that names AuditEvents is answered. Raises the refusal (403, 405)."""
    if request.type == AUDIT and request.operation in _STATES:
        return context.veiled
    if request.type == AUDIT and not _reads(request):
        check_write(request.principal, request.method, AUDIT)
        return context.whole
    require(request.principal, PRIVACY)
    if context.audit_events is not None:
        if request.type == AUDIT and request.id:
            await context.audit_events.derive_one(request.id)
        else:
            await context.audit_events.derive(*_times(request))
    return context.whole


def role_for(request: Request, role: str) -> str:
    """The role that is needed to read: that of who reads the audit suffices for AuditEvents."""
    return PRIVACY if role == "read" and request.type == AUDIT else role


def _reads(request: Request) -> bool:
    if request.method in ("GET", "HEAD"):
        return True
    return request.method == "POST" and bool(request.operation)


def check_write(principal: Principal, method: str, type: str) -> None:
    """Refuse (405) a write of an AuditEvent: they are added to, by who is named for that, and never changed."""
    if type == AUDIT and not (method == "POST" and may_add(principal)):
        raise unchangeable()


def may_add(principal: Principal) -> bool:
    """Whether somebody may add AuditEvents of what happened elsewhere: where his source names the type, or as admin."""
    source = principal.source
    return AUDIT in source.types or source.kind == "system" or principal.may("admin")


def unchangeable() -> Refusal:
    """405 for whoever would change what the audit says."""
    text = "AuditEvents follow from the audit trail: they are read, not written"
    refusal = refuse(Category.NOT_ALLOWED, "not-supported", text, AUDIT)
    refusal.headers["Allow"] = "GET, HEAD"
    return refusal


def _times(request: Request) -> tuple[int, int]:
    """Between which times (microseconds) AuditEvents are asked for, where a search of them says so."""
    low, high = 0, FOREVER
    if request.type != AUDIT:
        return low, high
    for name, value in request.params:
        if name in ("date", "_lastUpdated", "_since"):
            first, end = _range(value if name != "_since" else f"ge{value}")
            low, high = max(low, first), min(high, end)
    return low, high


def _range(value: str) -> tuple[int, int]:
    """The times at which a value with its prefix may hold."""
    prefix, text = (value[:2], value[2:]) if value[:2].isalpha() else ("eq", value)
    try:
        low, high = date_range(text)
    except (ValueError, OverflowError):
        return 0, FOREVER  # it is refused when it is read, or has several values
    bounds = {
        "eq": (low, high),
        "gt": (low, FOREVER),
        "ge": (low, FOREVER),
        "sa": (low, FOREVER),
        "lt": (0, high),
        "le": (0, high),
        "eb": (0, high),
    }
    return bounds.get(prefix, (0, FOREVER))
