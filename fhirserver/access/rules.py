"""Rules of a server about what is confidential: hidden by its label, or masked in part, by the roles of who asks.

Operators and administrators see everything: they review what sources say, value by value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fhirserver.access.masks import Mask
from fhirserver.access.permissions import UNRESTRICTED, Permissions

_SEE_ALL = frozenset({"operator", "admin"})


@dataclass(frozen=True, slots=True)
class AccessRules:
    """``hidden`` are codes of http://terminology.hl7.org/CodeSystem/v3-Confidentiality that only the roles ``cleared``
    see; who has a role of ``opening`` may give a reason and see them (break-glass). ``masks`` each come with the roles
    that see what it hides."""

    hidden: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset()
    opening: frozenset[str] = frozenset()
    masks: Sequence[tuple[Mask, frozenset[str]]] = ()

    def applied(self, permissions: Permissions | None, roles: frozenset[str]) -> Permissions | None:
        """Permissions of somebody with these roles under the rules; None where nothing restricts them."""
        if roles & _SEE_ALL:
            return permissions
        masks = tuple(mask for mask, shown in self.masks if not roles & shown)
        hidden = frozenset() if roles & self.cleared else self.hidden
        if not masks and not hidden:
            return permissions
        given = permissions or Permissions((UNRESTRICTED,))
        return replace(given, hidden=hidden, masks=masks, opens=bool(hidden and roles & self.opening))
