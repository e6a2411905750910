"""The watch over the logs itself: it sees what it should, in this process and in those of servers."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from tests.phi import MARK, Watch, known, leaks


def test_the_worlds_of_the_tests_are_known() -> None:
    found = known()
    assert {MARK, "Okafor", "Alvarez", "1982-03-03", "+14125550142", "12 Harbor Street"} <= found
    assert len(found) > 60
    assert not {"Other", "Worker"} & found


def test_what_leaks_is_found_as_a_word() -> None:
    assert list(leaks("a Okafor b\nc", ["Okafor", "Alvarez"])) == [("Okafor", "a Okafor b")]
    assert not list(leaks("Okaforth 1982-03-035", ["Okafor", "1982-03-03"]))


def test_logs_are_kept_with_the_texts_of_exceptions() -> None:
    watch = Watch()
    log = logging.Logger("alone")
    log.addHandler(watch)
    log.info("read %s", "a patient")
    assert not watch.findings()
    try:
        raise ValueError(f"no {MARK}")
    except ValueError:
        log.exception("it failed")
    (finding,) = watch.findings()
    assert MARK in finding and "test_logs_are_kept" in finding


def test_the_output_of_servers_is_read(tmp_path: Path) -> None:
    watch = Watch()
    for command, leaked in ((["credence", "serve", "--port", "1"], True), (["credence", "call"], False)):
        with (tmp_path / f"{command[1]}.log").open("w") as out:
            watch.note(command, {"stdout": out, "stderr": out})
            out.write(f"INFO {MARK} was born\n")
        assert bool(watch.findings()) is leaked
        (tmp_path / f"{command[1]}.log").unlink()


@pytest.mark.parametrize("more", [[], ["-n", "1"]])
def test_a_leak_fails_the_run(tmp_path: Path, more: list[str]) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import *  # noqa: F403\n")
    (tmp_path / "test_leak.py").write_text(
        f"import logging\n\ndef test_it():\n    logging.getLogger('x').info('hello %s', '{MARK[:4]}' + '{MARK[4:]}')\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--rootdir={tmp_path}",
            *more,
            str(tmp_path),
        ],
        cwd=root,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"PHI IN A LOG: '{MARK}' was logged" in done.stdout
