"""The files of a release: a folder, a zip, or one file; as its publisher ships it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from terminology.imports.kind import InvalidSource

_NOT_CONTENT = ("__MACOSX/", ".")


class Sources:
    """Opens the files of one release. Names are relative to the folder or zip, with ``/``."""

    def __init__(self, path: Path):
        self.path = path
        if not path.exists():
            raise InvalidSource(path, "there is no such file or folder")
        self._zip = self._open_zip() if path.is_file() and zipfile.is_zipfile(path) else None
        if self._zip is None and path.suffix.lower() == ".zip":
            raise InvalidSource(path, "this is no zip file, or it is cut off")
        self.names = sorted(name for name in self._all() if not name.startswith(_NOT_CONTENT))

    def _open_zip(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path)
        except (OSError, zipfile.BadZipFile) as error:
            raise InvalidSource(self.path, f"the zip cannot be opened: {error}") from None

    def _all(self) -> Iterator[str]:
        if self._zip is not None:
            yield from (one.filename for one in self._zip.infolist() if not one.is_dir())
        elif self.path.is_dir():
            yield from (
                one.relative_to(self.path).as_posix() for one in self.path.rglob("*") if one.is_file()
            )
        else:
            yield self.path.name

    def named(self, *names: str) -> list[str]:
        """The files with one of these names, in any folder and case; first those of the first name."""
        wanted = [name.lower() for name in names]
        found = [name for name in self.names if PurePosixPath(name).name.lower() in wanted]
        return sorted(
            found, key=lambda name: (wanted.index(PurePosixPath(name).name.lower()), name.count("/"), name)
        )

    def one(self, *names: str) -> str:
        """The file that must be there."""
        found = self.named(*names)
        if not found:
            raise InvalidSource(self.path, f"there is no {' or '.join(names)} in it")
        return found[0]

    def size(self, name: str) -> int:
        if self._zip is not None:
            return self._zip.getinfo(name).file_size
        return self._on_disk(name).stat().st_size

    def _on_disk(self, name: str) -> Path:
        return self.path / name if self.path.is_dir() else self.path

    def open(self, name: str) -> BinaryIO:
        if self._zip is None:
            return self._on_disk(name).open("rb")
        try:
            return io.BufferedReader(self._zip.open(name), 1 << 18)  # type: ignore[type-var]
        except (NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
            raise InvalidSource(self.place(name), f"it cannot be read from the zip: {error}") from None

    def place(self, name: str) -> str:
        """The file, for a message."""
        if self._zip is None:
            return str(self._on_disk(name))
        return f"{self.path}/{name}"
