"""A real server on the MongoDB wire for the tests.

In this order: ``MONGODB_URL`` where it is set; a ``mongod`` on PATH, started as a one-member replica set;
SecantusDB (WiredTiger inside, GPL-3) from its own virtual environment ``.venv-mongo``, which ``make
.venv-mongo`` installs. It is only ever a separate process: nothing here imports it.

From a test::

    from tests.mongo_server import mongo_server

    @pytest.fixture(scope="session")
    def mongo_url():
        with mongo_server() as url:
            yield url

Where there is no server, :class:`NoMongoServer` is raised; a test may skip on it, unless
``CREDENCE_REQUIRE_MONGO`` is set (as ``make test`` and ``.ci/run`` do), when :func:`mongo_url_or_skip`
fails instead.

``python -m tests.mongo_server`` starts one and prints its URL until it is interrupted.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

_ROOT = Path(__file__).resolve().parent.parent
SECANTUS = Path(os.environ.get("SECANTUS", _ROOT / ".venv-mongo" / "bin" / "secantusd-py"))
START_SECONDS = 60.0
"""How long a server may take to answer; generous, because test machines are busy."""


class NoMongoServer(RuntimeError):
    """There is neither ``MONGODB_URL`` nor mongod nor SecantusDB."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class LocalMongo:
    """One server process with its own data directory. ``kill`` and ``start`` again keep the data."""

    def __init__(self, directory: Path, port: int | None = None):
        self.directory = directory
        self.port = port or free_port()
        self.url = f"mongodb://127.0.0.1:{self.port}/?directConnection=true"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it takes writes. Raises :class:`NoMongoServer`."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(self._command(), stdout=log, stderr=log, start_new_session=True)
        self._wait_until_writable()

    def _command(self) -> list[str]:
        data = self.directory / "data"
        data.mkdir(exist_ok=True)
        if mongod := shutil.which("mongod"):
            where = ["--dbpath", str(data), "--port", str(self.port), "--bind_ip", "127.0.0.1"]
            return [mongod, *where, "--replSet", "rs0"]
        if SECANTUS.exists():
            # Without --sync-on-commit its j:true is only a promise.
            where = ["--storage-path", str(data), "--port", str(self.port), "--host", "127.0.0.1"]
            return [
                str(SECANTUS),
                *where,
                "--cache-size",
                "128M",
                "--sync-on-commit",
                "--log-level",
                "WARNING",
            ]
        raise NoMongoServer(
            f"set MONGODB_URL, put mongod on PATH, or run `make {SECANTUS.parent.parent.name}`"
        )

    def _wait_until_writable(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        client: MongoClient[Any] = MongoClient(self.url, serverSelectionTimeoutMS=500)
        try:
            while not _writable(client):
                self._check_alive(deadline)
                time.sleep(0.05)
        finally:
            client.close()

    def _check_alive(self, deadline: float) -> None:
        assert self._process is not None
        if self._process.poll() is not None or time.monotonic() > deadline:
            self.stop()
            log = (self.directory / "server.log").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"the MongoDB server did not start:\n{log}")

    def kill(self) -> None:
        """End it as a power cut would: ``kill -9``."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order; with force when it takes longer than 15 seconds."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _writable(client: MongoClient[Any]) -> bool:
    """Whether the server is a primary.

    A mongod that was just born is told that it is the whole replica set.
    """
    try:
        hello = client.admin.command("hello")
        if hello.get("isWritablePrimary"):
            return True
        if not hello.get("setName"):
            host = "{}:{}".format(*client.address) if client.address else "127.0.0.1"
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": [{"_id": 0, "host": host}]})
    except PyMongoError:
        pass  # Not yet: the caller asks again until its deadline.
    return False


@contextmanager
def mongo_server() -> Iterator[str]:
    """The URL of a server for the length of the block: ``MONGODB_URL``, or one started for it alone."""
    if url := os.environ.get("MONGODB_URL"):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="credence-mongo-", ignore_cleanup_errors=True) as directory:
        server = LocalMongo(Path(directory))
        try:
            server.start()
            yield server.url
        finally:
            server.stop()


def mongo_url_or_skip() -> Iterator[str]:
    """For a session fixture: ``yield from mongo_url_or_skip()``.

    Fails where ``CREDENCE_REQUIRE_MONGO`` is set.
    """
    import pytest

    try:
        with mongo_server() as url:
            yield url
    except NoMongoServer as missing:
        if os.environ.get("CREDENCE_REQUIRE_MONGO"):
            raise
        pytest.skip(str(missing))


def main() -> int:
    with mongo_server() as url:
        print(url, flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
