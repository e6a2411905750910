"""The server's signing keys as files in a folder, readable by the server's user only; one for each key."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from fhirserver.access.smart.keys import ServerSigningKey
from fhirserver.kernel.json import InvalidJson, JsonObject, dumps, loads

_KID = re.compile(r"[A-Za-z0-9_-]{1,100}\Z")
_MEMBERS = frozenset({"algorithm", "made", "retired", "jwk"})


class UnreadableKey(ValueError):
    """A file of the folder is no key; the message names it and holds nothing of it."""


class KeyFiles:
    """See :class:`fhirserver.access.smart.keys.KeyStorage`. The folder is made when the first key is."""

    def __init__(self, folder: Path):
        self._folder = folder

    def all(self) -> Sequence[ServerSigningKey]:
        """Raises :class:`UnreadableKey`."""
        return [key for path in self._paths() if (key := self._read(path))]

    def mark(self) -> object:
        """What there is, and when each was changed: files are replaced, and never written to."""
        found = []
        for path in self._paths():
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                found.append((path.name, status.st_mtime_ns, status.st_ino))
        return tuple(found)

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.json")) if self._folder.is_dir() else []

    def _read(self, path: Path) -> ServerSigningKey | None:
        try:
            kept = loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, InvalidJson):
            raise UnreadableKey(f"{path}: it cannot be read as a key") from None
        if not isinstance(kept, dict) or not kept.keys() >= _MEMBERS or not _KID.match(path.stem):
            raise UnreadableKey(f"{path}: it is not a key that 'credence keys rotate' made")
        return ServerSigningKey(path.stem, kept["algorithm"], kept["made"], kept["retired"], kept["jwk"])

    def put(self, key: ServerSigningKey) -> None:
        fresh = self._written(key.kid, _content(key))
        fresh.replace(self._path(key.kid))
        # the very first key is not to come back when all others are taken away
        (self._folder / f".first.{key.algorithm}").unlink(missing_ok=True)
        self._settle()

    def remove(self, kid: str) -> None:
        self._path(kid).unlink(missing_ok=True)

    def first(self, key: ServerSigningKey) -> None:
        """Whoever makes ``.first.<algorithm>`` puts its key; that file stays until keys are rotated."""
        if any(one.algorithm == key.algorithm and not one.retired for one in self.all()):
            return
        fresh = self._written(key.kid, _content(key))
        fresh.rename(claimed := self._folder / f".{key.kid}.claim")
        try:
            os.link(claimed, self._folder / f".first.{key.algorithm}")
        except FileExistsError:
            self._adopt(self._folder / f".first.{key.algorithm}")
        else:
            self._adopt(claimed)
        finally:
            claimed.unlink(missing_ok=True)
        self._settle()

    def _adopt(self, file: Path) -> None:
        """Put the key of a file under its own name, where it is not there yet: all who do so put the same."""
        kept = loads(file.read_bytes())
        fresh = self._written(kept["kid"], kept)
        with contextlib.suppress(FileExistsError):
            os.link(fresh, self._path(kept["kid"]))
        fresh.unlink()

    def _written(self, kid: str, content: JsonObject) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f".{kid}.{secrets.token_hex(4)}"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(dumps(content))
            file.flush()
            os.fsync(file.fileno())
        return path

    def _settle(self) -> None:
        """The folder's entries are on the disk."""
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _path(self, kid: str) -> Path:
        return self._folder / f"{kid}.json"


def _content(key: ServerSigningKey) -> JsonObject:
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "made": key.made,
        "retired": key.retired,
        "jwk": key.jwk,
    }
