"""Credence as a process of its own, for drills, suites and measurements that must meet the real thing.

::

    with ServerProcess(directory) as server:
        httpx.get(f"{server.base}/Patient", headers=server.headers)
        server.kill()     # kill -9
        server.start()    # on the same port and data
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

START_SECONDS = 60.0
"""How long the server may take until it is ready; generous, because test machines are busy."""
STOP_SECONDS = 30.0
WRITER = "ehr"
"""The principal of a fresh configuration whose source is authoritative and may write every type."""


class ServerFailed(RuntimeError):
    """The server did not start or a command of it failed; the message ends with its output."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def credence(*arguments: str, timeout: float = 600.0) -> subprocess.CompletedProcess[str]:
    """Run ``credence ARGUMENTS`` to its end; standard error goes into standard output."""
    return subprocess.run(
        [*command(), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout
    )


def command() -> list[str]:
    """How the command line of this very environment is started."""
    installed = Path(sys.executable).with_name("credence")
    if installed.exists():
        return [str(installed)]
    return [sys.executable, "-c", "from fhirserver.app.cli import main; main()"]


class ServerProcess:
    """One server with its configuration, data and log in ``directory``.

    Use it as a context, or call ``start`` and ``stop``. ``kill`` and ``start`` again keep port, data and
    tokens. ``settings`` are further tables of the configuration.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        environment: dict[str, str] | None = None,
        workers: int = 1,
        settings: str = "",
        server: str = "",
        own_data: bool = True,
    ):
        """``server``: more lines of the table ``[server]``; with ``tls_cert`` among them it speaks https.
        Without ``own_data`` the data are where ``[storage]`` says."""
        self.directory = directory
        self.port = port or free_port()
        self.workers = workers
        self._settings, self._server, self._own_data = settings, server, own_data
        scheme = "https" if "tls_cert" in server else "http"
        self.root = f"{scheme}://127.0.0.1:{self.port}"
        self.config = directory / "credence.toml"
        self.data = directory / "data"
        self.base = f"{self.root}/fhir"
        self.tokens: dict[str, str] = {}
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ServerProcess:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def secret(self, text: str, name: str = "ehr-token") -> Path:
        """A file beside the configuration that holds a secret, for a setting such as ``token_file``."""
        path = self.directory / name
        path.touch(0o600)
        path.write_text(text)
        return path

    @property
    def token(self) -> str:
        """The bearer token of :data:`WRITER`."""
        return self.tokens[WRITER]

    @property
    def headers(self) -> dict[str, str]:
        """What a request for JSON as :data:`WRITER` needs."""
        return self.headers_of(WRITER)

    def headers_of(self, principal: str) -> dict[str, str]:
        """What a request for JSON as ``principal`` needs."""
        return {
            "Authorization": f"Bearer {self.tokens[principal]}",
            "Content-Type": "application/fhir+json",
            "Accept": "application/fhir+json",
        }

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> float:
        """Start it and wait until it is ready; the answer is how many seconds that took."""
        started = time.monotonic()
        self.launch()
        self._wait_until_ready(started + START_SECONDS)
        return time.monotonic() - started

    def launch(self) -> None:
        """Start it and do not wait."""
        if not self.config.exists():
            self._initialise()
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", str(self.workers)]
        where += ["--data", str(self.data)] if self._own_data else []
        with self._log().open("ab") as log:
            self._process = subprocess.Popen(
                [*command(), "serve", "--config", str(self.config), *where],
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )

    def _initialise(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        tokens = self.directory / "tokens"
        made = credence("init", "--config", str(self.config), "--token-file", str(tokens))
        if made.returncode:
            raise ServerFailed(f"credence init failed:\n{made.stdout}")
        self.tokens = dict(line.split("=", 1) for line in tokens.read_text().splitlines())
        if self._server:
            self.config.write_text(
                self.config.read_text().replace("[server]", f"[server]\n{self._server}", 1)
            )
        with self.config.open("a") as config:
            config.write(self._settings)

    def _log(self) -> Path:
        return self.directory / "server.log"

    def log_tail(self, characters: int = 3000) -> str:
        """The last of what the server wrote."""
        return self._log().read_text(errors="replace")[-characters:] if self._log().exists() else ""

    def _wait_until_ready(self, deadline: float) -> None:
        while not self._ready():
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed(f"the server did not become ready:\n{self.log_tail()}")
            time.sleep(0.02)

    def _ready(self) -> bool:
        try:
            anybody = ssl._create_unverified_context() if self.root.startswith("https") else None
            with urllib.request.urlopen(f"{self.root}/readyz", timeout=2, context=anybody) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """End it and all its children as a power cut would: ``kill -9``."""
        process, self._process = self._process, None
        if process is not None:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def stop(self) -> int:
        """End it in order; the answer is its exit code. Raises :class:`ServerFailed` when it does not end."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.terminate()
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise ServerFailed(
                f"the server did not end within {STOP_SECONDS:.0f} s:\n{self.log_tail()}"
            ) from None

    def rebuild_and_verify(self) -> str:
        """``credence rebuild --verify`` on the data of the stopped server; its output.

        Raises when bytes differ.
        """
        done = credence("rebuild", "--verify", "--config", str(self.config), "--data", str(self.data))
        if done.returncode:
            raise ServerFailed(f"credence rebuild --verify failed:\n{done.stdout[-3000:]}")
        return done.stdout.strip()
