"""Who may read what: asked wherever something is sent to somebody who did not just ask for it."""

from __future__ import annotations

from collections.abc import Iterable

from fhirserver.access.audit.hidden import AUDIT
from fhirserver.access.principals import PRIVACY, Principal
from fhirserver.kernel.json import JsonObject


def may_read(principal: Principal, type: str, resource: JsonObject) -> bool:
    """Whether a principal may read a resource now; ``resource`` is its content, empty for one that is gone.

    Whoever has the role may read everything. Whose permissions say with which resources is sent nothing: what they
    allow is asked of a store, and parts of a resource may be masked for them.
    """
    return principal.permissions is None and principal.may(PRIVACY if type == AUDIT else "read")


class Readers:
    """What principals of the settings may read, by name. Who is not among them any more may read nothing."""

    def __init__(self, principals: Iterable[Principal]):
        self._by_name = {one.name: one for one in principals}

    def principal(self, name: str) -> Principal | None:
        """The principal of this name."""
        return self._by_name.get(name)

    def may_read(self, name: str, type: str, resource: JsonObject) -> bool:
        """Whether the principal of this name may read a resource now."""
        principal = self._by_name.get(name)
        return principal is not None and may_read(principal, type, resource)
