"""What clients may read and not write: Provenance that follows from the log, and the server's own definitions."""

from __future__ import annotations

from fhirserver.access.audit.hidden import AUDIT
from fhirserver.interactions.audit_access import unchangeable
from fhirserver.interactions.exchange import Context
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.storage import Key
from fhirserver.store.provenance import DERIVED

__all__ = ["DERIVED", "refuse_reserved"]


async def refuse_reserved(context: Context, type: str, id: str) -> None:
    """Refuse (405) to change what only the server may say."""
    if Key(type, id) in context.reserved:
        raise _not_allowed(type, "This is one of the server's own definitions: it can be read, not changed")
    if type == AUDIT:
        raise unchangeable()
    if type != DERIVED:
        return
    await context.store.derive_provenance()
    if await context.store.is_derived(type, id):
        text = "This Provenance is derived from the log: it can be read, not changed; make a new one instead"
        raise _not_allowed(type, text)


def _not_allowed(type: str, text: str) -> Refusal:
    refusal = refuse(Category.NOT_ALLOWED, "not-supported", text, type)
    refusal.headers["Allow"] = "GET, HEAD"
    return refusal
