"""The command line as a process: quick help, errors that say what to do."""

from __future__ import annotations

import resource
import subprocess
from pathlib import Path

from fhirserver.app.cli import COMMANDS
from tests.server_process import ServerProcess, command, credence


def test_help_names_every_command_and_is_quick() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = credence("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert all(name in done.stdout for name in COMMANDS)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3


def test_a_reader_who_goes_away_is_no_error() -> None:
    pipe = " ".join(command()) + " --help | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", pipe], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_version_and_mistakes_say_what_to_do(tmp_path: Path) -> None:
    assert credence("--version").stdout.startswith("credence ")
    unknown = credence("srve")
    assert (unknown.returncode, "no command 'srve'" in unknown.stdout) == (2, True)
    missing = credence("doctor", "--config", str(tmp_path / "none.toml"))
    assert (missing.returncode, "credence init" in missing.stdout) == (2, True)
    assert "Traceback" not in missing.stdout


def test_the_server_starts_again_and_stops_in_order(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        server.stop()
        server.start()
        assert server.stop() in (0, -15), "in order, or by the signal that asked for it"
