"""Where the processes of one server meet to hand connections on: a Unix-domain socket, private to their user. On Linux.

https://man7.org/linux/man-pages/man7/unix.7.html
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

_SELF: Final = Path("/proc/self/fd")
_BACKLOG: Final = 16
_MOST: Final = 512
_PRIVATE: Final = 0o700
_CREDENTIALS: Final = "3i"


class Doorway:
    """The place of one listener in ``folder``, which is made where there is none."""

    def __init__(self, folder: Path, listener: str):
        self._folder = folder
        self._name = hashlib.sha256(listener.encode()).hexdigest()[:24]
        self._mark: tuple[int, int, int] | None = None

    def listen(self) -> socket.socket:
        """Take the place; one that was left over is put away. Raises OSError."""
        with self._address() as (address, folder), contextlib.ExitStack() as opened:
            listening = opened.enter_context(_plain())
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._name, dir_fd=folder)
            listening.bind(address)
            os.chmod(self._name, 0o600, dir_fd=folder)
            listening.listen(_BACKLOG)
            self._mark = _mark(os.stat(self._name, dir_fd=folder))
            opened.pop_all()
        return listening

    def leave(self) -> None:
        """Give the place up, unless another has taken it meanwhile."""
        place = self._folder / self._name
        with contextlib.suppress(FileNotFoundError):
            if self._mark == _mark(place.stat()):
                place.unlink()

    def reach(self) -> socket.socket | None:
        """A way to who has the place; None where nobody has it."""
        try:
            with self._address() as (address, _), contextlib.ExitStack() as opened:
                way = opened.enter_context(_plain())
                way.connect(address)
                if not is_ours(way):
                    return None
                opened.pop_all()
                return way
        except OSError:
            return None

    @contextlib.contextmanager
    def _address(self) -> Iterator[tuple[str, int]]:
        """By the folder's descriptor: an address may have 107 bytes, and a folder's path has more at times."""
        self._folder.mkdir(mode=_PRIVATE, exist_ok=True)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(folder).st_uid != os.geteuid():
                raise PermissionError(1, "the folder belongs to another user")
            os.fchmod(folder, _PRIVATE)
            yield f"{_SELF}/{folder}/{self._name}", folder
        finally:
            os.close(folder)


def _plain() -> socket.socket:
    """A socket that keeps the bounds of what is said."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    made.setblocking(False)
    return made


def _mark(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_dev, status.st_ino, status.st_ctime_ns


def is_ours(way: socket.socket) -> bool:
    """Whether the other end runs as our user."""
    size = struct.calcsize(_CREDENTIALS)
    _, user, _ = struct.unpack(
        _CREDENTIALS,
        way.getsockopt(socket.SOL_SOCKET, getattr(socket, "SO_PEERCRED"), size),  # noqa: B009
    )
    return bool(user == os.geteuid())


class Channel:
    """A way between two processes: words both ways in their order, each with a descriptor or none.

    Whoever has one calls :meth:`look` now and then: the loop may never tell of an end that was an error.
    """

    def __init__(self, way: socket.socket, hear: Callable[[bytes, int | None], None]):
        self._way, self._hear = way, hear
        self._unsaid: deque[bytes] = deque()
        self.ended = False
        """The other end says nothing more."""

    def open(self) -> None:
        """Hear what is said from now on."""
        asyncio.get_running_loop().add_reader(self._way.fileno(), self.look)

    def look(self) -> None:
        """Hear what was said, and say what could not be said before."""
        while not self.ended:
            try:
                words, given, _, _ = socket.recv_fds(self._way, _MOST, 1, socket.MSG_CMSG_CLOEXEC)
            except BlockingIOError:
                break
            except OSError:
                words, given = b"", []
            if not words:
                self.ended = True
                self._stop_hearing()
                return
            self._hear(words, given[0] if given else None)
        self._say_on()

    def say(self, words: bytes) -> None:
        """Say it now, or as soon as the other end can hear it."""
        self._unsaid.append(words)
        self._say_on()

    def _say_on(self) -> None:
        with contextlib.suppress(OSError):  # full; or its end, of which reading tells
            while self._unsaid:
                self._way.send(self._unsaid[0])
                self._unsaid.popleft()

    def hand(self, words: bytes, descriptor: int) -> bool:
        """Give a descriptor; False where the other end cannot take it now."""
        if self.ended or self._unsaid:
            return False
        try:
            socket.send_fds(self._way, [words], [descriptor])
        except OSError:
            return False
        return True

    def finish(self) -> None:
        """Say that nothing more comes; the other end may still speak."""
        with contextlib.suppress(OSError):
            self._way.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._stop_hearing()
        self.ended = True
        self._way.close()

    def _stop_hearing(self) -> None:
        if self._way.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._way.fileno())
