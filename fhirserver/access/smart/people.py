"""Who signed in, as far as authorizations need to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fhirserver.access.permissions import Rights
from fhirserver.access.scopes import LETTERS
from fhirserver.kernel.json import Json, JsonObject

_LETTERS_OF_ROLES = {"read": "rs", "write": "cud", "admin": LETTERS}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user with an open session.

    ``subject`` is by which apps know them (``sub``); ``epoch`` changes when all that was granted before must end.
    ``patients`` are the ids of the only patients whose records they may reach; None: of any. ``session`` names the
    session, which is open until ``until``; ``at`` is when they signed in. Both in seconds since 1970.
    """

    login: str
    subject: str
    epoch: str
    name: str
    fhir_user: str = ""
    roles: frozenset[str] = frozenset()
    patients: frozenset[str] | None = None
    session: str = ""
    at: int = 0
    until: int = 0

    @property
    def rights(self) -> Rights:
        """What they may do, with whatever app."""
        return rights_of(self.roles, self.patients)


def rights_of(roles: frozenset[str], patients: frozenset[str] | None) -> Rights:
    """What somebody with these roles may do, who may reach the records of these patients; None: of any.

    Whose records these are may write to them as well: the source as which the app speaks says how far that is trusted.
    """
    if patients is not None:
        return Rights(LETTERS, patients)
    letters = {letter for role in roles for letter in _LETTERS_OF_ROLES.get(role, "")}
    return Rights("".join(letter for letter in LETTERS if letter in letters))


class People(Protocol):
    """The users, as the token endpoint asks after them long after they signed in."""

    async def rights(self, login: str, epoch: str) -> Rights | None:
        """What the user may do now; None for one who is no more, is disabled, or for whom nothing holds any more that
        was granted in this epoch."""
        ...

    async def is_open(self, session: str) -> bool:
        """Whether a session has not ended: what was granted for as long as it lasts ends with it."""
        ...


class Nobody:
    """No users at all: nothing that was granted by one holds."""

    async def rights(self, login: str, epoch: str) -> Rights | None:
        return None

    async def is_open(self, session: str) -> bool:
        return False


def rights_claim(rights: Rights) -> JsonObject:
    """Rights as a token carries them."""
    patients = None if rights.patients is None else sorted(rights.patients)
    return {"letters": rights.letters, "patients": patients}


def rights_of_claim(claim: Json) -> Rights:
    """The rights that a token carries. Raises ValueError for what carries none."""
    if not isinstance(claim, dict) or not isinstance(claim.get("letters"), str) or "patients" not in claim:
        raise ValueError("these are no rights")
    letters, patients = claim["letters"], claim["patients"]
    return Rights(letters, None if patients is None else frozenset(map(str, patients)))
