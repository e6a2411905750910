"""The commands of docs/subscriptions.md are run as they are written, against a server of their own."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.server_process import ServerProcess, free_port

pytestmark = pytest.mark.xdist_group("quickstart")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "subscriptions.md"
BASH, CURL = shutil.which("bash"), shutil.which("curl")


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    if BASH is None or CURL is None:
        pytest.skip("the page needs bash and curl")
    text = PAGE.read_text("utf-8").replace("8099", str(free_port()))
    settings = "\n".join(re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    script = "set -u\ntrap 'kill $(jobs -p)' EXIT\n" + "\necho\n".join(
        re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    )
    folder = tmp_path_factory.mktemp("subscriptions")
    with ServerProcess(folder / "server", settings=f"\n{settings}") as server:
        environment = {
            "FHIR": server.base,
            "ehr": f"Authorization: Bearer {server.token}",
            "json": "Content-Type: application/fhir+json",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        }
        ran = subprocess.run(
            [BASH, "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    "seen",
    [
        "SubscriptionTopic/appointment-changed",
        '"status":"requested"',
        "handshake\nevent-notification 1\n",
        '"valueCode":"query-status"',
        '"name":"lag-events","valueInteger":0',
        '"valueCode":"query-event"',
        '"method":"POST","url":"Appointment"',
        '"resourceType":"SubscriptionTopic","id":"visit-over"',
        '"valueUri":"http://example.org/topics/visit-over"',
    ],
)
def test_the_reader_sees(output: str, seen: str) -> None:
    assert seen in output
