"""The server's own key: read from its file, or made beside the data the first time."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from fhirserver.access.server_key import LEAST_BYTES, ServerKey
from fhirserver.app.settings import InvalidSettings, Settings

_NAME = "server.key"


def server_key(settings: Settings) -> ServerKey:
    """The key of all processes that serve together. Raises :class:`InvalidSettings`."""
    if settings.storage == "memory" and not settings.subscriptions.key_file:
        return ServerKey.random()
    path = Path(settings.subscriptions.key_file or settings.path.parent / _NAME)
    try:
        if not settings.subscriptions.key_file:
            _make(path)
        return ServerKey(path.read_bytes().strip())
    except OSError as error:
        raise InvalidSettings(f"[subscriptions] key_file: {path}: {error.strerror}") from None
    except ValueError as error:
        raise InvalidSettings(f"[subscriptions] key_file: {path}: {error}") from None


def _make(path: Path) -> None:
    """Write a fresh key where there is none; of several processes that try at once, one does."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_name(f"{_NAME}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(LEAST_BYTES))
    try:
        os.link(own, path)
    except FileExistsError:
        pass
    finally:
        own.unlink()
