"""The quickstart of the README is run as it is written, against a server of its own."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("quickstart")

ROOT = Path(__file__).resolve().parents[3]
BASH, CURL = shutil.which("bash"), shutil.which("curl")


def quickstart() -> str:
    """The shell blocks of the section, in order."""
    text = (ROOT / "README.md").read_text("utf-8")
    section = re.search(r"^## Quickstart$(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert section is not None
    blocks = re.findall(r"^```sh\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 6
    return "\n".join(blocks)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the reader sees. The command line is the one of this environment and this source tree."""
    if BASH is None or CURL is None:
        pytest.skip("the quickstart needs bash and curl")
    folder = tmp_path_factory.mktemp("quickstart")
    tools = folder / "bin"
    tools.mkdir()
    command = "from fhirserver.app.cli import main; import sys; sys.exit(main())"
    (tools / "credence").write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{command}' \"$@\"\n")
    (tools / "credence").chmod(0o755)
    script = "set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n" + quickstart()
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    ran = subprocess.run(
        [BASH, "-c", script.replace("8080", str(free_port()))],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    "seen",
    [
        '"code": "authoritative"',
        '"total":1',
        "did you mean birthdate",
        "x-held: Patient.birthDate",
        '"valueCode":"contends"',
        '"valueString": "Patient.birthDate"',
        '"description": "Patient: birthDate - 1 claim to review"',
        '"code":"approved"}],"text":"approved"}',
        '"birthDate": "1999-06-11"',
        "Password, shown this once",
        "client_id=growth",
        '"authorization_endpoint"',
        "the same bytes",
    ],
)
def test_the_reader_sees(output: str, seen: str) -> None:
    assert seen in output


def test_held_before_and_approved_after(output: str) -> None:
    before = output.index("x-held")
    after = output.index('"text":"approved"')
    assert '"birthDate":"1999-06-01"' in output[before:after]
    assert '"valueDecimal": 0.95' in output[after:]
