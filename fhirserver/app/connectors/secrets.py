"""Secrets of connectors: in a file, or by name in the folder of ``[secrets]``; never in the settings themselves.

The secret ``token`` has two settings: ``token_file`` names a file, ``token_secret`` a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhirserver.app.secret_files import secret_in
from fhirserver.app.setting_kinds import WrongSetting

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")


@dataclass(frozen=True, slots=True)
class Secrets:
    """The folder of ``[secrets]``: each file in it is a secret under the file's name. None: there are none."""

    folder: Path | None = None

    def read(self, name: str) -> str:
        """The secret, read anew each time. Raises :class:`MissingSecret`."""
        if self.folder is None:
            raise MissingSecret(f"there is no secret '{name}': [secrets] folder is not set")
        return _content(self.folder / name, f"there is no secret '{name}' in the folder of [secrets]")

    def has(self, name: str) -> bool:
        return self.folder is not None and _NAME.match(name) is not None and (self.folder / name).is_file()


class MissingSecret(ValueError):
    """A secret cannot be read; the message names it, never its value."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where one secret is. ``setting`` is what it is called; one of the two others is given, or none."""

    setting: str
    file: str = ""
    name: str = ""

    def __bool__(self) -> bool:
        return bool(self.file or self.name)

    def read(self, secrets: Secrets) -> str:
        """Its value as it is now; empty where none was given. Raises :class:`MissingSecret`."""
        if self.name:
            return secrets.read(self.name)
        if self.file:
            return _content(Path(self.file), f"{self.setting}_file {self.file} cannot be read")
        return ""


def secret_settings(*settings: str) -> str:
    """The names of the settings by which these secrets are given, with blanks between."""
    return " ".join(f"{setting}_file {setting}_secret" for setting in settings)


def clear_settings(*settings: str) -> frozenset[str]:
    """Those that may stand in the settings file alone, and never in a resource."""
    return frozenset(f"{setting}_file" for setting in settings)


def secret_of(entry: Mapping[str, Any], setting: str) -> Secret:
    """The secret that a table names. Raises :class:`WrongSetting`."""
    name = str(entry.get(f"{setting}_secret", ""))
    if name and not _NAME.match(name):
        raise WrongSetting(
            f"{setting}_secret",
            f"{setting}_secret is the name of a secret: letters, digits, '.', '_' and '-'",
        )
    return Secret(setting, str(entry.get(f"{setting}_file", "")), name)


def _content(path: Path, problem: str) -> str:
    try:
        return secret_in(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise MissingSecret(f"{problem}: {reason}") from None
