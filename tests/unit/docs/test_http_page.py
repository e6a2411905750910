"""The lines of docs/http.md are run as they are written, against a server of their own."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.server_process import ServerProcess

pytestmark = pytest.mark.xdist_group("quickstart")

PAGE = Path(__file__).resolve().parents[3] / "docs" / "http.md"
BASH, CURL = shutil.which("bash"), shutil.which("curl")


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    if BASH is None or CURL is None:
        pytest.skip("the page needs bash and curl")
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    with ServerProcess(tmp_path_factory.mktemp("http")) as server:
        script = "set -u\n" + "\necho\n".join(blocks).replace("http://127.0.0.1:8080/fhir", server.base)
        ran = subprocess.run(
            [BASH, "-c", script],
            env={"TOKEN": server.token, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    "seen",
    [
        '"family":"Moss"',
        '<family value="Moss"/>',
        "406 application/fhir+json",
        "a,b\n1,2\n",
        '"data":"YSxiCjEsMgo="',
        "304",
        '"id":"zip"',
        '{"resourceType":"CapabilityStatement"',
        '"status":"200 OK"',
        "202\n404\n",
    ],
)
def test_the_reader_sees(output: str, seen: str) -> None:
    assert seen in output
