"""A source file that may be packed with gzip, read as a stream that knows how far it is."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from terminology.imports.kind import InvalidSource

_GZIP = b"\x1f\x8b"


class Opened:
    """``stream`` gives the unpacked bytes; :attr:`done` of :attr:`size` are bytes of the file as it lies there."""

    def __init__(self, raw: BinaryIO, size: int):
        self._raw, self.size = raw, size
        packed = raw.peek(2)[:2] == _GZIP  # type: ignore[attr-defined]
        self.stream: IO[bytes] = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if packed else raw

    @property
    def done(self) -> int:
        return self._raw.tell()


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Raises :class:`InvalidSource` where the file is not there, cannot be read, or is packed and damaged."""
    try:
        with path.open("rb") as raw:
            yield Opened(raw, path.stat().st_size)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InvalidSource(path, "it is packed with gzip and damaged, or ends early") from None
    except OSError as error:
        raise InvalidSource(path, f"it cannot be read: {error.strerror or error}") from None


def first_bytes(path: Path, count: int = 4096) -> bytes:
    """The first bytes unpacked; none where the file cannot be read."""
    try:
        with opened(path) as file:
            return file.stream.read(count)
    except InvalidSource:
        return b""
