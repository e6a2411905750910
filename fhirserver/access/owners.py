"""Whose something is that works on when nobody asks any more, such as a Subscription, and who that is now.

An access token is over after minutes. What it made belongs to the authorization behind it, and ends with that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from fhirserver.access.principals import Principal
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.log import Statement


@dataclass(frozen=True, slots=True)
class Owner:
    """A principal of the settings by its name; an app by ``client`` and its authorization ``grant``; a backend service,
    which has none, by ``client``. ``scope`` is what the app's token was for: the most that is ever done for it."""

    principal: str = ""
    client: str = ""
    grant: str = ""
    scope: str = ""

    @property
    def party(self) -> tuple[str, str, str]:
        """What two must have in common to be the same."""
        return self.principal, self.client, self.grant

    def __bool__(self) -> bool:
        return bool(self.principal)

    def as_json(self) -> JsonObject:
        """How it is kept beside the principal's name; empty for one of the settings."""
        kept = {"client": self.client, "grant": self.grant, "scope": self.scope}
        return {name: value for name, value in kept.items() if value} if self.client else {}


def owner_of_json(principal: str, kept: JsonObject) -> Owner:
    """The owner that was kept so."""
    return Owner(principal, kept.get("client", ""), kept.get("grant", ""), kept.get("scope", ""))


def owner_of(principal: Principal) -> Owner:
    """Whose that is which a principal makes."""
    return _owner(principal.name, principal.client, principal.grant, principal.scope)


def owner_of_statement(said: Statement) -> Owner:
    """The same, long after it was said."""
    return _owner(said.principal, said.client, said.grant, said.scope)


def _owner(name: str, client: str, grant: str, scope: str) -> Owner:
    """A backend service is called as its client is, and each of its tokens is a grant of its own."""
    return Owner(name, client, "" if name == client else grant, scope) if client else Owner(name)


class OwnerGone(Exception):
    """There is no such owner any more. ``reason`` says why, and nothing of any patient."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class Owners(Protocol):
    """Who owners are by now."""

    async def principal(self, owner: Owner) -> Principal:
        """The owner with what it may do at this moment. Raises :class:`OwnerGone`."""
        ...

    def may_administrate(self, owner: Owner) -> bool:
        """Whether it looks after all that is others': a principal of the settings with the role ``operator``."""
        ...


class NamedOwners:
    """The principals of the settings, and nobody else."""

    def __init__(self, principals: Iterable[Principal]):
        self._by_name = {one.name: one for one in principals}

    async def principal(self, owner: Owner) -> Principal:
        """See :class:`Owners`."""
        known = self.named(owner)
        if known is None:
            raise OwnerGone("its owner is not among the principals of the settings any more")
        return known

    def named(self, owner: Owner) -> Principal | None:
        """The principal of the settings that an owner is."""
        known = self._by_name.get(owner.principal)
        return known if known is not None and owner_of(known).party == owner.party else None

    def may_administrate(self, owner: Owner) -> bool:
        """See :class:`Owners`."""
        known = self.named(owner)
        return known is not None and known.permissions is None and known.may("operator")


class Owned(Protocol):
    """Which Subscriptions are somebody's own: who does not see everything sees these and no others."""

    async def is_own(self, id: str) -> bool:
        """Whether the Subscription of this id is theirs, also one that is deleted."""
        ...

    async def ids(self) -> frozenset[str]:
        """The ids of all that are theirs now."""
        ...

    async def may_know(self, kind: str, key: str) -> bool:
        """Whether a fact is about one of theirs."""
        ...
