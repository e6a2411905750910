"""The registry of everything the server does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fhirserver.interactions.batch import batch
from fhirserver.interactions.create import create
from fhirserver.interactions.delete import delete
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.history_instance import history_instance
from fhirserver.interactions.history_system import history_system
from fhirserver.interactions.history_type import history_type
from fhirserver.interactions.patch import patch
from fhirserver.interactions.read import read
from fhirserver.interactions.registry import Handler, Interaction, Operation, Registry
from fhirserver.interactions.search_compartment import search_compartment
from fhirserver.interactions.search_system import search_system
from fhirserver.interactions.search_type import search_type
from fhirserver.interactions.transaction import transaction
from fhirserver.interactions.update import update
from fhirserver.interactions.vread import vread
from fhirserver.kernel.outcomes import Category, refuse


def full_registry(
    operations: Sequence[Operation], describe: Callable[[Registry], Handler] | None = None
) -> Registry:
    """All interactions, with the given operations. ``describe`` makes the handler that tells of them."""
    registry: Registry

    async def metadata(context: Context, request: Request) -> Result:
        return await described(context, request)

    async def bundle(context: Context, request: Request) -> Result:
        body = request.json()
        kind = body.get("type") if body.get("resourceType") == "Bundle" else None
        if kind not in ("transaction", "batch"):
            text = "POST on the base takes a Bundle of type transaction or batch"
            raise refuse(Category.INVALID, "invalid", text, "Bundle.type")
        entries = body.get("entry", ())
        if isinstance(entries, list) and len(entries) > context.limits.bundle_entries:
            text = f"A Bundle may have {context.limits.bundle_entries} entries; this one has {len(entries)}"
            raise refuse(Category.TOO_LARGE, "too-long", text, "Bundle.entry")
        request.body, request.code = body, kind
        return await (transaction if kind == "transaction" else batch)(context, request, registry)

    registry = Registry(
        (
            Interaction("read", "GET", "instance", "read", read),
            Interaction("vread", "GET", "version", "read", vread),
            Interaction("update", "PUT", "instance", "write", update),
            Interaction("update", "PUT", "type", "write", update),
            Interaction("patch", "PATCH", "instance", "write", patch),
            Interaction("patch", "PATCH", "type", "write", patch),
            Interaction("delete", "DELETE", "instance", "write", delete),
            Interaction("delete", "DELETE", "type", "write", delete),
            Interaction("history-instance", "GET", "instance-history", "read", history_instance),
            Interaction("history-type", "GET", "type-history", "read", history_type),
            Interaction("history-system", "GET", "system-history", "read", history_system),
            Interaction("create", "POST", "type", "write", create),
            Interaction("search-type", "GET", "type", "read", search_type),
            Interaction("search-type", "POST", "type-search", "read", search_type),
            Interaction("search-compartment", "GET", "compartment", "read", search_compartment),
            Interaction("search-compartment", "POST", "compartment-search", "read", search_compartment),
            Interaction("search-system", "GET", "system", "read", search_system),
            Interaction("search-system", "POST", "system-search", "read", search_system),
            Interaction("transaction batch", "POST", "system", "read", bundle),
            *([Interaction("capabilities", "GET", "metadata", "read", metadata)] if describe else ()),
        ),
        operations,
    )
    described = describe(registry) if describe else metadata
    return registry
