"""Who may do what at ``/platform``: five roles, and the rights that each has.

An endpoint names the one right it needs (:func:`needs`); the same is checked and said in the OpenAPI description.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from fastapi import Depends, Request

from fhirserver.access.principals import Principal
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.rest.platform.fhir import Fhir
from fhirserver.rest.platform.shapes import Link, link_of

if TYPE_CHECKING:
    from fhirserver.rest.platform.platform import Platform


class Right(Enum):
    """``read``: see; ``act``: start calls, conversations, campaigns; ``operate``: on live calls and reviews, as a
    person; ``configure``: agents, rules, connectors, webhooks, keys; ``own``: the workspace itself."""

    READ = "read"
    ACT = "act"
    OPERATE = "operate"
    CONFIGURE = "configure"
    OWN = "own"


RIGHTS: dict[str, frozenset[Right]] = {
    "viewer": frozenset({Right.READ}),
    "member": frozenset({Right.READ, Right.ACT}),
    "operator": frozenset({Right.READ, Right.ACT, Right.OPERATE}),
    "admin": frozenset({Right.READ, Right.ACT, Right.OPERATE, Right.CONFIGURE}),
    "owner": frozenset(Right),
}
"""The rights of each role, the least first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, in which role, in which workspace; and the platform that is asked."""

    principal: Principal
    role: str
    workspace: str
    platform: Platform

    def may(self, right: Right) -> bool:
        return right in RIGHTS.get(self.role, ())

    @property
    def name(self) -> str:
        return self.principal.name

    @property
    def base(self) -> str:
        """Where ``/platform`` of the workspace is."""
        return f"{self.platform.context.base_url.removesuffix('/fhir')}/platform"

    @property
    def fhir(self) -> Fhir:
        """FHIR as who asks."""
        return Fhir(self.platform.context, self.platform.registry, self.principal)

    def link(self, reference: str) -> Link | None:
        """The link to a resource of the workspace; None for an empty reference."""
        return link_of(self.platform.context.base_url, reference)


def role_of(principal: Principal) -> str:
    """The role of a key; of a principal of the settings by what it may do with FHIR. Empty for none: apps of patients,
    and who only reads figures or the audit."""
    if principal.platform:
        return principal.platform
    if principal.client or principal.permissions is not None:
        return ""
    roles = principal.roles
    if "admin" in roles:
        return "owner"
    if "operator" in roles:
        return "operator"
    if "write" in roles:
        return "member"
    return "viewer" if "read" in roles else ""


def needs(right: Right) -> Any:
    """The dependency of an endpoint: :class:`Asked`, or a refusal (401, 403)."""

    async def asked(request: Request) -> Asked:
        platform: Platform = request.app.state.platform
        who = await platform.asked(request.headers.get("authorization"), request.scope)
        request.scope["credence.asked"] = who
        if not who.may(right):
            text = f"The role '{who.role or 'none'}' may not do this: it needs the right '{right.value}'"
            raise refuse(Category.FORBIDDEN, "forbidden", text)
        return who

    asked.__dict__["right"] = right
    return Depends(asked)
