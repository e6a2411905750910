"""The settings of ``[sign_in]`` and ``[oidc]``: how people sign in here, or at which OpenID provider."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from fhirserver.access.browser_sessions import SessionLimits
from fhirserver.app.setting_kinds import SettingKinds, WrongSetting, kinds, required
from fhirserver.kernel.addresses import Addresses
from fhirserver.world.sources import Source

if TYPE_CHECKING:
    from fhirserver.access.upstream import ClaimRules, RoleRule

SECRET_VARIABLE: Final = "CREDENCE_OIDC_SECRET"  # noqa: S105 - its name
IDENTITY_TABLES: Final[Mapping[str, SettingKinds]] = {
    "sign_in": kinds(wholes="idle_minutes hours password_characters"),
    "oidc": kinds(
        "issuer client_id client_secret_file scope label roles_claim fhir_user_claim name_claim ca_file"
    ),
    "oidc.role": kinds("value source", "roles"),
}
_LONGEST_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class SignInSettings:
    """See docs/settings.md."""

    limits: SessionLimits = field(default_factory=SessionLimits)
    password_characters: int = 15


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """See docs/settings.md. ``secret`` empty: the provider knows this server as a public client."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    scope: str
    label: str
    roles_claim: str
    fhir_user_claim: str
    name_claim: str
    ca_file: Path | None
    roles: tuple[Mapping[str, Any], ...]

    def rules(self, fhir_base: str) -> ClaimRules:
        """What the claims mean."""
        from fhirserver.access.upstream import ClaimRules, RoleRule

        rules: list[RoleRule] = [
            RoleRule(one["value"], frozenset(one["roles"]), one.get("source", "")) for one in self.roles
        ]
        return ClaimRules(fhir_base, self.roles_claim, tuple(rules), self.fhir_user_claim, self.name_claim)


def parse_sign_in(table: Mapping[str, Any]) -> SignInSettings:
    """Read ``[sign_in]``. Raises :class:`WrongSetting`."""
    idle, hours = table.get("idle_minutes", 60), table.get("hours", 8)
    if not 1 <= hours <= _LONGEST_HOURS:
        raise WrongSetting("hours", f"hours is a whole number from 1 to {_LONGEST_HOURS}")
    if not 1 <= idle <= hours * 60:
        raise WrongSetting("idle_minutes", "idle_minutes is at least 1, and not more than hours")
    least = table.get("password_characters", 15)
    if not 8 <= least <= 64:
        raise WrongSetting("password_characters", "password_characters is a whole number from 8 to 64")
    return SignInSettings(SessionLimits(idle * 60, hours * 3600), least)


def parse_openid(
    table: Mapping[str, Any], folder: Path, roles: Sequence[Mapping[str, Any]], sources: Mapping[str, Source]
) -> OpenIdSettings | None:
    """Read ``[oidc]`` and its ``[[oidc.role]]``; None without them. Raises :class:`WrongSetting`."""
    if not table and not roles:
        return None
    required(table, "issuer", "client_id")
    _check_issuer(table["issuer"])
    for number, role in enumerate(roles, 1):
        _check_role(number, role, sources)
    if not roles and not table.get("fhir_user_claim"):
        raise WrongSetting("role", "nobody could sign in: write [[oidc.role]], or name a fhir_user_claim")
    return OpenIdSettings(
        table["issuer"],
        table["client_id"],
        _secret(table, folder),
        _scope(table.get("scope", "openid profile")),
        table.get("label", urlsplit(table["issuer"]).hostname or ""),
        table.get("roles_claim", "groups"),
        table.get("fhir_user_claim", ""),
        table.get("name_claim", "name"),
        _file(table, "ca_file", folder),
        tuple(roles),
    )


def _check_issuer(issuer: str) -> None:
    parts = urlsplit(issuer)
    inside = (
        parts.scheme == "http" and Addresses().objection(parts.hostname or "") == "it is a loopback address"
    )
    if not parts.hostname or not (parts.scheme == "https" or inside) or parts.query or parts.fragment:
        raise WrongSetting("issuer", "issuer is an https address, exactly as the provider names itself")


def _check_role(number: int, role: Mapping[str, Any], sources: Mapping[str, Source]) -> None:
    from fhirserver.access.principals import ROLES

    where, roles = f"role {number}", set(role.get("roles", ()))
    if not role.get("value") or not roles:
        raise WrongSetting("role", f"{where}: value and roles are needed")
    if roles - ROLES:
        raise WrongSetting("role", f"{where}: roles are of {', '.join(sorted(ROLES))}")
    source = role.get("source", "")
    if source and source not in sources:
        raise WrongSetting("role", f"{where}: there is no [[source]] with id '{source}'")
    if not source and roles & {"write", "operator", "admin"}:
        raise WrongSetting("role", f"{where}: whoever writes speaks as a source: name one")


def _scope(scope: str) -> str:
    if "openid" not in scope.split():
        raise WrongSetting("scope", "scope has 'openid' among its words")
    return scope


def _secret(table: Mapping[str, Any], folder: Path) -> str:
    """From its file, else from the environment."""
    path = _file(table, "client_secret_file", folder)
    if path is None:
        return os.environ.get(SECRET_VARIABLE, "")
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise WrongSetting(
            "client_secret_file", f"client_secret_file: {table['client_secret_file']} cannot be read"
        ) from None


def _file(table: Mapping[str, Any], name: str, folder: Path) -> Path | None:
    if not table.get(name):
        return None
    path = folder / str(table[name])
    if not path.is_file():
        raise WrongSetting(name, f"{name}: {table[name]} is not there")
    return path
