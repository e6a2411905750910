"""What a setting must be, and how a wrong one is named."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeAlias

SettingKind: TypeAlias = tuple[type | tuple[type, ...], str]
SettingKinds: TypeAlias = Mapping[str, SettingKind]

_TEXT: SettingKind = (str, "a text in quotes")
_WHOLE: SettingKind = (int, "a whole number")
_NUMBER: SettingKind = ((int, Decimal), "a number")
_YES_NO: SettingKind = (bool, "true or false")
_TEXTS: SettingKind = (list, "a list of texts in quotes")


class WrongSetting(ValueError):
    """One setting of a table is wrong: ``setting`` is its name, ``problem`` what is wrong with it."""

    def __init__(self, setting: str, problem: str):
        self.setting, self.problem = setting, problem
        super().__init__(problem)


def kinds(
    text: str = "", texts: str = "", numbers: str = "", wholes: str = "", yes_no: str = ""
) -> dict[str, SettingKind]:
    """The settings of one table by what they must be; each argument holds names with blanks between."""
    given = ((text, _TEXT), (texts, _TEXTS), (numbers, _NUMBER), (wholes, _WHOLE), (yes_no, _YES_NO))
    return {name: kind for names, kind in given for name in names.split()}


def check(table: Mapping[str, Any], known: SettingKinds) -> None:
    """Raises :class:`WrongSetting` for one that is unknown or of the wrong kind."""
    for unknown in sorted(set(table) - set(known)):
        if f"{unknown}_file" in known:
            raise WrongSetting(unknown, _no_secrets_here(unknown, known))
        raise WrongSetting(unknown, f"unknown setting '{unknown}'; known: {', '.join(sorted(known))}")
    for setting, value in table.items():
        kind, words = known[setting]
        right = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
        if not right or (isinstance(value, list) and not all(isinstance(one, str) for one in value)):
            raise WrongSetting(setting, f"{setting} is {words}")


def _no_secrets_here(setting: str, known: SettingKinds) -> str:
    """What to do about a secret that stands in the settings."""
    ways = [f"{setting}_{way}" for way in ("file", "secret", "sha256") if f"{setting}_{way}" in known]
    return (
        f"{setting} is a secret, and none stands in the settings: put it into a file that only the server's user may"
        f" read, and name that by {ways[0]}{''.join(f', or use {way}' for way in ways[1:])}"
    )


def required(table: Mapping[str, Any], *names: str) -> None:
    """Raises :class:`WrongSetting` where a text is missing or empty."""
    for name in names:
        if not isinstance(table.get(name), str) or not table[name]:
            raise WrongSetting(name, f"'{name}' is needed")
