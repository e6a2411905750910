"""The settings of who sees what: ``[access]``, ``[[mask]]``, and the ``scopes`` of a principal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fhirserver.access.masks import Mask
from fhirserver.access.permissions import Permissions, permissions_of
from fhirserver.access.principals import ROLES
from fhirserver.access.rules import AccessRules
from fhirserver.access.scopes import InvalidScope, Scopes, parse_scope
from fhirserver.app.setting_kinds import WrongSetting, kinds
from fhirserver.kernel.outcomes import Refusal
from fhirserver.model.definitions import definitions
from fhirserver.search.parse import parse

ACCESS = kinds(texts="hidden cleared break_glass")
MASK = kinds("element system", "shown_to")
_CODES = ("U", "L", "M", "N", "R", "V")


def parse_access(table: Mapping[str, Any], masks: Sequence[Mapping[str, Any]]) -> AccessRules:
    """The rules. Raises :class:`WrongSetting`; what is wrong with a mask names the number of its table."""
    hidden = frozenset(table.get("hidden", ()))
    if unknown := sorted(hidden - set(_CODES)):
        raise WrongSetting(
            "hidden", f"hidden: '{unknown[0]}' is no code of confidentiality: {', '.join(_CODES)}"
        )
    read = [_mask(number, one) for number, one in enumerate(masks, 1)]
    return AccessRules(hidden, _roles(table, "cleared"), _roles(table, "break_glass"), tuple(read))


def _roles(table: Mapping[str, Any], name: str) -> frozenset[str]:
    roles = frozenset(table.get(name, ()))
    if unknown := sorted(roles - ROLES):
        raise WrongSetting(
            name, f"{name}: there is no role '{unknown[0]}'; there are {', '.join(sorted(ROLES))}"
        )
    return roles


def _mask(number: int, table: Mapping[str, Any]) -> tuple[Mask, frozenset[str]]:
    type, _, rest = str(table.get("element", "")).partition(".")
    path = tuple(rest.split("."))
    if type not in definitions().resource_types or not all(path):
        raise WrongSetting("element", f'[[mask]] {number}: element is such as "Patient.identifier"')
    if path[0] in ("id", "meta", "resourceType"):
        raise WrongSetting("element", f"[[mask]] {number}: {path[0]} cannot be masked")
    return Mask(type, path, str(table.get("system", ""))), _roles(table, "shown_to")


def parse_permissions(scopes: Sequence[str], patient: str) -> Permissions | None:
    """What ``scopes`` of a principal allow; None where there are none. Raises :class:`WrongSetting`."""
    if not scopes:
        if patient:
            raise WrongSetting("patient", 'patient needs scopes such as "patient/*.rs"')
        return None
    read = []
    for text in scopes:
        try:
            scope = parse_scope(text)
            if scope is not None and scope.criteria:
                parse(scope.type, scope.criteria)
        except (InvalidScope, Refusal) as error:
            raise WrongSetting("scopes", f"scopes: {error}") from None
        if scope is None:
            raise WrongSetting("scopes", f"scopes: '{text}' gives no access to resources")
        if scope.level == "patient" and not patient:
            raise WrongSetting("scopes", f"scopes: '{text}' needs patient = \"the id of a Patient\"")
        read.append(scope)
    return permissions_of(Scopes(access=tuple(read)), patient)
