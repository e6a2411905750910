"""The server's own key: read from its file, or made beside the data the first time; and changed by hand.

Keys that were in use stand in a file beside it, ``<name>.former``, one a line: until when it counts in seconds since
1970, and the key in base64.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from fhirserver.access.server_key import LEAST_BYTES, FormerKey, ServerKey
from fhirserver.app.secret_files import warn_of_readers
from fhirserver.app.settings import InvalidSettings, Settings

_NAME = "server.key"


def server_key(settings: Settings) -> ServerKey:
    """The key of all processes that serve together. Raises :class:`InvalidSettings`."""
    if settings.storage == "memory" and not settings.subscriptions.key_file:
        return ServerKey.random()
    path = key_path(settings)
    try:
        if not settings.subscriptions.key_file:
            _make(path)
        key = ServerKey(path.read_bytes().strip(), former_keys(path))
    except OSError as error:
        raise InvalidSettings(f"[subscriptions] key_file: {path}: {error.strerror}") from None
    except ValueError as error:
        raise InvalidSettings(f"[subscriptions] key_file: {path}: {error}") from None
    warn_of_readers(path)
    return key


def key_path(settings: Settings) -> Path:
    """The file of the key."""
    return Path(settings.subscriptions.key_file or settings.path.parent / _NAME)


def former_keys(path: Path) -> Sequence[FormerKey]:
    """The keys before the one in this file: those that still count, and one whose place in the audit trail nothing has
    taken yet. Raises ValueError for a file that is spoilt."""
    file = _former(path)
    if not file.exists():
        return ()
    found = []
    for line in file.read_text("ascii").splitlines():
        until, _, key = line.partition(" ")
        try:
            found.append(FormerKey(base64.b64decode(key, validate=True), float(until)))
        except (ValueError, binascii.Error):
            raise ValueError(
                f"{file.name} is spoilt: remove it, and what was made with former keys ends"
            ) from None
    return found


def rotate(path: Path, seconds: float) -> None:
    """Put a fresh key into the file; the one that was there still counts for ``seconds``; with 0 none before does.

    It stands in the file beside it until :func:`forget` is called, also where it does not count any more. Raises
    OSError, and ValueError for a key that is none.
    """
    ServerKey(present := path.read_bytes().strip())
    now = time.time()
    before = [one for one in former_keys(path) if one.until > now] if seconds else []
    # first: whoever starts in between has the present key twice, and no harm
    _keep(path, [FormerKey(present, now + seconds if seconds else 0.0), *before])
    _replace(path, secrets.token_hex(LEAST_BYTES))


def forget(path: Path) -> None:
    """Keep no key any more that does not count. Raises OSError, and ValueError for a file that is spoilt."""
    _keep(path, [one for one in former_keys(path) if one.until > time.time()])


def _keep(path: Path, former: Sequence[FormerKey]) -> None:
    lines = "".join(f"{one.until:.0f} {base64.b64encode(one.secret).decode()}\n" for one in former)
    _replace(_former(path), lines)


def _former(path: Path) -> Path:
    return path.with_name(f"{path.name}.former")


def _replace(path: Path, text: str) -> None:
    """A file that is there whole or not at all, for the server's user only."""
    fresh = _fresh(path, text)
    fresh.replace(path)


def _fresh(path: Path, text: str) -> Path:
    own = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return own


def _make(path: Path) -> None:
    """Write a fresh key where there is none; of several processes that try at once, one does."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    own = _fresh(path, secrets.token_hex(LEAST_BYTES))
    try:
        os.link(own, path)
    except FileExistsError:
        pass
    finally:
        own.unlink()
