"""Where MongoDB is, by ``[storage]``: a URL that holds a password stands in a file of its own or in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from fhirserver.app.secret_files import secret_in
from fhirserver.app.setting_kinds import WrongSetting

VARIABLE: Final = "MONGODB_URL"


def mongodb_url(table: Mapping[str, Any], folder: Path) -> str:
    """The URL; empty where another storage is used and none is given. Raises :class:`WrongSetting`."""
    url = str(table.get("url", ""))
    if _has_password(url):
        raise WrongSetting(
            "url",
            "url holds a password, and no secret stands in the settings: put the URL into a file that only the server's"
            f" user may read, and name that by url_file, or set {VARIABLE} in the environment",
        )
    if table.get("url_file"):
        try:
            return secret_in(folder / table["url_file"])
        except (OSError, UnicodeDecodeError):
            raise WrongSetting("url_file", f"url_file: {table['url_file']} cannot be read") from None
    url = url or os.environ.get(VARIABLE, "")
    if table.get("kind") == "mongo" and not url:
        raise WrongSetting("url", f"kind 'mongo' needs a url, here or as {VARIABLE} in the environment")
    return url


def _has_password(url: str) -> bool:
    try:
        return urlsplit(url).password is not None
    except ValueError:
        return "@" in url
