"""The roles of ``/platform``, and what each may do with FHIR."""

from __future__ import annotations

FHIR_ROLES: dict[str, frozenset[str]] = {
    "viewer": frozenset({"read"}),
    "member": frozenset({"read", "write"}),
    "operator": frozenset({"read", "write", "operator"}),
    "admin": frozenset({"read", "write", "operator", "admin"}),
    "owner": frozenset({"read", "write", "operator", "admin"}),
}
"""The least first: each may do what those before it may."""
PLATFORM_ROLES = tuple(FHIR_ROLES)


def is_within(role: str, other: str) -> bool:
    """Whether a role may do nothing that the other may not."""
    return (
        role in FHIR_ROLES
        and other in FHIR_ROLES
        and (PLATFORM_ROLES.index(role) <= PLATFORM_ROLES.index(other))
    )
