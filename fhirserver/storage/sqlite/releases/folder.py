"""The folder that all releases of a server lie in: one file each, put there and taken away as a whole.

A file is never written again. Importing a release once more puts another file beside it and takes the old one away, so
one that is open goes on as it was for as long as somebody reads it; which files there are says which release is which.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TypeAlias

from fhirserver.kernel.json import JsonObject
from fhirserver.storage.sqlite.releases.release import OtherFormat, SqliteRelease
from fhirserver.storage.sqlite.releases.writer import SqliteReleaseWriter

SUFFIX = ".release"
_UNFINISHED = "unfinished"
_SETTLED_NANOSECONDS = 100_000_000
"""A folder that changed less than this ago may change again within the same tick of its clock."""
_Open: TypeAlias = Mapping[str, Mapping[str, SqliteRelease]]


class ReleaseFolder:
    """All releases (:class:`fhirserver.ports.releases.Releases`). Need not exist until something is imported."""

    def __init__(self, folder: Path):
        self._folder, self._lock = folder, threading.Lock()
        self._changed, self._generation = -1, 0
        self._files: dict[str, SqliteRelease | None] = {}
        self._known: _Open = {}
        self._known_generation = -1

    def find(self, url: str, version: str = "") -> SqliteRelease | None:
        versions = self._releases().get(url, {})
        return versions.get(version) if version else next(iter(versions.values()), None)

    def versions(self, url: str) -> Sequence[str]:
        return [*self._releases().get(url, ())]

    def all(self) -> Iterator[JsonObject]:
        for versions in self._releases().values():
            yield from (release.header for release in versions.values())

    def generation(self) -> int:
        try:
            changed = self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            return 0
        if changed != self._changed:
            self._generation = _digest("/".join(self._names()))
            settled = time.time_ns() - changed > _SETTLED_NANOSECONDS
            self._changed = changed if settled else -1
        return self._generation

    def writer(self, url: str, version: str) -> SqliteReleaseWriter:
        """Goes on with an import of this release that was interrupted. Refuses (``lock-error``) while another
        process writes it."""
        name = _name(url, version)
        path = self._folder / _UNFINISHED / f"{name}.part"
        return SqliteReleaseWriter(path, url, version, lambda finished: self._place(finished, name))

    def remove(self, url: str, version: str) -> bool:
        return self._take_away(_name(url, version))

    def _names(self) -> list[str]:
        try:
            return sorted(file.name for file in self._folder.iterdir() if file.suffix == SUFFIX)
        except FileNotFoundError:
            return []

    def _place(self, finished: Path, name: str) -> None:
        """Make it durable, let readers see it by one rename, and then take away what it replaces."""
        before = [known for known in self._names() if known.startswith(f"{name}-")]
        turn = 1 + max((int(known.removesuffix(SUFFIX).rpartition("-")[2]) for known in before), default=0)
        _sync(finished)
        finished.rename(self._folder / f"{name}-{turn:06}{SUFFIX}")
        _sync(self._folder)
        for known in before:
            (self._folder / known).unlink(missing_ok=True)

    def _take_away(self, name: str) -> bool:
        found = [known for known in self._names() if known.startswith(f"{name}-")]
        for known in found:
            (self._folder / known).unlink(missing_ok=True)
        return bool(found)

    def _releases(self) -> _Open:
        """By url and version, newest first."""
        generation = self.generation()
        if generation != self._known_generation:
            with self._lock:
                self._known = self._read()
                self._known_generation = generation
        return self._known

    def _read(self) -> _Open:
        files = self._files
        self._files = {name: files[name] if name in files else self._open(name) for name in self._names()}
        found: dict[str, dict[str, SqliteRelease]] = {}
        for _, release in sorted(self._files.items()):  # a later turn replaces an earlier one
            if release is not None:
                found.setdefault(release.url, {})[release.version] = release
        return {url: _newest_first(versions) for url, versions in sorted(found.items())}

    def _open(self, name: str) -> SqliteRelease | None:
        try:
            return SqliteRelease(self._folder / name)
        except (OtherFormat, OSError, sqlite3.OperationalError):  # taken away meanwhile, or not ours
            return None


def _newest_first(versions: Mapping[str, SqliteRelease]) -> dict[str, SqliteRelease]:
    """By their dates where all have one (versions such as RxNorm's ``07012024`` do not sort), else by version."""
    dated = all(isinstance(release.header.get("date"), str) for release in versions.values())

    def age(release: SqliteRelease) -> tuple[str, list[tuple[int, str]]]:
        return release.header["date"] if dated else "", version_key(release.version)

    return {one.version: one for one in sorted(versions.values(), key=age, reverse=True)}


def version_key(version: str) -> list[tuple[int, str]]:
    """Sorts ``2.9`` before ``2.77``: numbers by their value, the rest as text."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]{1,18})", version)]


def _name(url: str, version: str) -> str:
    return f"{_digest(f'{url}|{version}'):016x}"


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest(), "big")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
