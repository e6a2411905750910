"""Users: people who sign in, with a password kept here or at an OpenID provider, and what they are to this server.

They are kept in the access records, so that every process knows them and each change counts at once. Of a password
only its Argon2id digest is kept.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from fhirserver.access.passwords import PasswordDigests, PasswordRules
from fhirserver.access.principals import ROLES, Principal
from fhirserver.access.throttle import Allowance, Throttle, network
from fhirserver.kernel.instants import Clock, SystemClock, instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.access_records import AccessRecord, AccessRecords
from fhirserver.world.sources import Source

ANY_PATIENT: Final = "*"
_PREFIX: Final = "user/"
_LOGIN: Final = re.compile(r"[\w.@+-]{1,100}\Z")
_UPSTREAM: Final = re.compile(r"openid:[0-9a-f]{32}\Z")
_FHIR_USER: Final = re.compile(
    r"(Patient|Practitioner|PractitionerRole|RelatedPerson|Person)/[A-Za-z0-9\-.]{1,64}\Z"
)
_PICKED: Final = re.compile(r"\*|(Patient|RelatedPerson)/[A-Za-z0-9\-.]{1,64}\Z")
_FREE_BY_LOGIN: Final = 10
_FREE_BY_ADDRESS: Final = 30
_LONGEST_BY_LOGIN: Final = 60
_LONGEST_BY_ADDRESS: Final = 900
_PATIENCE: Final = 20


class UnknownUser(LookupError):
    """There is no user with this login."""


class UserExists(ValueError):
    """There is a user with this login already."""


class InvalidUser(ValueError):
    """Something about a user is wrong; the message says what."""


class SignInRefused(Exception):
    """Not this login with this password. That is all that is said, whatever the reason: unknown, wrong or disabled."""


@dataclass(frozen=True, slots=True)
class User:
    """One user.

    ``fhir_user``: what they are in the record, such as ``Practitioner/2`` (``fhirUser`` of SMART), or empty.
    ``source``: the id of the source as which they speak, or empty where they write nothing themselves.
    ``patients``: whom they may choose in an app beside themselves: ``Patient/…``, ``RelatedPerson/…`` (the patient of
    that relation), or ``*``. ``subject``: by which apps know them (``sub``); it is never given to another.
    ``epoch`` changes when all sessions and grants that began before must end. ``upstream``: the OpenID provider that
    they sign in at, empty for a password.
    """

    login: str
    name: str
    roles: frozenset[str] = frozenset()
    fhir_user: str = ""
    source: str = ""
    patients: tuple[str, ...] = ()
    subject: str = ""
    epoch: str = ""
    disabled: bool = False
    upstream: str = ""
    created: str = ""

    def may(self, role: str) -> bool:
        """Whether they have a role. ``admin`` has all but ``privacy``: who did what is not for those who may do all."""
        return role in self.roles or (role != "privacy" and "admin" in self.roles)

    @property
    def sees_any_patient(self) -> bool:
        """Whether they may choose any patient: who treats people may."""
        return ANY_PATIENT in self.patients or self.fhir_user.startswith(
            ("Practitioner/", "PractitionerRole/")
        )

    def principal(self, sources: Mapping[str, Source]) -> Principal | None:
        """Who they are to the interactions; None where their source is not one of the settings any more."""
        source = sources.get(self.source)
        return None if source is None else Principal(self.called, source, self.roles & ROLES)

    @property
    def called(self) -> str:
        """What they are called where it must be clear who did something, and nobody else may be called the same."""
        return f"{self.name} ({self.login[-8:]})" if self.upstream else self.login


def plain_login(login: str) -> str:
    """The one form of a login: case and ways to write the same letter make no difference. Raises InvalidUser."""
    plain = unicodedata.normalize("NFKC", login).casefold().strip()
    if not _LOGIN.match(plain) and not _UPSTREAM.match(plain):
        raise InvalidUser("a login has 1 to 100 letters, digits and . @ + - _")
    return plain


def checked(user: User) -> User:
    """The user in the form in which it is kept. Raises InvalidUser."""
    unknown = user.roles - ROLES
    if unknown:
        raise InvalidUser(f"there is no role '{min(unknown)}': they are {', '.join(sorted(ROLES))}")
    if user.fhir_user and not _FHIR_USER.match(user.fhir_user):
        raise InvalidUser(
            "fhirUser is a reference such as Patient/1, Practitioner/2, RelatedPerson/3 or Person/4"
        )
    if not all(_PICKED.match(patient) for patient in user.patients):
        raise InvalidUser("patients are references such as Patient/1 or RelatedPerson/3, or *")
    if user.roles & {"write", "operator", "admin"} and not user.source:
        raise InvalidUser("whoever writes speaks as a source of the settings: which?")
    name = user.name.strip()
    if not name or len(name) > 200 or not name.isprintable():
        raise InvalidUser("a name has 1 to 200 characters")
    return replace(user, login=plain_login(user.login), name=name)


class Users:
    """All users of one tenant."""

    def __init__(
        self,
        records: AccessRecords,
        rules: PasswordRules | None = None,
        digests: PasswordDigests | None = None,
        clock: Clock | None = None,
    ):
        self._records, self._clock = records, clock or SystemClock()
        self.rules, self._digests = rules or PasswordRules(), digests or PasswordDigests()
        self._throttle = Throttle(records, self._clock)

    async def find(self, login: str) -> User | None:
        """The user of a login, disabled or not."""
        try:
            kept = await self._records.read(_PREFIX + plain_login(login))
        except InvalidUser:
            return None
        return _user(kept) if kept else None

    async def active(self, login: str, epoch: str) -> User | None:
        """The user of a session or grant that began at ``epoch``, while it still holds."""
        user = await self.find(login)
        return user if user and user.epoch == epoch and not user.disabled else None

    async def any(self) -> bool:
        """Whether there is any user."""
        return bool(await self._records.find(_PREFIX, limit=1))

    async def all(self) -> Sequence[User]:
        """By login."""
        found: list[User] = []
        after = ""
        while page := await self._records.find(_PREFIX, after):
            found += [_user(kept) for kept in page]
            after = page[-1].key
        return found

    async def add(self, user: User, password: str = "") -> User:
        """Keep a new user; without a password nobody can sign in as them.

        Raises UserExists, InvalidUser, UnfitPassword.
        """
        user = replace(
            checked(user),
            subject=user.subject or secrets.token_urlsafe(18),
            epoch=_epoch(),
            created=instant(self._clock.now()),
        )
        digest = ""
        if password:
            self.rules.check(password, (user.login, user.name))
            digest = await self._digests.make(password)
        if not await self._records.swap(_PREFIX + user.login, 0, _value(user, digest)):
            raise UserExists(f"there is a user '{user.login}' already")
        return user

    async def change(self, login: str, **members: Any) -> User:
        """Change what they are; their sessions end, as they began with other rights.

        ``members`` are name, roles, fhir_user, source and patients of :class:`User`. Raises UnknownUser, InvalidUser.
        """
        for _ in range(_PATIENCE):
            kept = await self._kept(login)
            user = replace(checked(replace(_user(kept), **members)), epoch=_epoch())
            if await self._records.swap(kept.key, kept.revision, _value(user, kept.value["digest"])):
                return user
        raise UnknownUser(login)

    async def change_password(self, login: str, password: str) -> User:
        """From now on only this password is theirs, and all their sessions end.

        Raises UnknownUser, InvalidUser, UnfitPassword.
        """
        user = await self._known(login)
        if user.upstream:
            raise InvalidUser(f"'{user.login}' signs in at {user.upstream}, where the password is")
        self.rules.check(password, (user.login, user.name))
        digest = await self._digests.make(password)
        changed = await self._change(login, {"digest": digest, "epoch": _epoch()})
        await self._throttle.forget(_by_login(user.login))
        return changed

    async def disable(self, login: str, disabled: bool = True) -> User:
        """They cannot sign in any more, and all their sessions end; or they can again. Raises UnknownUser."""
        return await self._change(login, {"disabled": disabled, "epoch": _epoch()})

    async def remove(self, login: str) -> None:
        """They are no more. Raises UnknownUser."""
        for _ in range(_PATIENCE):
            kept = await self._kept(login)
            if await self._records.remove(kept.key, kept.revision):
                return
        raise UnknownUser(login)

    async def sign_in(self, login: str, password: str, address: str) -> User:
        """The user whose login and password these are. Raises SignInRefused, TooManyTries.

        ``address``: the IP address that the request came from. Takes as long for a login that nobody has.
        """
        try:
            plain = plain_login(login)
        except InvalidUser:
            plain = ""
        allowances = (_by_login(plain or login), _by_address(address))
        await self._throttle.begin(allowances)
        kept = await self._records.read(_PREFIX + plain) if plain else None
        digest = kept.value.get("digest", "") if kept else ""
        right = await self._digests.verify(digest, password)
        if not right or kept is None or kept.value["disabled"]:
            raise SignInRefused
        await self._throttle.forget(allowances[0])
        await self._throttle.give_back(allowances[1])
        if self._digests.is_outdated(digest):
            fresh = {**kept.value, "digest": await self._digests.make(password)}
            await self._records.swap(kept.key, kept.revision, fresh)  # whoever was quicker did it too
        return _user(kept)

    async def signed_in_upstream(self, user: User) -> User:
        """Keep or renew what an OpenID provider says of somebody. Raises SignInRefused where they are disabled here."""
        user = checked(user)
        for _ in range(_PATIENCE):
            kept = await self._records.read(_PREFIX + user.login)
            if kept is None:
                try:
                    return await self.add(user)
                except UserExists:
                    continue
            old = _user(kept)
            if old.disabled:
                raise SignInRefused
            same = old.roles == user.roles and old.source == user.source and old.fhir_user == user.fhir_user
            fresh = replace(
                user,
                patients=user.patients or old.patients,  # which may have been given by hand
                subject=old.subject,
                created=old.created,
                epoch=old.epoch if same else _epoch(),
            )
            if fresh == old or await self._records.swap(kept.key, kept.revision, _value(fresh, "")):
                return fresh
        raise SignInRefused

    async def _change(self, login: str, members: JsonObject) -> User:
        for _ in range(_PATIENCE):
            kept = await self._kept(login)
            changed = {**kept.value, **members}
            if await self._records.swap(kept.key, kept.revision, changed):
                return _user(AccessRecord(kept.key, kept.revision + 1, changed))
        raise UnknownUser(login)

    async def _known(self, login: str) -> User:
        return _user(await self._kept(login))

    async def _kept(self, login: str) -> AccessRecord:
        kept = await self._records.read(_PREFIX + plain_login(login))
        if kept is None:
            raise UnknownUser(f"there is no user '{plain_login(login)}'")
        return kept


def _by_login(login: str) -> Allowance:
    return Allowance("login", login, _FREE_BY_LOGIN, _LONGEST_BY_LOGIN)


def _by_address(address: str) -> Allowance:
    return Allowance("address", network(address), _FREE_BY_ADDRESS, _LONGEST_BY_ADDRESS)


def _epoch() -> str:
    return secrets.token_urlsafe(9)


def _value(user: User, digest: str) -> JsonObject:
    return {
        "name": user.name,
        "roles": sorted(user.roles),
        "fhir_user": user.fhir_user,
        "source": user.source,
        "patients": list(user.patients),
        "subject": user.subject,
        "epoch": user.epoch,
        "disabled": user.disabled,
        "upstream": user.upstream,
        "created": user.created,
        "digest": digest,
    }


def _user(kept: AccessRecord) -> User:
    value = kept.value
    return User(
        kept.key.removeprefix(_PREFIX),
        value["name"],
        frozenset(value["roles"]),
        value["fhir_user"],
        value["source"],
        tuple(value["patients"]),
        value["subject"],
        value["epoch"],
        value["disabled"],
        value["upstream"],
        value["created"],
    )
